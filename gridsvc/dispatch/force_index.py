"""Where everybody is: the force as points in metres, and who could be there first."""

from collections.abc import Collection, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Self

import numpy as np
import numpy.typing as npt

from gridsvc.dispatch.eligibility import LIVE_MAX_AGE, reachable
from gridsvc.dispatch.view import HOME_S, TELEPHONE_S, Bools, View
from gridsvc.domain.clock import CLOCK_SLACK
from gridsvc.domain.force import Capability, LivePosition, Responder, Role
from gridsvc.domain.geo import Floats, LngLat, MetricFrame
from gridsvc.domain.travel import VEHICLES, Settled, TravelTimes

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STEP = timedelta(microseconds=1)
_BITS = {capability: 1 << n for n, capability in enumerate(Capability)}
_ROLE_BITS = {role: 1 << n for n, role in enumerate(Role)}
_NUMBERS = {vehicle: number for number, vehicle in enumerate(VEHICLES)}
_NEVER = np.iinfo(np.int64).min // 2
_MAX_AGE = LIVE_MAX_AGE // _STEP
_SLACK = CLOCK_SLACK // _STEP


@dataclass(frozen=True, slots=True)
class Places:
    """Where everybody counts as being from tick ``since`` to tick ``until``, both included.

    ``start`` is in metres, shape (n, 2), column by column in memory, NaN where there is no place;
    ``live`` whether that is a live position; ``penalty`` the seconds it adds to a score.
    """

    start: Floats
    live: Bools
    penalty: Floats
    since: int
    until: int


class ForceIndex:
    """An immutable snapshot of the force.

    Both the home and the live position of a responder are kept; which one counts is decided at
    the time of the question, because a position ages. Travel times are looked for as far as the
    answer needs them.
    What depends on neither place nor time is found once and shared by all snapshots of a force.
    """

    def __init__(self, responders: Sequence[Responder], frame: MetricFrame) -> None:
        self.responders = people = tuple(responders)
        self._frame = frame
        self._number = {one.id: number for number, one in enumerate(people)}
        self.rank = np.argsort(np.argsort(np.array([one.id for one in people], str)))
        self._home = self._metres([one.home for one in people])
        lives = [one.live for one in people]
        self._live = self._metres([None if live is None else live.at for live in lives])
        self._seen = np.array([_moment(live) for live in lives], dtype=np.int64)
        self._can = np.array([_bits(one.capabilities) for one in people], dtype=np.int64)
        self._role = np.array([_ROLE_BITS[one.role] for one in people], dtype=np.int64)
        self._vehicle = np.array([_NUMBERS[one.vehicle] for one in people], dtype=np.int8)
        self._telephone = np.array([0.0 if one.app else TELEPHONE_S for one in people], np.float64)
        self._reachable = {
            night: np.array([reachable(one, night=night) for one in people], dtype=np.bool_)
            for night in (False, True)
        }
        self._answering: dict[tuple[Role, str], tuple[int, ...]] = {}
        for number, one in enumerate(people):
            if one.role in (Role.SENTINEL, Role.GRID_WORKER):
                key = (one.role, one.area)
                self._answering[key] = (*self._answering.get(key, ()), number)
        self._able: dict[tuple[int, int, bool | None], tuple[Bools, npt.NDArray[np.intp]]] = {}
        self._places: Places | None = None
        self._settled: tuple[TravelTimes, Places, Settled] | None = None

    def __len__(self) -> int:
        return len(self.responders)

    @property
    def without_place(self) -> int:
        """How many have neither a home nor a live position and can never be found."""
        return int((np.isnan(self._home[:, 0]) & np.isnan(self._live[:, 0])).sum())

    def get(self, id: str) -> Responder | None:  # noqa: A002
        """The responder of that id."""
        number = self.number(id)
        return None if number is None else self.responders[number]

    def number(self, id: str) -> int | None:  # noqa: A002
        """The place in ``responders`` of that id."""
        return self._number.get(id)

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
        after._places = after._settled = None
        return after

    def view(
        self,
        *,
        lng: float,
        lat: float,
        at: datetime,
        travel: TravelTimes,
        unit: str | None = None,
        grid: str | None = None,
    ) -> View:
        """The force as seen from a place.

        Parameters
        ----------
        lng, lat
            CGCS2000 degrees.
        at
            Aware datetime: live positions older than ``LIVE_MAX_AGE`` do not count, nor do those
            more than ``CLOCK_SLACK`` ahead of it.
        travel
            Gives the travel times.
        unit, grid
            Codes of the incident's own areas.
        """
        places, here = self._placed(_ticks(at)), self._frame.point(lng=lng, lat=lat)
        search = self.settle(travel, at=at).search(here)
        own = (*self.answering(Role.SENTINEL, unit), *self.answering(Role.GRID_WORKER, grid))
        return View(self, places, at=at, here=here, search=search, own=own)

    @property
    def homes(self) -> Floats:
        """Home places in metres, shape (n, 2), NaN where there is none."""
        return self._home

    def places(self, at: datetime) -> Places:
        """Where everybody counts as being at an aware datetime."""
        return self._placed(_ticks(at))

    def settle(self, travel: TravelTimes, *, at: datetime) -> Settled:
        """Everybody put where they count as being at an aware datetime, for ``travel``.

        Kept while neither changes. The first time with new roads takes a second for a county:
        asked for once before those are taken over, no incident has to wait for it.
        """
        places, kept = self._placed(_ticks(at)), self._settled
        if kept is None or kept[0] is not travel or kept[1] is not places:
            settled = travel.settle(places.start, self._vehicle)
            self._settled = kept = (travel, places, settled)
        return kept[2]

    def answering(self, role: Role, area: str | None) -> tuple[int, ...]:
        """Who answers for a unit as its sentinel, or for a grid as its worker."""
        return () if area is None else self._answering.get((role, area), ())

    def able(
        self,
        capabilities: Collection[Capability],
        *,
        barred: Collection[Role] = (),
        night: bool | None = None,
    ) -> tuple[Bools, npt.NDArray[np.intp]]:
        """Who can do any of ``capabilities``, is of no ``barred`` role and can be reached by
        ``night`` or day (None: whether or not): as a mask, shape (n,), and as their numbers."""
        bars = sum(_ROLE_BITS[role] for role in barred)
        key = (_bits(capabilities), bars, night)
        found = self._able.get(key)
        if found is None:
            mask = ((self._can & key[0]) != 0) & ((self._role & bars) == 0)
            if night is not None:
                mask &= self._reachable[night]
            found = self._able[key] = (mask, np.flatnonzero(mask))
        return found

    def _placed(self, now: int) -> Places:
        """Where everybody counts as being at a tick; kept while nobody's position ages."""
        places = self._places
        if places is None or not places.since <= now <= places.until:
            places = self._places = self._place(now)
        return places

    def _place(self, now: int) -> Places:
        seen = self._seen
        past, future = seen < now - _MAX_AGE, seen > now + _SLACK
        live = ~(past | future)
        start = np.asfortranarray(np.where(live[:, None], self._live, self._home))
        return Places(
            start,
            live,
            self._telephone + np.where(live, 0.0, HOME_S),
            since=max(
                seen.max(initial=_NEVER, where=past) + _MAX_AGE + 1,
                seen.max(initial=_NEVER, where=live) - _SLACK,
            ),
            until=min(
                seen.min(initial=-_NEVER, where=future) - _SLACK - 1,
                seen.min(initial=-_NEVER, where=live) + _MAX_AGE,
            ),
        )

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
