"""A poor place: people forewarned, the officer asked, nobody waiting for ever, nothing silent."""

from datetime import timedelta

import pytest

from gridsvc.domain.case import alarms
from gridsvc.domain.incident import Incident
from gridsvc.domain.lifecycle import Step
from gridsvc.domain.standing import RECUSED
from gridsvc.domain.timers import TimerKind
from gridsvc.flows.casework import Action
from gridsvc.locating.named_places import places_named
from gridsvc.runtime import Runtime
from gridsvc.store import CaseFilter
from tests.api_county import G1, G2, G3, G4
from tests.card_county import START, Hands, due, named, nowhere, report, sent, tick

A_MINUTE = timedelta(seconds=60)


def alarmed(runtime: Runtime, key: str) -> tuple[str, ...]:
    file = runtime.show(key, by=runtime.local).file
    return alarms(file.incident, file.case, at=runtime.clock())


def incident_of(runtime: Runtime, key: str) -> Incident:
    return runtime.show(key, by=runtime.local).file.incident


def test_a_sure_place_is_in_no_doubt(carded: Runtime) -> None:
    receipt = carded.receive(report(radius_m=300.0))
    assert receipt.incident.doubt is None
    assert receipt.decision is not None
    assert receipt.decision.assignments


def test_a_rough_position_forewarns_asks_and_then_sends(carded: Runtime, hands: Hands) -> None:
    receipt = carded.receive(report(radius_m=600.0))
    incident = receipt.incident
    assert incident.doubt is not None
    assert incident.doubt.candidates == (G1, G2)
    assert incident.doubt.asked_until == START + A_MINUTE
    assert receipt.decision is not None
    assert receipt.decision.assignments == ()
    assert receipt.decision.ranking.chosen
    assert receipt.case.unanswered_since is None
    assert due(carded, incident.id, TimerKind.OFFERS) is None, "no offers begin yet"
    assert incident_of(carded, incident.number) == incident
    (warned,) = named(carded, incident.number, "forewarned")
    assert set(warned["responders"]) == {"S1", "S2", "W1", "W2"}
    assert named(carded, incident.number, "place_asked")
    with carded.store.read() as reading:
        assert reading.cases.taken() == {}, "forewarned is not claimed"
    assert "place_unsure" in alarmed(carded, incident.number)
    hands.forward(seconds=59)
    tick(carded)
    assert due(carded, incident.id, TimerKind.PLACE) == START + A_MINUTE
    assert sent(carded, incident.number) == {}
    hands.forward(seconds=1)
    tick(carded)
    assert due(carded, incident.id, TimerKind.PLACE) is None
    assert {"S1", "W1"} <= set(sent(carded, incident.number))
    shown = carded.show(incident.number, by=carded.local).file
    assert shown.case.unanswered_since == hands.at, "its offers have begun"
    assert due(carded, incident.id, TimerKind.OFFERS) is not None
    after = incident_of(carded, incident.number)
    assert after.doubt is not None
    assert (after.doubt.guessed, after.doubt.asked_until) == (True, None)
    assert "place_unsure" in alarmed(carded, incident.number), "marked until it is confirmed"
    assert named(carded, incident.number, "place_guessed")[0]["candidate"] == G1
    before = sent(carded, incident.number)
    tick(carded)
    assert due(carded, incident.id, TimerKind.PLACE) is None
    assert sent(carded, incident.number) == before, "once"
    page = carded.page(CaseFilter(unsure=True), limit=5, before=None, by=carded.local)
    assert [one.number for one, _ in page.cases] == [incident.number]
    assert page.alarms["place_unsure"] == 1


def test_a_place_by_its_name_alone(carded: Runtime, hands: Hands) -> None:
    incident = carded.receive(nowhere(address="板桥镇乙村老槐树下")).incident
    assert incident.placement is None
    assert incident.doubt is not None
    assert incident.doubt.candidates == ("530324102001",)
    (warned,) = named(carded, incident.number, "forewarned")
    assert set(warned["responders"]) == {"S4", "W4"}
    assert {"unlocated", "place_unsure"} <= set(alarmed(carded, incident.number))
    hands.forward(seconds=60)
    tick(carded)
    assert due(carded, incident.id, TimerKind.PLACE) is None
    after = incident_of(carded, incident.number)
    assert after.placement is not None
    assert after.placement.grid == G4, "where most people of the village live"
    assert after.placement.village == "530324102001"
    assert after.position is not None
    assert after.position.source == "candidate"
    assert 1500 < after.position.radius_m < 2200, "reaches over both grids of the village"
    assert {"R0004", "R0005"} <= set(sent(carded, incident.number))
    assert "unlocated" not in alarmed(carded, incident.number)
    assert "place_unsure" in alarmed(carded, incident.number)


def test_confirming_the_place_ends_the_doubt_and_cancels_the_guess(
    carded: Runtime, hands: Hands
) -> None:
    incident = carded.receive(nowhere(address="板桥镇乙村")).incident
    placed = carded.place(incident.number, report(), caller=carded.local)
    assert placed.incident.doubt is None
    assert {"S1", "W1"} <= set(sent(carded, incident.number))
    assert due(carded, incident.id, TimerKind.PLACE) is None
    hands.forward(minutes=2)
    tick(carded)
    assert named(carded, incident.number, "place_guessed") == []
    assert "place_unsure" not in alarmed(carded, incident.number)


