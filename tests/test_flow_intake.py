"""A report is placed, numbered, durable with its event, and the nearest able people are named."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gridsvc.domain.errors import ConflictError, InputError
from gridsvc.domain.force import Role
from gridsvc.domain.geo import Datum
from gridsvc.domain.lifecycle import Step
from gridsvc.flows.casework import Action
from gridsvc.flows.dispatching import Decision
from gridsvc.flows.intake import Receipt
from gridsvc.flows.reports import Report
from gridsvc.runtime import Runtime
from tests.api_county import EDGE_G1_G2, G1, G2, IN_U1, U1, WEST_OF_G1, county_in


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    opened = county_in(tmp_path)
    opened.clock = lambda: datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
    yield opened
    opened.close()


def illness(**given: object) -> Report:
    known: dict[str, object] = {
        "category": "emergency",
        "kind": "sudden_illness",
        "lng": IN_U1[0],
        "lat": IN_U1[1],
    }
    return Report(**{**known, **given})  # type: ignore[arg-type]


def test_a_report_is_stored_with_its_event(runtime: Runtime) -> None:
    receipt = runtime.receive(illness(text="老人胸痛"))
    assert receipt.incident.number == "罗平-20261123-0001"
    assert receipt.incident.urgency == 1
    assert receipt.incident.placement is not None
    assert receipt.incident.placement.unit == U1
    assert runtime.show(receipt.incident.number, by=runtime.local).file.incident == receipt.incident
    with runtime.store.read() as reading:
        happened = reading.events.of_incident(receipt.incident.id)
    assert [event.name for event in happened] == ["incident_received", *["responder_assigned"] * 5]
    assert all(event.payload["areas"][-1] == U1 for event in happened)
    assert "老人胸痛" not in str(happened)


def decided(receipt: Receipt) -> Decision:
    assert receipt.decision is not None
    return receipt.decision


def test_the_soonest_first_and_a_reason_for_every_refusal(runtime: Runtime) -> None:
    ranking = decided(runtime.receive(illness())).ranking
    assert [c.responder.id for c in ranking.chosen] == [
        *("R0001", "R0003", "R0004", "R0005", "R0002"),
    ]
    scores = [c.near.score_s for c in ranking.chosen]
    assert scores == sorted(scores)
    assert all(sum(t.seconds for t in c.terms) == c.near.score_s for c in ranking.chosen)
    refused = {r.responder.id: [reason.en for reason in r.reasons] for r in ranking.refused}
    assert refused["R0006"] == ["off duty"]
    assert ranking.missing == ()


def test_an_emergency_is_dispatched_before_any_paperwork(runtime: Runtime) -> None:
    receipt = runtime.receive(illness())
    assert {one.responder for one in decided(receipt).assignments} == {
        *("R0001", "R0003", "R0004", "R0005", "R0002"),
    }
    assert {one.state for one in decided(receipt).assignments} == {"offered"}
    assert [one.responder for one in decided(receipt).assignments if one.reserve] == ["R0002"]
    assert receipt.case.unanswered_since == receipt.incident.received_at
    assert receipt.case.stage == "paperwork_owed"
    assert receipt.case.paperwork_due_at is not None


def test_nobody_is_assigned_twice_and_the_second_call_says_why(runtime: Runtime) -> None:
    first = runtime.receive(illness())
    second = runtime.receive(illness())
    assert decided(second).assignments == ()
    assert second.case.nobody_left
    assert {s.capability.value for s in decided(second).shortfalls} == {
        *("first_on_scene", "grid_duty", "first_aid", "ambulance"),
    }
    reasons = {
        r.responder.id: [reason.en for reason in r.reasons] for r in decided(second).ranking.refused
    }
    assert any(first.incident.number in reason for reason in reasons["R0001"])
    assert [one.number for one in second.duplicates] == [first.incident.number]


def test_a_drill_takes_nobody_away_from_a_real_case(runtime: Runtime) -> None:
    drill = runtime.receive(illness(drill=True))
    assert len(decided(drill).assignments) == 5
    real = runtime.receive(illness())
    assert len(decided(real).assignments) == 5
    assert runtime.counts()["incidents"] == 1


def test_a_case_that_is_answered_sends_nobody_any_more(runtime: Runtime) -> None:
    number = runtime.receive(illness(lng=None, lat=None, address="老街")).incident.number
    for step in (Step.COMPLETE_PAPERWORK, Step.REPLY):
        runtime.step(number, Action(step), caller=runtime.local)
    placed = runtime.place(number, illness(), caller=runtime.local)
    assert decided(placed).assignments == ()
    with pytest.raises(ConflictError):
        runtime.assign(number, ["R0001"], caller=runtime.local)


def test_an_ordinary_report_is_recommended_and_nobody_is_claimed(runtime: Runtime) -> None:
    receipt = runtime.receive(illness(category="livelihood", kind="old_and_young"))
    assert decided(receipt).assignments == ()
    assert decided(receipt).ranking.chosen
    assert receipt.case.stage == "registered"
    with runtime.store.read() as reading:
        assert reading.cases.taken() == {}
        assert reading.cases.decision(receipt.incident.id) is not None


def test_lay_people_are_never_sent_to_a_knife(runtime: Runtime) -> None:
    ranking = decided(runtime.receive(illness(kind="armed_gas_hazmat"))).ranking
    assert ranking.chosen == ()
    assert ranking.hand_over == ("110", "119")
    lay = [r for r in ranking.refused if r.responder.role in (Role.SENTINEL, Role.GRID_WORKER)]
    assert lay
    assert all("lay people must stay away" in r.reasons[0].en for r in lay)


def test_what_the_county_cannot_give_is_said(runtime: Runtime) -> None:
    ranking = decided(runtime.receive(illness(kind="house_fire"))).ranking
    assert [c.value for c in ranking.missing] == ["fire"]


def test_only_a_grid_is_known(runtime: Runtime) -> None:
    incident = runtime.receive(illness(lng=None, lat=None, grid=G2)).incident
    assert incident.placement is not None
    assert (incident.placement.grid, incident.placement.unit) == (G2, None)
    assert incident.position is not None
    assert incident.position.source == "grid"
    assert 1100 < incident.position.radius_m < 1400  # half the diagonal of 1,010 m x 2,215 m


def test_outside_the_county_it_is_taken_and_marked(runtime: Runtime) -> None:
    lng, lat = WEST_OF_G1
    placement = runtime.receive(illness(lng=lng, lat=lat)).incident.placement
    assert placement is not None
    assert placement.grid == G1
    assert placement.outside_m == pytest.approx(202, abs=1)
    assert placement.bearing_deg == pytest.approx(90, abs=0.1)


def test_gcj02_is_brought_home(runtime: Runtime) -> None:
    shifted = runtime.receive(illness(datum=Datum.GCJ02)).incident.position
    assert shifted is not None
    metres = runtime.map().frame
    x0, y0 = metres.point(lng=IN_U1[0], lat=IN_U1[1])
    x, y = metres.point(lng=shifted.at.lng, lat=shifted.at.lat)
    assert ((x - x0) ** 2 + (y - y0) ** 2) ** 0.5 == pytest.approx(393, abs=3)


def test_an_unknown_datum_widens_the_radius(runtime: Runtime) -> None:
    position = runtime.receive(illness(datum=Datum.UNKNOWN, radius_m=20.0)).incident.position
    assert position is not None
    assert position.radius_m == 420.0


def test_all_faults_at_once_and_nothing_stored(runtime: Runtime) -> None:
    with pytest.raises(InputError) as caught:
        runtime.receive(
            illness(category="nonsense", kind="unheard_of", urgency=7, lng=None, lat=None)
        )
    codes = {fault.code for fault in caught.value.faults}
    assert codes == {"unknown_category", "unknown_kind", "bad_urgency", "nothing_to_act_on"}
    assert runtime.counts()["incidents"] == 0


@pytest.mark.parametrize(
    ("lng", "lat", "words"),
    [
        (24.885, 104.305, "颠倒"),
        (0.0, 0.0, "0"),
        (430147.0, 2753448.0, "430147"),
        (116.4, 39.9, "116.4"),
        (float("inf"), 24.9, "inf"),
    ],
)
def test_a_call_is_never_refused_over_its_position(
    runtime: Runtime, lng: float, lat: float, words: str
) -> None:
    receipt = runtime.receive(illness(lng=lng, lat=lat))
    assert receipt.incident.placement is None
    assert receipt.decision is None
    (reason,) = receipt.incident.unplaced
    assert words in reason.zh
    kept = runtime.show(receipt.incident.number, by=runtime.local).file
    assert kept.incident.unplaced == (reason,)


def test_what_follows_from_the_place_happens_when_it_is_known(runtime: Runtime) -> None:
    number = runtime.receive(illness(lng=None, lat=None, address="老街茶馆旁")).incident.number
    placed = runtime.place(number, illness(), caller=runtime.local)
    assert placed.incident.placement is not None
    assert len(decided(placed).assignments) == 5
    again = runtime.place(number, illness(lng=104.3055), caller=runtime.local)
    assert decided(again).assignments == ()
    file = runtime.show(number, by=runtime.local).file
    assert len(file.assignments) == 5
    assert file.incident.unplaced == ()
    assert file.incident.position is not None
    assert file.incident.position.at.lng == 104.3055


def test_a_place_that_cannot_be_used_changes_nothing(runtime: Runtime) -> None:
    number = runtime.receive(illness(lng=None, lat=None, text="有人晕倒")).incident.number
    with pytest.raises(InputError):
        runtime.place(number, illness(lng=0.0, lat=0.0), caller=runtime.local)
    assert runtime.show(number, by=runtime.local).file.incident.placement is None


def test_night(runtime: Runtime) -> None:
    runtime.clock = lambda: datetime(2026, 11, 22, 19, 0, tzinfo=UTC)  # 03:00 in the county
    receipt = runtime.receive(illness())
    assert receipt.incident.number == "罗平-20261123-0001"
    assert decided(receipt).ranking.chosen  # everybody of this county can be reached at night


def test_a_position_in_another_grid_than_the_named_one_is_told(runtime: Runtime) -> None:
    receipt = runtime.receive(illness(grid=G2))
    assert receipt.incident.placement is not None
    assert receipt.incident.placement.grid == G1
    assert runtime.show(receipt.incident.id, by=runtime.local).file.incident == receipt.incident
    (note,) = receipt.notes
    for text in (note.zh, note.en):
        assert all(word in text for word in (G1, G2, "甲一网格", "甲二网格", "505", "GCJ-02"))


@pytest.mark.parametrize(
    ("at", "grid"), [(IN_U1, None), (IN_U1, G1), (EDGE_G1_G2, G1), (EDGE_G1_G2, G2)]
)
def test_a_grid_that_agrees_with_the_position_needs_no_note(
    runtime: Runtime, at: tuple[float, float], grid: str | None
) -> None:
    assert runtime.receive(illness(lng=at[0], lat=at[1], grid=grid)).notes == ()


def test_outside_the_county_the_note_says_nearest(runtime: Runtime) -> None:
    lng, lat = WEST_OF_G1
    (note,) = runtime.receive(illness(lng=lng, lat=lat, grid=G2)).notes
    assert "outside the county" in note.en
    assert "县外" in note.zh
    assert runtime.receive(illness(lng=lng, lat=lat, grid=G1)).notes == ()


def test_a_bad_position_does_not_hide_a_good_grid(runtime: Runtime) -> None:
    receipt = runtime.receive(illness(lng=0.0, lat=0.0, grid=G2))
    assert receipt.incident.placement is not None
    assert receipt.incident.placement.grid == G2
    assert receipt.notes


def test_an_unknown_grid_alone_leaves_it_unlocated(runtime: Runtime) -> None:
    incident = runtime.receive(illness(lng=None, lat=None, grid="530324999999999")).incident
    assert incident.placement is None
    assert "530324999999999" in incident.unplaced[0].zh


def test_a_receipt_carries_the_map_it_was_placed_on(runtime: Runtime) -> None:
    receipt = runtime.receive(illness())
    assert receipt.grid_map is runtime.map()
