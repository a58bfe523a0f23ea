"""Where everybody is: the force as points in metres, for the nearest by the straight line."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Self

import numpy as np

from gridsvc.dispatch.eligibility import LIVE_MAX_AGE, is_night, reachable
from gridsvc.domain.clock import CLOCK_SLACK
from gridsvc.domain.force import Capability, LivePosition, Responder
from gridsvc.domain.geo import Floats, LngLat, MetricFrame

_FIRST_BATCH = 64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STEP = timedelta(microseconds=1)
_BITS = {capability: 1 << n for n, capability in enumerate(Capability)}
_NEVER = np.iinfo(np.int64).min // 2


@dataclass(frozen=True, slots=True)
class Nearby:
    """A responder, its straight-line distance in metres, and whether that is from a live
    position (else from the home place)."""

    responder: Responder
    distance_m: float
    from_live: bool


class ForceIndex:
    """An immutable snapshot of the force.

    Both the home and the live position of a responder are kept; which one counts is decided at
    the time of the question, because a position ages. All distances are measured: a county's
    force is tens of thousands, and a pass over them takes less than the cards that follow.
    """

    def __init__(self, responders: Sequence[Responder], frame: MetricFrame) -> None:
        self.responders = tuple(responders)
        self._frame = frame
        self._number = {one.id: number for number, one in enumerate(self.responders)}
        self._rank = np.argsort(np.argsort(np.array([one.id for one in self.responders], str)))
        self._home = self._metres([one.home for one in self.responders])
        lives = [one.live for one in self.responders]
        self._live = self._metres([None if live is None else live.at for live in lives])
        self._seen = np.array([_moment(live) for live in lives], dtype=np.int64)
        self._can = np.array([_bits(one.capabilities) for one in self.responders], dtype=np.int64)
        self._reachable = {
            night: np.array(
                [reachable(one, night=night) for one in self.responders], dtype=np.bool_
            )
            for night in (False, True)
        }

    def __len__(self) -> int:
        return len(self.responders)

    @property
    def without_place(self) -> int:
        """How many have neither a home nor a live position and can never be found."""
        return int((np.isnan(self._home[:, 0]) & np.isnan(self._live[:, 0])).sum())

    def moved(self, lives: Mapping[str, LivePosition | None]) -> Self:
        """A snapshot in which the devices of some people (by id) are elsewhere."""
        after = copy(self)
        people, after._live, after._seen = [*self.responders], self._live.copy(), self._seen.copy()
        for key, live in lives.items():
            number = self._number.get(key)
            if number is not None:
                people[number] = replace(people[number], live=live)
                after._live[number] = self._metres([None if live is None else live.at])[0]
                after._seen[number] = _moment(live)
        after.responders = tuple(people)
        return after

    def nearest(
        self,
        *,
        lng: float,
        lat: float,
        at: datetime,
        able: Collection[Capability] | None = None,
    ) -> Iterator[Nearby]:
        """Yield everybody with a place, the nearest first (ties by id).

        Parameters
        ----------
        lng, lat
            CGCS2000 degrees.
        at
            Aware datetime: live positions older than ``LIVE_MAX_AGE`` do not count, nor do those
            more than ``CLOCK_SLACK`` ahead of it.
        able
            Leave out everybody who can do none of these or cannot be reached; None leaves out
            nobody.
        """
        fresh = (_ticks(at - LIVE_MAX_AGE) <= self._seen) & (self._seen <= _ticks(at + CLOCK_SLACK))
        x, y = np.where(fresh[:, None], self._live, self._home).T
        here = self._frame.point(lng=lng, lat=lat)
        distance = np.hypot(x - here[0], y - here[1])
        placed = ~np.isnan(distance)
        if able is not None:
            placed &= ((self._can & _bits(able)) != 0) & self._reachable[is_night(at)]
        left, batch = np.flatnonzero(placed), _FIRST_BATCH
        while len(left):
            # Only as much is sorted as is read; ties with the last one come along with it.
            reach = distance[left]
            limit = np.partition(reach, batch - 1)[batch - 1] if batch < len(left) else np.inf
            near, left = left[reach <= limit], left[reach > limit]
            for number in near[np.lexsort((self._rank[near], distance[near]))].tolist():
                found = float(distance[number])
                yield Nearby(self.responders[number], found, bool(fresh[number]))
            batch *= 4

    def _metres(self, places: Sequence[LngLat | None]) -> Floats:
        """Places in metres, shape (n, 2), NaN where there is none."""
        metres = np.full((len(places), 2), np.nan)
        known = [number for number, at in enumerate(places) if at is not None]
        lng = np.array([at.lng for at in places if at is not None], dtype=np.float64)
        lat = np.array([at.lat for at in places if at is not None], dtype=np.float64)
        metres[known] = np.column_stack(self._frame.points(lng=lng, lat=lat))
        return metres


def _bits(capabilities: Collection[Capability]) -> int:
    """Capabilities as one whole number."""
    return sum(_BITS[capability] for capability in capabilities)


def _moment(live: LivePosition | None) -> int:
    return _NEVER if live is None else _ticks(live.seen_at)


def _ticks(at: datetime) -> int:
    """A moment in whole microseconds: compared exactly."""
    return (at - _EPOCH) // _STEP
