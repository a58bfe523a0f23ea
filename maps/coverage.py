"""The coverage page: which grids somebody reaches in 5, 10 and 15 minutes, which nobody does."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil, isfinite
from urllib.parse import urlencode

import numpy as np

from gridsvc.coverage.groups import GROUP_NAMES, STATE_NAMES, Group, State
from gridsvc.coverage.reach import LIMITS_S, ROLES, Coverage, Figures, Reach, whole
from gridsvc.domain.area import PublishedMap
from gridsvc.domain.clock import COUNTY_TIME
from gridsvc.domain.force import ROLE_NAMES
from gridsvc.domain.travel import Basis
from gridsvc.domain.words import Lang, Text
from maps.assets import LEAFLET_CSS, LEAFLET_JS, AssetMode
from maps.closures import DrawnClosure, closure_block
from maps.features import grid_block
from maps.page import folium_map, render_page
from maps.shapes import MapShapes, area_block, map_shapes

MINUTES = tuple(round(limit / 60) for limit in LIMITS_S)
"""What the page is asked for: 5, 10 or 15."""

CLAIMS: dict[Basis, Text] = {
    Basis.STRAIGHT_LINE: Text("直线距离估算，非道路时间", "straight-line estimate, not by road"),
    Basis.ROAD: Text("按道路行车时间估算", "estimated by road"),
}
"""What the times rest on, beside the title."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure and its share of the denominator, in words; no share of nothing."""

    figure: str
    share: str


@dataclass(frozen=True, slots=True)
class Measure:
    """One denominator, in words, and for each limit the cells of both states."""

    name: str
    rows: tuple[tuple[int, tuple[Cell, ...]], ...]


def coverage_page(
    published: PublishedMap,
    found: Coverage,
    *,
    state: State = State.STAFFED,
    minutes: int = MINUTES[-1],
    lang: Lang = "zh",
    base: AssetMode = AssetMode.LINKED,
    shapes: MapShapes | None = None,
    closures: Sequence[DrawnClosure] = (),
) -> str:
    """The page as HTML. The nearest are named by role alone: no name, no telephone number.

    Parameters
    ----------
    published
        The map; it must have grids.
    found
        Coverage of that map (`gridsvc.flows.mapping.coverage`).
    state
        What the map shows first; the figures show both.
    minutes
        5, 10 or 15: grids that nobody reaches within it are listed.
    base
        Linked for a server that serves `maps.assets.static_dir` at ``/static``; embedded for a
        file that opens with no network.
    shapes
        `maps.shapes.map_shapes` of ``published`` where it is kept; made here otherwise.
    closures
        Roads that are closed at that moment.

    Raises
    ------
    ValueError
        For a map without grids, or other minutes.
    """
    if minutes not in MINUTES:
        raise ValueError(f"minutes is {minutes}: it is one of {MINUTES}")
    drawn = map_shapes(published) if shapes is None else shapes
    element, script = folium_map("coverage", drawn.bounds)
    name = published.county_name
    at = found.at.astimezone(COUNTY_TIME)
    other = Text("en", "zh").pick(lang)
    choice = {"group": found.group.value, "state": state.value, "minutes": minutes}
    return render_page(
        "coverage.html",
        title=Text(f"{name}响应覆盖图", f"{name} response coverage".strip()).pick(lang),
        lang=lang,
        mode=base,
        styles=[LEAFLET_CSS, "page.css", "county.css", "coverage.css"],
        scripts=[LEAFLET_JS, "base.js", "grids.js", "coverage.js"],
        inline=script,
        data={
            "area-data": area_block(drawn),
            "closure-data": closure_block(closures, lang, drawn.move),
            "coverage-data": grid_block(
                *(published, drawn, _figures(found), _WORDS, lang),
                limits=LIMITS_S,
                limit=minutes * 60,
                states=[[each.value, STATE_NAMES[each].pick(lang)] for each in State],
                roles=[ROLE_NAMES[role].pick(lang) for role in ROLES],
            ),
        },
        tiles=drawn.tiles,
        page="coverage",
        choice="state",
        chosen=state.value,
        choices=[(each.value, STATE_NAMES[each].pick(lang)) for each in State],
        linked=base is AssetMode.LINKED,
        other_language="/maps/coverage?" + urlencode({"lang": other, **choice}),
        demo=published.demo,
        version=published.version,
        claim=CLAIMS[found.travel.basis].pick(lang),
        note=found.note.pick(lang),
        at=f"{at:%Y-%m-%d %H:%M}",
        night=found.night,
        live_minutes=round(found.live_for.total_seconds() / 60),
        group=GROUP_NAMES[found.group].pick(lang),
        groups=[(g.value, GROUP_NAMES[g].pick(lang), g is found.group) for g in Group],
        minutes=minutes,
        every_minutes=MINUTES,
        map=element,
        states=[STATE_NAMES[each].pick(lang) for each in State],
        people=[f"{found.reaches[each].people:,}" for each in State],
        bands=[_band_counts(found.reaches[each]) for each in State],
        measures=_measures(found, lang),
        unknown=int((~np.isfinite(found.demand.residents)).sum()),
        points=len(found.demand.xy),
    )


