"""Reported load of an area as a rate per 1,000 residents, made fair to small areas.

These are rates of what was *reported*, never of what happened: a grid whose worker reports much
looks worse than one where nobody does.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

HALF_LIFE_DAYS = 30.0
"""After so many days a report weighs half."""

URGENCY_WEIGHTS: dict[int, float] = {1: 8.0, 2: 4.0, 3: 2.0, 4: 1.0}
"""What a report of each urgency weighs on its day: each step doubles. Configuration, not law."""

MIN_COUNT = 3
"""Areas with fewer reports in the period show no figure: it could point at one household."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rates:
    """Figures of areas, all of shape (n_areas,).

    ``count`` reports; ``weighted`` their weighted number; ``raw`` weighted number per 1,000
    residents; ``smoothed`` the same, shrunk towards the area's group. ``raw`` and ``smoothed``
    are NaN where no resident is known.
    """

    count: Ints
    weighted: Floats
    raw: Floats
    smoothed: Floats

    @property
    def shown(self) -> npt.NDArray[np.bool_]:
        """Areas whose figures may be shown: enough reports, and residents to divide by."""
        return np.asarray((self.count >= MIN_COUNT) & np.isfinite(self.smoothed))


def weights(
    *, urgency: npt.ArrayLike, age_days: npt.ArrayLike, half_life_days: float = HALF_LIFE_DAYS
) -> Floats:
    """Weight of one report: that of its urgency, halved every ``half_life_days``.

    Parameters
    ----------
    urgency
        1 to 4, shape (n,).
    age_days
        Days from the report to the end of the period, not negative, shape (n,).
    half_life_days
        In days, positive.

    Raises
    ------
    ValueError
        For an urgency off the scale, a negative age or a half-life that is not positive.
    """
    if not half_life_days > 0:
        raise ValueError(f"half_life_days is {half_life_days}: it must be positive")
    steps = np.asarray(urgency, dtype=np.int64)
    age = np.asarray(age_days, dtype=np.float64)
    known = np.isin(steps, list(URGENCY_WEIGHTS))
    if not known.all():
        raise ValueError(f"urgency is 1 to 4, not {np.unique(steps[~known]).tolist()}")
    if (age < 0).any():
        raise ValueError(f"a report lies {-float(age.min()):g} days after the end of the period")
    table = np.zeros(max(URGENCY_WEIGHTS) + 1)
    table[list(URGENCY_WEIGHTS)] = list(URGENCY_WEIGHTS.values())
    return np.asarray(table[steps] * 0.5 ** (age / half_life_days), dtype=np.float64)


def rates(
    *,
    area: npt.ArrayLike,
    number: npt.ArrayLike,
    weight: npt.ArrayLike,
    residents: npt.ArrayLike,
    group: npt.ArrayLike,
) -> Rates:
    """Rates of every area per 1,000 residents, from rows of equal reports.

    Parameters
    ----------
    area
        Index of the area each row belongs to, shape (n_rows,).
    number
        Reports in each row, shape (n_rows,).
    weight
        Weight of one report of the row (see `weights`), shape (n_rows,).
    residents
        Of each area, shape (n_areas,); NaN or 0 where none are known.
    group
        The group (the township) each area is shrunk towards, whole numbers, shape (n_areas,).
    """
    where = np.asarray(area, dtype=np.int64)
    reports = np.asarray(number, dtype=np.int64)
    each = np.asarray(weight, dtype=np.float64)
    people = np.asarray(residents, dtype=np.float64)
    size = len(people)
    count = np.zeros(size, dtype=np.int64)
    np.add.at(count, where, reports)
    weighted = _sums(where, reports * each, size)
    squared = _sums(where, reports * each**2, size)
    exposure = np.where(np.isfinite(people) & (people > 0), people, 0.0) / 1000.0
    with np.errstate(divide="ignore", invalid="ignore"):
        raw = np.where(exposure > 0, weighted / exposure, np.nan)
    smoothed = np.full(size, np.nan)
    groups = np.asarray(group)
    for name in np.unique(groups):
        members = np.flatnonzero((groups == name) & (exposure > 0))
        if len(members):
            total = weighted[members].sum()
            spread = squared[members].sum() / total if total > 0 else 1.0
            smoothed[members] = shrink(weighted[members], exposure[members], spread=spread)
    return Rates(count=count, weighted=weighted, raw=raw, smoothed=smoothed)


def _sums(where: Ints, value: Floats, size: int) -> Floats:
    return np.asarray(np.bincount(where, weights=value, minlength=size), dtype=np.float64)


def shrink(events: npt.ArrayLike, exposure: npt.ArrayLike, *, spread: float = 1.0) -> Floats:
    """Empirical-Bayes (gamma-Poisson) rates of the areas of one group.

    With the group's rate ``m = sum(y) / sum(n)``, the exposure-weighted variance of the raw rates
    ``s2 = sum(n (y/n - m)^2) / sum(n)`` and the variance between areas
    ``A = max(0, s2 - f m / mean(n))``, the rate of an area is ``m + B (y/n - m)`` with
    ``B = A / (A + f m / n)``. This is the posterior mean of a Poisson count whose rate has a gamma
    prior of mean ``m`` and variance ``A``: few residents pull an area to its group's rate, many
    leave it its own.

    Parameters
    ----------
    events
        ``y``, counts or weighted counts, shape (n,).
    exposure
        ``n``, positive, shape (n,), for example thousands of residents.
    spread
        ``f``: variance over mean of the events, 1 for counts. A weighted count is a compound
        Poisson sum, whose variance over mean is ``sum(w^2) / sum(w)``.

    Notes
    -----
    Method of moments after R. J. Marshall (1991), "Mapping disease and mortality rates using
    empirical Bayes estimators", Applied Statistics 40(2), 283-294; prior and posterior after
    D. Clayton and J. Kaldor (1987), Biometrics 43(3), 671-681.
    """
    y = np.asarray(events, dtype=np.float64)
    n = np.asarray(exposure, dtype=np.float64)
    mean = y.sum() / n.sum()
    noise = spread * mean / n
    between = (n * (y / n - mean) ** 2).sum() / n.sum() - spread * mean / n.mean()
    if between <= 0:
        return np.full(n.shape, mean)
    return np.asarray(mean + between / (between + noise) * (y / n - mean), dtype=np.float64)
