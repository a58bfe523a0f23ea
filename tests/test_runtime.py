"""Two processes on one store: what one changes the other learns from the event log."""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import shapely

from gridsvc.domain.area import as_multipolygon
from gridsvc.domain.errors import NotFoundError, NotReadyError, PositionError
from gridsvc.domain.events import MapPublished
from gridsvc.domain.geo import Datum
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings
from gridsvc.store import CaseFilter, Store
from tests.api_county import G2, IN_U1, U1, publish_county


@pytest.fixture
def pair(store_url: str, tmp_path: Path) -> Iterator[tuple[Runtime, Runtime]]:
    """Two runtimes with stores of their own on the same database."""
    store = Store.open(store_url)
    publish_county(store)
    store.close()
    settings = Settings.read(data=tmp_path, database_url=store_url)
    one, other = Runtime.open(settings), Runtime.open(settings)
    one.watch()
    other.watch()
    yield one, other
    one.close()
    other.close()


def eventually(true: Callable[[], bool], *, within_s: float = 10.0) -> None:
    until = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < until, "it did not come true in time"
        time.sleep(0.02)


def test_a_new_map_is_swapped_in_by_the_other(pair: tuple[Runtime, Runtime]) -> None:
    one, other = pair
    grids = [
        replace(grid, name="新名") if grid.code == G2 else grid
        for grid in one.map().published.grids
    ]
    with one.store.write() as work:
        change = work.areas.publish(
            grids=grids, layer="grids", source="t", clean=True, demo=True, at=datetime.now(UTC)
        )
        work.events.record(MapPublished(change.version, "grids", 0, 1, 0))
    eventually(lambda: other.map().name_of(G2) == "新名")
    assert other.map().published.version == change.version
    assert other.locate(lng=IN_U1[0], lat=IN_U1[1]).unit == U1


def test_a_map_that_cannot_be_indexed_is_passed_over_and_the_next_one_is_taken(
    pair: tuple[Runtime, Runtime], caplog: pytest.LogCaptureFixture
) -> None:
    one, other = pair
    before = other.map().published
    # Said to be clean, and G2 lies half on its neighbour.
    moved = as_multipolygon(shapely.box(104.305, 24.88, 104.32, 24.9))
    overlapping = [replace(g, geometry=moved) if g.code == G2 else g for g in before.grids]
    with caplog.at_level(logging.CRITICAL + 1, "gridsvc.following"):
        for grids in (overlapping, before.grids):
            with one.store.write() as work:
                change = work.areas.publish(
                    grids=grids,
                    layer="grids",
                    source="t",
                    clean=True,
                    demo=True,
                    at=datetime.now(UTC),
                )
                work.events.record(MapPublished(change.version, "grids", 0, 1, 0))
            if grids is overlapping:
                time.sleep(0.5)  # so that the others meet this one by itself
        eventually(lambda: other.map().published.version == change.version)
    assert other.locate(lng=IN_U1[0], lat=IN_U1[1]).unit == U1


def test_a_move_is_seen_by_both(pair: tuple[Runtime, Runtime]) -> None:
    one, other = pair
    one.move("R0005", lng=IN_U1[0], lat=IN_U1[1], datum=Datum.CGCS2000)

    def nearest(runtime: Runtime) -> tuple[str, bool]:
        force = runtime.force()
        view = force.view(lng=IN_U1[0], lat=IN_U1[1], at=datetime.now(UTC), travel=runtime.travel)
        first = view.one(next(view.walk_all()))
        return first.responder.id, first.from_live

    assert nearest(one) == ("R0005", True)
    eventually(lambda: nearest(other) == ("R0005", True))


def test_a_move_that_cannot_be_meant_changes_nothing(pair: tuple[Runtime, Runtime]) -> None:
    one, _ = pair
    with one.store.read() as reading:
        before = reading.events.head()
    with pytest.raises(PositionError):
        one.move("R0005", lng=0.0, lat=0.0, datum=Datum.CGCS2000)
    with pytest.raises(NotFoundError):
        one.move("nobody", lng=IN_U1[0], lat=IN_U1[1], datum=Datum.CGCS2000)
    with one.store.read() as reading:
        assert reading.events.head() == before


def test_an_incident_that_nobody_knows_has_one_code_everywhere(
    pair: tuple[Runtime, Runtime],
) -> None:
    one, _ = pair
    told = []
    asked: list[Callable[[], object]] = [
        lambda: one.show("X-1", by=one.local),
        lambda: one.page(CaseFilter(), limit=5, before="X-1", by=one.local),
    ]
    for ask in asked:
        with pytest.raises(NotFoundError) as error:
            ask()
        told += [(fault.code, fault.text.en) for fault in error.value.faults]
    assert told == [("unknown_incident", "no incident is known under 'X-1'")] * 2


def test_without_a_map_it_says_what_to_do(tmp_path: Path) -> None:
    settings = Settings.read(data=tmp_path)
    store = Store.open(settings.url)
    store.upgrade()
    store.close()
    runtime = Runtime.open(settings)
    with pytest.raises(NotReadyError, match="gridsvc import"):
        runtime.map()
    runtime.close()
