"""Layers in every format, wherever their positions are, and what is refused about them."""

import re
import sqlite3
import time
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyogrio
import pytest
import shapely

from geodata.crs import from_cgcs2000_geometries, resolve_crs
from geodata.datum import geometries_from_cgcs2000
from geodata.layer import Layer, LayerKind
from geodata.read import read_layer
from gridsvc.domain.errors import Fault, LayerError
from gridsvc.domain.geo import Datum, Geometries
from tests.shared import shared_data

CODES = ["530324001001001", "530324001001002", "530324001001003"]
SQUARES = [shapely.box(104.1 + i / 10, 24.8, 104.2 + i / 10, 24.9) for i in range(3)]
HOLED = shapely.union_all(
    [
        SQUARES[0].difference(shapely.box(104.12, 24.82, 104.14, 24.84)),
        shapely.box(104, 24.6, 104.05, 24.7),
    ]
)


def grids(crs: str | None = "EPSG:4490", shapes: list[Any] | None = None) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "网格编码": CODES,
            "网格名称": ["一", "二", "三"],
            "户籍人口": pd.array([68, None, 70], dtype="Int64"),
        },
        geometry=shapes or [HOLED, None, SQUARES[2]],
        crs=crs,
    )


def faults(path: Path, kind: LayerKind = LayerKind.GRIDS, **options: Any) -> dict[str, Fault]:
    with pytest.raises(LayerError) as caught:
        read_layer(path, kind, **options)
    return {fault.code: fault for fault in caught.value.faults}


def write(frame: gpd.GeoDataFrame, path: Path) -> Path:
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    elif path.suffix == ".csv":
        frame.assign(wkt=frame.geometry.to_wkt(rounding_precision=-1)).drop(
            columns="geometry"
        ).to_csv(path, index=False)
    elif path.suffix == ".shp":
        frame.to_file(path, encoding="GB18030")
    elif path.suffix == ".gdb":
        frame.to_file(
            path,
            driver="OpenFileGDB",
            geometry_type="MultiPolygon",
            promote_to_multi=True,
            TARGET_ARCGIS_VERSION="ARCGIS_PRO_3_2_OR_LATER",
        )
    elif path.suffix == ".fgb":  # its writer takes no nulls
        frame.iloc[[0, 2]].to_file(path, SPATIAL_INDEX="NO")
    else:
        frame.to_file(path)
    return path


def same(one: Any, other: Any, tolerance: float = 1e-8) -> bool:
    """Whether two shapes have as many vertices and none farther off than ``tolerance``."""
    counts = [int(shapely.get_num_coordinates(shape)) for shape in (one, other)]
    return counts[0] == counts[1] and bool(shapely.hausdorff_distance(one, other) <= tolerance)


def shapes(frame: gpd.GeoDataFrame) -> Geometries:
    return np.asarray(frame.geometry.array, dtype=object)


def check_grids(layer: Layer) -> None:
    frame = layer.frame
    if layer.source.endswith(".fgb"):
        assert frame["code"].tolist() == [CODES[0], CODES[2]]
        assert same(frame.geometry[0], HOLED)
        return
    assert frame.crs is not None
    assert frame.crs.to_epsg() == 4490
    assert frame.index.tolist() == [0, 1, 2]
    assert frame["code"].tolist() == CODES
    assert frame["name"].tolist() == ["一", "二", "三"]
    assert frame["village"].tolist() == ["530324001001"] * 3
    assert frame["residents"].dtype == "Int64"
    assert frame["residents"].tolist() == [68, pd.NA, 70]
    assert frame["worker"].tolist() == [None] * 3
    assert layer.null_rows == (1,)
    assert layer.columns == {"code": "网格编码", "name": "网格名称", "residents": "户籍人口"} | (
        {"wkt": "wkt"} if "wkt" in layer.columns else {}
    )
    assert same(frame.geometry[0], HOLED)
    assert same(frame.geometry[2], SQUARES[2], 1e-8 if layer.source.endswith(".gdb") else 0)


@pytest.mark.parametrize("suffix", [".gpkg", ".shp", ".gdb", ".fgb", ".parquet", ".geojson"])
def test_formats_that_declare_their_crs(tmp_path: Path, suffix: str) -> None:
    layer = read_layer(write(grids(), tmp_path / f"网格{suffix}"), LayerKind.GRIDS)
    check_grids(layer)
    assert layer.crs == "EPSG:4490"
    assert layer.datum is Datum.CGCS2000
    assert layer.located


