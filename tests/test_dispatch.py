"""The nearest people, against brute force, and every reason why somebody is not sent."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsvc.dispatch import ForceIndex, rank
from gridsvc.dispatch.eligibility import LAY_REASONS, eligible, is_night, refusals
from gridsvc.dispatch.ranking import CHOSEN, REFUSED_SHOWN, Ranking
from gridsvc.domain.force import Capability, LivePosition, Responder, Role
from gridsvc.domain.geo import LngLat, MetricFrame
from gridsvc.domain.kinds import KINDS, KINDS_BY_CODE, Kind, Lay

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
NIGHT = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)
FRAME = MetricFrame()
HERE = (104.3, 24.9)


def person(key: str, lng: float = 104.3, lat: float = 24.9, **more: object) -> Responder:
    known: dict[str, object] = {
        "role": Role.DOCTOR,
        "capabilities": frozenset({Capability.FIRST_AID}),
        "phone": "1",
        "night": True,
    }
    return Responder(
        id=key,
        name=key,
        area="530324",
        home=LngLat(lng, lat),
        **{**known, **more},  # type: ignore[arg-type]
    )


def reasons(one: Responder, kind: str = "sudden_illness", at: datetime = NOON) -> list[str]:
    return [text.en for text in refusals(one, kind=KINDS_BY_CODE[kind], at=at)]


def ranked(people: list[Responder], kind: str, at: datetime = NOON) -> Ranking:
    index = ForceIndex(people, FRAME)
    return rank(index, lng=HERE[0], lat=HERE[1], kind=KINDS_BY_CODE[kind], at=at)


places = st.tuples(st.floats(104.0, 104.6), st.floats(24.6, 25.2))


@given(st.lists(places, max_size=300), places)
def test_law_everybody_comes_once_the_nearest_first(
    homes: list[tuple[float, float]], at: tuple[float, float]
) -> None:
    people = [person(f"{n:04d}", *home) for n, home in enumerate(homes)]
    found = list(ForceIndex(people, FRAME).nearest(lng=at[0], lat=at[1], at=NOON))
    x0, y0 = FRAME.point(lng=at[0], lat=at[1])
    brute = sorted(
        (float(np.hypot(*(np.array(FRAME.point(lng=h[0], lat=h[1])) - (x0, y0)))), f"{n:04d}")
        for n, h in enumerate(homes)
    )
    assert [near.responder.id for near in found] == [key for _, key in brute]
    assert [near.distance_m for near in found] == pytest.approx([d for d, _ in brute], abs=1e-6)


def test_many_in_one_place_come_by_id() -> None:
    people = [person(f"{n:04d}") for n in range(500, 0, -1)]
    found = ForceIndex(people, FRAME).nearest(lng=HERE[0], lat=HERE[1], at=NOON)
    assert [near.responder.id for near in found] == [f"{n:04d}" for n in range(1, 501)]


def test_a_fresh_live_position_counts_and_an_old_one_falls_back_to_home() -> None:
    live = LivePosition(LngLat(104.31, 24.9), NOON - timedelta(minutes=15))
    index = ForceIndex([person("a", 104.4, 24.9, live=live)], FRAME)
    (now,) = index.nearest(lng=104.31, lat=24.9, at=NOON)
    assert (now.from_live, round(now.distance_m)) == (True, 0)
    (later,) = index.nearest(lng=104.31, lat=24.9, at=NOON + timedelta(seconds=1))
    assert not later.from_live
    assert later.distance_m > 9000


def test_a_live_position_from_the_future_falls_back_to_home() -> None:
    index = ForceIndex(
        [person("a", 104.4, 24.9, live=LivePosition(LngLat(104.31, 24.9), NOON))], FRAME
    )
    for ahead, from_live in ((0, True), (300, True), (301, False), (10**9, False)):
        (found,) = index.nearest(lng=104.31, lat=24.9, at=NOON - timedelta(seconds=ahead))
        assert found.from_live is from_live


def test_a_move_makes_a_new_snapshot_and_leaves_the_old_one() -> None:
    people = [person("a", 104.4), person("b", 104.5), Responder("c", "c", Role.DOCTOR, "1", None)]
    before = ForceIndex(people, FRAME)
    live = LivePosition(LngLat(*HERE), NOON)
    after = before.moved({"c": live, "b": live, "nobody": live})

    def found(index: ForceIndex) -> list[tuple[str, bool]]:
        near = index.nearest(lng=HERE[0], lat=HERE[1], at=NOON)
        return [(one.responder.id, one.from_live) for one in near]

    assert found(before) == [("a", False), ("b", False)]
    assert found(after) == [("b", True), ("c", True), ("a", False)]
    assert [one.live for one in after.responders] == [None, live, live]
    assert (before.without_place, after.without_place) == (1, 0)
    assert found(after.moved({"b": None, "c": None})) == found(before)


def test_the_age_of_a_live_position_is_told() -> None:
    live = LivePosition(LngLat(104.31, 24.9), NOON - timedelta(minutes=7, seconds=30))
    ranking = ranked([person("a", live=live)], "sudden_illness")
    assert "live position, 7 minutes ago" in [t.en for t in ranking.chosen[0].reasons]


def test_without_any_place_nobody_is_found_and_it_is_counted() -> None:
    lost = Responder("a", "a", Role.DOCTOR, "530324", None)
    index = ForceIndex([lost], FRAME)
    assert list(index.nearest(lng=HERE[0], lat=HERE[1], at=NOON)) == []
    assert index.without_place == 1
    assert list(ForceIndex([], FRAME).nearest(lng=1, lat=1, at=NOON)) == []


def test_every_reason_at_once() -> None:
    one = person("a", on_duty=False, phone="", night=False, capabilities=frozenset())
    assert reasons(one, at=NIGHT) == [
        "off duty",
        "no way to reach them",
        "not reachable at night",
        "cannot do any of: first on the scene, first aid, ambulance",
    ]
    assert reasons(person("a")) == []


@pytest.mark.parametrize("kind", [k.code for k in KINDS if k.lay is Lay.NONE])
def test_no_lay_person_where_lay_people_must_stay_away(kind: str) -> None:
    every = frozenset(Capability)
    for role in (Role.SENTINEL, Role.GRID_WORKER, Role.MEDIATOR):
        assert reasons(person("a", role=role, capabilities=every), kind)


@pytest.mark.parametrize(
    ("local", "night"), [("21:59", False), ("22:00", True), ("05:59", True), ("06:00", False)]
)
def test_night_is_ten_to_six_in_the_county(local: str, night: bool) -> None:
    assert is_night(datetime.fromisoformat(f"2026-11-23T{local}:00+08:00")) is night


def test_the_nearest_for_each_capability_follows_the_nearest_few() -> None:
    aid = [person(f"{n}", 104.3 + n * 1e-4) for n in range(9)]
    far = person("car", 104.5, role=Role.AMBULANCE, capabilities=frozenset({Capability.AMBULANCE}))
    ranking = ranked([*aid, far], "sudden_illness")
    assert [c.responder.id for c in ranking.chosen] == [*map(str, range(CHOSEN)), "car"]
    assert ranking.missing == (Capability.FIRST_ON_SCENE,)
    assert ranking.hand_over == ("120",)


def test_lay_people_at_a_fight_are_told_to_stand_off() -> None:
    worker = person("w", role=Role.GRID_WORKER, capabilities=frozenset({Capability.GRID_DUTY}))
    ranking = ranked([worker], "fight")
    assert "to stand off and evacuate only" in [t.en for t in ranking.chosen[0].reasons]


Placed = tuple[int, dict[str, Any]]
"""Hundredths of a degree east of here, and what a person is."""

forces = st.lists(
    st.tuples(
        st.integers(0, 90),
        st.fixed_dictionaries(
            {
                "role": st.sampled_from(Role),
                "capabilities": st.frozensets(st.sampled_from(Capability), max_size=2),
                "on_duty": st.booleans(),
                "night": st.booleans(),
                "phone": st.sampled_from(["", "1"]),
            }
        ),
    ),
    max_size=250,
)


def _people(force: list[Placed]) -> list[Responder]:
    return [person(f"{n:03d}", 104.3 + 0.01 * east, **more) for n, (east, more) in enumerate(force)]


@given(forces, st.sampled_from(KINDS), st.sampled_from([NOON, NIGHT]))
def test_law_eligible_is_without_a_reason_to_refuse(
    force: list[Placed], kind: Kind, at: datetime
) -> None:
    for one in _people(force):
        assert eligible(one, kind=kind, at=at) is not bool(refusals(one, kind=kind, at=at))


@given(forces, st.sampled_from(KINDS), st.sampled_from([NOON, NIGHT]))
def test_law_a_bounded_walk_chooses_what_a_walk_over_everybody_does(
    force: list[Placed], kind: Kind, at: datetime
) -> None:
    people = _people(force)
    wanted = set(kind.sends)
    chosen: list[str] = []
    for near in ForceIndex(people, FRAME).nearest(lng=HERE[0], lat=HERE[1], at=at):
        if near.distance_m > 60_000 or refusals(near.responder, kind=kind, at=at):
            continue
        brings = near.responder.capabilities & wanted
        if len(chosen) < CHOSEN or brings:
            chosen.append(near.responder.id)
            wanted -= brings
    ranking = ranked(people, kind.code, at)
    assert [one.responder.id for one in ranking.chosen] == chosen
    assert set(ranking.missing) == wanted


def test_where_nobody_can_do_what_is_asked_the_walk_is_short(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def counted(one: Responder, **given: Any) -> bool:
        asked.append(one.id)
        return eligible(one, **given)

    monkeypatch.setattr("gridsvc.dispatch.ranking.eligible", counted)
    people = [person(f"{n:05d}", 104.3 + n * 1e-6) for n in range(23_000)]
    ranking = ranked(people, "house_fire")
    assert ranking.chosen == ()
    assert set(ranking.missing) == set(KINDS_BY_CODE["house_fire"].sends)
    assert [one.responder.id for one in ranking.refused] == [
        f"{n:05d}" for n in range(REFUSED_SHOWN)
    ]
    ranking = ranked(people, "sudden_illness")
    assert [one.responder.id for one in ranking.chosen] == [f"{n:05d}" for n in range(CHOSEN)]
    assert ranking.missing == (Capability.FIRST_ON_SCENE, Capability.AMBULANCE)
    assert ranked([person(one.id, on_duty=False) for one in people], "sudden_illness").chosen == ()
    assert ranked([replace(one, night=False) for one in people], "fight", NIGHT).chosen == ()
    assert len(asked) < 500


def test_the_lay_rule_speaks_of_lay_people_and_not_of_two_roles() -> None:
    assert "群众力量" in LAY_REASONS[Lay.NONE].zh
    assert "网格员" not in LAY_REASONS[Lay.NONE].zh
