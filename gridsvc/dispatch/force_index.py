"""Where everybody is: the force as points in metres, for the nearest by the straight line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from gridsvc.dispatch.eligibility import LIVE_MAX_AGE
from gridsvc.domain.force import Responder
from gridsvc.domain.geo import Floats, MetricFrame

_FIRST_BATCH = 64


@dataclass(frozen=True, slots=True)
class Nearby:
    """A responder, its straight-line distance in metres, and whether that is from a live
    position (else from the home place)."""

    responder: Responder
    distance_m: float
    from_live: bool


class ForceIndex:
    """An immutable snapshot of the force.

    Both the home and the live position of a responder are indexed; which one counts is decided
    at the time of the question, because a position ages.
    """

    def __init__(self, responders: Sequence[Responder], frame: MetricFrame) -> None:
        self.responders = tuple(responders)
        self._frame = frame
        places: list[tuple[int, bool]] = []
        lng: list[float] = []
        lat: list[float] = []
        for index, responder in enumerate(self.responders):
            live = None if responder.live is None else responder.live.at
            for at, is_live in ((responder.home, False), (live, True)):
                if at is not None:
                    places.append((index, is_live))
                    lng.append(at.lng)
                    lat.append(at.lat)
        self._places = places
        x, y = frame.points(lng=np.asarray(lng), lat=np.asarray(lat))
        self._tree = cKDTree(np.column_stack([x, y])) if places else None

    def __len__(self) -> int:
        return len(self.responders)

    @property
    def without_place(self) -> int:
        """How many have neither a home nor a live position and can never be found."""
        return len(self.responders) - len({index for index, _ in self._places})

    def nearest(self, *, lng: float, lat: float, at: datetime) -> Iterator[Nearby]:
        """Yield everybody with a place, the nearest first (ties by id).

        Parameters
        ----------
        lng, lat
            CGCS2000 degrees.
        at
            Aware datetime: live positions older than ``LIVE_MAX_AGE`` do not count.
        """
        if self._tree is None:
            return
        x, y = self._frame.point(lng=lng, lat=lat)
        total, batch, done = len(self._places), _FIRST_BATCH, 0
        while done < total:
            batch = min(batch, total)
            distances, indices = self._tree.query((x, y), k=np.arange(1, batch + 1))
            order = self._complete(np.asarray(distances), np.asarray(indices), done, batch == total)
            for distance, place in order:
                nearby = self._count(place, distance, at)
                if nearby is not None:
                    yield nearby
            done += len(order)
            batch *= 4

    def _complete(
        self, distances: Floats, indices: npt.NDArray[Any], done: int, last: bool
    ) -> list[tuple[float, int]]:
        """The answers from ``done`` on, ordered by distance and id. Ties with the last distance
        are left for the next batch, where all of them are known."""
        found = [(float(d), int(i)) for d, i in zip(distances, indices, strict=True)]
        if not last:
            limit = found[-1][0]
            found = [pair for pair in found if pair[0] < limit]
        found.sort(key=lambda pair: (pair[0], self.responders[self._places[pair[1]][0]].id))
        return found[done:]

    def _count(self, place: int, distance_m: float, at: datetime) -> Nearby | None:
        index, is_live = self._places[place]
        responder = self.responders[index]
        fresh = responder.live is not None and at - responder.live.seen_at <= LIVE_MAX_AGE
        counts = is_live if fresh else not is_live
        return Nearby(responder, distance_m, is_live) if counts else None
