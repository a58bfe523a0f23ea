"""Many open incidents at once: whom to send where, decided together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from gridsvc.dispatch.batch import Numbers, match
from gridsvc.dispatch.eligibility import NOBODY_BUSY, Busy
from gridsvc.dispatch.picks import Pick
from gridsvc.dispatch.runcard import Card
from gridsvc.dispatch.serving import counts_for, free_to_serve
from gridsvc.dispatch.view import SEARCH_LIMIT_S, View
from gridsvc.domain.force import LAY_CAPABILITIES, Capability
from gridsvc.domain.geo import Floats


@dataclass(frozen=True, slots=True)
class Open:
    """An incident with places that nobody fills.

    Attributes
    ----------
    view
        The force as seen from it, of the same index for all.
    card
        What it asks for, and who may not go.
    urgency
        1 to 4.
    wanted
        The capability of each empty place, as often as people are wanted for it.
    there
        Numbers of those already sent to it, who are not sent again.
    latest_s
        Nobody is sent who would be on the way for longer, in seconds.
    """

    view: View
    card: Card
    urgency: int
    wanted: tuple[Capability, ...]
    there: frozenset[int] = frozenset()
    latest_s: float = SEARCH_LIMIT_S


@dataclass(frozen=True, slots=True)
class Together:
    """For each incident whom to send, and the capability of every place that stays empty."""

    picks: tuple[tuple[Pick, ...], ...]
    missing: tuple[tuple[Capability, ...], ...]


@dataclass(slots=True)
class _Place:
    """An empty place of one incident: ``who`` fills it (a number in the index), if anybody."""

    case: int
    capability: Capability
    who: int = -1


def together(incidents: Sequence[Open], *, busy: Busy = NOBODY_BUSY) -> Together:
    """Fill the empty places of all incidents at the least urgency-weighted score.

    A score is the one of a dispatch: seconds of travel, with what is added for a home place and a
    telephone, and five minutes less for the incident's own sentinel and grid worker. Empty places
    come before time: none of urgency 1 stays empty for one of a lower urgency.

    Somebody sent to an incident who is there no later than another sent for what both can do
    serves both, as in a single dispatch; the other is free again, and all who are left are
    decided anew. Each of these rounds is the best there is (`gridsvc.dispatch.batch.match`); the
    rounds together need not be.

    Parameters
    ----------
    incidents
        With their empty places.
    busy
        Who is taken.
    """
    places = [
        _Place(number, capability)
        for number, one in enumerate(incidents)
        for capability in one.wanted
    ]
    settled: list[_Place] = []
    also: dict[int, list[Capability]] = {}
    while places:
        _filled(places, incidents, busy, {one.who for one in settled})
        doubled = _doubled(places, settled, incidents)
        if not doubled:
            break
        for place, by in doubled:
            also.setdefault(id(by), []).append(place.capability)
        gone, pinned = {id(one) for one, _ in doubled}, {id(by) for _, by in doubled}
        settled += [one for one in places if id(one) in pinned]
        places = [one for one in places if id(one) not in gone and id(one) not in pinned]
    return _told([*settled, *places], incidents, also)


def _filled(
    places: Sequence[_Place], incidents: Sequence[Open], busy: Busy, settled: set[int]
) -> None:
    """Say of every place who fills it."""
    lists = [_Candidates(one, incidents, busy, settled) for one in places]
    urgencies = [incidents[one.case].urgency for one in places]
    found = match(urgencies, lambda place, k: lists[place].nearest(k))
    for place, who in zip(places, found.who.tolist(), strict=True):
        people = len(incidents[place.case].view.index)
        place.who = who % people if who >= 0 else -1


class _Candidates:
    """Who can fill one place, looked up as far as somebody asks."""

    def __init__(
        self, place: _Place, incidents: Sequence[Open], busy: Busy, settled: set[int]
    ) -> None:
        one = incidents[place.case]
        self._walk = self._able(one, place, busy, settled)
        self._numbers: list[int] = []
        self._costs: list[float] = []

    @staticmethod
    def _able(
        one: Open, place: _Place, busy: Busy, settled: set[int]
    ) -> Iterator[tuple[int, float]]:
        view, people = one.view, one.view.index.responders
        for number in free_to_serve(view, one.card, place.capability, busy):
            near = view.one(number)
            if number in one.there or near.eta_s > one.latest_s:
                continue
            if people[number].role.exclusive:
                if number not in settled:
                    yield number, near.score_s
            else:
                # An office has many hands: for every incident it is somebody else.
                yield number + (place.case + 1) * len(people), near.score_s

    def nearest(self, k: int) -> tuple[Numbers, Floats]:
        for number, cost in islice(self._walk, max(0, k - len(self._numbers))):
            self._numbers.append(number)
            self._costs.append(cost)
        return np.array(self._numbers, dtype=np.intp), np.array(self._costs, dtype=np.float64)


def _doubled(
    places: Sequence[_Place], settled: Sequence[_Place], incidents: Sequence[Open]
) -> list[tuple[_Place, _Place]]:
    """Professional places that somebody sent to the same incident for another one serves as well,
    with the place of that one."""
    found: list[tuple[_Place, _Place]] = []
    gone: set[int] = set()
    serving: set[int] = set()
    by_case: dict[int, list[_Place]] = {}
    for one in (*settled, *places):
        by_case.setdefault(one.case, []).append(one)
    for place in places:
        if place.capability in LAY_CAPABILITIES or id(place) in serving:
            continue
        others = [one for one in by_case[place.case] if id(one) not in gone]
        by = _server(place, others, incidents[place.case])
        if by is not None:
            found.append((place, by))
            gone.add(id(place))
            serving.add(id(by))
    return found


def _server(place: _Place, others: Sequence[_Place], incident: Open) -> _Place | None:
    """The place of somebody who serves ``place`` as well, and is there no later."""
    view = incident.view
    late = np.inf if place.who < 0 else view.one(place.who).score_s
    for other in others:
        if other.who < 0 or other.capability is place.capability:
            continue
        who = view.index.responders[other.who]
        able = counts_for(who, incident.card, place.capability)
        if able and view.one(other.who).score_s <= late:
            return other
    return None


def _told(
    places: Sequence[_Place], incidents: Sequence[Open], also: dict[int, list[Capability]]
) -> Together:
    picks: list[list[Pick]] = [[] for _ in incidents]
    missing: list[list[Capability]] = [[] for _ in incidents]
    for place in places:
        one = incidents[place.case]
        if place.who < 0:
            missing[place.case].append(place.capability)
            continue
        pick = Pick(
            one.view.one(place.who), place.capability, place.capability in one.card.stand_off
        )
        picks[place.case].append(replace(pick, also=tuple(also.get(id(place), ()))))
    return Together(tuple(map(tuple, picks)), tuple(map(tuple, missing)))
