"""The map: versioned rows of divisions, grids and end units."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, Generic, TypeVar

import numpy as np
import shapely
from sqlalchemy import Table, insert, select, update

from gridsvc.domain.area import Division, EndUnit, Grid, GridKind, Level, PublishedMap
from gridsvc.domain.errors import Fault, InputError
from gridsvc.domain.words import Text
from gridsvc.store.bulk import insert_rows
from gridsvc.store.geometry import raw, to_stored
from gridsvc.store.numbers import Counters
from gridsvc.store.repository import Repository
from gridsvc.store.tables import area_code, division, grid, map_version, unit

A = TypeVar("A", Division, Grid, EndUnit)
AnyArea = Division | Grid | EndUnit

_CHUNK = 5000


@dataclass(frozen=True, slots=True)
class MapChange:
    """What a publication did: rows over all the layers that were given."""

    version: int
    added: int
    changed: int
    removed: int


@dataclass(frozen=True, slots=True)
class MapVersion:
    """One entry of the map's history."""

    version: int
    layer: str
    source: str
    clean: bool
    demo: bool
    accepted_faults: Mapping[str, int]
    at: datetime
    added: int
    changed: int
    removed: int


@dataclass(frozen=True)
class _Layer(Generic[A]):
    """A table of areas: ``fields`` are its attributes besides code and geometry."""

    table: Table
    fields: tuple[str, ...]
    make: Callable[..., A]

    def attributes(self, area: AnyArea) -> tuple[Any, ...]:
        return tuple(attrgetter(*self.fields)(area))


_DIVISIONS = _Layer(
    division,
    ("name", "level", "parent"),
    lambda code, shape, name, level, parent: Division(code, name, Level(level), parent, shape),
)
_GRIDS = _Layer(
    grid,
    ("name", "village", "kind", "residents"),
    lambda code, shape, name, village, kind, residents: Grid(
        code, name, village, shape, GridKind(kind), residents
    ),
)
_UNITS = _Layer(
    unit,
    ("name", "grid", "residents"),
    lambda code, shape, name, grid_code, residents: EndUnit(
        code, name, grid_code, shape, residents
    ),
)


@dataclass(frozen=True)
class _Plan:
    """What publishing one layer comes to: row numbers of the given areas, codes of the old."""

    layer: _Layer[Any]
    areas: Sequence[AnyArea]
    added: list[int]
    changed: list[int]
    removed: list[str]


class MapReader(Repository):
    """The current map and its history."""

    def version(self) -> int:
        """Return the number of the current version, 0 while there is no map."""
        query = (
            select(map_version.c.version)
            .where(map_version.c.county == self.county)
            .order_by(map_version.c.version.desc())
            .limit(1)
        )
        return int(self.connection.execute(query).scalar() or 0)

    def load(self) -> PublishedMap | None:
        """Return the current map, None while there is none."""
        query = (
            select(map_version.c.version, map_version.c.clean, map_version.c.demo)
            .where(map_version.c.county == self.county)
            .order_by(map_version.c.version.desc())
            .limit(1)
        )
        current = self.connection.execute(query).first()
        if current is None:
            return None
        return PublishedMap(
            current.version,
            self._areas(_DIVISIONS),
            self._areas(_GRIDS),
            self._areas(_UNITS),
            current.clean,
            current.demo,
        )

    def versions(self) -> list[MapVersion]:
        """Return every version of the map, the oldest first."""
        c = map_version.c
        query = (
            select(
                *(c.version, c.layer, c.source, c.clean, c.demo, c.accepted_faults),
                *(c.published_at, c.added, c.changed, c.removed),
            )
            .where(c.county == self.county)
            .order_by(c.version)
        )
        rows: list[Any] = list(self.connection.execute(query))
        return [MapVersion(*row) for row in rows]

    def _areas(self, layer: _Layer[A]) -> tuple[A, ...]:
        rows = self._current(layer)
        # Here and not in SQL: how text sorts there depends on the database's collation.
        rows.sort(key=lambda row: row[0])
        shapes = shapely.from_wkb(np.array([row[1] for row in rows], dtype=object))
        make = layer.make
        return tuple(make(row[0], shape, *row[2:]) for row, shape in zip(rows, shapes, strict=True))

    def _current(self, layer: _Layer[Any]) -> list[Any]:
        """Rows of (code, well-known binary, attributes...)."""
        c = layer.table.c
        query = select(
            c.code, raw(c.geometry, self.dialect), *(c[name] for name in layer.fields)
        ).where(c.county == self.county, c.to_version.is_(None))
        return list(self.connection.execute(query).all())


