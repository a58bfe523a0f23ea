"""Areas against their parents' areas: parts outside, gaps, units that are not in one grid."""

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from geodata.faults import FaultCode, LayerFault
from geodata.gaps import gap_fault
from geodata.layer import LayerKind
from geodata.parents import rows_at
from geodata.shapes import Shapes, mean_width_m, widest_part_m
from gridsvc.domain.geo import Geometries
from gridsvc.domain.topology import group_unions, is_coverage, polygonal, union_of
from gridsvc.domain.words import Text

Ints = npt.NDArray[np.intp]

PARENT_LEVELS: dict[LayerKind, tuple[str, ...]] = {
    LayerKind.DIVISIONS: ("township", "county"),
    LayerKind.GRIDS: ("village", "township", "county"),
    LayerKind.UNITS: ("grid",),
}


@dataclass(frozen=True)
class Nesting:
    """A layer's areas and the areas above them.

    ``above`` is the position in ``parents`` of each area's parent, -1 where it has none there.
    Where no code of the parent layer is anybody's parent (an outline, say), the parent of every
    area is the union of the layer.
    """

    kind: LayerKind
    shapes: Shapes
    parents: Shapes
    above: Ints
    tolerance_m: float

    @classmethod
    def of(
        cls,
        kind: LayerKind,
        shapes: Shapes,
        parents_of: Sequence[str],
        parents: gpd.GeoDataFrame,
        tolerance_m: float,
    ) -> "Nesting":
        """Pair each area of ``shapes`` with its parent's, by ``parents_of`` (one code an area)."""
        upper = Shapes.of(rows_at(parents, PARENT_LEVELS[kind]), shapes.frame)
        position = {code: place for place, code in enumerate(upper.codes) if code}
        above = np.array([position.get(code, -1) for code in parents_of], dtype=np.intp)
        if len(upper) and not (above >= 0).any() and kind is not LayerKind.UNITS:
            whole = np.empty(1, dtype=object)
            whole[0] = union_of(upper.areas)
            upper = Shapes(upper.rows[:1], ("",), whole, upper.mended[:0], shapes.frame)
            above = np.zeros(len(shapes), dtype=np.intp)
        return cls(kind, shapes, upper, above, tolerance_m)

    def faults(self) -> list[LayerFault]:
        """Every fault of the nesting: gaps by parent, parts outside, units across grids."""
        if not len(self.parents):
            return []
        shapely.prepare(self.parents.areas)
        return [*self._gaps(), *self._strays()]

    def _gaps(self) -> list[LayerFault]:
        placed = np.flatnonzero(self.above >= 0)
        areas = self.shapes.areas[placed]
        unions = group_unions(
            [str(place) for place in self.above[placed]], areas, clean=is_coverage(areas)
        )
        empty = shapely.MultiPolygon()
        filled = np.empty(len(self.parents), dtype=object)
        filled[:] = [unions.get(str(place), empty) for place in range(len(self.parents))]
        same = shapely.equals_exact(
            shapely.normalize(self.parents.areas), shapely.normalize(filled), 0.0
        )
        # A grid without units is no gap; a village without grids is one.
        asked = ~same & (~shapely.is_empty(filled) | (self.kind is LayerKind.GRIDS))
        told = []
        for place in np.flatnonzero(asked).tolist():
            left = polygonal(shapely.difference(self.parents.areas[place], filled[place]))
            told += self._gaps_of(self.parents.codes[place], left)
        return told

    def _gaps_of(self, parent: str, left: shapely.MultiPolygon) -> list[LayerFault]:
        parts = shapely.get_parts(left)
        metric = self.shapes.frame.geometries(parts)
        wide = np.flatnonzero(mean_width_m(metric) > self.tolerance_m)
        return [
            gap_fault(self.shapes, parts[row], float(shapely.area(metric[row])), parent)
            for row in wide.tolist()
        ]

    def _strays(self) -> list[LayerFault]:
        """Areas with a part, wider than the tolerance, that is not in their parent."""
        areas, above = self.shapes.areas, self.above
        held = (above >= 0) & shapely.covers(self.parents.areas[above], areas)
        rest = np.flatnonzero(~held)
        outside = np.empty(len(rest), dtype=object)
        for row, place in enumerate(rest.tolist()):
            parent = self.parents.areas[above[place]] if above[place] >= 0 else None
            outside[row] = areas[place] if parent is None else _difference(areas[place], parent)
        wide = widest_part_m(self.shapes.frame, outside) > self.tolerance_m
        told: list[LayerFault] = []
        for row in np.flatnonzero(wide).tolist():
            told += self._stray(int(rest[row]), outside[row])
        return told

    def _stray(self, place: int, outside: shapely.MultiPolygon) -> list[LayerFault]:
        """What to say of the part of one area that is not in its parent."""
        if self.kind is not LayerKind.UNITS:
            # Without a parent of that code nothing can be outside it; that is told elsewhere.
            return [self._outside(place, outside)] if self.above[place] >= 0 else []
        near = self.parents.tree.query(outside, predicate="intersects")
        pieces = np.empty(len(near), dtype=object)
        pieces[:] = [_intersection(self.parents.areas[n], outside) for n in near.tolist()]
        wide = widest_part_m(self.shapes.frame, pieces) > self.tolerance_m
        others, pieces = near[wide], pieces[wide]
        nowhere = polygonal(shapely.difference(outside, shapely.union_all(pieces)))
        lost = widest_part_m(self.shapes.frame, [nowhere])[0] > self.tolerance_m
        told = [self._outside(place, nowhere)] if lost else []
        if len(others) or self._nowhere_else(place, outside):
            told.append(self._not_in_one(place, others, pieces, outside))
        if self.above[place] < 0 and len(others) == 1 and not lost:
            return []
        return told

    def _nowhere_else(self, place: int, outside: shapely.MultiPolygon) -> bool:
        """Whether nothing of the area is in its own parent."""
        inside = _difference(self.shapes.areas[place], outside)
        return bool(widest_part_m(self.shapes.frame, [inside])[0] <= self.tolerance_m)

    def _outside(self, place: int, part: shapely.MultiPolygon) -> LayerFault:
        size = float(self.shapes.frame.areas_m2([part])[0])
        name = self.shapes.say(place)
        parent = self.parents.codes[self.above[place]] if self.above[place] >= 0 else ""
        return LayerFault(
            FaultCode.OUTSIDE_PARENT,
            **self.shapes.named(place),
            text=Text(
                f"{name} 有 {size:,.2f} 平方米超出上级{parent and ' ' + parent}",
                f"{name}: {size:,.2f} m2 outside its parent{parent and ' ' + parent}",
            ),
            measure=size,
            geometry=part,
        )

    def _not_in_one(
        self, place: int, others: Ints, pieces: Geometries, outside: shapely.MultiPolygon
    ) -> LayerFault:
        name = self.shapes.say(place)
        own = self.parents.codes[self.above[place]] if self.above[place] >= 0 else ""
        sizes = self.shapes.frame.areas_m2(pieces)
        listed = ", ".join(
            f"{self.parents.codes[other]} ({size:,.2f} m2)"
            for other, size in zip(others.tolist(), sizes.tolist(), strict=True)
        )
        return LayerFault(
            FaultCode.UNIT_NOT_IN_ONE_GRID,
            **self.shapes.named(place),
            text=Text(
                f"单元 {name} 不在唯一网格内："
                + (f"所属网格 {own}，" if own else "")
                + (f"另落入 {listed}" if listed else "不在任何网格内"),
                f"unit {name} is not inside exactly one grid: "
                + (f"it belongs to {own}, " if own else "")
                + (f"and lies in {listed} too" if listed else "and lies in none"),
            ),
            measure=float(self.shapes.frame.areas_m2([outside])[0]),
            geometry=outside,
        )


def _difference(area: shapely.Geometry, other: shapely.Geometry) -> shapely.MultiPolygon:
    return polygonal(shapely.difference(area, other))


def _intersection(area: shapely.Geometry, other: shapely.Geometry) -> shapely.MultiPolygon:
    return polygonal(shapely.intersection(area, other))
