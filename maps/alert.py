"""The page of an alert: the polygon, who inside it was reached, and who was not."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

import shapely

from gridsvc.domain.alerts import (
    CALL_STATE_NAMES,
    DRILL,
    HAZARD_NAMES,
    LEVEL_NAMES,
    Alert,
    Call,
    CallState,
    Gap,
    Place,
    Tally,
)
from gridsvc.domain.area import EndUnit, Grid, PublishedMap
from gridsvc.domain.clock import COUNTY_TIME
from gridsvc.domain.force import ROLE_NAMES, Responder
from gridsvc.domain.words import Lang, Text
from maps.assets import LEAFLET_CSS, LEAFLET_JS, AssetMode, to_json
from maps.page import folium_map, render_page
from maps.shapes import TOLERANCE_M, MapShapes, area_block, drawn_areas, map_shapes

ROWS = 300
"""So many people, and so many gaps, are listed on the page; the API lists them all."""

STATES = ("answered", "told_in_person", "called", "unreached", "gap")
"""What an area can be drawn as, the best first; of several people the best counts."""

NAMES: dict[str, Text] = {
    **{state.value: CALL_STATE_NAMES[state] for state in CallState},
    "gap": Text("无人负责", "nobody to call"),
}


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """One line of the table by village; a township's own people have no village."""

    township: str
    village: str
    tally: Tally
    gaps: int
    share: str


@dataclass(frozen=True, slots=True)
class PersonRow:
    """Somebody who was not reached yet; name and telephone are empty where they are not shown."""

    id: str
    name: str
    phone: str
    role: str
    area: str
    where: str
    state: str
    state_name: str


@dataclass(frozen=True, slots=True)
class GapRow:
    """An area that nobody answers for."""

    name: str
    where: str
    level: str
    others: int


def alert_page(
    published: PublishedMap,
    alert: Alert,
    *,
    calls: Sequence[Call],
    gaps: Sequence[Gap],
    total: Tally,
    places: Mapping[Place, Tally],
    inside: Sequence[EndUnit | Grid],
    person: Callable[[str], Responder | None] | None,
    now: datetime,
    lang: Lang = "zh",
    shapes: MapShapes | None = None,
) -> str:
    """The page as HTML, its scripts linked at ``/static``.

    Parameters
    ----------
    published
        The current map; it must have grids.
    alert, calls, gaps, total, places
        What is shown of the alert, as the reader may see it.
    inside
        The finest areas of the map that the alert touches.
    person
        Gives people by id; None: the reader may see no names and telephones.
    now
        The aware moment.
    shapes
        `maps.shapes.map_shapes` of ``published`` where it is kept; made here otherwise.
    """
    drawn = map_shapes(published) if shapes is None else shapes
    names, units = _names(published), {unit.code for unit in published.units}
    element, script = folium_map("alert", _bounds(alert))
    waiting = [call for call in calls if call.state in (CallState.CALLED, CallState.UNREACHED)]
    level, hazard = LEVEL_NAMES[alert.level].pick(lang), HAZARD_NAMES[alert.hazard].pick(lang)
    colours = _colours(calls, inside)
    counted = Counter(colours)
    missing = Counter(gap.place for gap in gaps)
    title = Text(f"{level}预警·{hazard}叫应", f"{level} alert: {hazard}".capitalize()).pick(lang)
    return render_page(
        "alert.html",
        title=(DRILL.pick(lang) if alert.drill else "") + title,
        lang=lang,
        mode=AssetMode.LINKED,
        styles=[LEAFLET_CSS, "page.css", "county.css", "alert.css"],
        scripts=[LEAFLET_JS, "base.js", "alert.js"],
        inline=script,
        data={
            "area-data": area_block(drawn),
            "alert-shapes": to_json(_shapes(alert, inside, published, names, drawn)),
            "alert-states": to_json({"states": colours}),
        },
        tiles=drawn.tiles,
        alert=alert,
        demo=published.demo,
        version=published.version,
        other_language=f"/alerts/{quote(alert.number)}?lang=" + Text("en", "zh").pick(lang),
        issued=_time(alert.issued_at),
        expires=_time(alert.expires_at),
        ended="" if alert.ended_at is None else _time(alert.ended_at),
        expired=alert.expires_at <= now,
        as_of=_time(now),
        total=total,
        share=_percent(total),
        legend=[(state, NAMES[state].pick(lang), counted[state]) for state in STATES],
        places=[
            PlaceRow(
                names.get(township, township),
                names.get(village, village),
                tally,
                missing[township, village],
                _percent(tally),
            )
            for (township, village), tally in places.items()
        ],
        gaps=[_gap_row(gap, units, names, lang) for gap in gaps[:ROWS]],
        gaps_total=len(gaps),
        nobody=sum(gap.others == 0 for gap in gaps),
        people=[
            _person_row(call, names, person, lang) for call in sorted(waiting, key=_order)[:ROWS]
        ],
        waiting_total=len(waiting),
        named=person is not None,
        map=element,
    )


