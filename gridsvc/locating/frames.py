"""A map straight from frames, without a store."""

from typing import Any

import shapely

from gridsvc.domain.area import (
    Area,
    Division,
    EndUnit,
    Grid,
    GridKind,
    Level,
    PublishedMap,
    as_multipolygon,
)
from gridsvc.domain.codes import CodeScheme
from gridsvc.domain.errors import Fault, InputError
from gridsvc.domain.topology import derive_grids, is_coverage
from gridsvc.domain.words import Text

Row = dict[str, Any]

_REQUIRED = {
    "grids": ("code", "geometry"),
    "units": ("code", "geometry"),
    "divisions": ("code", "name", "level"),
}


def published_from(
    grids: Any, units: Any = None, divisions: Any = None, scheme: CodeScheme | None = None
) -> PublishedMap:
    """The map that `GridMap.from_frames` indexes: see there.

    A grid with units is the union of its units, as on every published map.
    """
    scheme = scheme or CodeScheme()
    frames = {"grids": grids, "units": units, "divisions": divisions}
    faults = [fault for name, frame in frames.items() for fault in _frame_faults(name, frame)]
    if faults:
        raise InputError(faults)
    rows = {name: _rows(frame) for name, frame in frames.items()}
    made_grids = sorted((_grid(row, scheme) for row in rows["grids"]), key=lambda g: g.code)
    made_units = sorted((_unit(row, scheme) for row in rows["units"]), key=lambda u: u.code)
    known = {grid.code for grid in made_grids}
    lost = [unit.code for unit in made_units if unit.grid not in known]
    if lost:
        raise InputError(_fault("units", "unit_without_grid", "单元所属网格不在 grids 中", lost))
    parents = {unit.grid for unit in made_units}
    leaves = [unit.geometry for unit in made_units]
    leaves += [grid.geometry for grid in made_grids if grid.code not in parents]
    return PublishedMap(
        version=0,
        divisions=tuple(sorted(map(_division, rows["divisions"]), key=lambda d: d.code)),
        grids=derive_grids(made_grids, made_units),
        units=tuple(made_units),
        clean=is_coverage(leaves),
    )


def _frame_faults(name: str, frame: Any) -> list[Fault]:
    """What is wrong with a frame as a whole: columns, CRS, repeated codes, geometries."""
    if frame is None:
        return []
    missing = [column for column in _REQUIRED[name] if column not in frame.columns]
    if missing:
        found = [str(column) for column in frame.columns]
        return [_fault(name, "missing_column", "缺少列 " + "、".join(missing) + "；现有列", found)]
    codes = frame["code"].astype(str)
    faults = []
    if codes.duplicated().any():
        repeated = codes[codes.duplicated()].tolist()
        faults.append(_fault(name, "code_repeated", "编码重复", repeated))
    if name == "divisions":
        return faults
    if frame.crs is not None and frame.crs.to_epsg() not in (4490, 4326):
        crs = frame.crs.to_string()
        faults.append(_fault(name, "wrong_crs", "应为 EPSG:4490（请用 to_crs 转换），现为", [crs]))
    shapes = frame.geometry.to_numpy()
    bad = shapely.is_missing(shapes) | shapely.is_empty(shapes) | ~shapely.is_valid(shapes)
    bad |= (shapely.get_type_id(shapes) != 3) & (shapely.get_type_id(shapes) != 6)
    if bad.any():
        broken = codes[bad].tolist()
        faults.append(_fault(name, "bad_geometry", "几何为空、无效或不是面", broken))
    return faults


_ENGLISH = {
    "missing_column": "columns are missing; the frame has",
    "code_repeated": "codes repeated",
    "wrong_crs": "EPSG:4490 is needed (convert it with to_crs(4490)), the frame is in",
    "bad_geometry": "geometries that are null, empty, invalid or no polygons",
    "unit_without_grid": "units whose grid is not among the grids",
}


def _fault(name: str, code: str, zh: str, values: list[str]) -> Fault:
    shown = ", ".join(values[:10]) + (" ..." if len(values) > 10 else "")
    return Fault(code, Text(f"{zh}：{shown}", f"{_ENGLISH[code]}: {shown}"), name)


def _rows(frame: Any) -> list[Row]:
    """Rows without their empty cells."""
    if frame is None:
        return []
    rows: list[Row] = frame.to_dict("records")
    return [
        {key: value for key, value in row.items() if value is not None and value == value}
        for row in rows
    ]


def _area(row: Row) -> Area:
    return as_multipolygon(row["geometry"])


def _people(row: Row) -> int | None:
    return int(row["residents"]) if "residents" in row else None


def _grid(row: Row, scheme: CodeScheme) -> Grid:
    code = str(row["code"])
    return Grid(
        code=code,
        name=str(row.get("name", code)),
        village=str(row.get("village", code[: scheme.village])),
        geometry=_area(row),
        kind=GridKind(row.get("kind", GridKind.GENERAL)),
        residents=_people(row),
    )


def _unit(row: Row, scheme: CodeScheme) -> EndUnit:
    code = str(row["code"])
    return EndUnit(
        code=code,
        name=str(row.get("name", code)),
        grid=str(row.get("grid", code[: scheme.grid])),
        geometry=_area(row),
        residents=_people(row),
    )


def _division(row: Row) -> Division:
    parent = row.get("parent")
    return Division(
        str(row["code"]), str(row["name"]), Level(row["level"]), None if not parent else str(parent)
    )
