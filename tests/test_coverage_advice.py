"""What a dispatch uncovers and which move restores most: against the definition, move by move."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from gridsvc.coverage.advice import MOVE_LIMIT_S, Table, advise, expected
from gridsvc.coverage.demand import Demand
from gridsvc.coverage.reach import Supply
from gridsvc.coverage.villages import Villages
from gridsvc.domain.area import Division, Level
from gridsvc.domain.force import Vehicle
from gridsvc.domain.geo import Floats, LngLat, MetricFrame
from gridsvc.domain.travel import Basis
from gridsvc.runtime import Runtime
from gridsvc.travel.straight import DETOUR, StraightLine
from tests.api_county import REPORT
from tests.dispatch_people import KMH
from tests.maps_county import jagged_map

TRAVEL = StraightLine()
VEHICLE_KMH = list(KMH.values())


def villages_at(xy: Floats, weight: Floats) -> Villages:
    codes = tuple(f"53032400100{n}" for n in range(len(xy)))
    return Villages(codes, codes, xy, weight, residents=True)


def seconds(a: Floats, b: Floats, vehicle: int) -> float:
    return float(np.hypot(*(a - b))) * DETOUR * 3.6 / VEHICLE_KMH[vehicle]


def coverage_of(villages: Villages, places: list[Floats], vehicles: list[int], q: float) -> float:
    """Daskin's expected coverage, person by person: the k-th adds (1 - q) q**(k - 1)."""
    total = 0.0
    for xy, weight in zip(villages.xy, villages.weight, strict=True):
        near = sum(seconds(at, xy, v) <= 900 for at, v in zip(places, vehicles, strict=True))
        total += weight * sum((1 - q) * q ** (k - 1) for k in range(1, near + 1))
    return total


counties = st.tuples(
    st.integers(1, 6), st.integers(1, 6), st.integers(0, 10_000), st.sampled_from([0.0, 0.3, 0.8])
)


@settings(max_examples=80)
@given(counties)
def test_no_other_move_restores_more(case: tuple[int, int, int, float]) -> None:
    count, people, seed, q = case
    rng = np.random.default_rng(seed)
    villages = villages_at(
        rng.uniform(0, 9000, (count, 2)), rng.integers(1, 500, count).astype(float)
    )
    start = rng.uniform(0, 9000, (people, 2))
    vehicle = rng.integers(0, 3, people).astype(np.int8)
    supply = Supply(start, vehicle, np.zeros(people, dtype=np.int8))
    taken = np.flatnonzero(rng.random(people) < 0.4)
    free = np.setdiff1d(np.arange(people), taken)
    found = advise(
        Table.of(villages, supply, TRAVEL), supply, free=free, taken=taken, busy_fraction=q
    )
    vehicles = [int(vehicle[who]) for who in free]
    places = [start[who] for who in free]
    now = coverage_of(villages, places, vehicles, q)
    assert found.after == pytest.approx(now)
    assert found.before == pytest.approx(
        coverage_of(villages, list(start), [int(v) for v in vehicle], q)
    )
    gains = {
        (int(who), to): coverage_of(
            villages, [*places[:n], villages.xy[to], *places[n + 1 :]], vehicles, q
        )
        - now
        for n, who in enumerate(free)
        for to in range(count)
        if seconds(start[who], villages.xy[to], int(vehicle[who])) <= MOVE_LIMIT_S
    }
    most = max(gains.values(), default=0.0)
    if most < 1e-6:
        assert found.standby is None
    else:
        assert found.standby is not None
        move = found.standby
        assert move.gain == pytest.approx(most)
        assert gains[move.who, move.to] == pytest.approx(most)
        assert move.seconds == pytest.approx(
            seconds(start[move.who], villages.xy[move.to], int(vehicle[move.who]))
        )
    lost = {
        place
        for place, xy in enumerate(villages.xy)
        if any(seconds(start[who], xy, int(vehicle[who])) <= 900 for who in taken)
        and not any(seconds(start[who], xy, int(vehicle[who])) <= 900 for who in free)
    }
    assert set(found.lost) == lost
    assert [villages.weight[p] for p in found.lost] == sorted(
        (villages.weight[p] for p in lost), reverse=True
    )


def test_a_village_alone_gets_somebody_from_where_there_are_two() -> None:
    """Three villages 20 km apart, cars: the one that loses its last gets the second of another."""
    villages = villages_at(
        np.array([[0.0, 0.0], [9_000.0, 0.0], [18_000.0, 0.0]]), np.array([50.0, 90.0, 70.0])
    )
    start = np.array([[0.0, 0.0], [9_000.0, 0.0], [9_000.0, 50.0], [18_000.0, 0.0]])
    car = np.full(4, 2, dtype=np.int8)
    supply = Supply(start, car, np.zeros(4, dtype=np.int8))
    found = advise(
        Table.of(villages, supply, TRAVEL),
        supply,
        free=np.array([0, 1, 2]),
        taken=np.array([3]),
    )
    assert found.lost == (2,)
    assert found.standby is not None
    assert (found.standby.who, found.standby.to, found.standby.restored) == (1, 2, (2,))
    # 70 residents gain their first, 90 lose their second: (1 - q) (70 - 90 q) with q = 0.3.
    assert found.standby.gain == pytest.approx(0.7 * (70 - 90 * 0.3))
    assert found.standby.basis is Basis.STRAIGHT_LINE


def test_the_expected_coverage_is_the_chance_that_not_all_are_busy() -> None:
    villages = villages_at(np.zeros((3, 2)), np.array([10.0, 20.0, 40.0]))
    assert expected(villages, np.array([0, 1, 3]), 0.5) == 20 * 0.5 + 40 * 0.875


