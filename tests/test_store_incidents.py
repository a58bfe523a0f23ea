"""Incidents in both stores."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from gridsvc.domain.clock import COUNTY_TIME
from gridsvc.domain.errors import ConflictError, NotFoundError
from gridsvc.domain.geo import Datum, LngLat
from gridsvc.domain.incident import Incident, Position
from gridsvc.store import CaseFilter, Store
from tests.store_samples import NOON, grids, incident, placement, publish_sample

UNLOCATED = {"position": None, "placement": None, "map_version": None}


def add(store: Store, *incidents: Incident) -> None:
    publish_sample(store)
    with store.write() as work:
        work.incidents.add_many(incidents)


@pytest.mark.parametrize(
    "one",
    [
        incident(1),
        incident(2, **UNLOCATED, address="老厂后山", drill=True),
        incident(3, placement=placement(unit=None, neighbours=())),
        incident(4, placement=placement(outside_m=12.3, bearing_deg=359.999)),
        incident(5, position=Position(LngLat(104.1, 24.7), Datum.UNKNOWN)),
        incident(6, position=None),
        incident(7, text="引号 ' \" 换行\n制表\t反斜 \\ 🚒", source="import"),
    ],
    ids=["full", "unlocated", "no unit", "outside", "datum unknown", "grid alone", "awkward text"],
)
def test_an_incident_comes_back_as_it_went_in(store: Store, one: Incident) -> None:
    add(store, one)
    with store.read() as reading:
        assert reading.cases.known(one.id)[0] == one
        assert reading.cases.known(one.number)[0] == one
        assert reading.cases.get("罗平-20261123-9999") is None


def test_moments_read_back_in_county_time(store: Store) -> None:
    add(store, incident(1))
    with store.read() as reading:
        one, _ = reading.cases.known("I00001")
    assert one.received_at.isoformat() == "2026-11-23T12:01:00.000001+08:00"


def test_a_naive_time_is_refused(store: Store) -> None:
    publish_sample(store)
    with pytest.raises(Exception, match="has no time zone"), store.write() as work:
        work.incidents.add(incident(1, received_at=NOON.replace(tzinfo=None)))


def test_paging_goes_through_all_once_newest_first(store: Store) -> None:
    # Every third is of the same moment: the id decides among them.
    many = [
        incident(i, received_at=NOON + timedelta(minutes=i // 3 if i % 3 else 0)) for i in range(20)
    ]
    add(store, *many)
    seen: list[Incident] = []
    with store.read() as reading:
        before: str | None = None
        while page := reading.cases.page(CaseFilter(), limit=6, before=before):
            seen += [one for one, _ in page]
            before = seen[-1].number
        with pytest.raises(NotFoundError) as error:
            reading.cases.page(CaseFilter(), limit=6, before="nobody's")
    assert [(one.code, one.where) for one in error.value.faults] == [("unknown_incident", "before")]
    assert error.value.say("en") == 'before: no incident is known under "nobody\'s"'
    assert error.value.say("zh") == "before：没有编号为“nobody's”的案件"
    assert seen == sorted(many, key=lambda one: (one.received_at, one.id), reverse=True)


def test_all_since_is_in_order_of_time(store: Store) -> None:
    many = [incident(i) for i in range(10)]
    add(store, *reversed(many))
    with store.read() as reading:
        assert list(reading.incidents.all()) == many
        assert list(reading.incidents.all(since=many[4].received_at)) == many[4:]
        assert reading.incidents.count() == 10


def test_counts_by_grid(store: Store) -> None:
    first, second = grids()[0].code, grids()[1].code
    late = datetime(2026, 12, 1, 16, 30, tzinfo=UTC)  # the 2nd in the county
    assert late.astimezone(COUNTY_TIME).day == 2
    add(
        store,
        incident(1),
        incident(2),
        incident(3, urgency=1),
        incident(4, placement=placement(unit=None, grid=second)),
        incident(5, drill=True),
        incident(6, placement=placement(outside_m=12.0, bearing_deg=90.0)),
        incident(7, **UNLOCATED),
        incident(30),
        incident(8, received_at=late),
    )
    with store.read() as reading:
        counts = reading.incidents.counts_by_grid(
            since=NOON + timedelta(minutes=1), until=NOON + timedelta(minutes=30)
        )
        everything = reading.incidents.counts_by_grid()
    day, kind = NOON.astimezone(COUNTY_TIME).date(), "neighbour_quarrel"
    assert counts == {first: {(day, kind, 4): 2, (day, kind, 1): 1}, second: {(day, kind, 4): 1}}
    assert everything[first] == {
        (day, kind, 4): 3,
        (day, kind, 1): 1,
        (late.astimezone(COUNTY_TIME).date(), kind, 4): 1,
    }


def test_the_incidents_of_a_year(store: Store) -> None:
    many = [incident(i, **(UNLOCATED if i % 10 == 0 else {})) for i in range(3000)]
    add(store, *many)
    with store.read() as reading:
        assert list(reading.incidents.all()) == many


@pytest.mark.parametrize("field", ["id", "number"])
def test_neither_id_nor_number_is_used_twice(store: Store, field: str) -> None:
    add(store, incident(1))
    with pytest.raises(ConflictError), store.write() as work:
        work.incidents.add(incident(2, **{field: getattr(incident(1), field)}))
    with store.read() as reading:
        assert reading.incidents.count() == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE incident SET urgency = 5",
        "UPDATE incident SET urgency = 0",
        "UPDATE incident SET category = 'other'",
        "UPDATE incident SET lng = -180.5",
        "UPDATE incident SET lat = 90.5",
        "UPDATE incident SET lat = NULL",
        "UPDATE incident SET radius_m = -1",
        "UPDATE incident SET bearing_deg = 360",
        "UPDATE incident SET given_datum = 'pulkovo'",
        "UPDATE incident SET grid = '530324999999999'",
        "UPDATE incident SET grid = NULL",
        "UPDATE incident SET map_version = 7",
    ],
)
def test_the_database_itself_refuses(store: Store, statement: str) -> None:
    add(store, incident(1))
    with pytest.raises(ConflictError), store.write() as work:
        work.incidents.connection.execute(text(statement))


def test_the_copied_rows_obey_the_same_rules(postgres_store: Store) -> None:
    with pytest.raises(ConflictError):
        add(postgres_store, *(incident(i, urgency=5 if i == 299 else 4) for i in range(300)))
    with postgres_store.read() as reading:
        assert reading.incidents.count() == 0
