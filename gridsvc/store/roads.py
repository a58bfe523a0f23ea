"""Roads, of which only the current version has its edges here, and what closes them."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import shapely
from sqlalchemy import delete, func, insert, select, update

from gridsvc.domain.force import Vehicle
from gridsvc.domain.roads import Closure, RoadNetwork
from gridsvc.store.bulk import insert_rows
from gridsvc.store.geometry import raw, to_stored
from gridsvc.store.repository import Repository
from gridsvc.store.tables import closure, road_edge, road_version


@dataclass(frozen=True, slots=True)
class RoadVersion:
    """One import of roads; ``digest`` is the same for the same roads in any store."""

    version: int
    source: str
    digest: str
    nodes: int
    edges: int
    demo: bool
    at: datetime


class RoadReader(Repository):
    """The current roads, and closures."""

    def current(self) -> RoadVersion | None:
        """Return the current version, None while there are no roads."""
        c = road_version.c
        query = (
            select(*(c.version, c.source, c.digest, c.nodes, c.edges, c.demo, c.published_at))
            .where(c.county == self.county)
            .order_by(c.version.desc())
            .limit(1)
        )
        row = self.connection.execute(query).first()
        return None if row is None else RoadVersion(*row)

    def load(self) -> RoadNetwork | None:
        """Return the current roads, None while there are none."""
        current = self.current()
        if current is None:
            return None
        c = road_edge.c
        query = (
            select(
                *(c.edge, c.tail, c.head, c.along, c.against, c.length_m, c.limit_kmh),
                *(c.road_class, c.surface, c.name, raw(c.geometry, self.dialect)),
            )
            .where(c.county == self.county)
            .order_by(c.number)
        )
        rows = self.connection.execute(query).all()
        columns = list(zip(*rows, strict=True)) or [()] * 11
        edge, tail, head, along, against, length, limit, kind, surface, name, wkb = columns
        shape, owner = shapely.get_coordinates(
            shapely.from_wkb(np.array(wkb, dtype=object)), return_index=True
        )
        start = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(edge)))])
        tails, heads = np.array(tail, dtype=np.int64), np.array(head, dtype=np.int64)
        nodes = np.zeros((current.nodes, 2))
        nodes[tails], nodes[heads] = shape[start[:-1]], shape[start[1:] - 1]
        return RoadNetwork(
            version=current.version,
            node_lng=nodes[:, 0],
            node_lat=nodes[:, 1],
            tail=tails,
            head=heads,
            along=np.array(along, dtype=np.uint8),
            against=np.array(against, dtype=np.uint8),
            length_m=np.array(length, dtype=np.float64),
            limit_kmh=np.array(limit, dtype=np.float64),
            road_class=np.array(kind, dtype=np.str_),
            surface=np.array(surface, dtype=np.str_),
            name=np.array(name, dtype=np.str_),
            edge=np.array(edge, dtype=np.str_),
            shape=shape,
            shape_start=start.astype(np.int64),
        )

    def closures(self, *, standing: bool = False) -> tuple[Closure, ...]:
        """Return every closure there ever was, the earliest first; of ``standing`` ones those that
        were not lifted."""
        c = closure.c
        query = select(closure).where(c.county == self.county).order_by(c.starts_at, c.id)
        if standing:
            query = query.where(c.lifted_at.is_(None))
        return tuple(_closure(row) for row in self.connection.execute(query))

    def closure(self, id: str) -> Closure | None:  # noqa: A002
        """Return one closure, None where there is none of that id."""
        c = closure.c
        query = select(closure).where(c.county == self.county, c.id == id)
        row = self.connection.execute(query).first()
        return None if row is None else _closure(row)


class RoadWriter(RoadReader):
    """Roads and closures inside a unit of work."""

    def publish(
        self, network: RoadNetwork, *, source: str, at: datetime, demo: bool = False
    ) -> RoadVersion:
        """Make ``network`` the current roads in place of those before.

        Parameters
        ----------
        network
            Its own version does not count.
        source
            The file's name.
        at
            Aware time of publication.
        """
        last = select(func.max(road_version.c.version)).where(road_version.c.county == self.county)
        version = int(self.connection.execute(last).scalar() or 0) + 1
        made = RoadVersion(
            version, source, digest_of(network), network.nodes, network.edges, demo, at
        )
        self.connection.execute(delete(road_edge).where(road_edge.c.county == self.county))
        self.connection.execute(
            insert(road_version).values(
                county=self.county,
                version=version,
                source=source,
                digest=made.digest,
                nodes=made.nodes,
                edges=made.edges,
                demo=demo,
                published_at=at,
            )
        )
        insert_rows(self.connection, road_edge, self._rows(network, version))
        return made

    def _rows(self, network: RoadNetwork, version: int) -> list[dict[str, Any]]:
        owner = np.repeat(np.arange(network.edges), np.diff(network.shape_start))
        lines = np.asarray(shapely.linestrings(network.shape, indices=owner), dtype=object)
        columns: dict[str, Iterable[Any]] = {
            "edge": network.edge.tolist(),
            "tail": network.tail.tolist(),
            "head": network.head.tolist(),
            "along": network.along.tolist(),
            "against": network.against.tolist(),
            "length_m": network.length_m.tolist(),
            "limit_kmh": [None if one != one else one for one in network.limit_kmh.tolist()],
            "road_class": network.road_class.tolist(),
            "surface": network.surface.tolist(),
            "name": network.name.tolist(),
            "geometry": to_stored(lines, "LINESTRING", self.dialect),
        }
        names = list(columns)
        return [
            {"county": self.county, "number": number, "version": version}
            | dict(zip(names, row, strict=True))
            for number, row in enumerate(zip(*columns.values(), strict=True))
        ]

    def close(self, one: Closure) -> None:
        """Store a new closure."""
        self.connection.execute(
            insert(closure).values(
                county=self.county,
                id=one.id,
                geometry=one.geometry,
                edges=list(one.edges),
                vehicles=sorted(one.vehicles),
                starts_at=one.starts_at,
                ends_at=one.ends_at,
                reason=one.reason,
                made_by=one.made_by,
                made_at=one.made_at,
                lifted_at=one.lifted_at,
            )
        )

    def lift(self, id: str, *, at: datetime) -> bool:  # noqa: A002
        """Lift a closure at the aware moment ``at``; False where it is not there or was lifted."""
        c = closure.c
        mine = (c.county == self.county, c.id == id, c.lifted_at.is_(None))
        return bool(
            self.connection.execute(update(closure).where(*mine).values(lifted_at=at)).rowcount
        )


def digest_of(network: RoadNetwork) -> str:
    """SHA-256 of everything in a network but its version, hexadecimal."""
    digest = hashlib.sha256()
    for array in (
        *(network.tail, network.head, network.along, network.against, network.length_m),
        *(network.limit_kmh, network.shape, network.shape_start),
    ):
        digest.update(np.ascontiguousarray(array).tobytes())
    words = (network.edge, network.road_class, network.surface, network.name)
    digest.update(json.dumps([array.tolist() for array in words]).encode())
    return digest.hexdigest()


def _closure(row: Any) -> Closure:
    return Closure(
        id=row.id,
        geometry=row.geometry,
        edges=tuple(row.edges),
        vehicles=frozenset(map(Vehicle, row.vehicles)),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        reason=row.reason,
        made_by=row.made_by,
        made_at=row.made_at,
        lifted_at=row.lifted_at,
    )
