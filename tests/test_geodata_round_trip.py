"""Export, then import: the same values, and vertices that are the same or snap to the same."""

from functools import cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geodata.formats import FORMATS
from geodata.layer import Layer, LayerKind
from geodata.read import read_layer
from geodata.write import losses, write_layer
from gridsvc.domain.geo import Datum, Geometries, MetricFrame
from gridsvc.domain.topology import is_coverage, snap
from gridsvc.domain.words import Lang
from tests.shared import shared_data

SUFFIXES = tuple(FORMATS)
EXACT = (".gpkg", ".parquet", ".geojson", ".csv", ".fgb", ".xlsx")
TABLES = (".csv", ".xlsx")


def back(path: Path, kind: LayerKind, *, crs: str | None, datum: Datum) -> Layer:
    """Import a file with the options that the export's note names."""
    shifted = datum in (Datum.GCJ02, Datum.BD09)
    bare = path.suffix in TABLES and crs is None
    return read_layer(
        path,
        kind,
        crs=crs if shifted or path.suffix in TABLES else None,
        datum=datum if shifted or bare else None,
    )


def round_trip(
    frame: gpd.GeoDataFrame,
    path: Path,
    kind: LayerKind,
    *,
    lang: Lang = "en",
    crs: str | None = None,
    datum: Datum = Datum.CGCS2000,
) -> gpd.GeoDataFrame:
    write_layer(frame, path, kind=kind, lang=lang, crs=crs, datum=datum, overwrite=True)
    found = back(path, kind, crs=crs, datum=datum).frame
    others = found.drop(columns=[*frame.columns, "datum"], errors="ignore")
    assert others.isna().to_numpy().all()  # all canonical columns come, those not given as null
    return found[frame.columns]


def places(shapes: list[Any]) -> gpd.GeoSeries:
    return gpd.GeoSeries(shapes, crs=4490)


