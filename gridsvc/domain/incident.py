"""What was reported, where it is, and how well that is known."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from gridsvc.domain.area import PublishedMap
from gridsvc.domain.geo import Datum, LngLat
from gridsvc.domain.kinds import Category


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An area across a nearby edge, at ``distance_m`` metres from the position."""

    level: Literal["grid", "unit"]
    code: str
    distance_m: float


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a position lies on one version of the map.

    ``unit`` is None in a grid without end units. Outside every polygon the areas are those of
    the nearest grid, ``outside_m`` is the distance to it in metres and ``bearing_deg`` the
    direction towards it, clockwise from true north; inside, they are 0 and None. ``neighbours``
    are the areas within 30 m (or the given radius, if larger), the nearest first.
    """

    unit: str | None
    grid: str
    village: str
    township: str
    outside_m: float = 0.0
    bearing_deg: float | None = None
    neighbours: tuple[Neighbour, ...] = ()

    @property
    def outside(self) -> bool:
        """Whether the position lies in no polygon of the map."""
        return self.bearing_deg is not None


@dataclass(frozen=True, slots=True)
class Position:
    """A reported position in CGCS2000, with what is known of it. ``given_datum`` is the datum it
    was reported in; ``radius_m`` the reported accuracy in metres; ``source`` is ``device``,
    ``map``, ``grid`` (only the grid was named), ``import`` ..."""

    at: LngLat
    given_datum: Datum
    source: str = ""
    radius_m: float = 0.0


@dataclass(frozen=True, slots=True)
class Incident:
    """One report. ``number`` is readable aloud (罗平-20261123-0042); ``placement`` is how it was
    located on ``map_version``."""

    id: str
    number: str
    received_at: datetime
    category: Category
    kind: str
    urgency: int
    text: str
    position: Position | None = None
    address: str = ""
    placement: Placement | None = None
    map_version: int | None = None
    drill: bool = False
    source: str = "api"


def case_prefix(published: PublishedMap | None, county: str) -> str:
    """What case numbers begin with: 罗平 for 罗平县; the county's code while it has no name."""
    division = None if published is None else published.county
    name = "" if division is None else division.name
    for ending in ("自治县", "县", "区", "市"):
        if name.endswith(ending) and len(name) > len(ending) + 1:
            return name.removesuffix(ending)
    return name or county
