"""Many open places filled together, so that the urgency-weighted time of all is the least."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gridsvc.domain.geo import Floats

Numbers = npt.NDArray[np.intp]

WEIGHTS: dict[int, float] = {1: 8.0, 2: 4.0, 3: 2.0, 4: 1.0}
"""Urgency -> what a second weighs. A minute of a critical incident is worth eight of an ordinary
one. A choice, to be set by the county, not a finding."""

FIRST_LOOK = 8
"""So many of the nearest are looked at first, before it is checked whether that is enough."""

Nearest = Callable[[int, int], tuple[Numbers, Floats]]
"""``nearest(place, k)``: the people who can fill a place and are free, the least cost first, ties
always in the same order, and their costs in whole seconds; k of them, or fewer where there are no
more."""


@dataclass(frozen=True, slots=True)
class Matching:
    """Who fills each place (-1: nobody), and how many people were looked at for the longest list.

    ``who`` has the shape (n_places,).
    """

    who: Numbers
    looked_at: int


def match(urgencies: Sequence[int], nearest: Nearest) -> Matching:
    """Fill places by people, each by one and each person in one, at the least cost.

    First as few places of urgency 1 as possible stay empty, then of urgency 2, and so on; among
    all such fillings the sum of ``WEIGHTS[urgency]`` times the cost is the least.

    Parameters
    ----------
    urgencies
        Of each place, 1 to 4.
    nearest
        Gives the candidates of a place.

    Notes
    -----
    *Empty places.* Which sets of places can be filled together is a matroid (transversal), so one
    filling leaves the fewest of urgency 1, of 1 and 2, of 1 to 3 and of all at once. With an empty
    place costing 4, 3, 2 and 1 times ``D``, ``D`` above any sum of times, the penalty is ``D``
    times the sum of those four counts, and no gain of time is worth one more.

    *Short lists.* Only the k nearest of each place enter. If every list that is not whole holds
    somebody who is left free, the answer is the best of all: a free person's dual price is 0 and
    nobody's is above it, so the price of a place is at most the cost of the free one on its list,
    which is at most the cost of everybody who was cut off; no cut edge has a negative reduced cost.
    Where the check fails the list is doubled; one longer than there are places always passes.
    """
    places = len(urgencies)
    looked = np.full(places, FIRST_LOOK)
    while True:
        lists = [nearest(place, int(k)) for place, k in enumerate(looked)]
        who = _least(urgencies, lists)
        taken = set(who[who >= 0].tolist())
        short = [
            place
            for place, (numbers, _) in enumerate(lists)
            if len(numbers) >= looked[place] and taken.issuperset(numbers.tolist())
        ]
        if not short:
            return Matching(who, max((len(numbers) for numbers, _ in lists), default=0))
        looked[short] *= 2


def _least(urgencies: Sequence[int], lists: Sequence[tuple[Numbers, Floats]]) -> Numbers:
    """Solve with the lists as they are."""
    # A fifth of a second to load, and only a storm asks for it.
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    places = len(lists)
    who = np.full(places, -1, dtype=np.intp)
    if not places:
        return who
    people, column = np.unique(
        np.concatenate([numbers for numbers, _ in lists]).astype(np.intp), return_inverse=True
    )
    sizes = np.array([len(numbers) for numbers, _ in lists])
    weight = np.array([WEIGHTS[urgency] for urgency in urgencies])
    rows = np.repeat(np.arange(places), sizes)
    cost = np.concatenate([costs for _, costs in lists]) * weight[rows]
    # Nothing may be 0, which means no edge: one second more for everybody changes nothing.
    cost += 1.0 - min(0.0, cost.min(initial=0.0))
    most = np.zeros(places)
    np.maximum.at(most, rows, cost)
    worth = 1.0 + most.sum()
    empty = worth * (5.0 - np.asarray(urgencies, dtype=np.float64))
    each = np.arange(places)
    graph = csr_array(
        (
            np.concatenate([cost, empty]),
            (np.concatenate([rows, each]), np.concatenate([column, len(people) + each])),
        ),
        shape=(places, len(people) + places),
    )
    row, chosen = min_weight_full_bipartite_matching(graph)
    filled = chosen < len(people)
    who[row[filled]] = people[chosen[filled]]
    return who
