"""What one file of areas makes of the map: checked, fitted to the grid, parents derived."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from geodata.faults import FAULT_NAMES, FaultCode, LayerFault, Report
from geodata.frames import divisions_frame, grids_frame, units_frame
from geodata.layer import Layer, LayerKind
from geodata.parents import resolve_parents, without_shapes
from geodata.validate import check_layer
from gridsvc.domain.area import Division, EndUnit, Grid, Level, PublishedMap
from gridsvc.domain.codes import CodeScheme
from gridsvc.domain.errors import Fault, NotReadyError
from gridsvc.domain.geo import MetricFrame
from gridsvc.domain.topology import derive_divisions, derive_grids
from gridsvc.domain.words import Text
from gridsvc.flows.cells import refuse, texts
from gridsvc.flows.fitting import Snapped, matched, snapped_shapes
from gridsvc.flows.layers_to_domain import to_divisions, to_grids, to_units

F = FaultCode
ACCEPTABLE = frozenset(
    {
        F.NULL_GEOMETRY,
        F.EMPTY_GEOMETRY,
        F.INVALID,
        F.CODE_OFF_SCHEME,
        F.OVERLAP,
        F.GAP,
        F.OUTSIDE_PARENT,
        F.UNIT_NOT_IN_ONE_GRID,
    }
)
"""Faults that can go in when they are accepted by name. Rows without a geometry are left out, and
invalid polygons go in as ``shapely.make_valid`` makes them; the notes say so."""

_SHOWN = 20
_CODES = frozenset({F.CODE_MISSING, F.CODE_REPEATED, F.CODE_OFF_SCHEME, F.UNKNOWN_PARENT})
_SHAPES = frozenset({F.INVALID, F.OVERLAP})
_DRAWN = frozenset({F.NULL_GEOMETRY, F.EMPTY_GEOMETRY})
_NESTING = frozenset({F.GAP, F.OUTSIDE_PARENT, F.UNIT_NOT_IN_ONE_GRID})
REFUSED: dict[LayerKind, frozenset[FaultCode]] = {
    LayerKind.DIVISIONS: _CODES | _SHAPES,
    LayerKind.GRIDS: _CODES | _SHAPES | _DRAWN,
    LayerKind.UNITS: _CODES | _SHAPES | _DRAWN | _NESTING,
}


@dataclass(frozen=True)
class MapPlan:
    """The next version of the map, and what there is to say of it. Layers that are None stay."""

    divisions: tuple[Division, ...] | None
    grids: tuple[Grid, ...] | None
    units: tuple[EndUnit, ...] | None
    clean: bool
    faults: dict[FaultCode, int]
    accepted: dict[FaultCode, int]
    notes: tuple[Text, ...]


@dataclass(frozen=True)
class Terms:
    """How a file goes in: which faults are accepted, the code scheme, the metre frame."""

    accept: frozenset[FaultCode]
    scheme: CodeScheme
    frame: MetricFrame | None
    county: str


def plan_map(layer: Layer, current: PublishedMap | None, terms: Terms) -> MapPlan:
    """Make the next map of ``layer`` (divisions, grids or units) and the current one.

    Raises
    ------
    LayerError
        With every fault that is refused and was not accepted.
    NotReadyError
        The layer above has not been imported yet.
    """
    current = current or PublishedMap(0, (), (), ())
    if layer.kind is LayerKind.DIVISIONS:
        return _plan_divisions(layer, current, terms)
    if layer.kind is LayerKind.GRIDS:
        return _plan_grids(layer, current, terms)
    return _plan_units(layer, current, terms)


def _plan_divisions(layer: Layer, current: PublishedMap, terms: Terms) -> MapPlan:
    notes = []
    if current.grids and layer.located:
        bare = without_shapes(layer.frame)
        layer = replace(layer, frame=bare, located=False)
        notes.append(
            Text(
                "已有网格：区划图形由网格合并得出，文件中的图形未采用",
                "there are grids: divisions get their union as geometry, the file's was not used",
            )
        )
    report = check_layer(layer, parents=layer.frame, scheme=terms.scheme, frame=terms.frame)
    # A division lies in its parent because the parent is its children's union, once grids exist.
    accepted = _settle(report, layer.kind, terms)
    parents, _ = resolve_parents(layer, layer.frame, terms.scheme)
    snapped = snapped_shapes(layer) if layer.located else _known_shapes(layer, current)
    divisions = to_divisions(layer, parents, snapped.shapes, terms.scheme)
    refuse([*_other_county(divisions, terms.county), *_lost_villages(divisions, current.grids)])
    return MapPlan(
        derive_divisions(current.grids, divisions),
        None,
        None,
        current.clean,
        report.by_code(),
        accepted,
        (*notes, *_notes(report, layer.kind, snapped, clean=True)),
    )


def _known_shapes(layer: Layer, current: PublishedMap) -> Snapped:
    """The shapes that the map has already, for a table that brings none."""
    known = {one.code: one.geometry for one in current.divisions if one.geometry is not None}
    rows = zip(layer.frame.index.tolist(), texts(layer.frame, "code"), strict=True)
    return Snapped({row: known[code] for row, code in rows if code in known}, {})


def _other_county(divisions: Sequence[Division], county: str) -> list[Fault]:
    text = Text(f"不属于本县 {county}", f"does not belong to the county {county}")
    return [
        Fault("other_county", text, one.code)
        for one in divisions
        if not one.code.startswith(county)
    ]


def _lost_villages(divisions: Sequence[Division], grids: Sequence[Grid]) -> list[Fault]:
    villages = {one.code for one in divisions if one.level is Level.VILLAGE}
    text = Text(
        "地图中仍有该村的网格，文件中却没有该村",
        "there are grids of this village on the map, and the file does not have it",
    )
    lost = sorted({grid.village for grid in grids} - villages)
    return [Fault("village_missing", text, code) for code in lost]


def _plan_grids(layer: Layer, current: PublishedMap, terms: Terms) -> MapPlan:
    if not current.divisions:
        raise NotReadyError(
            Fault(
                "no_divisions",
                Text(
                    "请先导入区划：gridsvc import divisions 文件",
                    "import the divisions first: gridsvc import divisions FILE",
                ),
            )
        )
    above = divisions_frame(current)
    if current.grids:
        # Villages are the union of the grids that this file replaces: nothing to compare with.
        above = without_shapes(above)
    report = check_layer(layer, parents=above, scheme=terms.scheme, frame=terms.frame)
    accepted = _settle(report, layer.kind, terms)
    villages, _ = resolve_parents(layer, above, terms.scheme)
    snapped = snapped_shapes(layer)
    grids = to_grids(layer, villages, snapped.shapes)
    if current.units:
        _refuse_strays(grids, current, terms)
    grids, units, clean = matched(grids, current.units)
    grids = derive_grids(grids, units)
    return MapPlan(
        derive_divisions(grids, current.divisions),
        grids,
        units if current.units else None,
        clean,
        report.by_code(),
        accepted,
        _notes(report, layer.kind, snapped, clean=clean),
    )


def _refuse_strays(grids: Sequence[Grid], current: PublishedMap, terms: Terms) -> None:
    """Refuse grids that the units on the map do not fill exactly."""
    drawn = replace(current, grids=tuple(grids))
    units = Layer(LayerKind.UNITS, units_frame(current), "units")
    report = check_layer(units, parents=grids_frame(drawn), frame=terms.frame)
    wrong = report.of(*(_NESTING | {F.UNKNOWN_PARENT}) - terms.accept)
    refuse(
        [
            Fault(
                fault.code.value,
                Text(f"现有单元：{fault.text.zh}", f"units on the map: {fault.text.en}"),
                ", ".join(fault.codes),
            )
            for fault in wrong
        ]
    )


def _plan_units(layer: Layer, current: PublishedMap, terms: Terms) -> MapPlan:
    if not current.grids:
        raise NotReadyError(
            Fault(
                "no_grids",
                Text(
                    "请先导入网格：gridsvc import grids 文件",
                    "import the grids first: gridsvc import grids FILE",
                ),
            )
        )
    above = grids_frame(current)
    report = check_layer(layer, parents=above, scheme=terms.scheme, frame=terms.frame)
    accepted = _settle(report, layer.kind, terms)
    parents, _ = resolve_parents(layer, above, terms.scheme)
    snapped = snapped_shapes(layer)
    units = to_units(layer, parents, snapped.shapes)
    grids, units, clean = matched(current.grids, units)
    grids = derive_grids(grids, units)
    return MapPlan(
        derive_divisions(grids, current.divisions),
        grids,
        units,
        clean,
        report.by_code(),
        accepted,
        _notes(report, layer.kind, snapped, clean=clean),
    )


def _settle(report: Report, kind: LayerKind, terms: Terms) -> dict[FaultCode, int]:
    """Refuse what must be; return the faults that were accepted, by kind."""
    refused = REFUSED[kind]
    refuse([_as_fault(fault) for fault in report.of(*(refused - terms.accept))])
    return {
        code: count for code, count in report.by_code().items() if code in refused & terms.accept
    }


def _as_fault(fault: LayerFault) -> Fault:
    codes = ", ".join(dict.fromkeys(code for code in fault.codes if code))
    if not fault.rows:
        return Fault(fault.code.value, fault.text, codes)
    rows = _rows(fault.rows)
    text = Text(f"第 {rows} 行：{fault.text.zh}", f"row {rows}: {fault.text.en}")
    return Fault(fault.code.value, text, codes)


def _rows(rows: Sequence[int]) -> str:
    """Rows of the file as people count them, from 1; the first few."""
    return ", ".join(str(row + 1) for row in rows[:_SHOWN]) + (" ..." if rows[_SHOWN:] else "")


def _notes(report: Report, kind: LayerKind, snapped: Snapped, *, clean: bool) -> tuple[Text, ...]:
    notes = [*report.notes, *_thinned(snapped)]
    for code, count in report.by_code().items():
        name = FAULT_NAMES[code]
        if code not in REFUSED[kind]:
            notes.append(
                Text(f"{name.zh} {count} 处，不影响导入", f"{name.en}: {count}, not refused")
            )
        elif code in _DRAWN:
            rows = _rows([fault.rows[0] for fault in report.of(code)])
            notes.append(
                Text(f"{name.zh}，未导入：第 {rows} 行", f"{name.en}: left out, rows {rows}")
            )
        elif code is F.INVALID:
            rows = _rows([fault.rows[0] for fault in report.of(code)])
            notes.append(
                Text(
                    f"无效图形按 make_valid 修正后导入：第 {rows} 行",
                    f"invalid polygons went in as make_valid makes them, rows {rows}",
                )
            )
    if not clean:
        notes.append(
            Text(
                "相邻区域的边不完全一致：定位时边界处以编码最小者为准；可用 check --repair 修正",
                "neighbours do not share all their edges: along them the lowest code wins; "
                "check --repair proposes a mended layer",
            )
        )
    return tuple(notes)


def _thinned(snapped: Snapped) -> list[Text]:
    if not snapped.thinned:
        return []
    count, rows = len(snapped.thinned), _rows(list(snapped.thinned))
    codes = ", ".join(list(snapped.thinned.values())[:_SHOWN])
    return [
        Text(
            f"{count} 个图形有比 1e-9 度格网（约 0.1 毫米）还窄的部分，落到格网上时已略去："
            f"第 {rows} 行（{codes}）",
            f"{count} areas have parts thinner than the 1e-9 degree grid (0.1 mm), which were cut "
            f"off: row {rows} ({codes})",
        )
    ]
