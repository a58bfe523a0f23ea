"""The risk page: the county's grids coloured by what was reported in them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

import numpy as np
import orjson

from gridsvc.domain.area import Grid, PublishedMap
from gridsvc.domain.kinds import CATEGORY_NAMES, KINDS_BY_CODE, Category
from gridsvc.domain.words import Lang, Text
from gridsvc.risk.rates import HALF_LIFE_DAYS, MIN_COUNT, URGENCY_WEIGHTS, Rates, rates, weights
from maps.assets import LEAFLET_CSS, LEAFLET_JS, AssetMode
from maps.page import folium_map, render_page
from maps.shapes import MapShapes, area_block, map_shapes, village_names

Counts = Mapping[str, Mapping[tuple[date, str, int], int]]
"""Reports by grid code, then by (day, kind, urgency); drills are not among them."""

PERIODS = (7, 30, 90, 180, 365)
"""Days the page offers to choose from."""

TOP = 10
CLASSES = 6
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


def risk_rates(
    published: PublishedMap,
    counts: Counts,
    *,
    period: tuple[date, date],
    categories: Collection[Category],
    township: Iterable[int],
) -> Rates:
    """Rates of the map's grids, in its order.

    Sensitive kinds, other categories and days outside ``period`` (both ends included) are left
    out. ``township`` is the group of each grid, as `maps.shapes.MapShapes` has it.
    """
    start, end = period
    index = {grid.code: place for place, grid in enumerate(published.grids)}
    wanted = {
        code
        for code, kind in KINDS_BY_CODE.items()
        if kind.category in categories and not kind.sensitive
    }
    rows = [
        (index[code], number, urgency, (end - day).days)
        for code, of_grid in counts.items()
        if code in index
        for (day, kind, urgency), number in of_grid.items()
        if kind in wanted and start <= day <= end
    ]
    table = np.array(rows, dtype=np.int64).reshape(-1, 4)
    people = [grid.residents for grid in published.grids]
    return rates(
        area=table[:, 0],
        number=table[:, 1],
        weight=weights(urgency=table[:, 2], age_days=table[:, 3]),
        residents=np.array([np.nan if n is None else n for n in people], dtype=np.float64),
        group=np.array(list(township)),
    )


def risk_page(
    published: PublishedMap,
    counts: Counts,
    *,
    period: tuple[date, date],
    categories: Collection[Category] = frozenset(Category),
    lang: Lang = "zh",
    base: AssetMode = AssetMode.LINKED,
    shapes: MapShapes | None = None,
) -> str:
    """The page as HTML.

    Risk is the number of reports, each weighted by urgency (8, 4, 2, 1) and halved every 30 days
    back from the end of the period, per 1,000 residents, shrunk towards the township's rate
    (`gridsvc.risk.rates.shrink`). Grids with fewer than 3 reports show no figure, sensitive kinds
    are left out. The same arguments give the same page, so it can be kept.

    Parameters
    ----------
    published
        The map; it must have grids.
    counts
        Reports by grid (see `Counts`).
    period
        First and last day, both included, county time.
    categories
        Which to count; all of them by default.
    base
        Linked for a server that serves `maps.assets.static_dir` at ``/static``; embedded for a
        file that opens with no network.
    shapes
        `maps.shapes.map_shapes` of ``published`` where it is kept; made here otherwise.

    Raises
    ------
    ValueError
        For a map without grids, or a period that ends before it starts.
    """
    start, end = period
    if end < start:
        raise ValueError(f"the period ends on {end}, before it starts on {start}")
    drawn = map_shapes(published) if shapes is None else shapes
    found = risk_rates(
        published, counts, period=period, categories=categories, township=drawn.township
    )
    legend = make_legend(found)
    villages = village_names(published)
    element, script = folium_map("risk", drawn.bounds)
    county = published.county
    name = "" if county is None else county.name
    return render_page(
        "risk.html",
        title=Text(f"{name}网格风险图", f"{name} grid risk map".strip()).pick(lang),
        lang=lang,
        mode=base,
        styles=[LEAFLET_CSS, "page.css", "risk.css"],
        scripts=[LEAFLET_JS, "base.js", "risk.js"],
        inline=script,
        data={
            "area-data": area_block(drawn),
            "risk-data": _grids(published, found, legend, drawn, villages, lang),
        },
        linked=base is AssetMode.LINKED,
        other_language=_address(
            Text("en", "zh").pick(lang), days=(end - start).days + 1, categories=categories
        ),
        demo=published.demo,
        version=published.version,
        start=start,
        end=end,
        days=(end - start).days + 1,
        periods=PERIODS,
        categories=[
            (category.value, CATEGORY_NAMES[category].pick(lang), category in categories)
            for category in Category
        ],
        every_category=set(categories) == set(Category),
        map=element,
        legend=legend_rows(legend, lang),
        summary=_summary(published, found),
        top=_top(published.grids, found, drawn, villages),
        half_life=int(HALF_LIFE_DAYS),
        min_count=MIN_COUNT,
        urgency_weights=URGENCY_WEIGHTS,
        number=number_text,
    )


def _address(lang: str, *, days: int, categories: Collection[Category]) -> str:
    """Address of the page in another language, with the same choice."""
    chosen = [] if set(categories) == set(Category) else sorted(categories)
    return "/maps/risk?" + urlencode({"lang": lang, "days": days, "category": chosen}, doseq=True)


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


def _grids(
    published: PublishedMap,
    found: Rates,
    legend: Legend,
    drawn: MapShapes,
    villages: Mapping[str, str],
    lang: Lang,
) -> bytes:
    """One FeatureCollection with short keys: c code, n name, v village, t township, k colour,
    i reports, w weighted, q per 1,000, r shrunk. Grids without k have no figure; x says why."""
    shown = found.shown
    classes = np.digitize(np.nan_to_num(found.smoothed), legend.breaks)
    places = sorted({grid.village for grid in published.grids})
    village = {code: place for place, code in enumerate(places)}
    features = []
    for place, grid in enumerate(published.grids):
        about: dict[str, Any] = {"c": grid.code, "v": village[grid.village]}
        about["t"] = drawn.township[place]
        if grid.name != grid.code:
            about["n"] = grid.name
        if shown[place]:
            about["k"] = legend.colours[int(classes[place])]
            about["i"] = int(found.count[place])
            about["w"] = number_text(float(found.weighted[place]))
            about["q"] = number_text(float(found.raw[place]))
            about["r"] = number_text(float(found.smoothed[place]))
        elif not grid.residents:
            about["x"] = 1
        features.append({"type": "Feature", "properties": about, "geometry": drawn.grids[place]})
    return orjson.dumps(
        {
            "grids": {"type": "FeatureCollection", "features": features},
            "villages": [villages.get(code, code) for code in places],
            "words": {key: words.pick(lang) for key, words in _WORDS.items()},
        }
    )


def _summary(published: PublishedMap, found: Rates) -> dict[str, int]:
    shown = found.shown
    known = np.isfinite(found.smoothed)
    return {
        "reports": int(found.count.sum()),
        "grids": len(published.grids),
        "shown": int(shown.sum()),
        "few": int((~shown & known).sum()),
        "no_residents": int((~known).sum()),
    }


def _top(
    grids: tuple[Grid, ...], found: Rates, drawn: MapShapes, villages: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The grids with the highest shown rates; equal ones by code."""
    value = np.where(found.shown, found.smoothed, -np.inf)
    order = np.argsort(-value, kind="stable")[:TOP]
    return [
        {
            "place": int(place),
            "name": grids[place].name,
            "village": villages.get(grids[place].village, grids[place].village),
            "township": _name_at(drawn, int(place)),
            "rate": number_text(float(found.smoothed[place])),
            "count": int(found.count[place]),
        }
        for place in order
        if found.shown[place]
    ]


def _name_at(drawn: MapShapes, place: int) -> str:
    township = drawn.township[place]
    return "" if township < 0 else drawn.townships[township]


_WORDS: dict[str, Text] = {
    "code": Text("编码", "code"),
    "count": Text("上报", "reports"),
    "weighted": Text("加权件数", "weighted"),
    "raw": Text("每千人（直接计算）", "per 1,000 (as counted)"),
    "rate": Text("每千人（已收缩）", "per 1,000 (shrunk)"),
    "few": Text(f"不足 {MIN_COUNT} 件，不显示数值", f"fewer than {MIN_COUNT} reports: not shown"),
    "nobody": Text("无人口数据，未计算", "no resident figure: not computed"),
}
