"""The grids as a page carries them: one FeatureCollection with short keys."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from gridsvc.domain.area import Level, PublishedMap
from gridsvc.domain.words import Lang, Text
from maps.shapes import MapShapes


def grid_block(
    published: PublishedMap,
    drawn: MapShapes,
    figures: Iterable[Mapping[str, Any]],
    words: Mapping[str, Text],
    lang: Lang,
    **more: object,
) -> bytes:
    """JSON of a county page.

    Parameters
    ----------
    published, drawn
        A map and its shapes.
    figures
        What the page has to say of each grid, in the map's order, beside c code, n name (where it
        is not the code), v village and t township.
    words
        The script's words.
    more
        Further blocks by their key.
    """
    names = village_names(published)
    places = sorted({grid.village for grid in published.grids})
    village = {code: place for place, code in enumerate(places)}
    features = []
    for grid, about, township, shape in zip(
        published.grids, figures, drawn.township, drawn.grids, strict=True
    ):
        known: dict[str, Any] = {"c": grid.code, "v": village[grid.village], "t": township}
        if grid.name != grid.code:
            known["n"] = grid.name
        features.append({"type": "Feature", "properties": {**known, **about}, "geometry": shape})
    return orjson.dumps(
        {
            "grids": {"type": "FeatureCollection", "features": features},
            "villages": [names.get(code, code) for code in places],
            "words": {key: text.pick(lang) for key, text in words.items()},
            **more,
        }
    )


def village_names(published: PublishedMap) -> dict[str, str]:
    """Names of villages by code."""
    return {d.code: d.name for d in published.divisions if d.level is Level.VILLAGE}