def _figures(found: Coverage) -> Iterator[dict[str, list[int | None]]]:
    """Of each grid s seconds and r role of the first, for both states; null where there is nobody.

    Seconds are whole and rounded up, so that no grid looks reached a moment before it is.
    """
    reaches = [found.reaches[state] for state in State]
    for place in range(found.demand.grids):
        seconds = [float(reach.grid_seconds[place]) for reach in reaches]
        yield {
            "s": [ceil(each) if isfinite(each) else None for each in seconds],
            "r": [
                int(reach.grid_role[place]) if isfinite(each) else None
                for reach, each in zip(reaches, seconds, strict=True)
            ],
        }


def _band_counts(reach: Reach) -> list[str]:
    counts = np.bincount(reach.band, minlength=len(LIMITS_S) + 1)
    return [f"{int(count):,}" for count in counts]


def _measures(found: Coverage, lang: Lang) -> list[Measure]:
    """The figures with their denominators: grids, residents that are known, square kilometres."""
    total = whole(found.demand)
    parts = [[found.reaches[state].within(limit) for state in State] for limit in LIMITS_S]
    grids, people, km2 = total.grids, round(total.residents), total.area_m2 / 1e6
    measures: list[tuple[Text, Callable[[Figures], float]]] = [
        (Text(f"网格（共 {grids:,} 个）", f"Grids (of {grids:,})"), lambda part: part.grids),
        (
            Text(f"常住人口（已知 {people:,} 人）", f"Residents (of {people:,} known)"),
            lambda part: part.residents,
        ),
        (
            Text(f"面积（共 {km2:,.0f} 平方公里）", f"Area (of {km2:,.0f} km²)"),
            lambda part: part.area_m2 / 1e6,
        ),
    ]
    return [
        Measure(
            name.pick(lang),
            tuple(
                (minutes, tuple(_cell(of(part), of(total)) for part in both))
                for minutes, both in zip(MINUTES, parts, strict=True)
            ),
        )
        for name, of in measures
    ]


def _cell(figure: float, total: float) -> Cell:
    return Cell(f"{figure:,.0f}", _share(figure / total) if total > 0 else "–")


def _share(part: float) -> str:
    """A share in per cent; not quite all never reads 100 %, nor a little 0 %."""
    if 0 < part < 1:
        part = min(max(part, 0.001), 0.999)
    return f"{part:.1%}" if 0 < part < 1 else f"{part:.0%}"


_WORDS: dict[str, Text] = {
    "code": Text("编码", "code"),
    "nobody": Text("无人可派", "nobody"),
    "time": Text("{m} 分 {s} 秒", "{m} min {s} s"),
    "about": Text("约 {m} 分钟", "about {m} min"),
    "beyond": Text("{n} 个", "{n}"),
    "none": Text("没有：全部网格都在时限内。", "None: every grid is reached in time."),
    "more": Text("再显示 {n} 个", "show {n} more"),
}
