"""What was reported, where it is, and how well that is known."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from gridsvc.domain.area import PublishedMap
from gridsvc.domain.errors import Fault, NotFoundError
from gridsvc.domain.geo import Datum, LngLat
from gridsvc.domain.kinds import KINDS_BY_CODE, Category
from gridsvc.domain.words import Text


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
class PlaceDoubt:
    """Why the place of an incident is not sure (位置不准), until somebody confirms it.

    ``candidates`` are the codes of the areas where it may be, the best first. Until
    ``asked_until`` (aware) the officer is asked, then people are sent to the best one; None: nobody
    waits for that, because they were sent or because it is not urgent. ``guessed``: the placement
    is that of the best candidate.
    """

    why: tuple[Text, ...]
    candidates: tuple[str, ...] = ()
    asked_until: datetime | None = None
    guessed: bool = False


@dataclass(frozen=True, slots=True)
class Incident:
    """One report. ``number`` is readable aloud (罗平-20261123-0042); ``placement`` is how it was
    located on ``map_version``; while it is None the place is not known (待定位), ``unplaced`` says
    why and ``given`` keeps the position as it was sent. ``reporter`` is the id of a person.
    ``alarm_level``: how far up its run card it is; ``doubt``: why its place is not sure."""

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
    reporter: str | None = None
    confidential: bool = False
    unplaced: tuple[Text, ...] = ()
    given: str = ""
    alarm_level: int = 1
    doubt: PlaceDoubt | None = None

    @property
    def place_awaited(self) -> bool:
        """Whether nobody is assigned yet because the officer is being asked where it is."""
        return self.doubt is not None and self.doubt.asked_until is not None

    def areas(self, county: str) -> tuple[str, ...]:
        """Codes of the areas it lies in so far as they are known, the county's first."""
        place = self.placement
        if place is None:
            return (county,)
        known = (county, place.township, place.village, place.grid, place.unit)
        return tuple(code for code in known if code)

    def edges(self) -> dict[str, Any]:
        """The ``owner``, which is the one grid that answers for it, and the grids whose edges are
        near, with their distances in metres; nothing while its place is not known."""
        if self.placement is None:
            return {}
        near = [
            {"grid": one.code, "distance_m": one.distance_m}
            for one in self.placement.neighbours
            if one.level == "grid"
        ]
        return {"owner": self.placement.grid, "near_edges": near}


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who reported it. ``confidential``: never shown to those who handle the case."""

    name: str = ""
    phone: str = ""
    confidential: bool = False


def unknown_incident(said: str, *, where: str = "") -> NotFoundError:
    """The error that no incident has the id or number ``said``, given in the field ``where``."""
    text = Text(f"没有编号为“{said}”的案件", f"no incident is known under {said!r}")
    return NotFoundError(Fault("unknown_incident", text, where))


def for_list(incident: Incident) -> tuple[Incident, bool]:
    """What a list of incidents may tell of ``incident``, and whether anything is withheld.

    A list hangs on walls and is read over shoulders: of a sensitive kind it leaves out the words,
    the address, the position and the distances from which that could be found again; the areas
    stay. Who asks for one incident by its number is shown it whole.
    """
    kind = KINDS_BY_CODE.get(incident.kind)
    if kind is not None and not kind.sensitive:
        return incident, False
    placement = incident.placement
    if placement is not None:
        placement = replace(placement, neighbours=())
    doubt = incident.doubt and replace(incident.doubt, why=(), candidates=())
    hidden = replace(incident, text="", address="", position=None, placement=placement)
    return replace(hidden, doubt=doubt), True


def case_prefix(published: PublishedMap | None, county: str) -> str:
    """What case numbers begin with: 罗平 for 罗平县; the county's code while it has no name."""
    name = "" if published is None else published.county_name
    for ending in ("自治县", "县", "区", "市"):
        if name.endswith(ending) and len(name) > len(ending) + 1:
            return name.removesuffix(ending)
    return name or county
