"""Whom an alert polygon calls: everybody responsible for what it touches, and who is inside."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import numpy as np
import shapely

from gridsvc.dispatch.eligibility import LIVE_MAX_AGE
from gridsvc.domain.alerts import Gap, Place, Why
from gridsvc.domain.area import Area, EndUnit, Grid, Level, PublishedMap
from gridsvc.domain.clock import CLOCK_SLACK
from gridsvc.domain.force import Responder

Leaf = TypeVar("Leaf", EndUnit, Grid)


@dataclass(frozen=True, slots=True)
class Touched:
    """What a polygon touches, edges included: units and grids by code, and the villages that these
    belong to."""

    units: tuple[EndUnit, ...]
    grids: tuple[Grid, ...]
    places: tuple[Place, ...]

    @property
    def codes(self) -> frozenset[str]:
        """Codes of everything touched, from the unit up to the township."""
        units, grids = {one.code for one in self.units}, {one.code for one in self.grids}
        return frozenset(units | grids | {code for place in self.places for code in place if code})


@dataclass(frozen=True, slots=True)
class Called:
    """One person to be called, why, and the township and village they are counted in."""

    responder: Responder
    why: Why
    township: str
    village: str

    @property
    def by_telephone(self) -> bool:
        """Whether there is anything to call."""
        return bool(self.responder.phone or self.responder.app)


class Parents:
    """Township and village of every code of a map."""

    def __init__(self, published: PublishedMap) -> None:
        villages = {d.code: d.parent or "" for d in published.divisions if d.level is Level.VILLAGE}
        self._of: dict[str, Place] = {
            d.code: (d.code, "") for d in published.divisions if d.level is Level.TOWNSHIP
        }
        self._of |= {code: (parent, code) for code, parent in villages.items()}
        for grid in published.grids:
            self._of[grid.code] = (villages.get(grid.village, ""), grid.village)
        for unit in published.units:
            self._of[unit.code] = self.of(unit.grid)

    def of(self, code: str) -> Place:
        """Township and village of an area, empty where there is none or the code is unknown."""
        return self._of.get(code, ("", ""))


def touched(published: PublishedMap, polygon: Area, parents: Parents) -> Touched:
    """What ``polygon`` (CGCS2000 lng, lat) touches on a map; the polygons decide, not boxes."""
    units = _touching(published.units, polygon)
    grids = _touching(published.grids, polygon)
    codes = [*(grid.code for grid in grids), *(unit.code for unit in units)]
    places = {parents.of(code) for code in codes}
    return Touched(tuple(units), tuple(grids), tuple(sorted(places)))


def called(
    found: Touched,
    polygon: Area,
    people: Sequence[Responder],
    parents: Parents,
    *,
    at: datetime,
) -> tuple[Called, ...]:
    """Everybody to be called, each once, by id; on duty or not, by day or night.

    Parameters
    ----------
    found, polygon
        What the polygon touches, and itself.
    people
        The force.
    parents
        Of the map.
    at
        The aware moment: live positions count while they are not older than ``LIVE_MAX_AGE``.
    """
    codes = found.codes
    chosen = {
        one.id: Called(one, Why.AREA, *parents.of(one.area)) for one in people if one.area in codes
    }
    passing = [one for one in _inside(people, polygon, at) if one.id not in chosen]
    stands_in = _grids_of(passing, found.grids)
    for one in passing:
        place = parents.of(stands_in.get(one.id, one.area))
        chosen[one.id] = Called(one, Why.POSITION, *place)
    return tuple(one for _, one in sorted(chosen.items()))


def gaps(found: Touched, people: Iterable[Called], parents: Parents) -> tuple[Gap, ...]:
    """Units and grids inside that nobody answers for, those with nobody at all first.

    A grid is a gap where it has no worker, even though its units have their sentinels: how many
    those are is told beside it.
    """
    answering = Counter(one.responder.area for one in people if one.why is Why.AREA)
    below: dict[str, int] = defaultdict(int)
    for unit in found.units:
        below[unit.grid] += answering[unit.code]
    beside = [
        *((one.code, answering[one.grid]) for one in found.units),
        *((one.code, below[one.code]) for one in found.grids),
    ]
    missing = [
        Gap(code, *parents.of(code), others) for code, others in beside if not answering[code]
    ]
    return tuple(sorted(missing, key=lambda gap: (gap.others > 0, gap.code)))


def _touching(areas: Sequence[Leaf], polygon: Area) -> list[Leaf]:
    tree = shapely.STRtree([one.geometry for one in areas])
    return [areas[i] for i in np.sort(tree.query(polygon, predicate="intersects"))]


def _inside(people: Sequence[Responder], polygon: Area, at: datetime) -> list[Responder]:
    lives = [
        (one, one.live.at)
        for one in people
        if one.live is not None and -CLOCK_SLACK <= at - one.live.seen_at <= LIVE_MAX_AGE
    ]
    if not lives:
        return []
    points = shapely.points([(place.lng, place.lat) for _, place in lives])
    shapely.prepare(polygon)
    return [
        one for (one, _), hit in zip(lives, shapely.intersects(polygon, points), strict=True) if hit
    ]


def _grids_of(people: Sequence[Responder], grids: Sequence[Grid]) -> Mapping[str, str]:
    """The grid that each of ``people`` stands in now, by id; on an edge the lowest code."""
    if not people or not grids:
        return {}
    tree = shapely.STRtree([grid.geometry for grid in grids])
    points = shapely.points(
        [(one.live.at.lng, one.live.at.lat) for one in people if one.live is not None]
    )
    found: dict[str, str] = {}
    for person, grid in zip(*tree.query(points, predicate="intersects"), strict=True):
        code, key = grids[grid].code, people[person].id
        found[key] = min(code, found.get(key, code))
    return found
