"""What a dispatch uncovers, and the standby move that restores most of it.

The measure is the expected coverage of Daskin (1983, MEXCLP): with ``k`` people within reach of a
village, each busy with probability ``q`` and independently, somebody is free for it with
probability ``1 - q**k``; the ``k``-th adds ``(1 - q) * q**(k - 1)``.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from gridsvc.coverage.reach import Supply
from gridsvc.coverage.villages import Villages
from gridsvc.domain.geo import Floats
from gridsvc.domain.travel import BASES, VEHICLES, Basis, Numbers, TravelTimes

LIMIT_S = 900.0
"""A village counts as reached in 15 minutes."""

MOVE_LIMIT_S = 1800.0
"""Nobody is advised to drive for longer to a standby place."""

BUSY_FRACTION = 0.3
"""The part of the time that a responder is busy: plausible, not measured in this county."""


def expected(villages: Villages, covering: Numbers, busy_fraction: float) -> float:
    """The weight that is expected to find somebody free, with so many people within reach of each
    village (shape (n_villages,))."""
    return float((villages.weight * (1.0 - busy_fraction**covering)).sum())


@dataclass(frozen=True, slots=True)
class Standby:
    """One person moves to wait in a village.

    Attributes
    ----------
    who
        Place in the supply.
    to
        Place in the villages.
    seconds, basis
        Of the way there.
    gain
        By how much the expected coverage rises, in the villages' weight.
    restored
        Villages without anybody that have somebody again: places in the villages.
    """

    who: int
    to: int
    seconds: float
    basis: Basis
    gain: float
    restored: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Who is within reach of which village, and which village of which other one.

    Attributes
    ----------
    seconds, basis
        From each person to each village, shape (n_villages, n_people); infinite beyond
        ``MOVE_LIMIT_S``.
    reached
        Whether that is at most the limit, same shape.
    standby
        The same from each village, for each vehicle (places in `gridsvc.domain.travel.VEHICLES`):
        shape (n_villages, n_villages), from the second to the first; None where nobody has it.
    """

    villages: Villages
    seconds: Floats
    basis: Numbers
    reached: Numbers
    standby: tuple[Numbers | None, ...]

    @classmethod
    def of(
        cls,
        villages: Villages,
        supply: Supply,
        travel: TravelTimes,
        *,
        limit_s: float = LIMIT_S,
    ) -> Self:
        """Reckon with ``travel``: one search for each village, no farther than a move may be."""
        used = [number for number in range(len(VEHICLES)) if (supply.vehicle == number).any()]
        count, people = len(villages), len(supply)
        start = np.concatenate([supply.start, *[villages.xy] * len(used)])
        vehicle = np.concatenate([supply.vehicle, np.repeat(np.array(used, np.int8), count)])
        settled = travel.settle(start, vehicle)
        seconds = np.full((count, len(start)), np.inf)
        basis = np.zeros((count, len(start)), dtype=np.intp)
        for place, (x, y) in enumerate(villages.xy.tolist()):
            seconds[place], basis[place] = settled.search((x, y)).within(MOVE_LIMIT_S)
        reached = (seconds <= limit_s).astype(np.intp)  # a person of unknown place is nowhere: NaN
        standby: list[Numbers | None] = [None] * len(VEHICLES)
        for turn, number in enumerate(used):
            first = people + turn * count
            standby[number] = reached[:, first : first + count]
        return cls(
            villages,
            np.nan_to_num(seconds[:, :people], nan=np.inf),
            basis[:, :people],
            reached[:, :people],
            tuple(standby),
        )


@dataclass(frozen=True, slots=True)
class Advice:
    """What taking some people uncovers.

    Attributes
    ----------
    lost
        Villages that somebody reached before and nobody does now, the heaviest first.
    before, after
        The expected coverage, in the villages' weight.
    total
        The weight of all villages.
    standby
        The best single move, None where none helps.
    """

    lost: tuple[int, ...]
    before: float
    after: float
    total: float
    standby: Standby | None


def advise(
    table: Table,
    supply: Supply,
    *,
    free: Numbers,
    taken: Numbers,
    busy_fraction: float = BUSY_FRACTION,
) -> Advice:
    """Say what a dispatch uncovers and which move restores most.

    Parameters
    ----------
    table
        Of ``supply``.
    supply
        The people of one group.
    free
        Places in ``supply`` of those who can still be sent.
    taken
        Those of the dispatch, who could have been sent before it.
    busy_fraction
        ``q``, from 0 to below 1.
    """
    villages = table.villages
    after = table.reached[:, free].sum(axis=1)
    before = after + table.reached[:, taken].sum(axis=1)
    lost = np.flatnonzero((before > 0) & (after == 0))
    heaviest = lost[np.argsort(-villages.weight[lost], kind="stable")]
    return Advice(
        lost=tuple(heaviest.tolist()),
        before=expected(villages, before, busy_fraction),
        after=expected(villages, after, busy_fraction),
        total=float(villages.weight.sum()),
        standby=best_move(table, supply, free=free, covering=after, busy_fraction=busy_fraction),
    )


def best_move(
    table: Table, supply: Supply, *, free: Numbers, covering: Numbers, busy_fraction: float
) -> Standby | None:
    """The move of one of ``free`` with the highest gain; of equal ones the shortest, then the first
    person and village. None where none gains.

    Parameters
    ----------
    covering
        How many of ``free`` reach each village.
    """
    best: Standby | None = None
    for who in free.tolist():
        places = table.standby[int(supply.vehicle[who])]
        if places is None:
            continue
        gains = _gains(table, who, places, covering, busy_fraction)
        gains[~(table.seconds[:, who] <= MOVE_LIMIT_S)] = -np.inf
        to = int(np.lexsort((table.seconds[:, who], -gains))[0])
        gain, seconds = float(gains[to]), float(table.seconds[to, who])
        if gain > _NOTHING and (
            best is None or (-gain, seconds) < (-best.gain - _NOTHING, best.seconds)
        ):
            restored = np.flatnonzero((covering == 0) & (places[:, to] > 0))
            basis = BASES[int(table.basis[to, who])]
            best = Standby(who, to, seconds, basis, gain, tuple(restored.tolist()))
    return best


_NOTHING = 1e-9


def _gains(
    table: Table, who: int, places: Numbers, covering: Numbers, busy_fraction: float
) -> Floats:
    """What each standby place of one person adds to the expected coverage."""
    own = table.reached[:, who]
    marginal = table.villages.weight * (1 - busy_fraction) * busy_fraction ** (covering - own)
    return np.asarray(marginal @ places - marginal @ own, dtype=np.float64)
