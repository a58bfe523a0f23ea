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
"""So few people are sorted at once, without rings."""


@dataclass(frozen=True, slots=True)
class Nearby:
    """A responder, its straight-line distance in metres, whether that is from a live position
    (else from the home place), its travel time and its score, both in whole seconds; ``own``: of
    the incident's own unit or grid."""

    responder: Responder
    distance_m: float
    from_live: bool
    eta_s: float
    score_s: float
    own: bool


class View:
    """The force as seen from one place at one moment: made once, asked as often as needed.

    People are their numbers in the index. Made by `gridsvc.dispatch.ForceIndex.view`.
    """

    def __init__(
        self,
        index: "ForceIndex",
        places: "Places",
        *,
        at: datetime,
        here: tuple[float, float],
        eta: Floats,
        own: tuple[int, ...],
    ) -> None:
        self.index, self.at, self.own = index, at, own
        self.night = is_night(at)
        self._places, self._here, self._eta = places, here, eta
        self._score = eta + places.penalty
        self._score[list(own)] -= OWN_S
        self._rings: list[npt.NDArray[np.intp]] = []

    def walk(self, able: Collection[Capability], barred: Collection[Role] = ()) -> Iterator[int]:
        """Yield who can do any of ``able``, can be reached and is of no ``barred`` role, the
        lowest score first, ties by id; nobody beyond ``SEARCH_LIMIT_S``."""
        mask, numbers = self.index.able(able, barred=barred, night=self.night)
        if len(numbers) <= _FEW:
            yield from self._sorted(numbers).tolist()
            return
        for ring in self._in_rings():
            yield from ring[mask[ring]].tolist()

    def walk_all(self) -> Iterator[int]:
        """Yield everybody with a place, whatever they can do, in the same order."""
        for ring in self._in_rings():
            yield from ring.tolist()

    def one(self, number: int) -> Nearby:
        """The responder at ``number``, as seen from here."""
        x, y = self._places.start[number].tolist()
        return Nearby(
            self.index.responders[number],
            math.hypot(x - self._here[0], y - self._here[1]),
            bool(self._places.live[number]),
            float(self._eta[number]),
            float(self._score[number]),
            number in self.own,
        )

    def find(self, id: str) -> Nearby | None:  # noqa: A002
        """The responder of that id, None where it is unknown or has no place."""
        number = self.index.number(id)
        if number is None or math.isnan(self._eta[number]):
            return None
        return self.one(number)

    def in_order(self, numbers: Collection[int]) -> list[int]:
        """``numbers`` in the order of a walk, each once."""
        score, rank = self._score, self.index.rank
        return sorted(set(numbers), key=lambda number: (score[number], rank[number]))

    def within_reach(self, number: int) -> bool:
        """Whether somebody has a place at most ``SEARCH_LIMIT_S`` away."""
        return bool(self._eta[number] <= SEARCH_LIMIT_S)

    def count_within_reach(self, numbers: npt.NDArray[np.intp]) -> int:
        """How many of ``numbers`` are `within_reach`."""
        return int(np.count_nonzero(self._eta[numbers] <= SEARCH_LIMIT_S))

    def _in_rings(self) -> Iterator[npt.NDArray[np.intp]]:
        for number, outer in enumerate(_RINGS):
            if number == len(self._rings):
                inner = _RINGS[number - 1] if number else -math.inf
                found = (self._score > inner) & (self._score <= outer)
                self._rings.append(self._sorted(np.flatnonzero(found)))
            yield self._rings[number]

    def _sorted(self, numbers: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        """``numbers`` of people within reach by score, then by id."""
        numbers = numbers[self._eta[numbers] <= SEARCH_LIMIT_S]
        # Scores are whole seconds: with the rank of the id behind them one sort is enough.
        keys = self._score[numbers].astype(np.int64) * len(self.index) + self.index.rank[numbers]
        return np.asarray(numbers[np.argsort(keys)])
