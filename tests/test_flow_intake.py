"""A report is placed, numbered, durable with its event, and the nearest able people are named."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gridsvc.domain.errors import InputError
from gridsvc.domain.force import Role
from gridsvc.domain.geo import Datum
from gridsvc.flows.intake import Report
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
    assert runtime.incident(receipt.incident.number) == receipt.incident
    with runtime.store.read() as reading:
        event = reading.events.after(0)[-1]
    assert event.name == "incident_received"
    assert event.payload["incident"] == receipt.incident.id
    assert event.payload["nearest"] == [c.responder.id for c in receipt.ranking.chosen]
    assert "老人胸痛" not in str(event.payload)


def test_the_nearest_first_and_a_reason_for_every_refusal(runtime: Runtime) -> None:
    ranking = runtime.receive(illness()).ranking
    assert [c.responder.id for c in ranking.chosen] == ["R0001", "R0004", "R0005", "R0002"]
    distances = [c.distance_m for c in ranking.chosen]
    assert distances == sorted(distances)
    refused = {r.responder.id: [reason.en for reason in r.reasons] for r in ranking.refused}
    assert refused["R0006"] == ["off duty"]
    assert refused["R0003"][0].startswith("cannot do any of")
    assert ranking.missing == ()


def test_lay_people_are_never_sent_to_a_knife(runtime: Runtime) -> None:
    ranking = runtime.receive(illness(kind="armed_gas_hazmat")).ranking
    assert ranking.chosen == ()
    assert ranking.hand_over == ("110", "119")
    lay = [r for r in ranking.refused if r.responder.role in (Role.SENTINEL, Role.GRID_WORKER)]
    assert lay
    assert all("lay people must stay away" in r.reasons[0].en for r in lay)


def test_what_the_county_cannot_give_is_said(runtime: Runtime) -> None:
    ranking = runtime.receive(illness(kind="house_fire")).ranking
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
            illness(category="nonsense", kind="unheard_of", urgency=7, lng=float("nan"))
        )
    codes = {fault.code for fault in caught.value.faults}
    assert codes == {
        "unknown_category",
        "unknown_kind",
        "bad_urgency",
        "position_not_finite",
    }
    assert runtime.counts()["incidents"] == 0


@pytest.mark.parametrize(
    ("lng", "lat", "code"),
    [
        (24.885, 104.305, "position_swapped"),
        (0.0, 0.0, "position_null_island"),
        (430147.0, 2753448.0, "position_out_of_range"),
        (116.4, 39.9, "position_far_away"),
        (float("inf"), 24.9, "position_not_finite"),
    ],
)
def test_the_suspicion_is_named(runtime: Runtime, lng: float, lat: float, code: str) -> None:
    with pytest.raises(InputError) as caught:
        runtime.receive(illness(lng=lng, lat=lat))
    assert [fault.code for fault in caught.value.faults] == [code]


def test_night(runtime: Runtime) -> None:
    runtime.clock = lambda: datetime(2026, 11, 22, 19, 0, tzinfo=UTC)  # 03:00 in the county
    receipt = runtime.receive(illness())
    assert receipt.incident.number == "罗平-20261123-0001"
    assert receipt.ranking.chosen  # everybody of this county can be reached at night


def test_a_position_in_another_grid_than_the_named_one_is_told(runtime: Runtime) -> None:
    receipt = runtime.receive(illness(grid=G2))
    assert receipt.incident.placement is not None
    assert receipt.incident.placement.grid == G1
    assert runtime.incident(receipt.incident.id) == receipt.incident
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


def test_an_unknown_grid_is_a_fault_beside_a_good_position_too(runtime: Runtime) -> None:
    with pytest.raises(InputError) as caught:
        runtime.receive(illness(grid="530324999999999"))
    assert [fault.where for fault in caught.value.faults] == ["grid"]


def test_a_receipt_carries_the_map_it_was_placed_on(runtime: Runtime) -> None:
    receipt = runtime.receive(illness())
    assert receipt.grid_map is runtime.map()
