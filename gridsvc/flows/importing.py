"""A file goes in: read, checked, fitted, recorded. All of it or none."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import shapely

from geodata.faults import FaultCode
from geodata.layer import KIND_NAMES, Layer, LayerKind
from geodata.read import read_layer
from geodata.validate import check_layer
from gridsvc.domain.area import PublishedMap
from gridsvc.domain.codes import CodeScheme
from gridsvc.domain.errors import ConflictError, Fault, InputError, NotReadyError
from gridsvc.domain.events import (
    IncidentsImported,
    MapPublished,
    ResponderErased,
    RespondersImported,
)
from gridsvc.domain.force import Role
from gridsvc.domain.geo import Bounds, Datum, MetricFrame
from gridsvc.domain.incident import case_prefix
from gridsvc.domain.words import Text
from gridsvc.flows.cells import refuse, row_fault
from gridsvc.flows.incident_import import numbered, to_incidents
from gridsvc.flows.map_import import ACCEPTABLE, MapPlan, Terms, plan_map
from gridsvc.flows.people import named_people, superseded, to_responders
from gridsvc.locating import GridMap
from gridsvc.store import MapChange, Store, UnitOfWork

Progress = Callable[[Text], None]

_ATTEMPTS = 3


@dataclass(frozen=True)
class ImportReport:
    """What an import did.

    ``version`` and ``change`` are None for responders and incidents. ``added`` and ``changed``
    count responders (the grid workers and sentinels that a layer of areas names, too) or incidents.
    ``faults`` are all that the check found, by kind; ``accepted`` those of them that would have
    been refused and are kept with the version.
    """

    kind: LayerKind
    rows: int
    version: int | None = None
    change: MapChange | None = None
    added: int = 0
    changed: int = 0
    faults: Mapping[FaultCode, int] = field(default_factory=dict)
    accepted: Mapping[FaultCode, int] = field(default_factory=dict)
    notes: tuple[Text, ...] = ()


def import_file(
    store: Store,
    path: Path | str,
    kind: LayerKind | str,
    *,
    columns: Mapping[str, str] | None = None,
    crs: str | None = None,
    datum: Datum | None = None,
    encoding: str | None = None,
    layer: str | None = None,
    allow_columns: Collection[str] = (),
    accept: Collection[FaultCode] = frozenset(),
    scheme: CodeScheme | None = None,
    frame: MetricFrame | None = None,
    clock: Callable[[], datetime],
    demo: bool = False,
    grid_map: GridMap | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Import a file of divisions, grids, units, responders or incidents in one transaction.

    Parameters
    ----------
    store
        Migrated.
    path, kind
        The file and what its rows are.
    columns, crs, datum, encoding, layer, allow_columns
        As in ``geodata.read.read_layer``.
    accept
        Faults that may go in (``ACCEPTABLE``); how many there were is kept with the version.
    scheme
        Code scheme; None: the default one.
    frame
        Metres for the check; None: the 3-degree zone of the layer's middle.
    clock
        Gives the aware time of publication.
    demo
        The map is made up, and everything drawn from it says so.
    grid_map
        Places incidents; None: they stay unplaced.
    progress
        Told what is being done.

    Raises
    ------
    LayerError
        With every fault found; the store is as it was.
    NotReadyError
        The layer above has not been imported yet.
    InputError
        A fault that cannot be accepted.
    """
    kind = LayerKind(kind)
    _check_accept(accept)
    tell = progress or (lambda _: None)
    scheme = scheme or CodeScheme()
    name = KIND_NAMES[kind]
    tell(Text(f"读取{name.zh}", f"reading {name.en}"))
    read = read_layer(
        Path(path),
        kind,
        columns=columns,
        crs=crs,
        datum=datum,
        encoding=encoding,
        layer=layer,
        allow_columns=allow_columns,
        scheme=scheme,
    )
    if kind is LayerKind.RESPONDERS:
        return _import_responders(store, read, clock(), tell)
    if kind is LayerKind.INCIDENTS:
        return _import_incidents(store, read, grid_map, tell)
    terms = Terms(frozenset(accept), scheme, frame, store.county)
    return _import_areas(store, read, terms, clock, demo, tell)


def _check_accept(accept: Collection[FaultCode]) -> None:
    allowed = ", ".join(code for code in FaultCode if code in ACCEPTABLE)
    wrong = [code for code in accept if code not in ACCEPTABLE]
    if wrong:
        raise InputError(
            Fault(
                "fault_not_acceptable",
                Text(f"不能接受该类问题：可接受 {allowed}", f"cannot be accepted: only {allowed}"),
                str(code),
            )
            for code in wrong
        )


