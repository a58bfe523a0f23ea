"""The force as seen from one incident: everybody's travel time and score, walked in order."""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gridsvc.dispatch.eligibility import is_night
from gridsvc.domain.force import Capability, Responder, Role
from gridsvc.domain.geo import Floats
from gridsvc.domain.travel import BASES, Basis, Numbers, Search

if TYPE_CHECKING:
    from gridsvc.dispatch.force_index import ForceIndex, Places

Bools = npt.NDArray[np.bool_]

HOME_S = 120.0
"""Added to a score where only the home place is known: two minutes for not being at home."""

TELEPHONE_S = 60.0
"""Added where somebody must be telephoned: a minute later than a message to a device."""

OWN_S = 300.0
"""Taken off for the incident's own sentinel and grid worker, who know the place and the people:
they are worth five minutes of a stranger's time."""

SEARCH_LIMIT_S = 4 * 3600.0
"""Whoever would be on the way for longer is not looked for."""

_RINGS = (300.0, 600.0, 1200.0, 2400.0, 4800.0, math.inf)
"""People are sorted ring by ring, in seconds of score, and only as far as somebody looks."""

_FEW = 500
"""So few people are looked for apart from all others, each time anew."""

_HALF = 0.5
"""A time is rounded to whole seconds: what may be rounded down into a ring is looked for too."""


@dataclass(frozen=True, slots=True)
class Nearby:
    """A responder, its straight-line distance in metres, whether that is from a live position
    (else from the home place), its travel time and its score, both in whole seconds, and what that
    very time is reckoned on; ``own``: of the incident's own unit or grid."""

    responder: Responder
    distance_m: float
    from_live: bool
    eta_s: float
    score_s: float
    own: bool
    basis: Basis


class View:
    """The force as seen from one place at one moment: made once, asked as often as needed.

    People are their numbers in the index. Made by `gridsvc.dispatch.ForceIndex.view`. Travel times
    are looked for as far as somebody asks; those of the incident's own people always.
    """

    def __init__(
        self,
        index: "ForceIndex",
        places: "Places",
        *,
        at: datetime,
        here: tuple[float, float],
        search: Search,
        own: tuple[int, ...],
    ) -> None:
        self.index, self.at, self.own = index, at, own
        self.night = is_night(at)
        self._places, self._here, self._search = places, here, search
        self._own = np.array(own, dtype=np.intp)
        self._penalty = places.penalty
        if own:
            self._penalty = places.penalty.copy()
            self._penalty[self._own] -= OWN_S
        count = len(places.start)
        self._known = np.zeros(count, dtype=np.bool_)
        self._eta = np.full(count, np.nan)
        self._basis = np.zeros(count, dtype=np.int8)
        self._rings: list[Numbers] = []
        self._of_few: dict[tuple[frozenset[Capability], frozenset[Role]], list[Numbers]] = {}
        self._know(self._own)

    def walk(self, able: Collection[Capability], barred: Collection[Role] = ()) -> Iterator[int]:
        """Yield who can do any of ``able``, can be reached and is of no ``barred`` role, the
        lowest score first, ties by id; nobody beyond ``SEARCH_LIMIT_S``."""
        mask, numbers = self.index.able(able, barred=barred, night=self.night)
        if len(numbers) <= _FEW:
            rings = self._of_few.setdefault((frozenset(able), frozenset(barred)), [])
            for ring in self._in_rings(rings, numbers):
                yield from ring.tolist()
            return
        for ring in self._in_rings(self._rings):
            yield from ring[mask[ring]].tolist()

    def walk_all(self) -> Iterator[int]:
        """Yield everybody with a place, whatever they can do, in the same order."""
        for ring in self._in_rings(self._rings):
            yield from ring.tolist()

    def one(self, number: int) -> Nearby:
        """The responder at ``number``, as seen from here.

        Where nothing leads here, the time is what the straight line says, and marked so.
        """
        self._know(np.array([number]))
        x, y = self._places.start[number].tolist()
        eta, basis = float(self._eta[number]), BASES[self._basis[number]]
        if math.isinf(eta):
            eta = float(np.rint(self._search.estimated(np.array([number])).seconds[0]))
            basis = Basis.STRAIGHT_LINE
        return Nearby(
            self.index.responders[number],
            math.hypot(x - self._here[0], y - self._here[1]),
            bool(self._places.live[number]),
            eta,
            eta + float(self._penalty[number]),
            number in self.own,
            basis,
        )

    def find(self, id: str) -> Nearby | None:  # noqa: A002
        """The responder of that id, None where it is unknown or has no place."""
        number = self.index.number(id)
        if number is None or math.isnan(self._places.start[number, 0]):
            return None
        return self.one(number)

    def in_order(self, numbers: Collection[int]) -> list[int]:
        """``numbers`` in the order of a walk, each once."""
        once = np.array(sorted(set(numbers)), dtype=np.intp)
        self._know(once)
        order = np.lexsort((self.index.rank[once], self._scores(once)))
        found: list[int] = once[order].tolist()
        return found

    def within_reach(self, number: int) -> bool:
        """Whether somebody has a place at most ``SEARCH_LIMIT_S`` away."""
        return self.count_within_reach(np.array([number])) == 1

    def count_within_reach(self, numbers: Numbers) -> int:
        """How many of ``numbers`` are `within_reach`."""
        found = np.rint(self._search.within(SEARCH_LIMIT_S + _HALF, numbers).seconds)
        return int(np.count_nonzero(found <= SEARCH_LIMIT_S))

    def _in_rings(self, found: list[Numbers], who: Numbers | None = None) -> Iterator[Numbers]:
        """The rings of everybody, or of ``who``; ``found`` keeps them for the next walk."""
        for place in range(len(_RINGS)):
            if place == len(found):
                found.append(self._ring(place, who))
            yield found[place]

    def _ring(self, place: int, who: Numbers | None = None) -> Numbers:
        """Everybody, or those of ``who``, whose score lies in a ring, by score, then by id."""
        inner = _RINGS[place - 1] if place else -math.inf
        outer = _RINGS[place]
        # A score is never less than the time, but of the own people, whose times are known.
        self._look(min(outer, SEARCH_LIMIT_S), who)
        numbers = np.arange(len(self._eta)) if who is None else who
        score = self._scores(slice(None) if who is None else who)
        found = numbers[(score > inner) & (score <= outer)]
        found = found[self._eta[found] <= SEARCH_LIMIT_S]
        # Scores are whole seconds: with the rank of the id behind them one sort is enough.
        keys = self._scores(found).astype(np.int64) * len(self.index) + self.index.rank[found]
        return np.asarray(found[np.argsort(keys)])

    def _scores(self, who: slice | Numbers) -> Floats:
        return np.asarray(self._eta[who] + self._penalty[who])

    def _look(self, limit_s: float, who: Numbers | None) -> None:
        """Find the times up to a limit of everybody, or of ``who``; others stay unknown."""
        times = self._search.within(limit_s + _HALF, who)
        found = np.isfinite(times.seconds)
        if who is None:
            np.copyto(self._eta, np.rint(times.seconds), where=found)
            np.copyto(self._basis, times.basis, where=found)
            self._known |= found
        else:
            there = who[found]
            self._eta[there], self._basis[there] = np.rint(times.seconds[found]), times.basis[found]
            self._known[there] = True

    def _know(self, who: Numbers) -> None:
        """Find the exact times of ``who``, however far they are."""
        new = who[~self._known[who]]
        if len(new):
            times = self._search.exactly(new)
            self._eta[new], self._basis[new] = np.rint(times.seconds), times.basis
            self._known[new] = True