@pytest.mark.parametrize("suffix", [".gpkg", ".shp", ".fgb", ".parquet", ".geojson", ".csv"])
def test_without_a_crs_nothing_goes_in(tmp_path: Path, suffix: str) -> None:
    path = write(grids(None), tmp_path / f"网格{suffix}")
    if suffix == ".geojson":
        path.write_text(path.read_text().replace('"crs"', '"was"'))
    ((code, fault),) = faults(path).items()
    assert code == "undeclared_crs"
    assert "--datum cgcs2000 / --datum gcj02" in fault.text.zh
    for given in ({"crs": "EPSG:4490"}, {"datum": Datum.CGCS2000}):
        layer = read_layer(path, LayerKind.GRIDS, **given)
        check_grids(layer)
        assert layer.crs == given.get("crs", "")


@pytest.mark.parametrize("suffix", [".gpkg", ".parquet", ".geojson", ".csv", ".shp"])
@pytest.mark.parametrize("datum", [Datum.GCJ02, Datum.BD09])
def test_a_datum_is_undone_whatever_the_file_calls_itself(
    tmp_path: Path, suffix: str, datum: Datum
) -> None:
    shifted = list(geometries_from_cgcs2000([HOLED, None, SQUARES[2]], datum))
    path = write(grids("EPSG:4326", shifted), tmp_path / f"网格{suffix}")
    layer = read_layer(path, LayerKind.GRIDS, datum=datum)
    assert layer.datum is datum
    assert same(layer.frame.geometry[2], SQUARES[2], 1e-9)


@pytest.mark.parametrize("name", ["EPSG:4544", "EPSG:4523", "EPSG:32648", "EPSG:3857"])
def test_projected_files(tmp_path: Path, name: str) -> None:
    there = list(from_cgcs2000_geometries([HOLED, None, SQUARES[2]], crs=resolve_crs(name)))
    declared = read_layer(write(grids(name, there), tmp_path / "a.gpkg"), LayerKind.GRIDS)
    given = read_layer(write(grids(None, there), tmp_path / "b.gpkg"), LayerKind.GRIDS, crs=name)
    for layer in (declared, given):
        assert layer.crs == name
        assert same(layer.frame.geometry[2], SQUARES[2], 1e-9)


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ("EPSG:4544", "--crs EPSG:4544"),
        ("EPSG:4523", "--crs EPSG:4523"),
        ("EPSG:4496", "--crs EPSG:4496"),
        ("EPSG:3857", "--crs EPSG:3857"),
    ],
)
@pytest.mark.parametrize("swapped", [False, True])
def test_the_guess_finds_the_zone(tmp_path: Path, numbers: str, said: str, swapped: bool) -> None:
    there = from_cgcs2000_geometries([HOLED, None, SQUARES[2]], crs=resolve_crs(numbers))
    if swapped:
        there = shapely.transform(there, lambda xy: xy[:, ::-1])
    fault = faults(write(grids(None, list(there)), tmp_path / "a.gpkg"))["undeclared_crs"]
    assert said in fault.text.zh
    assert said in fault.text.en
    assert ("颠倒" in fault.text.zh) == swapped
    if numbers == "EPSG:4544" and not swapped:
        assert "its neighbour EPSG:4543 at 101" in fault.text.en


def test_the_guess_reads_what_stands_beside_the_data() -> None:
    path = shared_data("luoping", "luoping_county_amap2020_gcj02.geojson")
    fault = faults(path, LayerKind.DIVISIONS)["undeclared_crs"]
    assert "'GCJ-02 (not WGS84)': gcj02" in fault.text.en
    layer = read_layer(path, LayerKind.DIVISIONS, datum=Datum.GCJ02)
    assert layer.frame["level"].tolist() == ["county"]
    raw = gpd.read_file(path).geometry[0]
    moved = layer.frame.geometry[0]
    assert shapely.get_num_coordinates(moved) == shapely.get_num_coordinates(raw)
    shift = np.subtract(shapely.get_coordinates(raw), shapely.get_coordinates(moved)).mean(axis=0)
    assert shift == pytest.approx([0.00222, -0.00289], abs=2e-4)


