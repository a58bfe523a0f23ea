"""Check a layer: every fault at once, by code and row. Nothing is changed."""

from dataclasses import replace

import geopandas as gpd
import numpy as np

from geodata.faults import FaultCode, LayerFault, Report
from geodata.gaps import gap_faults
from geodata.layer import Layer, LayerKind
from geodata.nesting import Nesting
from geodata.overlaps import overlap_faults
from geodata.parents import resolve_parents
from geodata.records import AREAS, code_faults, geometry_faults
from geodata.shapes import Shapes, codes_of
from geodata.slivers import sliver_faults
from gridsvc.domain.codes import CodeScheme
from gridsvc.domain.geo import MetricFrame
from gridsvc.domain.words import Text

TOLERANCE_M = 0.01

_LEVELS = ("county", "township", "village")


def check_layer(
    layer: Layer,
    *,
    parents: gpd.GeoDataFrame | None = None,
    scheme: CodeScheme | None = None,
    frame: MetricFrame | None = None,
    tolerance_m: float = TOLERANCE_M,
) -> Report:
    """Find every fault of a layer.

    Parameters
    ----------
    layer
        As ``geodata.read.read_layer`` gives it, CGCS2000 lng, lat.
    parents
        The layer above in the same canonical columns (grids for units; divisions, or any outline,
        for grids). With it gaps, parts outside and unknown parents are found; without it gaps are
        the small holes in the union of the layer (see ``geodata.gaps``).
    scheme
        Code scheme; None: codes may be of any form.
    frame
        Metres for areas and widths; None: the 3-degree zone of the layer's middle.
    tolerance_m
        Overlaps, gaps and parts outside no wider than this (mean width: twice the area over the
        perimeter) are float noise: told as unmatched edges, or not at all.

    Returns
    -------
    The faults in the order of ``FaultCode``, then by row. Invalid polygons take part in overlaps
    and gaps as ``shapely.make_valid`` makes them; a note says how many.
    """
    layer = levelled(layer, scheme)
    faults = [*code_faults(layer, scheme), *geometry_faults(layer)]
    notes: list[Text] = []
    if layer.kind in AREAS:
        parents_of, unknown = resolve_parents(layer, parents, scheme)
        faults += unknown
        shapes = Shapes.of(layer.frame, frame or metric_frame(layer))
        if len(shapes):
            more, notes = _area_faults(layer, shapes, parents_of, parents, tolerance_m)
            faults += more
    order = {code: place for place, code in enumerate(FaultCode)}
    faults.sort(key=lambda fault: (order[fault.code], fault.rows))
    return Report(layer.source, len(layer.frame), tuple(faults), tuple(notes))


def metric_frame(layer: Layer) -> MetricFrame:
    """The metre frame of the 3-degree zone in the middle of a layer (105 E if it has no shape)."""
    west, _, east, _ = layer.frame.geometry.total_bounds
    middle = (west + east) / 2.0
    return MetricFrame.around(float(middle)) if middle == middle else MetricFrame()


def levelled(layer: Layer, scheme: CodeScheme | None) -> Layer:
    """A layer of divisions with the level of each row, by its code where the file does not say."""
    if layer.kind is not LayerKind.DIVISIONS or scheme is None:
        return layer
    by_code = [scheme.level_of(code) for code in codes_of(layer.frame)]
    said = codes_of(layer.frame, "level")
    levels = [one if one in _LEVELS else other for one, other in zip(said, by_code, strict=True)]
    return replace(layer, frame=layer.frame.assign(level=np.array(levels, dtype=object)))


def _area_faults(
    layer: Layer,
    shapes: Shapes,
    parents_of: list[str],
    parents: gpd.GeoDataFrame | None,
    tolerance_m: float,
) -> tuple[list[LayerFault], list[Text]]:
    if "level" in layer.frame.columns and layer.frame["level"].nunique() > 1:
        # A file of divisions holds counties, townships and villages one on top of the other.
        return _by_level(layer, shapes.frame, parents_of, parents, tolerance_m)
    faults = [
        *overlap_faults(shapes, tolerance_m=tolerance_m),
        *sliver_faults(shapes, tolerance_m=tolerance_m),
    ]
    notes = _mended_note(shapes)
    above = dict(zip(layer.frame.index.tolist(), parents_of, strict=True))
    nesting = None
    if parents is not None:
        codes = [above[row] for row in shapes.rows.tolist()]
        nesting = Nesting.of(layer.kind, shapes, codes, parents, tolerance_m)
    if nesting is not None and len(nesting.parents):
        return [*faults, *nesting.faults()], notes
    gaps, enclaves = gap_faults(shapes, tolerance_m=tolerance_m)
    return [*faults, *gaps], [*notes, *enclaves]


def _by_level(
    layer: Layer,
    frame: MetricFrame,
    parents_of: list[str],
    parents: gpd.GeoDataFrame | None,
    tolerance_m: float,
) -> tuple[list[LayerFault], list[Text]]:
    faults: list[LayerFault] = []
    notes: list[Text] = []
    above = dict(zip(layer.frame.index.tolist(), parents_of, strict=True))
    for level in _LEVELS:
        rows = layer.frame[layer.frame["level"] == level]
        shapes = Shapes.of(rows, frame)
        if not len(shapes):
            continue
        one = Layer(layer.kind, rows, layer.source)
        over = None
        if level != "county":
            over = layer.frame if parents is None else parents
            over = over[over["code"].isin(set(above.values()))]
        more, said = _area_faults(
            one, shapes, [above[row] for row in rows.index.tolist()], over, tolerance_m
        )
        faults += more
        notes += said
    return faults, notes


def _mended_note(shapes: Shapes) -> list[Text]:
    count = len(shapes.mended)
    if not count:
        return []
    return [
        Text(
            f"{count} 个无效图形按 make_valid 修正后参与重叠和缝隙检查",
            f"{count} invalid polygons took part in the search for overlaps and gaps as "
            "make_valid makes them",
        )
    ]