def attributes(frame: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    """Rows of plain values; every missing one is None."""
    plain = pd.DataFrame(frame.drop(columns=frame.geometry.name)).astype(object)
    return [
        {str(name): None if pd.isna(value) else value for name, value in row.items()}
        for row in plain.to_dict("records")
    ]


def vertices(frame: gpd.GeoDataFrame) -> Geometries:
    """Geometries in one form: a polygon is a MultiPolygon of one."""
    shapes = np.asarray(frame.geometry.array, dtype=object)
    out = np.empty(len(shapes), dtype=object)
    out[:] = [
        shapely.MultiPolygon([one]) if isinstance(one, shapely.Polygon) and one else one
        for one in shapes
    ]
    return out


def same_bytes(one: gpd.GeoDataFrame, other: gpd.GeoDataFrame) -> bool:
    return bool(np.array_equal(shapely.to_wkb(vertices(one)), shapely.to_wkb(vertices(other))))


def same_after_snapping(one: gpd.GeoDataFrame, other: gpd.GeoDataFrame) -> bool:
    left, right = shapely.normalize(snap(vertices(one))), shapely.normalize(snap(vertices(other)))
    return bool(shapely.equals_exact(left, right).all())


def furthest_m(one: gpd.GeoDataFrame, other: gpd.GeoDataFrame, metric: MetricFrame) -> float:
    """The largest distance in metres between a vertex and the same vertex afterwards."""
    there, here = (
        shapely.get_coordinates(shapely.normalize(metric.geometries(vertices(frame))))
        for frame in (one, other)
    )
    return float(np.hypot(*(there - here).T).max())


@cache
def village() -> gpd.GeoDataFrame:
    """Forty grids around Luoping's 105 E meridian side: Voronoi cells on the 1e-9 degree grid,
    one with a hole that another fills, one of two parts."""
    rng = np.random.default_rng(20261123)
    points = shapely.multipoints(rng.uniform([104.2, 24.8], [104.3, 24.9], (40, 2)))
    box = shapely.box(104.2, 24.8, 104.3, 24.9)
    lines: Any = shapely.intersection(shapely.voronoi_polygons(points, only_edges=True), box)
    noded = shapely.union(lines, box.boundary, grid_size=1e-9)
    cells = list(shapely.get_parts(shapely.polygonize([noded])))
    cells.sort(key=lambda cell: -cell.area)
    inner = shapely.set_precision(cells[0].centroid.buffer(1e-3, quad_segs=3), 1e-9)
    first = shapely.Polygon(cells[0].exterior, [inner.exterior])
    apart = max(cells[1:], key=lambda cell: cell.distance(cells[1]))
    rest = [cell for cell in cells[2:] if cell is not apart]
    shapes = snap([first, inner, shapely.MultiPolygon([cells[1], apart]), *rest])
    codes = [f"530324001001{n:03d}" for n in range(1, len(shapes) + 1)]
    return gpd.GeoDataFrame(
        {
            "code": pd.Series(codes, dtype=object),
            "name": [f"第{n}网格" for n in range(len(shapes))],
            "village": ["530324001001"] * len(shapes),
            "kind": ["general", *["dedicated"] * (len(shapes) - 1)],
            "residents": pd.array([None, 0, *range(68, 66 + len(shapes))], dtype="Int64"),
            "worker": [None, *["演示甲"] * (len(shapes) - 1)],
            "phone": ["+86 874 100", None, *["0874-100"] * (len(shapes) - 2)],
        },
        geometry=shapes,
        crs=4490,
    )


def test_the_village_is_worth_testing_with() -> None:
    shapes = vertices(village())
    assert is_coverage(shapes)
    assert shapely.get_num_interior_rings(shapely.get_geometry(shapes, 0)).max() == 1
    assert shapely.get_num_geometries(shapes).max() == 2


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_map_comes_back(suffix: str, lang: Lang, tmp_path: Path) -> None:
    found = round_trip(village(), tmp_path / f"a{suffix}", LayerKind.GRIDS, lang=lang)
    assert attributes(found) == attributes(village())
    assert found.crs == "EPSG:4490"
    assert same_bytes(found, village()) == (suffix in EXACT)
    assert same_after_snapping(found, village())


TARGETS: list[tuple[str | None, Datum]] = [
    ("EPSG:4544", Datum.CGCS2000),
    ("EPSG:4523", Datum.CGCS2000),
    ("EPSG:4543", Datum.CGCS2000),
    ("EPSG:32648", Datum.CGCS2000),
    ("EPSG:3857", Datum.CGCS2000),
    ("EPSG:4326", Datum.CGCS2000),
    (None, Datum.WGS84),
    (None, Datum.GCJ02),
    (None, Datum.BD09),
    ("EPSG:3857", Datum.GCJ02),
]


@pytest.mark.parametrize(("crs", "datum"), TARGETS)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_through_another_crs_or_datum_the_map_snaps_back(
    suffix: str, crs: str | None, datum: Datum, tmp_path: Path
) -> None:
    path = tmp_path / f"a{suffix}"
    found = round_trip(village(), path, LayerKind.GRIDS, crs=crs, datum=datum)
    assert attributes(found) == attributes(village())
    assert furthest_m(found, village(), MetricFrame()) < 1e-3
    assert is_coverage(snap(vertices(found)))
    assert same_after_snapping(found, village())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_gcj02_file_is_not_imported_unless_it_is_said(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    write_layer(village(), path, kind=LayerKind.GRIDS, datum=Datum.GCJ02)
    with pytest.raises(Exception, match="datum"):
        read_layer(path, LayerKind.GRIDS)


@pytest.mark.parametrize("crs", ["EPSG:32632", "EPSG:3035", None])
@pytest.mark.parametrize("suffix", [".gpkg", ".parquet", ".geojson", ".shp", ".gdb"])
def test_real_communes_come_back_through_another_crs(
    suffix: str, crs: str | None, tmp_path: Path
) -> None:
    source = shared_data("coverages", "it_comuni_7900", "it_comuni_7900.gpkg")
    west = (6.6, 36.0, 11.9, 47.0)  # where EPSG:32632 is used
    real = pyogrio.read_dataframe(source)
    real = real[shapely.within(real.geometry.to_crs(4326).to_numpy(), shapely.box(*west))][:1500]
    geographic = real.geometry.to_crs(4326).set_crs(4490, allow_override=True)
    shapes = snap(geographic.to_numpy())
    frame = gpd.GeoDataFrame(
        {"code": [f"{n:015d}" for n in range(len(shapes))]}, geometry=shapes, crs=4490
    )
    assert is_coverage(shapes)
    path = tmp_path / f"a{suffix}"
    write_layer(frame, path, kind=LayerKind.GRIDS, crs=crs)
    found = read_layer(path, LayerKind.GRIDS).frame
    assert furthest_m(found, frame, MetricFrame.around(9.0)) < 1e-3
    assert is_coverage(snap(vertices(found)))
    if crs != "EPSG:3035":  # PROJ inverts this projection to 9e-9 degree only
        assert same_after_snapping(found, frame)
    if crs is None and suffix in EXACT:
        assert same_bytes(found, frame)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_divisions_without_a_shape_come_back(suffix: str, tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(
        {
            "code": ["530324", "530324001"],
            "name": ["罗平县", "罗雄街道"],
            "level": ["county", "township"],
            "parent": [None, "530324"],
        },
        geometry=places([None, None]),
        crs=4490,
    )
    found = round_trip(frame, tmp_path / f"a{suffix}", LayerKind.DIVISIONS)
    assert attributes(found) == attributes(frame)
    assert found.geometry.isna().all()


# Characters that people type; what looks like text of a wrong encoding is refused on import.
WORDS = st.text(
    st.one_of(
        st.sampled_from("罗平县网格员一二三，。（）【】😀👨‍👩‍👧\"'\\/;,|=+-@ \n\t"),
        st.characters(min_codepoint=32, max_codepoint=126),
    ),
    max_size=30,
)
CODES = st.text("0123456789abcXYZ-=+@'", min_size=1, max_size=18)
TIMES = st.datetimes(
    min_value=pd.Timestamp("1990-01-01").to_pydatetime(),
    max_value=pd.Timestamp("2090-01-01").to_pydatetime(),
)


def pandas_times(values: list[Any]) -> "pd.Series[Any]":
    return pd.Series(values, dtype="datetime64[us]").dt.tz_localize("+08:00")


@st.composite
def incidents(draw: st.DrawFn) -> gpd.GeoDataFrame:
    """Rows with every kind of awkward value."""
    size = draw(st.integers(1, 5))

    def some(values: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(values, min_size=size, max_size=size))

    lng, lat = st.floats(103, 106), st.floats(23, 26)
    return gpd.GeoDataFrame(
        {
            "number": pd.Series(some(st.none() | CODES), dtype=object),
            "received_at": pandas_times(some(TIMES)),
            "kind": pd.Series(some(st.just("fight")), dtype=object),
            "urgency": pd.array(some(st.none() | st.integers(1, 4)), dtype="Int64"),
            "text": pd.Series(some(st.none() | WORDS), dtype=object),
            "address": pd.Series(some(st.none() | WORDS), dtype=object),
            "radius_m": pd.Series(some(st.none() | st.floats(0, 1e5)), dtype="float64"),
            "drill": pd.array(some(st.none() | st.booleans()), dtype="boolean"),
        },
        geometry=places(some(st.none() | st.builds(shapely.Point, lng, lat))),
        crs=4490,
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(frame=incidents(), lang=st.sampled_from(["en", "zh"]))
def test_awkward_values_come_back_or_are_told_before(
    suffix: str, frame: gpd.GeoDataFrame, lang: Lang, tmp_path: Path
) -> None:
    path = tmp_path / f"a{suffix}"
    if losses(frame, path, kind=LayerKind.INCIDENTS, lang=lang):
        assert suffix in (".shp", ".xlsx")
        return
    found = round_trip(frame, path, LayerKind.INCIDENTS, lang=lang)
    assert attributes(found) == attributes(frame)
    if suffix in EXACT or suffix == ".shp":
        assert same_bytes(found, frame)


@settings(max_examples=20, suppress_health_check=list(HealthCheck))
@given(frame=incidents(), datum=st.sampled_from([Datum.GCJ02, Datum.BD09]))
def test_points_come_back_through_a_shifted_datum(
    frame: gpd.GeoDataFrame, datum: Datum, tmp_path: Path
) -> None:
    found = round_trip(frame, tmp_path / "a.csv", LayerKind.INCIDENTS, datum=datum)
    known = frame.geometry.notna()
    assert found.geometry.notna().tolist() == known.tolist()
    if known.any():
        assert furthest_m(found[known], frame[known], MetricFrame()) < 1e-3


@pytest.mark.parametrize("datum", [Datum.CGCS2000, Datum.GCJ02])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_responders_come_back_with_home_and_live_position(
    suffix: str, datum: Datum, tmp_path: Path
) -> None:
    frame = gpd.GeoDataFrame(
        {
            "id": ["007", "+8"],
            "name": ["演示甲", "演示乙"],
            "role": ["sentinel", "grid_worker"],
            "area": ["53032400100100101", "530324001001001"],
            "phone": ["+8613800000000", None],
            "capabilities": ["first_aid;first_on_scene", None],
            "app": pd.array([True, False], dtype="boolean"),
            "night": pd.array([False, None], dtype="boolean"),
            "on_duty": pd.array([True, True], dtype="boolean"),
            "vehicle": ["foot", "motorcycle"],
            "live_lng": [104.3087, np.nan],
            "live_lat": [24.8846, np.nan],
            "live_at": pandas_times([pd.Timestamp("2026-11-23 08:00:00.123"), None]),
        },
        geometry=places([shapely.Point(104.305, 24.805), None]),
        crs=4490,
    )
    found = round_trip(frame, tmp_path / f"a{suffix}", LayerKind.RESPONDERS, datum=datum)
    live = ["live_lng", "live_lat"]
    assert attributes(found.drop(columns=live)) == attributes(frame.drop(columns=live))
    assert np.allclose(found[live], frame[live], rtol=0, atol=1e-12, equal_nan=True)
    assert found.geometry.isna().tolist() == [False, True]
    assert furthest_m(found[:1], frame[:1], MetricFrame()) < 1e-3