def test_a_rough_place_that_the_officer_confirms_is_dispatched(carded: Runtime) -> None:
    incident = carded.receive(report(radius_m=900.0)).incident
    placed = carded.place(incident.number, report(radius_m=900.0), caller=carded.local)
    assert placed.incident.doubt is None
    assert {"S1", "W1"} <= set(sent(carded, incident.number))


def test_where_no_place_is_named_the_officer_is_asked_each_minute(
    carded: Runtime, hands: Hands
) -> None:
    incident = carded.receive(nowhere(text="快来人啊")).incident
    assert incident.doubt is not None
    assert incident.doubt.candidates == ()
    assert named(carded, incident.number, "forewarned") == []
    for minute in (1, 2, 3):
        hands.forward(seconds=60)
        tick(carded)
        assert due(carded, incident.id, TimerKind.PLACE) == START + (minute + 1) * A_MINUTE
        assert len(named(carded, incident.number, "place_asked")) == 1 + minute
    assert "unlocated" in alarmed(carded, incident.number)


def test_a_case_that_is_over_sends_nobody(carded: Runtime, hands: Hands) -> None:
    incident = carded.receive(report(radius_m=600.0)).incident
    carded.step(incident.number, Action(Step.FALSE_ALARM), caller=carded.local)
    hands.forward(minutes=2)
    tick(carded)
    assert due(carded, incident.id, TimerKind.PLACE) is None
    assert sent(carded, incident.number) == {}


def test_who_was_sent_by_hand_goes_alone_until_the_wait_is_over(
    carded: Runtime, hands: Hands
) -> None:
    incident = carded.receive(report(radius_m=600.0)).incident
    carded.assign(incident.number, ["R0004"], caller=carded.local)
    assert set(sent(carded, incident.number)) == {"R0004"}
    hands.forward(seconds=59)
    tick(carded)
    assert set(sent(carded, incident.number)) == {"R0004"}
    hands.forward(seconds=1)
    tick(carded)
    assert due(carded, incident.id, TimerKind.PLACE) is None
    assert {"R0004", "S1", "W1"} <= set(sent(carded, incident.number))


def test_at_urgency_3_and_4_it_recommends_and_asks(carded: Runtime) -> None:
    receipt = carded.receive(report("old_and_young", radius_m=600.0))
    assert receipt.incident.doubt is not None
    assert receipt.incident.doubt.asked_until is None
    assert receipt.decision is not None
    assert receipt.decision.ranking.chosen
    number = receipt.incident.number
    assert named(carded, number, "place_asked")
    assert named(carded, number, "forewarned") == []
    assert due(carded, receipt.incident.id, TimerKind.PLACE) is None


def test_a_named_grid_is_sure_enough_to_send_and_is_marked(carded: Runtime) -> None:
    receipt = carded.receive(nowhere(grid=G2))
    assert receipt.incident.doubt is not None
    assert receipt.incident.doubt.asked_until is None
    assert {"W2"} <= set(sent(carded, receipt.incident.number))
    assert "place_unsure" in alarmed(carded, receipt.incident.number)


@pytest.mark.parametrize(
    "given", [report("armed_gas_hazmat", radius_m=600.0), report(radius_m=600.0, text="有人持刀")]
)
def test_neighbours_are_not_called_near_a_knife(carded: Runtime, given: object) -> None:
    number = carded.receive(given).incident.number  # type: ignore[arg-type]
    assert named(carded, number, "forewarned") == []
    assert named(carded, number, "place_asked")


def test_who_is_recused_is_not_forewarned(carded: Runtime) -> None:
    number = carded.receive(report(radius_m=600.0, recused=("S1", "W2"))).incident.number
    (warned,) = named(carded, number, "forewarned")
    assert set(warned["responders"]) == {"S2", "W1"}
    assert RECUSED.zh not in str(warned)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("", ()),
        ("老街茶馆", ()),
        ("板桥镇乙村三组", ("530324102001",)),
        ("在甲社区门口", ("530324001001",)),
        ("罗雄街道", ("530324001",)),
        ("罗雄菜市场", ("530324001",)),
        ("甲一网格的路口", (G1,)),
        ("甲社区甲二网格", (G2,)),
        ("板桥 乙村", ("530324102001",)),
        ("乙一网格和乙二网格之间", (G3, G4)),
        ("罗平县", ()),
        ("甲乙两家", ()),
    ],
)
def test_places_by_their_names(carded: Runtime, said: str, found: tuple[str, ...]) -> None:
    assert places_named(carded.map().published, said) == found


def test_the_address_counts_before_the_words(carded: Runtime) -> None:
    incident = carded.receive(nowhere(address="乙村", text="他从甲社区来")).incident
    assert incident.doubt is not None
    assert incident.doubt.candidates == ("530324102001",)
