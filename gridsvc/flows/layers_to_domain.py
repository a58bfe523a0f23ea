"""Rows of a checked layer as the county's areas."""

from collections.abc import Mapping, Sequence
from typing import Any

from geodata.layer import Layer
from gridsvc.domain.area import Area, Division, EndUnit, Grid, GridKind, Level
from gridsvc.domain.codes import CodeScheme
from gridsvc.domain.words import Text
from gridsvc.flows.cells import column, refuse, row_fault, texts, whole, words

GRID_KIND_NAMES: dict[GridKind, Text] = {
    GridKind.GENERAL: Text("一般网格", "general grid"),
    GridKind.DEDICATED: Text("专属网格", "dedicated grid"),
}
LEVEL_NAMES: dict[Level, Text] = {
    Level.COUNTY: Text("县", "county"),
    Level.TOWNSHIP: Text("乡镇", "township"),
    Level.VILLAGE: Text("村", "village"),
}

Shapes = Mapping[int, Area]


def to_divisions(
    layer: Layer, parents: Sequence[str], shapes: Shapes, scheme: CodeScheme
) -> tuple[Division, ...]:
    """Divisions of the rows; ``shapes`` by row, for those that have one.

    Raises
    ------
    LayerError
        Rows whose level is neither in the file nor told by the code.
    """
    known = words(LEVEL_NAMES)
    faults, out = [], []
    for row, code, name, given, parent in zip(
        layer.frame.index.tolist(),
        texts(layer.frame, "code"),
        texts(layer.frame, "name"),
        texts(layer.frame, "level"),
        parents,
        strict=True,
    ):
        level = known.get(given.lower()) or known.get(scheme.level_of(code) or "")
        if level is None:
            text = Text(f"级别“{given}”无法识别", f"level {given!r} is not known")
            faults.append(row_fault("unknown_level", row, text, code))
            continue
        out.append(Division(code, name, level, parent or None, shapes.get(row)))
    refuse(faults)
    return tuple(sorted(out, key=lambda division: division.code))


def to_grids(layer: Layer, villages: Sequence[str], shapes: Shapes) -> tuple[Grid, ...]:
    """Grids of the rows that have a shape; ``villages`` are their parents, one a row.

    Raises
    ------
    LayerError
        Rows whose kind of grid is not known.
    """
    known = words(GRID_KIND_NAMES) | {"一般": GridKind.GENERAL, "专属": GridKind.DEDICATED}
    faults, out = [], []
    for row, code, name, given, residents, village in zip(
        layer.frame.index.tolist(),
        texts(layer.frame, "code"),
        texts(layer.frame, "name"),
        texts(layer.frame, "kind"),
        column(layer.frame, "residents"),
        villages,
        strict=True,
    ):
        kind = known.get(given.lower()) if given else GridKind.GENERAL
        if kind is None:
            text = Text(
                f"网格类型“{given}”无法识别：可用 一般网格、专属网格",
                f"kind of grid {given!r} is not known: use general or dedicated",
            )
            faults.append(row_fault("unknown_grid_kind", row, text, code))
        elif row in shapes:
            out.append(Grid(code, name or code, village, shapes[row], kind, whole(residents)))
    refuse(faults)
    return tuple(sorted(out, key=lambda grid: grid.code))


def to_units(layer: Layer, grids: Sequence[str], shapes: Shapes) -> tuple[EndUnit, ...]:
    """End units of the rows that have a shape; ``grids`` are their parents, one a row."""
    rows: list[Any] = list(
        zip(
            layer.frame.index.tolist(),
            texts(layer.frame, "code"),
            texts(layer.frame, "name"),
            column(layer.frame, "residents"),
            grids,
            strict=True,
        )
    )
    units = [
        EndUnit(code, name or code, grid, shapes[row], whole(residents))
        for row, code, name, residents, grid in rows
        if row in shapes
    ]
    return tuple(sorted(units, key=lambda unit: unit.code))
