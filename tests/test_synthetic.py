"""The seeded demo county: exact counts, one coverage, and the same again."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner

from geodata.datum import geometries_to_cgcs2000
from geodata.synthetic import CountySize, build
from geodata.synthetic.names import TOWNSHIPS
from gridsvc.cli.synth import synth
from gridsvc.domain.errors import InputError, LayerError
from gridsvc.domain.geo import Datum, MetricFrame
from gridsvc.domain.topology import snap
from tests.shared import shared_data

VILLAGES = (14, 9, 22, 13, 12, 13, 13, 12, 9, 7, 11, 6, 13)
TINY = CountySize(villages=(4, 2, 3), grids=90, units=160, residents=6_000, incidents=1_500)
FILES = {
    "divisions.gpkg", "grids.gpkg", "units.gpkg", "responders.csv", "equipment.csv",
    "roads.gpkg", "incidents.parquet", "NOTICE.txt",
}  # fmt: skip


@pytest.fixture(scope="module")
def divisions(demo_files: Path) -> gpd.GeoDataFrame:
    return gpd.read_file(demo_files / "divisions.gpkg").set_index("code")


@pytest.fixture(scope="module")
def grids(demo_files: Path) -> gpd.GeoDataFrame:
    return gpd.read_file(demo_files / "grids.gpkg").set_index("code")


@pytest.fixture(scope="module")
def units(demo_files: Path) -> gpd.GeoDataFrame:
    return gpd.read_file(demo_files / "units.gpkg").set_index("code")


def test_every_file_is_there_and_says_what_it_is(demo_files: Path) -> None:
    assert {path.name for path in demo_files.iterdir()} == FILES
    notice = (demo_files / "NOTICE.txt").read_text(encoding="utf-8")
    assert "演示数据" in notice
    assert "虚构" in notice
    assert "made up" in notice


def test_townships_have_their_real_codes_names_and_numbers_of_villages(
    divisions: gpd.GeoDataFrame,
) -> None:
    townships = divisions[divisions["level"] == "township"]
    assert list(zip(townships.index, townships["name"], strict=True)) == list(TOWNSHIPS)
    villages = divisions[divisions["level"] == "village"]
    assert tuple(villages.groupby("parent").size()) == VILLAGES
    assert villages["name"].is_unique
    assert (villages.index.str[:9] == villages["parent"]).all()
    assert divisions.loc["530324", "name"] == "罗平县"


def test_grids_and_units_are_as_many_as_published(
    grids: gpd.GeoDataFrame, units: gpd.GeoDataFrame
) -> None:
    assert (len(grids), len(units)) == (8_146, 14_662)
    assert grids.index.is_unique
    assert units.index.is_unique
    assert grids.index.str.fullmatch(r"530324\d{9}").all()
    assert (units.index.str[:15] == units["grid"]).all()
    assert (grids.index.str[:12] == grids["village"]).all()
    assert set(units["grid"]) == set(grids.index)
    assert grids["village"].nunique() == 154
    assert grids["residents"].sum() == units["residents"].sum() == 550_000
    assert (units.groupby("grid")["residents"].sum() == grids["residents"]).all()


def test_the_area_is_the_published_one(units: gpd.GeoDataFrame) -> None:
    area = MetricFrame().areas_m2(units.geometry) / 1e6
    assert area.sum() == pytest.approx(3_018, abs=0.1)
    assert area.sum() / 8_146 == pytest.approx(0.37, abs=0.001)
    assert area.min() > 0.001
    west, south, east, north = units.total_bounds
    assert min(west - 103.9, south - 24.45, 104.8 - east, 25.5 - north) > 0


def test_grids_are_small_in_towns_and_large_in_the_hills(grids: gpd.GeoDataFrame) -> None:
    area = pd.Series(MetricFrame().areas_m2(grids.geometry) / 1e6, index=grids.index)
    town = area[grids.index.str[:9].isin(["530324001", "530324002", "530324003"])]
    assert town.median() < 0.1
    assert area.quantile(0.9) > 0.8
    assert area.max() < 6


def test_units_are_one_coverage_on_the_grid_of_a_billionth_degree(
    units: gpd.GeoDataFrame,
) -> None:
    shapes = units.geometry.to_numpy()
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)
    assert shapely.equals_identical(shapes, snap(shapes)).all()
    whole = shapely.coverage_union_all(shapes)
    assert isinstance(whole, shapely.Polygon), "no gap and one piece"
    assert len(whole.interiors) == 0


def test_every_parent_is_the_union_of_its_children(
    divisions: gpd.GeoDataFrame, grids: gpd.GeoDataFrame, units: gpd.GeoDataFrame
) -> None:
    villages = divisions[divisions["level"] == "village"]
    townships = divisions[divisions["level"] == "township"]
    for parents, children, key in (
        (grids, units, "grid"),
        (villages, grids, "village"),
        (townships, villages, "parent"),
        (divisions[divisions["level"] == "county"], townships, "parent"),
    ):
        given = dict(
            zip(parents.index, shapely.normalize(parents.geometry.to_numpy()), strict=True)
        )
        for code, own in children.groupby(key):
            union = shapely.coverage_union_all(own.geometry.to_numpy())
            parts = shapely.normalize(shapely.multipolygons(shapely.get_parts(union)))
            assert shapely.equals_exact(parts, given[str(code)]), code
        assert set(children[key]) == set(parents.index)


def test_awkward_shapes_are_there(divisions: gpd.GeoDataFrame, grids: gpd.GeoDataFrame) -> None:
    def holes(shapes: gpd.GeoSeries) -> int:
        parts = shapely.get_parts(shapes.to_numpy())
        return int((shapely.get_num_interior_rings(parts) > 0).sum())

    villages = divisions[divisions["level"] == "village"].geometry
    assert (villages.count_geometries() > 1).sum() == 6
    assert holes(villages) >= 6
    assert (grids.geometry.count_geometries() > 1).sum() == 8
    assert holes(grids.geometry) >= 35
    dedicated = grids[grids["kind"] == "dedicated"]
    assert 80 <= len(dedicated) <= 120
    assert dedicated["name"].str.contains("专属网格").all()


def test_grids_are_numbered_from_one_without_gaps(grids: gpd.GeoDataFrame) -> None:
    for village, own in grids.groupby("village"):
        expected = [f"{village}{k:03d}" for k in range(1, len(own) + 1)]
        assert list(own.index) == expected
    first = grids[grids.index.str.endswith("001")].geometry.to_numpy()
    assert len(first) == 154


def _digest(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_same_seed_same_bytes_in_another_process(tmp_path: Path) -> None:
    build(tmp_path / "here", size=TINY, seed=7)
    program = (
        "import sys; from pathlib import Path; from geodata.synthetic import CountySize, build;"
        f"build(Path(sys.argv[1]), size={TINY!r}, seed=7)"
    )
    for hash_seed in ("1", "4242"):
        folder = tmp_path / hash_seed
        subprocess.run(
            [sys.executable, "-c", program, str(folder)],
            check=True,
            timeout=60,
            env={
                **os.environ,
                "PYTHONHASHSEED": hash_seed,
                "PYTHONPATH": os.pathsep.join(sys.path),
            },
        )
        assert _digest(folder) == _digest(tmp_path / "here")
    build(tmp_path / "other", size=TINY, seed=8)
    different = _digest(tmp_path / "other")
    assert all(different[name] != value for name, value in _digest(tmp_path / "here").items())


def test_building_twice_replaces_the_files(tmp_path: Path) -> None:
    build(tmp_path, size=TINY, seed=7)
    before = _digest(tmp_path)
    build(tmp_path, size=TINY, seed=7)
    assert _digest(tmp_path) == before


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "size",
    [
        TINY,
        CountySize(villages=(1,), grids=4, units=8, residents=60, incidents=100),
        CountySize(villages=(5, 4), grids=300, units=700, residents=9_000, incidents=200),
    ],
    ids=["tiny", "one village", "two townships"],
)
def test_other_sizes_have_their_exact_counts(tmp_path: Path, size: CountySize, seed: int) -> None:
    report = build(tmp_path, size=size, seed=seed)
    assert report.rows["grids.gpkg"] == size.grids == len(gpd.read_file(tmp_path / "grids.gpkg"))
    units = gpd.read_file(tmp_path / "units.gpkg")
    assert len(units) == size.units
    assert units["residents"].sum() == size.residents
    assert report.rows["divisions.gpkg"] == 1 + len(size.villages) + sum(size.villages)


def test_a_size_that_does_not_go_together_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least 3 grids a village"):
        build(tmp_path, size=CountySize(grids=200, units=14_662))


def test_an_undeclared_outline_is_refused_and_nothing_written(tmp_path: Path) -> None:
    outline = tmp_path / "outline.geojson"
    square = gpd.GeoDataFrame(geometry=[shapely.box(104, 24.6, 104.5, 25.1)], crs=4326)
    square.to_file(outline)
    with pytest.raises(LayerError, match="--datum"):
        build(tmp_path / "out", size=TINY, outline=outline)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        (shapely.Polygon([(104, 24.6), (104.5, 25.1), (104.5, 24.6), (104, 25.1)]), "intersection"),
        (shapely.Point(104, 24.6), "no polygon"),
    ],
    ids=["bow tie", "a point"],
)
def test_an_outline_that_is_no_valid_polygon_is_refused(
    tmp_path: Path, shape: shapely.Geometry, said: str
) -> None:
    outline = tmp_path / "outline.gpkg"
    gpd.GeoDataFrame(geometry=[shape], crs=4490).to_file(outline)
    with pytest.raises(LayerError, match=said):
        build(tmp_path / "out", size=TINY, outline=outline)


def test_an_outline_in_two_parts_with_a_hole_is_filled(tmp_path: Path) -> None:
    ring = shapely.box(104, 24.6, 104.4, 25.0).difference(shapely.box(104.1, 24.7, 104.2, 24.8))
    outline = shapely.union(ring, shapely.box(104.45, 24.6, 104.6, 24.8))
    gpd.GeoDataFrame(geometry=[outline], crs=4490).to_file(tmp_path / "outline.gpkg")
    size = CountySize(villages=(4, 3), grids=200, units=400, residents=9_000, incidents=300)
    build(tmp_path / "out", size=size, outline=tmp_path / "outline.gpkg")
    units = gpd.read_file(tmp_path / "out" / "units.gpkg").geometry.to_numpy()
    assert shapely.coverage_is_valid(units)
    union = shapely.coverage_union_all(units)
    assert len(shapely.get_parts(union)) == 2
    assert shapely.hausdorff_distance(union.boundary, outline.boundary, densify=0.1) <= 1e-9


def test_a_table_of_divisions_without_a_county_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "divisions.csv"
    table.write_text("code,name,level,parent\n530324001000,罗雄街道,4,530324000000\n", "utf-8")
    with pytest.raises(LayerError, match="one county"):
        build(tmp_path / "out", size=TINY, divisions=table)
    table.write_text("编码,名称\n530324000000,罗平县\n", "utf-8")
    with pytest.raises(LayerError, match="columns code and name"):
        build(tmp_path / "out", size=TINY, divisions=table)


def test_the_real_outline_is_filled_with_the_real_names(tmp_path: Path) -> None:
    outline = shared_data("luoping", "luoping_county_amap2020_gcj02.geojson")
    table = shared_data("luoping", "luoping_divisions_2021.csv")
    report = build(tmp_path, outline=outline, datum=Datum.GCJ02, divisions=table)
    assert report.area_km2 == pytest.approx(3_010, abs=5)
    divisions = gpd.read_file(tmp_path / "divisions.gpkg")
    real = pd.read_csv(table, dtype=str).set_index("code")["name"]
    written = divisions.set_index(divisions["code"].str.ljust(12, "0"))["name"]
    assert written.to_dict() == real.to_dict()
    county = divisions.loc[divisions["level"] == "county", "geometry"].iloc[0]
    given = geometries_to_cgcs2000(gpd.read_file(outline).geometry.to_numpy(), Datum.GCJ02)[0]
    near = shapely.distance(shapely.points(shapely.get_coordinates(given)), county.boundary)
    far = shapely.distance(shapely.points(shapely.get_coordinates(county)), given.boundary)
    assert near.max() <= 1e-9
    assert far.max() <= 1e-9
    units = gpd.read_file(tmp_path / "units.gpkg").geometry.to_numpy()
    assert len(units) == 14_662
    assert shapely.coverage_is_valid(units)
    assert "取自所给文件" in (tmp_path / "NOTICE.txt").read_text(encoding="utf-8")


def test_the_command_says_what_it_wrote(tmp_path: Path) -> None:
    outline = tmp_path / "outline.geojson"
    gpd.GeoDataFrame(geometry=[shapely.box(104, 24.6, 104.5, 25.1)], crs=4326).to_file(outline)
    refused = CliRunner().invoke(synth, ["-o", str(tmp_path / "out"), "--outline", str(outline)])
    assert isinstance(refused.exception, LayerError)
    assert "datum_undeclared" in {fault.code for fault in refused.exception.faults}
