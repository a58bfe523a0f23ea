"""The county's outline: made up, or read from a file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyogrio
import shapely

from geodata.datum import geometries_to_cgcs2000
from gridsvc.domain.area import Area, as_multipolygon
from gridsvc.domain.errors import Fault, LayerError
from gridsvc.domain.geo import GRID_SIZE_DEG, Datum, Floats, MetricFrame
from gridsvc.domain.topology import polygonal, snap
from gridsvc.domain.words import Text

AREA_M2 = 3_018e6
"""Published area of the county; the made-up outline has it too."""

# A rough hand-drawn ring (lng, lat), no survey behind it; only its extent is the county's.
_RING = (
    (104.08, 25.29), (104.16, 25.42), (104.26, 25.35), (104.31, 25.16), (104.43, 25.03),
    (104.55, 24.95), (104.68, 24.95), (104.72, 24.82), (104.58, 24.74), (104.53, 24.63),
    (104.42, 24.52), (104.35, 24.66), (104.24, 24.72), (104.19, 24.82), (104.19, 24.92),
    (104.05, 24.98), (103.95, 25.10), (104.06, 25.17),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outline:
    """The county's outline in degrees: on the 1e-9 grid, and as it was given."""

    area: Area
    exact: Area


def made_up(rng: np.random.Generator, frame: MetricFrame) -> Outline:
    """A ragged outline of 3,018 km2 about 103.95-104.72 E, 24.52-25.42 N (degrees, snapped)."""
    lng, lat = np.asarray(_RING).T
    ring = np.column_stack(frame.points(lng=lng, lat=lat))
    for _ in range(6):
        ring = _roughen(ring, rng)
    polygon = polygonal(shapely.make_valid(shapely.Polygon(ring)))
    largest = max(shapely.get_parts(polygon), key=shapely.area)
    solid = shapely.Polygon(largest.exterior)
    centre = np.asarray(solid.centroid.coords[0])
    factor = np.sqrt(AREA_M2 / solid.area)
    scaled = shapely.transform(solid, lambda xy: centre + (xy - centre) * factor)
    area = as_multipolygon(snap(frame.geometries_back([scaled]))[0])
    return Outline(area, area)


def _roughen(ring: Floats, rng: np.random.Generator) -> Floats:
    """Put a point beside the middle of every edge, up to a fifth of its length off."""
    following = np.roll(ring, -1, axis=0)
    along = following - ring
    across = np.column_stack([-along[:, 1], along[:, 0]])
    at = rng.uniform(0.4, 0.6, (len(ring), 1))
    off = rng.uniform(-0.2, 0.2, (len(ring), 1))
    return np.stack([ring, ring + at * along + off * across], axis=1).reshape(-1, 2)


def read(path: Path, datum: Datum | None) -> Outline:
    """The polygons of a file as one outline in CGCS2000 degrees, snapped on the 1e-9 grid.

    Parameters
    ----------
    path
        Any vector file with polygons. All of them together are the county.
    datum
        What its longitudes and latitudes mean. Needed for GeoJSON, which always calls itself
        WGS 84, and for a file without a CRS.

    Raises
    ------
    LayerError
        No datum, no polygon, or a polygon that is not valid.
    """
    if not path.is_file():
        raise LayerError(
            Fault("no_file", Text(f"找不到文件 {path}", f"there is no file {path}"), path.name)
        )
    frame = pyogrio.read_dataframe(path, columns=[])
    if datum is None and (
        frame.crs is None or path.suffix.lower() in {".geojson", ".json", ".topojson"}
    ):
        raise LayerError(_undeclared(path.name))
    if frame.crs is not None and not frame.crs.is_geographic:
        frame = frame.to_crs(4490)
    shapes = shapely.force_2d(np.asarray(frame.geometry, dtype=object))
    shapes = np.asarray([s for s in shapes if s is not None and not s.is_empty], dtype=object)
    polygons = geometries_to_cgcs2000(
        [polygonal(shape) for shape in shapes], datum or Datum.CGCS2000
    )
    snapped = snap(polygons)
    if not len(snapped) or shapely.is_empty(snapped).all():
        raise LayerError(_unusable(path.name, Text("没有面", "no polygon")))
    if not shapely.is_valid(snapped).all():
        reasons = shapely.is_valid_reason(snapped[~shapely.is_valid(snapped)])
        raise LayerError(_unusable(path.name, Text("; ".join(reasons), "; ".join(reasons))))
    if len(snapped) == 1:
        return Outline(as_multipolygon(snapped[0]), as_multipolygon(polygons[0]))
    joined = as_multipolygon(
        snap([polygonal(shapely.union_all(snapped, grid_size=GRID_SIZE_DEG))])[0]
    )
    return Outline(joined, joined)


def _undeclared(name: str) -> Fault:
    return Fault(
        "datum_undeclared",
        Text(
            "文件未可靠声明坐标系：请用 --datum 指明（gcj02、bd09、wgs84、cgcs2000）；"
            "来自高德、腾讯、DataV 的边界为 gcj02",
            "the file does not reliably declare its datum: give --datum (gcj02, bd09, wgs84, "
            "cgcs2000); outlines from Amap, Tencent or DataV are gcj02",
        ),
        name,
    )


def _unusable(name: str, why: Text) -> Fault:
    return Fault(
        "bad_outline",
        Text(
            f"县界应为有效的面（{why.zh}）：请先用 gridsvc check --repair 修复",
            f"an outline must be valid polygons ({why.en}): mend it with gridsvc check --repair",
        ),
        name,
    )
