"""Colours of the risk page: classes of the shown rates, their words, and figures as text."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from gridsvc.domain.geo import Floats
from gridsvc.domain.words import Lang, Text
from gridsvc.risk.rates import Rates

PALETTE = (
    (255, 255, 178),
    (254, 217, 118),
    (254, 178, 76),
    (253, 141, 60),
    (232, 52, 31),
    (152, 0, 38),
)
"""Red, green and blue of the classes, the lowest first: ``--k0`` to ``--k5`` of ``risk.css``."""

CLASSES = len(PALETTE)
SPAN = (0.1, 0.995)
"""Quantiles of the shown rates between which the colours part, in equal ratios."""

STEP = 1.15
"""Each class starts at least so many times higher than the one below it: closer says nothing."""


@dataclass(frozen=True, slots=True)
class Legend:
    """``breaks`` part the classes (a value on a break is in the upper one); ``colours`` are the
    places of the classes on the palette, ``grids`` the number of grids in each."""

    breaks: tuple[float, ...]
    colours: tuple[int, ...]
    grids: tuple[int, ...]

    def place(self, values: npt.ArrayLike) -> Floats:
        """Places of values on the palette without steps, of their shape: on a break half-way
        between the colours of its two classes, and in proportion to the logarithm between."""
        rates = np.asarray(values, dtype=np.float64)
        if not self.breaks:
            return np.full(rates.shape, float(self.colours[0]) if self.colours else 0.0)
        cuts = np.log(self.breaks)
        ratio = np.diff(cuts).mean() if len(cuts) > 1 else np.log(STEP)
        ends = [cuts[0] - ratio / 2, *cuts, cuts[-1] + ratio / 2]
        halves = [(low + high) / 2 for low, high in pairwise(self.colours)]
        colours = [self.colours[0], *halves, self.colours[-1]]
        logs = np.log(np.maximum(rates, np.finfo(np.float64).tiny))
        return np.asarray(np.interp(logs, ends, colours), dtype=np.float64)


def make_legend(found: Rates) -> Legend:
    """Classes in equal ratios over the shown rates, at round numbers; fewer where they are near."""
    values = found.smoothed[found.shown]
    if not len(values):
        return Legend((), (), ())
    low, high = np.quantile(values, SPAN)
    breaks: tuple[float, ...] = ()
    for cut in (float(f"{cut:.2g}") for cut in np.geomspace(low, high, CLASSES - 1)):
        below = breaks[-1] if breaks else values.min()
        if below * STEP <= cut <= values.max() and cut > 0:
            breaks += (cut,)
    grids = np.bincount(np.digitize(values, breaks), minlength=len(breaks) + 1)
    last = len(breaks)
    colours = [round(place * (CLASSES - 1) / last) if last else 2 for place in range(last + 1)]
    return Legend(breaks, tuple(colours), tuple(int(n) for n in grids))


def legend_rows(legend: Legend, lang: Lang) -> list[tuple[int, str, int]]:
    """Colour, words and number of grids of each class, the highest first."""
    if not legend.grids:
        return []
    cuts = [f"{cut:,g}" for cut in legend.breaks]
    if cuts:
        words = [Text(f"{cuts[0]} 以下", f"below {cuts[0]}").pick(lang)]
        words += [f"{low} – {high}" for low, high in pairwise(cuts)]
        words.append(Text(f"{cuts[-1]} 及以上", f"{cuts[-1]} and more").pick(lang))
    else:
        words = [Text("所有显示的网格", "every grid shown").pick(lang)]
    return list(zip(legend.colours, words, legend.grids, strict=True))[::-1]


def number_text(value: float) -> str:
    """A figure for a reader: three digits that count, no exponent."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 1 else f"{value:.2g}"
