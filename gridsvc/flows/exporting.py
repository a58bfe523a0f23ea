"""A layer of the store goes out to a file."""

from collections.abc import Mapping
from pathlib import Path

from geodata import frames
from geodata.layer import LayerKind
from geodata.write import write_layer
from gridsvc.domain.area import PublishedMap
from gridsvc.domain.errors import Fault, NotReadyError
from gridsvc.domain.force import Responder, Role
from gridsvc.domain.geo import Datum
from gridsvc.domain.words import Lang, Text
from gridsvc.store.unit_of_work import Reading, Store


def export_layer(
    store: Store,
    kind: LayerKind,
    path: Path,
    *,
    lang: Lang = "en",
    crs: str | None = None,
    datum: Datum = Datum.CGCS2000,
    overwrite: bool = False,
) -> int:
    """Write what the store holds of one kind, read from one snapshot.

    Parameters
    ----------
    store
        Areas are those of the current version of its map.
    lang
        ``zh`` gives Chinese column names.
    crs, datum, overwrite
        As ``geodata.write.write_layer`` takes them.

    Returns
    -------
    int
        How many rows were written.

    Raises
    ------
    NotReadyError
        There is no map yet.
    GridsvcError
        Whatever ``write_layer`` refuses.
    """
    with store.read() as reading:
        frame = _frame(reading, kind)
    write_layer(frame, path, kind=kind, lang=lang, crs=crs, datum=datum, overwrite=overwrite)
    return len(frame)


def _frame(reading: Reading, kind: LayerKind) -> frames.Frame:
    if kind is LayerKind.RESPONDERS:
        return frames.responders_frame(reading.force.all())
    if kind is LayerKind.INCIDENTS:
        return frames.incidents_frame(reading.incidents.all())
    published = reading.areas.load()
    if published is None:
        raise _no_map()
    return areas_frame(published, reading.force.all(), kind)


def areas_frame(
    published: PublishedMap, force: tuple[Responder, ...], kind: LayerKind
) -> frames.Frame:
    """Divisions, grids or end units as a frame, with those of ``force`` who answer for them."""
    if kind is LayerKind.DIVISIONS:
        return frames.divisions_frame(published)
    if kind is LayerKind.GRIDS:
        return frames.grids_frame(published, _by_area(force, Role.GRID_WORKER))
    return frames.units_frame(published, _by_area(force, Role.SENTINEL))


def _by_area(force: tuple[Responder, ...], role: Role) -> Mapping[str, Responder]:
    """The first by id of a role, for each area."""
    return {one.area: one for one in reversed(force) if one.role is role}


def _no_map() -> NotReadyError:
    return NotReadyError(
        Fault(
            "no_map",
            Text(
                "尚无地图可导出：请先导入区划、网格和单元",
                "there is no map to export yet: import divisions, grids and units first",
            ),
        )
    )
