"""What closes roads, as the pages draw it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import shapely

from gridsvc.domain.clock import COUNTY_TIME
from gridsvc.domain.force import VEHICLE_NAMES, Vehicle
from gridsvc.domain.words import Lang, Text
from maps.assets import to_json
from maps.shapes import DECIMALS, Move


@dataclass(frozen=True, slots=True)
class DrawnClosure:
    """The roads that a closure closes (shapely lines, lng and lat degrees), for whom, from when
    until when (aware; None: until lifted), and why."""

    geometry: Any
    vehicles: frozenset[Vehicle]
    starts_at: datetime
    ends_at: datetime | None
    reason: str


def closure_block(found: Sequence[DrawnClosure], lang: Lang, move: Move | None = None) -> bytes:
    """JSON of the closures of a page: GeoJSON features with the lines of their labels.

    Parameters
    ----------
    move
        To the datum of the base map, where that is not CGCS2000.
    """
    features = []
    for one in found:
        shape = one.geometry if move is None else shapely.transform(one.geometry, move)
        line = orjson.Fragment(shapely.to_geojson(shapely.set_precision(shape, 10**-DECIMALS)))
        about = {"lines": [text.pick(lang) for text in _label(one)]}
        features.append({"type": "Feature", "properties": about, "geometry": line})
    return to_json({"type": "FeatureCollection", "features": features})


def _label(one: DrawnClosure) -> list[Text]:
    starts = one.starts_at.astimezone(COUNTY_TIME)
    if one.ends_at is None:
        until = Text("直到解除", "until lifted")
    else:
        end = one.ends_at.astimezone(COUNTY_TIME)
        until = Text(f"至 {end:%m-%d %H:%M}", f"until {end:%m-%d %H:%M}")
    names = [VEHICLE_NAMES[each] for each in Vehicle if each in one.vehicles]
    who = Text("、".join(name.zh for name in names), ", ".join(name.en for name in names))
    if len(names) == len(Vehicle):
        who = Text("禁止一切通行", "closed to all")
    else:
        who = Text(f"禁止{who.zh}通行", f"closed to {who.en}")
    return [
        Text(f"封路：{one.reason}", f"closed: {one.reason}"),
        Text(f"{starts:%m-%d %H:%M} 起，{until.zh}", f"from {starts:%m-%d %H:%M} {until.en}"),
        who,
    ]