def _import_areas(
    store: Store,
    layer: Layer,
    terms: Terms,
    clock: Callable[[], datetime],
    demo: bool,
    tell: Progress,
) -> ImportReport:
    # The check takes seconds and must not keep writers waiting, so it comes before the transaction;
    # where another import was faster, it is done again on the newer map.
    for _ in range(_ATTEMPTS):
        with store.read() as reading:
            version, current = reading.areas.version(), reading.areas.load()
        tell(Text("检查", "checking"))
        plan = plan_map(layer, current, terms)
        tell(Text("写入", "storing"))
        with store.write() as work:
            if work.areas.lock() == version:
                demo = demo or (current is not None and current.demo)
                return _publish(work, layer, plan, demo, clock())
    raise ConflictError(
        Fault(
            "map_busy",
            Text(
                "地图正被其他导入不断更新，请稍后再试",
                "other imports keep changing the map: try later",
            ),
        )
    )


def _publish(
    work: UnitOfWork, layer: Layer, plan: MapPlan, demo: bool, at: datetime
) -> ImportReport:
    accepted = {code.value: count for code, count in plan.accepted.items()}
    change = work.areas.publish(
        divisions=plan.divisions,
        grids=plan.grids,
        units=plan.units,
        layer=layer.kind.value,
        source=layer.source,
        clean=plan.clean,
        demo=demo,
        accepted_faults=accepted,
        at=at,
    )
    work.events.record(
        MapPublished(
            version=change.version,
            layer=layer.kind.value,
            added=change.added,
            changed=change.changed,
            removed=change.removed,
            accepted_faults=tuple(accepted),
        )
    )
    added, changed = _upsert_named(work, layer, plan)
    return ImportReport(
        layer.kind,
        len(layer.frame),
        change.version,
        change,
        added,
        changed,
        plan.faults,
        plan.accepted,
        plan.notes,
    )


def _upsert_named(work: UnitOfWork, layer: Layer, plan: MapPlan) -> tuple[int, int]:
    """The grid workers or sentinels whom a layer of grids or units names."""
    if layer.kind is LayerKind.GRIDS:
        people = named_people(layer, "worker", Role.GRID_WORKER, plan.grids or (), work.force.all())
    elif layer.kind is LayerKind.UNITS:
        people = named_people(layer, "sentinel", Role.SENTINEL, plan.units or (), work.force.all())
    else:
        people = []
    if not people:
        return 0, 0
    added, changed = work.force.upsert(people)
    if added or changed:
        work.events.record(RespondersImported(added, changed))
    return added, changed


def _import_responders(store: Store, layer: Layer, now: datetime, tell: Progress) -> ImportReport:
    with store.read() as reading:
        current = reading.areas.load()
    if current is None:
        raise NotReadyError(
            Fault(
                "no_map",
                Text(
                    "请先导入区划和网格：责任区编码要与地图核对",
                    "import divisions and grids first: areas of responsibility are looked up there",
                ),
            )
        )
    tell(Text("检查", "checking"))
    report = check_layer(layer)
    refuse([row_fault(f.code.value, f.rows[0], f.text, f.codes[0]) for f in report.faults])
    people = to_responders(layer, areas=_area_codes(current), bounds=_bounds(current), now=now)
    tell(Text("写入", "storing"))
    with store.write() as work:
        replaced = superseded(people, work.force.all())
        for one in replaced:
            work.force.erase(one, at=now)
            work.events.record(ResponderErased(one))
        added, changed = work.force.upsert(people)
        work.events.record(RespondersImported(added, changed))
    notes = (
        Text(
            f"{len(replaced)} 名仅由网格或单元图层得知的人员已由名单中的人员取代",
            f"{len(replaced)} people known only from a layer of grids or units were replaced by "
            "those of the list",
        ),
    )
    return ImportReport(
        layer.kind, len(people), added=added, changed=changed, notes=notes if replaced else ()
    )


def _area_codes(published: PublishedMap) -> set[str]:
    codes = {division.code for division in published.divisions}
    codes |= {grid.code for grid in published.grids}
    return codes | {unit.code for unit in published.units}


def _bounds(published: PublishedMap) -> Bounds | None:
    shapes = [one.geometry for one in published.divisions if one.geometry is not None]
    shapes += [one.geometry for one in published.grids]
    if not shapes:
        return None
    west, south, east, north = (float(value) for value in shapely.total_bounds(shapes))
    return west, south, east, north


def _import_incidents(
    store: Store, layer: Layer, grid_map: GridMap | None, tell: Progress
) -> ImportReport:
    tell(Text("定位", "locating"))
    incidents = to_incidents(layer, grid_map)
    tell(Text("写入", "storing"))
    with store.write() as work:
        published = None if grid_map is None else grid_map.published
        prefix = case_prefix(published, store.county)
        given = {one.number for one in incidents if one.number}
        work.numbers.pass_over(given)
        incidents = numbered(
            incidents,
            work.incidents.taken(given),
            lambda day, count: work.numbers.next_case_numbers(prefix, day, count, avoid=given),
        )
        work.incidents.add_many(incidents)
        work.events.record(IncidentsImported(len(incidents)))
    placed = sum(one.placement is not None for one in incidents)
    notes = (
        Text(
            f"{placed} 件已定位，{len(incidents) - placed} 件待定位",
            f"{placed} placed, {len(incidents) - placed} unlocated",
        ),
    )
    return ImportReport(layer.kind, len(layer.frame), added=len(incidents), notes=notes)
