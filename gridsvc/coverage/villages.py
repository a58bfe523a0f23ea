"""Villages as points: where most of their residents are."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from gridsvc.coverage.demand import Demand
from gridsvc.domain.area import PublishedMap
from gridsvc.domain.geo import Floats


@dataclass(frozen=True, slots=True)
class Villages:
    """The villages of a map that have grids, in the order of their codes.

    Attributes
    ----------
    codes, names
        Shape (n,).
    xy
        The demand point of each that is nearest to the middle of its residents (of its area where
        none are known), in the county's metres, shape (n, 2). Somebody on standby waits there.
    weight
        What each counts: its known residents, or its square metres where the county knows none;
        shape (n,).
    residents
        Whether ``weight`` counts residents.
    """

    codes: tuple[str, ...]
    names: tuple[str, ...]
    xy: Floats
    weight: Floats
    residents: bool

    @classmethod
    def of(cls, demand: Demand, published: PublishedMap) -> Self:
        """Take the villages of a map from its demand points."""
        named = {one.code: one.name for one in published.divisions}
        of_point = np.array([published.grids[grid].village for grid in demand.grid.tolist()])
        codes, number = np.unique(of_point, return_inverse=True)
        people = np.nan_to_num(demand.residents)
        known = bool(people.any())
        # Where a village's own residents are unknown its area says where its middle is.
        counted = np.bincount(number, weights=people, minlength=len(codes)) > 0
        share = np.where(counted[number], people, demand.area_m2)
        whole = np.bincount(number, weights=share, minlength=len(codes))
        middle = np.column_stack(
            [
                np.bincount(number, weights=share * demand.xy[:, axis], minlength=len(codes))
                / whole
                for axis in (0, 1)
            ]
        )
        away = np.hypot(*(demand.xy - middle[number]).T)
        order = np.lexsort((away, number))
        nearest = order[np.searchsorted(number[order], np.arange(len(codes)))]
        weighed = people if known else demand.area_m2
        weight = np.bincount(number, weights=weighed, minlength=len(codes)).astype(np.float64)
        return cls(
            tuple(codes.tolist()),
            tuple(named.get(code, code) for code in codes.tolist()),
            demand.xy[nearest],
            weight,
            known,
        )

    def __len__(self) -> int:
        return len(self.codes)