def test_swapped_axes_are_named(tmp_path: Path) -> None:
    turned = [shapely.transform(s, lambda xy: xy[:, ::-1]) for s in SQUARES]
    assert (
        "swapped"
        in faults(write(grids(shapes=turned), tmp_path / "a.gpkg"))["axes_swapped"].text.en
    )
    one = [SQUARES[0], turned[1], SQUARES[2]]
    fault = faults(write(grids(shapes=one), tmp_path / "b.gpkg"))["axes_swapped"]
    assert fault.text.en.endswith("row 2 (the header not counted)")


def test_numbers_that_do_not_fit_the_crs(tmp_path: Path) -> None:
    metres = list(from_cgcs2000_geometries(SQUARES, crs=resolve_crs("EPSG:4523")))
    as_degrees = faults(write(grids("EPSG:4490", metres), tmp_path / "a.gpkg"))
    assert "EPSG:4523" in as_degrees["position_out_of_range"].text.zh
    wrong_zone = faults(write(grids("EPSG:4544", metres), tmp_path / "b.gpkg"))
    assert "EPSG:4523" in wrong_zone["outside_crs_area"].text.en
    degrees = faults(write(grids("EPSG:4544", SQUARES), tmp_path / "c.gpkg"))
    assert "degrees" in degrees["outside_crs_area"].text.en
    assert set(faults(write(grids(), tmp_path / "d.gpkg"), crs="EPSG:4214")) == {"crs_without_way"}


def test_a_sheet_may_leave_out_blank_cells_at_the_end_of_its_rows(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["编码", "名称", "上级"])
    sheet.append(["530324", "罗平县"])
    sheet.append(["530324001", "罗雄街道", "530324"])
    book.save(tmp_path / "a.xlsx")
    # openpyxl itself pads the rows that it reads; a sheet without dimensions is not padded.
    with zipfile.ZipFile(tmp_path / "a.xlsx") as whole:
        parts = {name: whole.read(name) for name in whole.namelist()}
    name = "xl/worksheets/sheet1.xml"
    parts[name] = re.sub(rb"<dimension[^>]*/>", b"", parts[name])
    with zipfile.ZipFile(tmp_path / "b.xlsx", "w") as bare:
        for part, data in parts.items():
            bare.writestr(part, data)
    for file in ("a.xlsx", "b.xlsx"):
        frame = read_layer(tmp_path / file, LayerKind.DIVISIONS).frame
        assert frame["name"].tolist() == ["罗平县", "罗雄街道"]


def test_wrong_types_and_endless_numbers_with_their_rows(tmp_path: Path) -> None:
    endless = shapely.Polygon([(104, 24), (np.inf, 24), (104, 25), (104, 24)])
    frame = grids(shapes=[shapely.Point(104, 25), endless, SQUARES[2]])
    found = faults(write(frame, tmp_path / "a.parquet"))
    assert found["geometry_type"].text.en == (
        "grids are polygons, found Point: row 1 (the header not counted)"
    )
    assert "row 2 " in found["position_not_finite"].text.en


def test_heights_are_dropped_and_said(tmp_path: Path) -> None:
    high = shapely.force_3d(SQUARES, 1500.0)
    layer = read_layer(write(grids(shapes=list(high)), tmp_path / "a.gpkg"), LayerKind.GRIDS)
    assert layer.dropped_z
    assert not layer.frame.geometry.has_z.any()
    assert layer.frame.geometry[0].equals(SQUARES[0])


def test_empty_geometries_are_not_null_ones(tmp_path: Path) -> None:
    frame = grids(shapes=[HOLED, None, shapely.Polygon()])
    layer = read_layer(write(frame, tmp_path / "a.parquet"), LayerKind.GRIDS)
    assert (layer.null_rows, layer.empty_rows) == ((1,), (2,))


def test_arcs_are_made_vertices(tmp_path: Path) -> None:
    """A CURVEPOLYGON of one full circle, put into a GeoPackage by hand."""
    path = write(grids(), tmp_path / "a.gpkg")
    ring = [(104.0, 24.0), (104.1, 24.0), (104.0, 24.0)]
    circle = b"\x01" + (8).to_bytes(4, "little") + (3).to_bytes(4, "little")
    circle += np.array(ring, dtype="<f8").tobytes()
    curve = b"\x01" + (10).to_bytes(4, "little") + (1).to_bytes(4, "little") + circle
    blob = b"GP\x00\x01" + (4490).to_bytes(4, "little") + curve
    with sqlite3.connect(path) as db:
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='trigger'").fetchall():
            db.execute(f'DROP TRIGGER "{name}"')
        db.execute("UPDATE gpkg_geometry_columns SET geometry_type_name='CURVEPOLYGON'")
        db.execute("UPDATE a SET geom=? WHERE fid=1", (blob,))
    db.close()
    layer = read_layer(path, LayerKind.GRIDS)
    assert layer.frame.geometry[0].geom_type == "Polygon"
    assert layer.frame.geometry[0].area == pytest.approx(np.pi * 0.05**2, rel=1e-2)


