"""Files of a small county, and what the tests of the import ask of a store."""

import csv
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gridsvc.domain.area import PublishedMap
from gridsvc.domain.errors import LayerError
from gridsvc.domain.force import Responder
from gridsvc.flows.importing import ImportReport, import_file
from gridsvc.store import Store
from tests.layers import box, frame_of

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
VILLAGES = ["530324001001", "530324001002"]
G1, G2, G3 = f"{VILLAGES[0]}001", f"{VILLAGES[0]}002", f"{VILLAGES[1]}001"
GRIDS = {G1: box(0, 0, 2, 1), G2: box(2, 0, 4, 1), G3: box(0, 1, 4, 2)}
UNITS = {f"{G1}01": box(0, 0, 1, 1), f"{G1}02": box(1, 0, 2, 1), f"{G2}01": box(2, 0, 4, 1)}
DIVISIONS = [
    ("530324000000", "罗平县"),
    ("530324001000", "罗雄街道"),
    (VILLAGES[0], "东关社区"),
    (VILLAGES[1], "西关社区"),
]


def put(store: Store, kind: str, path: Path, **given: Any) -> ImportReport:
    return import_file(store, path, kind, clock=lambda: NOON, **given)


def table(path: Path, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    return path


def areas(path: Path, shapes: dict[str, Any], **columns: Sequence[Any]) -> Path:
    frame_of(list(shapes.values()), code=list(shapes), **columns).to_file(path)
    return path


def divisions_file(folder: Path) -> Path:
    return table(folder / "divisions.csv", ["区划编码", "名称"], DIVISIONS)


def loaded(store: Store) -> PublishedMap:
    with store.read() as reading:
        published = reading.areas.load()
    assert published is not None
    return published


def people(store: Store) -> dict[str, Responder]:
    with store.read() as reading:
        return {one.id: one for one in reading.force.all()}


def county(store: Store, folder: Path, *, units: bool = True) -> None:
    put(store, "divisions", divisions_file(folder))
    put(store, "grids", areas(folder / "grids.gpkg", GRIDS))
    if units:
        put(store, "units", areas(folder / "units.gpkg", UNITS))


def refused(store: Store, kind: str, path: Path, **given: Any) -> set[str]:
    """Kinds of fault of a refused import, which must leave the store as it was."""
    with store.read() as reading:
        before = reading.areas.version(), reading.events.head(), len(reading.force.all())
    with pytest.raises(LayerError) as error:
        put(store, kind, path, **given)
    with store.read() as reading:
        assert before == (
            reading.areas.version(),
            reading.events.head(),
            len(reading.force.all()),
        )
    return {fault.code for fault in error.value.faults}
