"""Made-up people around one place, and the slow and plain way to order them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from gridsvc.dispatch import Card, ForceIndex, View
from gridsvc.dispatch.eligibility import Busy, refusals
from gridsvc.dispatch.view import SEARCH_LIMIT_S
from gridsvc.domain.force import LAY_CAPABILITIES, Capability, Responder, Role, Vehicle
from gridsvc.domain.geo import LngLat, MetricFrame
from gridsvc.travel.straight import StraightLine

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
NIGHT = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)
FRAME = MetricFrame()
HERE = (104.3, 24.9)
TRAVEL = StraightLine()
CASE = "罗平-20261123-0042"
UNIT, GRID = "53032400100100101", "530324001001001"

KMH = {Vehicle.FOOT: 4.5, Vehicle.MOTORCYCLE: 30.0, Vehicle.CAR: 40.0}


def person(key: str, lng: float = 104.3, lat: float = 24.9, **more: Any) -> Responder:
    known: dict[str, Any] = {
        "role": Role.DOCTOR,
        "area": "530324",
        "capabilities": frozenset({Capability.FIRST_AID}),
        "phone": "1",
        "night": True,
    }
    return Responder(
        id=key,
        name=key,
        home=LngLat(lng, lat),
        **{**known, **more},
    )


def sentinel(key: str, lng: float = 104.3, **more: Any) -> Responder:
    can = frozenset({Capability.FIRST_ON_SCENE})
    return person(key, lng, **{"role": Role.SENTINEL, "capabilities": can, "area": UNIT, **more})


def worker(key: str, lng: float = 104.3, **more: Any) -> Responder:
    can = frozenset({Capability.GRID_DUTY})
    return person(key, lng, **{"role": Role.GRID_WORKER, "capabilities": can, "area": GRID, **more})


def crew(key: str, role: Role, *can: Capability, lng: float = 104.3, **more: Any) -> Responder:
    more = {"vehicle": Vehicle.CAR, "app": True, **more}
    return person(key, lng, role=role, capabilities=frozenset(can), **more)


def view_of(people: Iterable[Responder], at: datetime = NOON) -> View:
    index = ForceIndex(tuple(people), FRAME)
    return index.view(lng=HERE[0], lat=HERE[1], at=at, travel=TRAVEL, unit=UNIT, grid=GRID)


def score(one: Responder) -> tuple[float, float]:
    """The score and the travel time of somebody at home, in plain arithmetic."""
    assert one.home is not None
    x, y = FRAME.point(lng=one.home.lng, lat=one.home.lat)
    x0, y0 = FRAME.point(lng=HERE[0], lat=HERE[1])
    metres = ((x - x0) ** 2 + (y - y0) ** 2) ** 0.5
    eta = round(2.0 * metres / (KMH[one.vehicle] / 3.6))
    own = (one.role, one.area) in ((Role.SENTINEL, UNIT), (Role.GRID_WORKER, GRID))
    return eta + 120 + (0 if one.app else 60) - (300 if own else 0), eta


def in_order(people: Iterable[Responder]) -> list[Responder]:
    """Everybody within reach, the lowest score first, then by id."""
    reached = [one for one in people if score(one)[1] <= SEARCH_LIMIT_S]
    return sorted(reached, key=lambda one: (score(one)[0], one.id))


def free(people: Iterable[Responder], card: Card, at: datetime, busy: Busy) -> list[Responder]:
    """Who is sent, in order."""
    return [one for one in in_order(people) if not refusals(one, card=card, at=at, busy=busy)]


def counts_for(one: Responder, capability: Capability) -> bool:
    lay = one.role in (Role.SENTINEL, Role.GRID_WORKER, Role.MEDIATOR)
    office = one.role is Role.DEPARTMENT and capability is not Capability.TRADE
    if office and capability not in LAY_CAPABILITIES:
        return False
    return capability in one.capabilities and (capability in LAY_CAPABILITIES or not lay)


people = st.lists(
    st.tuples(
        st.integers(-40, 40),
        st.fixed_dictionaries(
            {
                "role": st.sampled_from(Role),
                "area": st.sampled_from([UNIT, GRID, "530324"]),
                "capabilities": st.frozensets(st.sampled_from(Capability), max_size=3),
                "vehicle": st.sampled_from(Vehicle),
                "app": st.booleans(),
                "on_duty": st.sampled_from([True, True, True, False]),
                "night": st.booleans(),
                "phone": st.sampled_from(["1", "1", ""]),
            }
        ),
    ),
    max_size=120,
).map(
    lambda placed: [
        person(f"{n:03d}", 104.3 + 0.01 * east, **more) for n, (east, more) in enumerate(placed)
    ]
)
"""A force whose members stand on a line through here: many are equally near."""


def busy_of(force: list[Responder], every: int) -> dict[str, str]:
    """Every ``every``-th is taken (0: nobody)."""
    return {one.id: CASE for one in force[::every]} if every else {}
