"""Roads as they were imported, and what closes them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from gridsvc.domain.force import Vehicle
from gridsvc.domain.geo import Floats
from gridsvc.domain.words import Text

Ints = npt.NDArray[np.int64]
Masks = npt.NDArray[np.uint8]
Strings = npt.NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class RoadNetwork:
    """One imported version of the roads: nodes, and edges between them as they were drawn.

    An edge is a piece of road between two nodes with nothing that joins it in between. What may
    move on it is a mask a direction: bit ``i`` stands for place ``i`` in
    `gridsvc.domain.travel.VEHICLES`. How fast is reckoned later, from class, surface and limit.

    Attributes
    ----------
    version
        Counted up with every import; 0 for roads that are in no store.
    node_lng, node_lat
        CGCS2000 degrees, shape (n,).
    tail, head
        Node numbers, shape (m,): the edge was drawn from ``tail`` to ``head``.
    along, against
        Who may go from tail to head, and from head to tail, shape (m,).
    length_m
        Metres on the ground, shape (m,).
    limit_kmh
        The posted limit (of a ferry: its speed, waiting included), NaN where none is known,
        shape (m,).
    road_class, surface, name
        Shape (m,); an empty string where not known. Classes are those of
        `gridsvc.travel.speeds`.
    edge
        Ids that last as long as the source's own: the source's id of the road, a colon, and the
        place of the piece in it; shape (m,).
    shape, shape_start
        The vertices of all edges in order (lng, lat degrees), shape (k, 2), and where each edge's
        begin, shape (m + 1,).
    """

    version: int
    node_lng: Floats
    node_lat: Floats
    tail: Ints
    head: Ints
    along: Masks
    against: Masks
    length_m: Floats
    limit_kmh: Floats
    road_class: Strings
    surface: Strings
    name: Strings
    edge: Strings
    shape: Floats
    shape_start: Ints

    @property
    def nodes(self) -> int:
        """How many nodes there are."""
        return len(self.node_lng)

    @property
    def edges(self) -> int:
        """How many edges there are."""
        return len(self.tail)


class ClosureState(StrEnum):
    """Where a closure stands."""

    SCHEDULED = "scheduled"
    IN_FORCE = "in_force"
    ENDED = "ended"
    LIFTED = "lifted"


CLOSURE_NAMES: dict[ClosureState, Text] = {
    ClosureState.SCHEDULED: Text("未开始", "scheduled"),
    ClosureState.IN_FORCE: Text("封闭中", "in force"),
    ClosureState.ENDED: Text("已到期", "ended"),
    ClosureState.LIFTED: Text("已解除", "lifted"),
}
"""What each is called on screen."""


@dataclass(frozen=True, slots=True)
class Closure:
    """Roads that cannot be used for a time: those that ``geometry`` (shapely, lng and lat degrees:
    a line along them or a polygon over them) touches, and those named in ``edges``.

    In force from ``starts_at`` until ``ends_at`` (None: until lifted) or ``lifted_at``, for
    ``vehicles`` alone; all times are aware.
    """

    id: str
    geometry: Any
    edges: tuple[str, ...]
    vehicles: frozenset[Vehicle]
    starts_at: datetime
    ends_at: datetime | None
    reason: str
    made_by: str
    made_at: datetime
    lifted_at: datetime | None = None

    def state(self, at: datetime) -> "ClosureState":
        """Where it stands at ``at`` (aware)."""
        if self.lifted_at is not None and self.lifted_at <= at:
            return ClosureState.LIFTED
        if self.ends_at is not None and self.ends_at <= at:
            return ClosureState.ENDED
        return ClosureState.IN_FORCE if self.starts_at <= at else ClosureState.SCHEDULED

    def holds(self, at: datetime) -> bool:
        """Whether it is in force at ``at`` (aware)."""
        end = min((one for one in (self.ends_at, self.lifted_at) if one is not None), default=None)
        return self.starts_at <= at and (end is None or at < end)
