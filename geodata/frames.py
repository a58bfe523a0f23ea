"""Domain values as canonical frames: one row a value, the columns that the import knows.

Every frame is in EPSG:4490 (lng, lat degrees). Text is ``str``, whole numbers nullable ``Int64``,
yes/no nullable ``boolean``, times ``datetime64`` at +08:00. What is not known is null: the domain's
empty ``phone`` or ``address`` means just that.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from gridsvc.domain.area import PublishedMap
from gridsvc.domain.clock import COUNTY_TIME
from gridsvc.domain.force import Responder
from gridsvc.domain.geo import SRID, Floats, LngLat
from gridsvc.domain.incident import Incident

Frame = gpd.GeoDataFrame

Values = Sequence[Any]
Column = tuple[Values, str]


def divisions_frame(published: PublishedMap) -> gpd.GeoDataFrame:
    """``code, name, level, parent, geometry`` of the county, its townships and villages."""
    areas = published.divisions
    return _frame(
        {
            "code": _text(area.code for area in areas),
            "name": _text(area.name for area in areas),
            "level": _text(area.level.value for area in areas),
            "parent": _text(area.parent for area in areas),
        },
        [area.geometry for area in areas],
    )


def grids_frame(
    published: PublishedMap, workers: Mapping[str, Responder] | None = None
) -> gpd.GeoDataFrame:
    """``code, name, village, kind, residents, worker, phone, geometry`` of the grids.

    ``workers`` holds the grid worker of each grid code; the columns stay null without one.
    """
    areas = published.grids
    people = [(workers or {}).get(area.code) for area in areas]
    return _frame(
        {
            "code": _text(area.code for area in areas),
            "name": _text(area.name for area in areas),
            "village": _text(area.village for area in areas),
            "kind": _text(area.kind.value for area in areas),
            "residents": ([area.residents for area in areas], "Int64"),
            "worker": _text(one.name if one else None for one in people),
            "phone": _text(one.phone or None if one else None for one in people),
        },
        [area.geometry for area in areas],
    )


def units_frame(
    published: PublishedMap, sentinels: Mapping[str, Responder] | None = None
) -> gpd.GeoDataFrame:
    """``code, name, grid, residents, sentinel, phone, geometry`` of the end units.

    ``sentinels`` holds the sentinel of each unit code; the columns stay null without one.
    """
    areas = published.units
    people = [(sentinels or {}).get(area.code) for area in areas]
    return _frame(
        {
            "code": _text(area.code for area in areas),
            "name": _text(area.name for area in areas),
            "grid": _text(area.grid for area in areas),
            "residents": ([area.residents for area in areas], "Int64"),
            "sentinel": _text(one.name if one else None for one in people),
            "phone": _text(one.phone or None if one else None for one in people),
        },
        [area.geometry for area in areas],
    )


def responders_frame(force: Iterable[Responder]) -> gpd.GeoDataFrame:
    """Responders by id, their home places as points, live positions as ``live_*`` columns.

    ``capabilities`` are joined by ``;`` in alphabetical order.
    """
    people = sorted(force, key=lambda one: one.id)
    lives = [one.live for one in people]
    return _frame(
        {
            "id": _text(one.id for one in people),
            "name": _text(one.name for one in people),
            "role": _text(one.role.value for one in people),
            "area": _text(one.area for one in people),
            "phone": _text(one.phone or None for one in people),
            "capabilities": _text(";".join(sorted(one.capabilities)) or None for one in people),
            "app": ([one.app for one in people], "boolean"),
            "night": ([one.night for one in people], "boolean"),
            "on_duty": ([one.on_duty for one in people], "boolean"),
            "vehicle": _text(one.vehicle.value for one in people),
            "live_lng": ([live.at.lng if live else None for live in lives], "float64"),
            "live_lat": ([live.at.lat if live else None for live in lives], "float64"),
            "live_at": _times(live.seen_at if live else None for live in lives),
        },
        [_point(one.home) for one in people],
    )


def incidents_frame(incidents: Iterable[Incident]) -> gpd.GeoDataFrame:
    """Incidents in the order given, positions as points in CGCS2000, null where unlocated.

    The datum an incident was reported in is not among the columns: the positions have been
    converted, and a ``datum`` beside them would have them converted again on import.
    """
    cases = list(incidents)
    return _frame(
        {
            "number": _text(case.number for case in cases),
            "received_at": _times(case.received_at for case in cases),
            "category": _text(case.category.value for case in cases),
            "kind": _text(case.kind for case in cases),
            "urgency": ([case.urgency for case in cases], "Int64"),
            "text": _text(case.text or None for case in cases),
            "address": _text(case.address or None for case in cases),
            "radius_m": (
                [case.position.radius_m if case.position else None for case in cases],
                "float64",
            ),
            "drill": ([case.drill for case in cases], "boolean"),
        },
        [_point(case.position.at) if case.position else None for case in cases],
    )


def placed_frame(
    *, lng: Floats, lat: Floats, areas: Mapping[str, Values], outside_m: Floats
) -> gpd.GeoDataFrame:
    """Positions (CGCS2000 degrees, shape (n,)) as points in the order given, with the codes of
    their ``areas`` (a sequence of n for each column, null for none) and ``outside_m`` in metres."""
    columns = {name: _text(codes) for name, codes in areas.items()}
    columns["outside_m"] = (outside_m.tolist(), "float64")
    return _frame(columns, list(gpd.points_from_xy(lng, lat)))


def _frame(columns: Mapping[str, Column], geometry: Sequence[Any]) -> gpd.GeoDataFrame:
    data = {name: pd.Series(values, dtype=dtype) for name, (values, dtype) in columns.items()}
    return gpd.GeoDataFrame(data, geometry=gpd.GeoSeries(geometry, crs=SRID), crs=SRID)


def _text(values: Iterable[str | None]) -> Column:
    return list(values), "str"


def _times(values: Iterable[datetime | None]) -> Column:
    aware = [None if value is None else value.astimezone(COUNTY_TIME) for value in values]
    return aware, "datetime64[us, UTC+08:00]"


def _point(at: LngLat | None) -> shapely.Point | None:
    return None if at is None else shapely.Point(at.lng, at.lat)