def _order(call: Call) -> tuple[object, ...]:
    """By village, those who cannot be reached first."""
    return call.township, call.village, call.state is not CallState.UNREACHED, call.area


def _bounds(alert: Alert) -> tuple[float, float, float, float]:
    west, south, east, north = shapely.bounds(alert.polygon).tolist()
    return west, south, east, north


def _names(published: PublishedMap) -> dict[str, str]:
    return {
        one.code: one.name
        for level in (published.divisions, published.grids, published.units)
        for one in level
    }


def _colours(calls: Sequence[Call], inside: Sequence[EndUnit | Grid]) -> list[str]:
    """The state of each area inside: the best of those who answer for it."""
    found: dict[str, list[int]] = defaultdict(list)
    for call in calls:
        found[call.area].append(STATES.index(call.state))
    return [STATES[min(found.get(one.code, [len(STATES) - 1]))] for one in inside]


def _grid_of(one: EndUnit | Grid) -> str:
    return one.grid if isinstance(one, EndUnit) else one.code


def _shapes(
    alert: Alert,
    inside: Sequence[EndUnit | Grid],
    published: PublishedMap,
    names: Mapping[str, str],
    drawn: MapShapes,
) -> dict[str, object]:
    areas = drawn_areas([one.geometry for one in inside], drawn.move, tolerance_m=TOLERANCE_M / 2)
    (polygon,) = drawn_areas([alert.polygon], drawn.move)
    village = {grid.code: names.get(grid.village, grid.village) for grid in published.grids}
    features = [
        {
            "type": "Feature",
            "properties": {"n": one.name, "c": one.code, "w": village[_grid_of(one)]},
            "geometry": shape,
        }
        for one, shape in zip(inside, areas, strict=True)
    ]
    return {
        "id": alert.id,
        "polygon": polygon,
        "areas": {"type": "FeatureCollection", "features": features},
    }


def _gap_row(gap: Gap, units: Collection[str], names: Mapping[str, str], lang: Lang) -> GapRow:
    level = Text("单元", "unit") if gap.code in units else Text("网格", "grid")
    where = " ".join(names.get(code, code) for code in gap.place if code)
    return GapRow(names.get(gap.code, gap.code), where, level.pick(lang), gap.others)


def _person_row(
    call: Call,
    names: Mapping[str, str],
    person: Callable[[str], Responder | None] | None,
    lang: Lang,
) -> PersonRow:
    who = None if person is None else person(call.responder)
    return PersonRow(
        id=call.responder,
        name="" if who is None else who.name,
        phone="" if who is None else who.phone,
        role=ROLE_NAMES[call.role].pick(lang),
        area=names.get(call.area, call.area),
        where=" ".join(names.get(code, code) for code in call.place if code),
        state=call.state.value,
        state_name=CALL_STATE_NAMES[call.state].pick(lang),
    )


def _percent(tally: Tally) -> str:
    share = tally.share
    # Rounded down: 100 % is said when it is all of them.
    return "–" if share is None else f"{int(share * 100)}%"


def _time(at: datetime) -> str:
    return f"{at.astimezone(COUNTY_TIME):%m-%d %H:%M}"
