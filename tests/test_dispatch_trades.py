"""A matter for a department goes to one that is for it, before any that is nearer."""

from datetime import UTC, datetime

import pytest

from geodata.synthetic.people import _DEPARTMENTS
from gridsvc.dispatch import ForceIndex, card_for, picks, rank
from gridsvc.domain.force import Capability, Responder, Role
from gridsvc.domain.geo import LngLat, MetricFrame
from gridsvc.domain.kinds import KINDS, KINDS_BY_CODE
from gridsvc.domain.trades import TRADES, Trade, trades_of
from gridsvc.travel.straight import StraightLine

AT = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
NAMES = ("民政局", "供电局", "水务局", "人力资源和社会保障局", "住房和城乡建设局", "自然资源局")


def offices(*names: str) -> ForceIndex:
    """Departments east of the place, the first one nearest."""
    people = [
        Responder(
            id=f"D{n}",
            name=name,
            role=Role.DEPARTMENT,
            area="530324",
            home=LngLat(104.3 + 0.001 * n, 24.88),
            phone="19900000000",
            capabilities=frozenset({Capability.TRADE}),
            night=True,
        )
        for n, name in enumerate(names, start=1)
    ]
    return ForceIndex(people, MetricFrame())


def chosen(kind: str, *names: str, busy: dict[str, str] | None = None) -> list[tuple[str, str]]:
    travel = StraightLine()
    view = offices(*names).view(lng=104.3, lat=24.88, at=AT, travel=travel)
    card = card_for(KINDS_BY_CODE[kind], urgency=KINDS_BY_CODE[kind].urgency)
    ranking = rank(view, card, travel=travel, busy=busy or {})
    return [(c.responder.name, "".join(r.zh for r in c.reasons)) for c in ranking.chosen]


@pytest.mark.parametrize(
    ("kind", "first"),
    [
        ("unpaid_wages", "人力资源和社会保障局"),
        ("housing_dispute", "住房和城乡建设局"),
        ("land_dispute", "自然资源局"),
        ("utility_outage", "供电局"),
    ],
)
def test_the_department_that_is_for_it_goes_first(kind: str, first: str) -> None:
    named = chosen(kind, *NAMES)
    assert named[0][0] == first
    assert "主管此类事项：" in named[0][1]
    assert all("不主管此类事项" in said for name, said in named if name == "民政局")


def test_it_is_found_behind_any_number_of_nearer_ones() -> None:
    nearer = [f"第{n}办公室" for n in range(20)]
    assert chosen("unpaid_wages", *nearer, "劳动监察大队")[0][0] == "劳动监察大队"


def test_where_none_is_for_it_the_nearest_goes_and_says_so() -> None:
    ((name, said), *_) = chosen("unpaid_wages", "民政局", "水务局")
    assert name == "民政局"
    assert "应由人社劳动部门办理" in said


def test_an_urgent_matter_is_assigned_to_the_right_one() -> None:
    travel = StraightLine()
    view = offices(*NAMES).view(lng=104.3, lat=24.88, at=AT, travel=travel)
    card = card_for(KINDS_BY_CODE["utility_outage"], urgency=2)
    made, _ = picks(view, card)
    trade = [p for p in made if p.capability is Capability.TRADE]
    assert [pick.responder.name for pick in trade] == ["供电局"]


def test_every_kind_that_asks_a_department_says_which() -> None:
    asking = {kind.code for kind in KINDS if Capability.TRADE in kind.sends}
    assert asking == TRADES.keys()


def test_every_trade_is_known_by_a_department_of_the_demo() -> None:
    known = frozenset[Trade]().union(*(trades_of(name) for name, _ in _DEPARTMENTS))
    assert all(not trades.isdisjoint(known) for trades in TRADES.values())
    assert trades_of("罗平县住房和城乡建设局") == {Trade.HOUSING}
    assert trades_of("") == trades_of("民政局") == frozenset()