class MapWriter(MapReader):
    """The map inside a unit of work."""

    def lock(self) -> int:
        """Keep every other publisher out until this transaction ends; return the current version.

        Whoever loads the map to publish what follows from it locks first.
        """
        return Counters(self.connection, self.county).take("map", 0)

    def publish(
        self,
        *,
        divisions: Sequence[Division] | None = None,
        grids: Sequence[Grid] | None = None,
        units: Sequence[EndUnit] | None = None,
        layer: str,
        source: str,
        clean: bool,
        demo: bool,
        accepted_faults: Mapping[str, int] | None = None,
        at: datetime,
    ) -> MapChange:
        """Make the next version of the map.

        A layer that is given replaces the current one: rows equal in value (attributes, and
        geometry whatever vertex its rings start at) stay as they are, the others are closed or
        begin with the new version. A layer that is None is left untouched.

        Parameters
        ----------
        divisions, grids, units
            Geometries are MultiPolygons in lng, lat degrees (CGCS2000).
        layer, source
            What was published (``grids``, ``county`` ...) and the file it came from.
        clean, demo
            As in `PublishedMap`, said of the whole new version.
        accepted_faults
            Faults by kind that were accepted on purpose, kept with the version.
        at
            Aware time of the publication.

        Raises
        ------
        InputError
            A code that is given twice, each named.
        """
        version = Counters(self.connection, self.county).take("map")
        given: list[tuple[_Layer[Any], Sequence[AnyArea] | None]] = [
            (_DIVISIONS, divisions),
            (_GRIDS, grids),
            (_UNITS, units),
        ]
        plans = [self._plan(kind, areas) for kind, areas in given if areas is not None]
        change = MapChange(
            version,
            sum(len(plan.added) for plan in plans),
            sum(len(plan.changed) for plan in plans),
            sum(len(plan.removed) for plan in plans),
        )
        self.connection.execute(
            insert(map_version),
            {
                "county": self.county,
                "version": version,
                "layer": layer,
                "source": source,
                "clean": clean,
                "demo": demo,
                "accepted_faults": dict(accepted_faults or {}),
                "published_at": at,
                "added": change.added,
                "changed": change.changed,
                "removed": change.removed,
            },
        )
        for plan in plans:
            self._register(plan, version)
        for plan in plans:
            self._carry_out(plan, version)
        return change

    def _plan(self, layer: _Layer[Any], areas: Sequence[AnyArea]) -> _Plan:
        _refuse_repeated(areas)
        old = {row[0]: row[1:] for row in self._current(layer)}
        shapes = np.array([area.geometry for area in areas], dtype=object)
        added: list[int] = []
        changed: list[int] = []
        doubtful: list[int] = []
        for i, (area, wkb) in enumerate(
            zip(areas, shapely.to_wkb(shapes, byte_order=1), strict=True)
        ):
            before = old.pop(area.code, None)
            if before is None:
                added.append(i)
            elif before[1:] != layer.attributes(area):
                changed.append(i)
            elif before[0] != wkb:
                doubtful.append(i)
                old[area.code] = before
        # Other bytes may still be the same polygons, begun at another vertex.
        stored = shapely.from_wkb(
            np.array([old.pop(areas[i].code)[0] for i in doubtful], dtype=object)
        )
        same = shapely.equals_exact(
            shapely.normalize(stored), shapely.normalize(shapes[doubtful]), 0.0
        )
        changed += [i for i, equal in zip(doubtful, same, strict=True) if not equal]
        return _Plan(layer, areas, added, changed, list(old))

    def _register(self, plan: _Plan, version: int) -> None:
        query = select(area_code.c.code).where(area_code.c.county == self.county)
        known = set(self.connection.execute(query).scalars())
        new = [plan.areas[i].code for i in plan.added if plan.areas[i].code not in known]
        insert_rows(
            self.connection,
            area_code,
            [{"county": self.county, "code": code, "first_version": version} for code in new],
        )

    def _carry_out(self, plan: _Plan, version: int) -> None:
        table = plan.layer.table
        closed = [*plan.removed, *(plan.areas[i].code for i in plan.changed)]
        for start in range(0, len(closed), _CHUNK):
            self.connection.execute(
                update(table)
                .where(table.c.county == self.county, table.c.to_version.is_(None))
                .where(table.c.code.in_(closed[start : start + _CHUNK]))
                .values(to_version=version)
            )
        fresh = [plan.areas[i] for i in (*plan.added, *plan.changed)]
        if not fresh:
            return
        stored = to_stored([area.geometry for area in fresh], "MULTIPOLYGON", self.dialect)
        names = plan.layer.fields
        insert_rows(
            self.connection,
            table,
            [
                {
                    "county": self.county,
                    "code": area.code,
                    "from_version": version,
                    "geometry": geometry,
                    **dict(zip(names, plan.layer.attributes(area), strict=True)),
                }
                for area, geometry in zip(fresh, stored, strict=True)
            ],
        )


def _refuse_repeated(areas: Sequence[AnyArea]) -> None:
    counts = Counter(area.code for area in areas)
    repeated = [code for code, count in counts.items() if count > 1]
    if repeated:
        raise InputError(
            Fault(
                "code_repeated",
                Text(
                    "编码重复：同一图层内每个编码只能出现一次",
                    "the code is given more than once: within a layer each code occurs once",
                ),
                code,
            )
            for code in sorted(repeated)
        )
