"""The risk page: the county's grids coloured by what was reported in them."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Literal
from urllib.parse import urlencode

import numpy as np

from gridsvc.domain.area import Grid, PublishedMap
from gridsvc.domain.geo import Floats
from gridsvc.domain.kinds import CATEGORY_NAMES, KINDS_BY_CODE, Category
from gridsvc.domain.words import Lang, Text
from gridsvc.risk.rates import HALF_LIFE_DAYS, MIN_COUNT, Rates, rates, weights
from gridsvc.risk.surface import BANDWIDTH_M
from maps.assets import LEAFLET_CSS, LEAFLET_JS, AssetMode, to_json
from maps.features import grid_block, village_names
from maps.heat import heat_block
from maps.legend import Legend, legend_rows, make_legend, number_text
from maps.page import folium_map, render_page
from maps.shapes import MapShapes, area_block, map_shapes

Counts = Mapping[str, Mapping[tuple[date, str, int], int]]
"""Reports by grid code, then by (day, kind, urgency); drills are not among them."""

PERIODS = (7, 30, 90, 180, 365)
"""Days the page offers to choose from."""

TOP = 10

View = Literal["grid", "surface"]
"""By grid, or as a surface: what the page shows first; its switch leads to the other."""


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
    return rates(
        area=table[:, 0],
        number=table[:, 1],
        weight=weights(urgency=table[:, 2], age_days=table[:, 3]),
        residents=residents_of(published),
        group=np.array(list(township)),
    )


def residents_of(published: PublishedMap) -> Floats:
    """Residents of each grid, shape (n_grids,); NaN where none are known."""
    people = [grid.residents for grid in published.grids]
    return np.array([np.nan if n is None else n for n in people], dtype=np.float64)


def risk_page(
    published: PublishedMap,
    counts: Counts,
    *,
    period: tuple[date, date],
    categories: Collection[Category] = frozenset(Category),
    view: View = "grid",
    lang: Lang = "zh",
    base: AssetMode = AssetMode.LINKED,
    shapes: MapShapes | None = None,
) -> str:
    """The page as HTML.

    Risk is the number of reports, each weighted by urgency (8, 4, 2, 1) and halved every 30 days
    back from the end of the period, per 1,000 residents, shrunk towards the township's rate
    (`gridsvc.risk.rates.shrink`). Grids with fewer than 3 reports show no figure, sensitive kinds
    are left out. The surface is the same figure smoothed over the land, from the grids that are
    shown alone (`gridsvc.risk.surface`). The same arguments give the same page, so it can be kept.

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
    view
        What is shown first.
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
    element, script = folium_map("risk", drawn.bounds)
    name = published.county_name
    return render_page(
        "risk.html",
        title=Text(f"{name}网格风险图", f"{name} grid risk map".strip()).pick(lang),
        lang=lang,
        mode=base,
        styles=[LEAFLET_CSS, "page.css", "county.css", "risk.css"],
        scripts=[LEAFLET_JS, "base.js", "grids.js", "risk.js"],
        inline=script,
        data={
            "area-data": area_block(drawn),
            "risk-data": grid_block(
                *(published, drawn, _figures(published, found, legend), _WORDS, lang)
            ),
            "heat-data": to_json(heat_block(drawn, found, residents_of(published), legend)),
        },
        tiles=drawn.tiles,
        page="risk",
        choice="view",
        chosen=view,
        choices=[("grid", _BY_GRID.pick(lang)), ("surface", _SURFACE.pick(lang))],
        bandwidth_m=int(BANDWIDTH_M),
        linked=base is AssetMode.LINKED,
        other_language=_address(
            *(Text("en", "zh").pick(lang), view),
            days=(end - start).days + 1,
            categories=categories,
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
        top=_top(published.grids, found, drawn, village_names(published)),
        half_life=int(HALF_LIFE_DAYS),
        min_count=MIN_COUNT,
    )


def _address(lang: str, view: View, *, days: int, categories: Collection[Category]) -> str:
    """Address of the page in another language, with the same choice."""
    chosen = [] if set(categories) == set(Category) else sorted(categories)
    choice: dict[str, object] = {"lang": lang, "days": days, "category": chosen}
    if view != "grid":
        choice["view"] = view
    return "/maps/risk?" + urlencode(choice, doseq=True)


def _figures(
    published: PublishedMap, found: Rates, legend: Legend
) -> Iterator[dict[str, int | str]]:
    """Of each grid k colour, i reports, w weighted, q per 1,000, r shrunk. Grids without k have
    no figure; x says why."""
    classes = np.digitize(np.nan_to_num(found.smoothed), legend.breaks)
    for place, (grid, shown) in enumerate(zip(published.grids, found.shown, strict=True)):
        if shown:
            yield {
                "k": legend.colours[int(classes[place])],
                "i": int(found.count[place]),
                "w": number_text(float(found.weighted[place])),
                "q": number_text(float(found.raw[place])),
                "r": number_text(float(found.smoothed[place])),
            }
        else:
            yield {} if grid.residents else {"x": 1}


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


_BY_GRID = Text("按网格", "By grid")
_SURFACE = Text("热力面", "Surface")

_WORDS: dict[str, Text] = {
    "code": Text("编码", "code"),
    "count": Text("上报", "reports"),
    "weighted": Text("加权件数", "weighted"),
    "raw": Text("每千人（直接计算）", "per 1,000 (as counted)"),
    "rate": Text("每千人（已收缩）", "per 1,000 (shrunk)"),
    "few": Text(f"不足 {MIN_COUNT} 件，不显示数值", f"fewer than {MIN_COUNT} reports: not shown"),
    "nobody": Text("无人口数据，未计算", "no resident figure: not computed"),
}