def test_layers_are_chosen_by_name(tmp_path: Path) -> None:
    path = tmp_path / "多层.gpkg"
    grids().to_file(path, layer="网格")
    grids().to_file(path, layer="旧网格")
    fault = faults(path)["layer_ambiguous"]
    assert "网格、旧网格" in fault.text.zh
    assert set(faults(path, layer="新网格")) == {"unknown_layer"}
    check_grids(read_layer(path, LayerKind.GRIDS, layer="旧网格"))


@pytest.mark.parametrize("kind", ["shp", "gdb", "gpkg"])
def test_archives(tmp_path: Path, kind: str) -> None:
    path = write(grids(), tmp_path / f"网格.{kind}")
    packed = tmp_path / "包.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for part in sorted(tmp_path.rglob("*")):
            if part.is_file() and part != packed:
                archive.write(part, f"数据/{part.relative_to(tmp_path)}")
    layer = read_layer(packed, LayerKind.GRIDS)
    assert layer.frame["code"].tolist() == CODES
    assert layer.source == "包.zip"
    assert path.exists()


def test_the_village_topology_has_all_its_rows() -> None:
    path = shared_data("coverages", "tw_villages_8067", "twVillage1982.topo.json")
    layer = read_layer(
        path,
        LayerKind.DIVISIONS,
        columns={"code": "VILLAGESN", "name": "VILLAGENAM"},
        crs="EPSG:4326",
    )
    assert len(layer.frame) == 8067
    assert len(layer.null_rows) == 468
    assert layer.frame["name"][0] == "三和村"
    # GDAL's own decoding, which leaves the null ones out, is the oracle for the others.
    oracle = pyogrio.read_dataframe(path)
    ours = layer.frame.drop(index=list(layer.null_rows))
    # Ids that end in noughts are cut as padded statistical codes are.
    cut = ours["code"].str.len() < 9
    assert ours["code"][~cut].tolist() == oracle["VILLAGESN"][~cut.to_numpy()].tolist()
    assert cut.sum() == 86
    assert shapely.equals_exact(
        shapely.normalize(shapes(ours)), shapely.normalize(shapes(oracle)), 1e-12
    ).all()


def test_a_declared_crs84_geojson() -> None:
    path = shared_data("coverages", "uk_oa_cornwall", "uk_oa_cornwall.geojson")
    layer = read_layer(path, LayerKind.GRIDS, columns={"code": "OA11CD"})
    assert layer.crs == "OGC:CRS84"
    assert layer.datum is Datum.WGS84
    assert shapely.equals_identical(shapes(layer.frame), shapes(gpd.read_file(path))).all()


def test_many_polygons_with_holes_and_parts() -> None:
    path = shared_data("coverages", "it_comuni_7900", "it_comuni_7900.gpkg")
    layer = read_layer(path, LayerKind.GRIDS, columns={"code": "com_istat_code"})
    assert len(layer.frame) == 7899
    assert (shapely.get_num_geometries(shapes(layer.frame)) > 1).sum() == 421


def test_a_county_of_end_units_in_about_a_second(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    x, y = np.meshgrid(np.linspace(104, 104.7, 121), np.linspace(24.6, 25.3, 122))
    x, y = x.ravel()[:14_662], y.ravel()[:14_662]
    around = shapely.buffer(shapely.points(x, y), rng.uniform(0.001, 0.002, len(x)), quad_segs=10)
    codes = [f"530324001001{i // 99:03d}{i % 99 + 1:02d}" for i in range(len(x))]
    frame = gpd.GeoDataFrame({"单元编码": codes, "单元名称": codes}, geometry=around, crs=4490)
    path = write(frame, tmp_path / "units.gpkg")
    start = time.perf_counter()
    layer = read_layer(path, LayerKind.UNITS)
    took_s = time.perf_counter() - start
    assert len(layer.frame) == 14_662
    assert layer.frame["grid"].str.len().eq(15).all()
    assert took_s < 4  # about 0.5 s alone on the machine; the rest is for its other users
