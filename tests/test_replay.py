"""A replay: by hand on a small road, by brute force, twice the same, and as a command."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from gridsvc.cli import main
from gridsvc.coverage.villages import Villages
from gridsvc.dispatch import card_for
from gridsvc.domain.force import Capability, Responder, Role, Vehicle
from gridsvc.domain.geo import LngLat, MetricFrame
from gridsvc.domain.kinds import KINDS_BY_CODE
from gridsvc.domain.travel import VEHICLES
from gridsvc.flows import replay as replay_flow
from gridsvc.flows.replay import Call, Policy, World, calls_of, professional, professionals, replay
from gridsvc.flows.replay_figures import as_json, figures, table
from gridsvc.flows.reports import Report
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings
from gridsvc.store import Store
from gridsvc.travel.times import RoadTimes, road_times
from tests.api_county import publish_county
from tests.shared import shared_data
from tests.travel_samples import network_of

C = Capability
FRAME = MetricFrame()
BEGIN = datetime(2026, 10, 5, 2, 0, tzinfo=UTC)
CARD = professional(card_for(KINDS_BY_CODE["sudden_illness"], urgency=1))
WEST, EAST, SOUTH = 104.30, 104.40, 24.80


def river() -> RoadTimes:
    """Two banks, 600 m apart, that only meet in the far west: a long way by road, a short one by
    the straight line."""
    nodes = np.array([[WEST, SOUTH], [EAST, SOUTH], [WEST, SOUTH + 0.006], [EAST, SOUTH + 0.006]])
    times = road_times(network_of(nodes, [(0, 1), (0, 2), (2, 3)]), frame=FRAME)
    assert isinstance(times, RoadTimes)
    return times


def crew(key: str, lng: float, lat: float = SOUTH) -> Responder:
    return Responder(
        id=key,
        name=key,
        role=Role.AMBULANCE,
        area="530324",
        home=LngLat(lng, lat),
        phone="1",
        capabilities=frozenset({C.AMBULANCE, C.FIRST_AID}),
        night=True,
        vehicle=Vehicle.CAR,
    )


def world_of(*people: Responder, villages: tuple[tuple[float, float], ...] = ()) -> World:
    places = villages or ((WEST, SOUTH),)
    xy = np.array([FRAME.point(lng=lng, lat=lat) for lng, lat in places])
    names = tuple(str(n) for n in range(len(xy)))
    known = Villages(names, names, xy, np.full(len(xy), 100.0), residents=True)
    return World(people, FRAME, river(), known)


def call(number: int, minutes: float, lng: float, lat: float = SOUTH) -> Call:
    return Call(f"c{number}", BEGIN + timedelta(minutes=minutes), lng, lat, 1, CARD)


def by_road(world: World, who: int, lng: float, lat: float) -> float:
    one = world.people[who]
    assert one.home is not None
    start = np.array([FRAME.point(lng=one.home.lng, lat=one.home.lat)])
    number = np.array([VEHICLES.index(one.vehicle)], dtype=np.int8)
    found = world.truth.seconds(to=FRAME.point(lng=lng, lat=lat), start=start, vehicle=number)
    return float(found[0])


def test_the_straight_line_sends_over_the_river_and_the_road_does_not() -> None:
    world = world_of(crew("over", EAST, SOUTH + 0.006), crew("along", EAST - 0.03))
    calls = [call(0, 0, EAST)]
    straight, road = (replay(calls, world, p, seed=1) for p in (Policy.STRAIGHT, Policy.ROAD))
    assert straight.seconds.tolist() == pytest.approx([by_road(world, 0, EAST, SOUTH)], abs=0.01)
    assert road.seconds.tolist() == pytest.approx([by_road(world, 1, EAST, SOUTH)], abs=0.01)
    assert straight.seconds[0] > 2 * road.seconds[0]


def test_calls_far_apart_in_time_are_answered_by_the_nearest_at_home() -> None:
    rng = np.random.default_rng(5)
    homes = rng.uniform(WEST, EAST, 5)
    world = world_of(*(crew(f"A{n}", lng) for n, lng in enumerate(homes.tolist())))
    at = rng.uniform(WEST, EAST, 12).tolist()
    calls = [call(n, 24 * 60 * n, lng) for n, lng in enumerate(at)]
    found = replay(calls, world, Policy.ROAD, seed=3)
    # A choice is made in whole seconds; between two who are equally near either may go.
    expected = [min(by_road(world, who, lng, SOUTH) for who in range(5)) for lng in at]
    np.testing.assert_allclose(found.seconds, expected, atol=1.0)
    assert found.sent == 12


def test_who_waits_is_answered_when_somebody_is_free_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_flow, "SPREAD", 0.0)
    world = world_of(crew("only", WEST))
    near = WEST + 0.01
    found = replay([call(0, 0, near), call(1, 1, near)], world, Policy.ROAD, seed=1)
    out = by_road(world, 0, near, SOUTH)
    assert found.seconds[0] == pytest.approx(out, abs=0.01)
    # Free on the scene half an hour after arriving there, and already where the second call is.
    assert found.seconds[1] == pytest.approx(out + 1800 - 60, abs=1.0)
    none = replay(
        [call(0, 0, near)], world_of(replace(crew("x", WEST), on_duty=False)), Policy.ROAD, seed=1
    )
    assert np.isinf(none.seconds).all()
    assert figures(none)[0].unanswered == 1
    assert figures(none)[0].median_s is None


def test_standby_advice_is_followed_and_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_flow, "SPREAD", 0.0)
    far = EAST
    world = world_of(
        crew("east", far),
        crew("west1", WEST),
        crew("west2", WEST + 0.001),
        villages=((WEST, SOUTH), (far, SOUTH)),
    )
    # Somebody falls ill in the east; a second one 40 minutes later, while the first crew is away.
    calls = [call(0, 0, far), call(1, 25, far), call(2, 24 * 60, WEST)]
    road = replay(calls, world, Policy.ROAD, seed=1)
    advice = replay(calls, world, Policy.ADVICE, seed=1)
    assert (road.moves, advice.moves >= 1) == (0, True)
    assert road.seconds[1] > 600
    assert advice.seconds[1] < 60
    assert advice.seconds[2] == pytest.approx(road.seconds[2], abs=1.0)


def test_the_same_seed_gives_the_same_and_another_seed_another() -> None:
    rng = np.random.default_rng(8)
    world = world_of(*(crew(f"A{n}", lng) for n, lng in enumerate(rng.uniform(WEST, EAST, 3))))
    calls = [call(n, 7.0 * n, lng) for n, lng in enumerate(rng.uniform(WEST, EAST, 40).tolist())]
    for policy in Policy:
        one, two, other = (replay(calls, world, policy, seed=seed) for seed in (1, 1, 2))
        assert one.seconds.tolist() == two.seconds.tolist()
        assert one.seconds.tolist() != other.seconds.tolist()
        shuffled = replay(calls[::-1], world, policy, seed=1)
        assert shuffled.seconds.tolist() == one.seconds.tolist()


def test_figures_are_those_of_a_plain_count() -> None:
    rng = np.random.default_rng(2)
    world = world_of(crew("A", WEST), crew("B", EAST))
    calls = [
        replace(call(n, 60.0 * n, lng), urgency=1 + n % 2)
        for n, lng in enumerate(rng.uniform(WEST, EAST, 21).tolist())
    ]
    run = replay(calls, world, Policy.ROAD, seed=1)
    whole, first, second = figures(run)
    assert [(one.urgency, one.calls) for one in (whole, first, second)] == [
        (None, 21),
        (1, 11),
        (2, 10),
    ]
    seconds = sorted(run.seconds.tolist())
    assert whole.median_s == seconds[10]
    assert whole.late_s == seconds[18]
    assert whole.within_15 == sum(one <= 900 for one in seconds) / 21
    assert whole.within_8 == sum(one <= 480 for one in seconds) / 21
    said = table([run], "en").splitlines()
    assert said[2].startswith(f"| all | nearest by road | 21 | {seconds[10] / 60:.1f} |")
    told = as_json([run], seed=1)["policies"][0]["figures"][0]
    assert told["median_s"] == round(seconds[10], 1)
    assert table([run], "zh").count("\n") == 4


def test_only_urgent_located_reports_that_ask_for_professionals_are_replayed(
    store: Store, tmp_path: Path
) -> None:
    publish_county(store)
    runtime = Runtime(Settings.read(data=tmp_path), store, clock=lambda: BEGIN)
    runtime.load()

    def take(**more: object) -> str:
        known = {"category": "emergency", "kind": "sudden_illness", "lng": 104.305, "lat": 24.885}
        return runtime.receive(Report(**{**known, **more})).incident.id  # type: ignore[arg-type]

    kept = take()
    take(drill=True)
    take(urgency=3)
    take(lng=None, lat=None, text="不知道在哪")
    take(kind="armed_gas_hazmat")
    with store.read() as reading:
        day = timedelta(days=1)
        found = calls_of(reading, since=BEGIN, until=BEGIN + day)
        assert calls_of(reading, since=BEGIN - day, until=BEGIN) == []
    assert [one.id for one in found] == [kept]
    assert set(found[0].card.required) == {C.FIRST_AID, C.AMBULANCE}
    people = professionals(runtime.force().responders)
    assert {one.role for one in people} == {Role.DOCTOR, Role.AMBULANCE}


def test_the_command_needs_roads_and_says_what_it_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRIDSVC_DATA", str(tmp_path))
    settings = Settings.read(data=tmp_path)
    store = Store.open(settings.url)
    store.upgrade()
    publish_county(store)
    runtime = Runtime(settings, store, clock=lambda: BEGIN)
    runtime.load()
    asked = ["replay", "--from", "2026-10-01", "--to", "2026-10-31"]
    with pytest.raises(SystemExit):
        main(asked)
    assert "gridsvc import roads" in capsys.readouterr().err
    nodes = np.array([[104.30, 24.885], [104.34, 24.885]])
    with store.write() as work:
        work.roads.publish(network_of(nodes, [(0, 1)]), source="made up", demo=True, at=BEGIN)
    main(asked)
    assert "没有需要专业力量" in capsys.readouterr().out
    known = {"category": "emergency", "kind": "sudden_illness", "lng": 104.312, "lat": 24.885}
    runtime.receive(Report(**known))  # type: ignore[arg-type]
    store.close()
    main([*asked, "--policy", "road", "--policy", "straight", "--lang", "en"])
    said = capsys.readouterr().out
    assert "| all | nearest by road | 1 |" in said
    assert said.index("nearest by road") < said.index("nearest by straight line")
    assert "not measured" in said
    main([*asked, "--json"])
    told = json.loads(capsys.readouterr().out)
    assert [one["policy"] for one in told["policies"]] == ["straight", "road", "advice"]
    assert told["policies"][0]["figures"][0]["calls"] == 1
    with pytest.raises(SystemExit):
        main(["replay", "--from", "2026-10-31", "--to", "2026-10-01"])
    assert "对调" in capsys.readouterr().err


def test_auckland_by_road_is_no_worse_than_by_straight_line() -> None:
    from bench import replay as bench

    folder = shared_data("ems", "auckland")
    both = (Policy.STRAIGHT, Policy.ROAD)
    straight, road = bench.auckland_runs(folder, days=0.2, policies=both)
    assert len(road.calls) > 40
    # Each choice is the best of its moment; over a day that pays on the mean.
    assert road.seconds.mean() < straight.seconds.mean()
