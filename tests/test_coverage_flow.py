"""Who counts as staffed now, and who on the list."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gridsvc.casework.clocks import Calendar
from gridsvc.coverage.demand import Demand
from gridsvc.coverage.groups import GROUP_ROLES, Group, State
from gridsvc.coverage.reach import Coverage
from gridsvc.dispatch import ForceIndex
from gridsvc.domain.area import Grid, PublishedMap, as_multipolygon
from gridsvc.domain.force import LivePosition, Responder, Role, Vehicle
from gridsvc.domain.geo import LngLat, MetricFrame
from gridsvc.flows.mapping import coverage
from gridsvc.flows.scene import Scene
from gridsvc.travel.straight import DETOUR, SPEEDS_KMH, StraightLine
from tests.maps_county import jagged_map

FRAME = MetricFrame()
NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 23, 16, tzinfo=UTC)
MAP = jagged_map(1, 1)
DEMAND = Demand.of(MAP, FRAME)
HERE = FRAME.back(x=DEMAND.xy[:1, 0], y=DEMAND.xy[:1, 1])
AT_HOME = LngLat(float(HERE[0][0]), float(HERE[1][0]))
ELSEWHERE = LngLat(AT_HOME.lng + 0.03, AT_HOME.lat)
DOCTOR = Responder(
    "D1",
    "张三",
    Role.DOCTOR,
    "530324",
    AT_HOME,
    phone="19900000001",
    night=True,
    vehicle=Vehicle.CAR,
)


def covered(
    *people: Responder,
    at: datetime = NOON,
    group: Group = Group.MEDICAL,
    busy: dict[str, str] | None = None,
) -> Coverage:
    force = ForceIndex(people, FRAME)
    scene = Scene(None, force, StraightLine(), Calendar(), busy or {})
    return coverage(scene, DEMAND, group=group, at=at)


def counted(found: Coverage) -> tuple[int, int]:
    return found.reaches[State.STAFFED].people, found.reaches[State.NOMINAL].people


@pytest.mark.parametrize(
    ("change", "at", "staffed"),
    [
        ({}, NOON, 1),
        ({}, MIDNIGHT, 1),
        ({"on_duty": False}, NOON, 0),
        ({"phone": ""}, NOON, 0),
        ({"phone": "", "app": True}, NOON, 1),
        ({"night": False}, NOON, 1),
        ({"night": False}, MIDNIGHT, 0),
    ],
)
def test_staffed_is_who_can_be_called_out_at_that_hour(
    change: dict[str, object], at: datetime, staffed: int
) -> None:
    found = covered(replace(DOCTOR, **change), at=at)  # type: ignore[arg-type]
    assert counted(found) == (staffed, 1)
    assert found.night == (at is MIDNIGHT)


@pytest.mark.parametrize("group", list(Group))
def test_who_is_held_by_a_case_is_not_staffed(group: Group) -> None:
    role = min(GROUP_ROLES[group])
    assert role.exclusive
    one = replace(DOCTOR, id="A1", role=role)
    assert counted(covered(one, group=group, busy={"A1": "罗平-20261123-0001"})) == (0, 1)
    assert counted(covered(one, group=group, busy={"A2": "罗平-20261123-0001"})) == (1, 1)


def test_only_the_groups_own_roles_count() -> None:
    people = [replace(DOCTOR, id=role.value, role=role) for role in Role]
    expected = {Group.MEDICAL: 2}
    for group in Group:
        assert counted(covered(*people, group=group))[1] == expected.get(group, 1)


def test_staffed_goes_from_where_they_are_and_nominal_from_home() -> None:
    live = LivePosition(ELSEWHERE, NOON - timedelta(minutes=1))
    found = covered(replace(DOCTOR, live=live))
    x, y = FRAME.point(lng=ELSEWHERE.lng, lat=ELSEWHERE.lat)
    metres = float(((DEMAND.xy[0] - (x, y)) ** 2).sum() ** 0.5)
    seconds = metres * DETOUR * 3.6 / SPEEDS_KMH[Vehicle.CAR]
    assert found.reaches[State.STAFFED].grid_seconds[0] == pytest.approx(seconds)
    assert found.reaches[State.NOMINAL].grid_seconds[0] == pytest.approx(0, abs=0.01)
    stale = replace(DOCTOR, live=LivePosition(ELSEWHERE, NOON - timedelta(minutes=16)))
    assert covered(stale).reaches[State.STAFFED].grid_seconds[0] == pytest.approx(0, abs=0.01)


def test_who_has_no_place_reaches_nothing_and_a_live_position_is_a_place() -> None:
    lost = replace(DOCTOR, home=None)
    assert counted(covered(lost)) == (0, 0)
    assert counted(covered(replace(lost, live=LivePosition(AT_HOME, NOON)))) == (1, 1)
    assert counted(covered()) == (0, 0)


def test_a_map_of_one_grid_without_figures_has_denominators_too() -> None:
    shape = as_multipolygon(MAP.grids[0].geometry)
    bare = PublishedMap(1, (), (Grid("530324001001001", "一", "530324001001", shape),), ())
    scene = Scene(None, ForceIndex((DOCTOR,), FRAME), StraightLine(), Calendar(), {})
    found = coverage(scene, Demand.of(bare, FRAME), group=Group.MEDICAL, at=NOON)
    part = found.reaches[State.STAFFED].within(300.0)
    assert (part.grids, part.residents) == (1, 0.0)
    assert part.area_m2 == pytest.approx(FRAME.areas_m2([shape])[0])