def test_who_has_no_place_covers_nothing_and_moves_nowhere() -> None:
    villages = villages_at(np.zeros((1, 2)), np.array([10.0]))
    supply = Supply(
        np.full((2, 2), np.nan), np.full(2, 2, dtype=np.int8), np.zeros(2, dtype=np.int8)
    )
    table = Table.of(villages, supply, TRAVEL)
    found = advise(table, supply, free=np.array([0]), taken=np.array([1]))
    assert (found.lost, found.before, found.after, found.standby) == ((), 0.0, 0.0, None)
    nobody = Supply(np.zeros((0, 2)), np.zeros(0, dtype=np.int8), np.zeros(0, dtype=np.int8))
    none = np.zeros(0, dtype=np.intp)
    assert advise(Table.of(villages, nobody, TRAVEL), nobody, free=none, taken=none).standby is None


def test_a_village_waits_where_its_residents_are() -> None:
    county = jagged_map(6, 6)
    frame = MetricFrame.around(104.0)
    demand = Demand.of(county, frame)
    villages = Villages.of(demand, county)
    assert villages.codes == tuple(sorted({grid.village for grid in county.grids}))
    of_point = np.array([county.grids[grid].village for grid in demand.grid])
    for place, code in enumerate(villages.codes):
        own = np.flatnonzero(of_point == code)
        assert villages.weight[place] == demand.residents[own].sum()
        middle = np.average(demand.xy[own], axis=0, weights=demand.residents[own])
        away = np.hypot(*(demand.xy[own] - middle).T)
        assert (villages.xy[place] == demand.xy[own[away.argmin()]]).all()
    named = Division(villages.codes[0], "甲村", Level.VILLAGE, county.grids[0].village[:9])
    assert Villages.of(demand, replace(county, divisions=(named,))).names[0] == "甲村"
    bare = replace(demand, residents=np.full(len(demand.xy), np.nan))
    unknown = Villages.of(bare, county)
    assert not unknown.residents
    assert unknown.weight.sum() == pytest.approx(demand.area_m2.sum())


def _advice(api: TestClient, key: str, **query: Any) -> dict[str, Any]:
    answer = api.get(f"/api/v1/incidents/{key}/coverage-advice", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def _drive(runtime: Runtime, **homes: LngLat) -> None:
    """Give the medical crews cars, and those named a home of their own."""
    crews = [one for one in runtime.force().responders if one.id in ("R0004", "R0005", "R0006")]
    with runtime.store.write() as work:
        work.force.upsert(
            [
                replace(
                    one,
                    vehicle=Vehicle.CAR,
                    home=homes.get(one.id, one.home),
                    on_duty=one.id in homes or one.on_duty,
                )
                for one in crews
            ]
        )
    runtime.load()


def test_over_http_the_advice_names_what_is_lost(api: TestClient, api_runtime: Runtime) -> None:
    _drive(api_runtime)
    case = api.post("/api/v1/incidents", json=REPORT).json()
    file = api.get(f"/api/v1/incidents/{case['id']}").json()
    assert file["coverage_advice"] == f"/api/v1/incidents/{case['id']}/coverage-advice"
    found = _advice(api, case["id"])
    assert (found["number"], found["limit_s"], found["busy_fraction"]) == (case["number"], 900, 0.3)
    assert "直线" in found["note"]
    (medical,) = found["groups"]
    assert (medical["group"], medical["taken"]) == ("medical", ["R0004", "R0005"])
    # The only other doctor is off duty.
    assert [(one["name"], one["residents"]) for one in medical["lost"]] == [
        ("甲社区", 130),
        ("乙村", 50),
    ]
    assert medical["covered_before"] == pytest.approx(1 - 0.3**2)
    assert medical["covered_after"] == 0
    assert medical["standby"] is None
    assert "2 个村（社区）15 分钟内再无村医和救护车可到：甲社区、乙村" in medical["text"]
    english = _advice(api, case["number"], lang="en")
    assert "no standby move helps" in english["groups"][0]["text"]
    assert api.get(f"/api/v1/incidents/{case['id']}/coverage-advice?busy=1").status_code == 422
    assert api.get("/api/v1/incidents/nothing/coverage-advice").status_code == 404
    ordinary = api.post(
        "/api/v1/incidents",
        json={**REPORT, "category": "livelihood", "kind": "old_and_young", "text": "独居"},
    ).json()
    assert _advice(api, ordinary["id"])["groups"] == []
    assert api.get(f"/api/v1/incidents/{ordinary['id']}").json()["coverage_advice"] is None


def test_over_http_a_far_colleague_is_advised_to_stand_by(
    api: TestClient, api_runtime: Runtime
) -> None:
    _drive(api_runtime, R0006=LngLat(104.22, 24.885))
    case = api.post("/api/v1/incidents", json=REPORT).json()
    for one in case["assignments"]:
        if not one["reserve"]:  # once they have accepted, the reserves are free again
            step = f"/api/v1/assignments/{one['id']}/steps"
            assert api.post(step, json={"step": "accept", "on_behalf": True}).status_code == 200
    (medical,) = _advice(api, case["id"])["groups"]
    assert medical["taken"] == ["R0004", "R0005"]
    assert len(medical["lost"]) == 2
    move = medical["standby"]
    assert (move["responder"], move["name"], move["to"]["name"]) == ("R0006", "己村医", "甲社区")
    assert [one["name"] for one in move["restored"]] == ["甲社区", "乙村"]
    assert move["gain"] == pytest.approx(0.7 * 180)
    assert 900 < move["eta_s"] <= MOVE_LIMIT_S
    assert "建议村医 R0006 到甲社区备勤" in medical["text"]
    # Advice holds nobody back.
    assert api_runtime.force().get("R0006") is not None
    with api_runtime.store.read() as reading:
        assert "R0006" not in reading.cases.taken()
