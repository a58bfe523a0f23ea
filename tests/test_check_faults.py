"""Every kind of fault, by code and row, on shapes small enough to work out by hand."""

import json
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import pyogrio
import pytest
import shapely

from geodata.fault_files import write_faults
from geodata.faults import FaultCode, Report
from geodata.layer import LayerKind
from geodata.validate import check_layer
from gridsvc.domain.codes import CodeScheme
from gridsvc.domain.geo import MetricFrame
from tests.layers import SOUTH, WEST, box, frame_of, geojson_layer, layer_of
from tests.shared import shared_data

F = FaultCode
FRAME = MetricFrame(105.0)


def kinds(report: Report) -> dict[str, int]:
    return {code.value: count for code, count in report.by_code().items()}


def metres(geometry: shapely.Polygon) -> float:
    """Area by the frame of Luoping, the oracle being pyproj and shapely."""
    return float(FRAME.areas_m2([geometry])[0])


def test_a_clean_layer_has_nothing_to_report() -> None:
    report = check_layer(layer_of([box(0, 0, 1, 1), box(1, 0, 2, 1)]))
    assert report.ok
    assert report.rows == 2
    assert report.to_json()["faults"] == []


def test_every_fault_of_a_layer_is_told_at_once() -> None:
    bowtie = shapely.Polygon(
        [(WEST, SOUTH + 0.05), (WEST + 1e-3, SOUTH + 0.051), (WEST + 1e-3, SOUTH + 0.05),
         (WEST, SOUTH + 0.051)]
    )  # fmt: skip
    shapes = [None, shapely.Polygon(), bowtie, box(0, 0, 2, 1), box(1, 0, 3, 1), box(9, 9, 10, 10)]
    village = "530324001001"
    codes = [f"{village}001", f"{village}002", f"{village}003", f"{village}003", None, "7"]
    report = check_layer(layer_of(shapes, code=codes), scheme=CodeScheme())
    assert kinds(report) == {
        "null_geometry": 1,
        "empty_geometry": 1,
        "invalid": 1,
        "code_missing": 1,
        "code_repeated": 1,
        "code_off_scheme": 1,
        "overlap": 1,
    }
    rows = {fault.code: fault.rows for fault in report.faults}
    assert rows[F.NULL_GEOMETRY] == (0,)
    assert rows[F.EMPTY_GEOMETRY] == (1,)
    assert rows[F.INVALID] == (2,)
    assert rows[F.CODE_REPEATED] == (2, 3)
    assert rows[F.OVERLAP] == (3, 4)
    invalid = report.of(F.INVALID)[0]
    assert "Self-intersection" in invalid.text.en
    assert invalid.geometry.distance(bowtie.centroid) < 1e-9
    assert report.of(F.OVERLAP)[0].measure == pytest.approx(metres(box(1, 0, 2, 1)))
    assert report.notes[0].en.startswith("1 invalid polygons")


def test_an_invalid_polygon_takes_part_in_overlaps() -> None:
    bowtie = shapely.Polygon(
        [(WEST, SOUTH), (WEST + 2e-3, SOUTH + 2e-3), (WEST + 2e-3, SOUTH), (WEST, SOUTH + 2e-3)]
    )
    report = check_layer(layer_of([bowtie, box(1.5, 0.9, 3, 1.1)]))
    assert kinds(report)["overlap"] == 1


def test_a_small_hole_in_the_union_is_a_gap_and_a_large_one_an_enclave() -> None:
    ring = [box(0, 0, 3, 1), box(0, 2, 3, 3), box(0, 1, 1, 2), box(2, 1, 3, 2)]
    report = check_layer(layer_of(ring))
    assert "gap" not in kinds(report)
    assert "enclaves" in report.notes[0].en
    narrow = [box(0, 0, 3, 1), box(0, 1.05, 3, 2), box(0, 1, 1, 1.05), box(1.05, 1, 3, 1.05)]
    gaps = check_layer(layer_of(narrow)).of(F.GAP)
    assert [gap.measure for gap in gaps] == [pytest.approx(metres(box(1, 1, 1.05, 1.05)))]
    assert set(gaps[0].codes) == {"1", "2", "3", "4"}


def test_gaps_and_parts_outside_a_parent_are_measured() -> None:
    village = "530324001001"
    parents = frame_of([box(0, 0, 4, 1)], code=[village], name=["东关"], level=["village"])
    shapes = [box(0, 0, 1, 1), box(2, 0, 5, 1)]
    grids = layer_of(shapes, code=[f"{village}001", f"{village}002"])
    report = check_layer(grids, parents=parents, scheme=CodeScheme())
    assert kinds(report) == {"gap": 1, "outside_parent": 1}
    assert report.of(F.GAP)[0].measure == pytest.approx(metres(box(1, 0, 2, 1)))
    outside = report.of(F.OUTSIDE_PARENT)[0]
    assert (outside.rows, outside.codes) == ((1,), (f"{village}002",))
    assert outside.measure == pytest.approx(metres(box(4, 0, 5, 1)))


def test_an_outline_without_codes_is_everybodys_parent() -> None:
    outline = frame_of([box(0, 0, 3, 1)])
    report = check_layer(layer_of([box(0, 0, 1, 1), box(2, 0, 3.5, 1)]), parents=outline)
    assert kinds(report) == {"gap": 1, "outside_parent": 1}


def test_a_parent_that_is_not_there_is_told() -> None:
    village = "530324001001"
    parents = frame_of([None], code=[village], name=["东关"], level=["village"])
    shapes = [box(0, 0, 1, 1), box(1, 0, 2, 1), box(2, 0, 3, 1)]
    codes = [f"{village}001", "530324001999001", f"{village}003"]
    layer = layer_of(shapes, code=codes, village=[None, None, "东关"])
    report = check_layer(layer, parents=parents, scheme=CodeScheme())
    assert [(fault.code, fault.rows) for fault in report.faults] == [(F.UNKNOWN_PARENT, (1,))]


def test_a_village_name_that_occurs_twice_is_decided_by_the_code_or_not_at_all() -> None:
    codes = ["530324001001", "530324002001"]
    parents = frame_of([None, None], code=codes, name=["新村", "新村"], level=["village"] * 2)
    shapes = [box(0, 0, 1, 1), box(1, 0, 2, 1)]
    layer = layer_of(shapes, code=["530324002001001", "999"], village=["新村", "新村"])
    report = check_layer(layer, parents=parents, scheme=CodeScheme())
    unknown = report.of(F.UNKNOWN_PARENT)
    assert [fault.rows for fault in unknown] == [(1,)]
    assert "occurs 2 times" in unknown[0].text.en


@pytest.mark.parametrize(
    ("shape", "named", "expected"),
    [
        (box(0, 0, 1, 1), "G1", {"gap": 1}),
        (box(0, 0, 3, 1), "G1", {"unit_not_in_one_grid": 1}),
        (box(2, 0, 4, 1), "G1", {"gap": 1, "unit_not_in_one_grid": 1}),
        (box(0, 0, 2, 1.5), "G1", {"outside_parent": 1}),
        (box(8, 8, 9, 9), "G1", {"gap": 1, "outside_parent": 1, "unit_not_in_one_grid": 1}),
    ],
    ids=["too small", "over two grids", "in another grid", "over the edge", "far away"],
)
def test_a_unit_belongs_inside_its_grid(
    shape: shapely.Polygon, named: str, expected: dict[str, int]
) -> None:
    grids = frame_of([box(0, 0, 2, 1), box(2, 0, 4, 1)], code=["G1", "G2"])
    units = layer_of([shape], LayerKind.UNITS, grid=[named])
    assert kinds(check_layer(units, parents=grids)) == expected


def test_units_that_fill_their_grids_have_no_fault_and_grids_without_units_no_gap() -> None:
    grids = frame_of([box(0, 0, 2, 1), box(2, 0, 4, 1)], code=["G1", "G2"])
    halves = [box(0, 0, 1, 1), box(1, 0, 2, 1)]
    assert check_layer(layer_of(halves, LayerKind.UNITS, grid=["G1"] * 2), parents=grids).ok


def test_slivers_are_thin_and_long() -> None:
    strip = shapely.box(WEST, SOUTH, WEST + 2e-3, SOUTH + 4e-6)  # 200 m by 0.44 m
    report = check_layer(layer_of([box(0, 1, 2, 2), strip]))
    assert kinds(report) == {"sliver": 1}
    assert report.faults[0].rows == (1,)
    assert report.faults[0].measure == pytest.approx(metres(strip))


def test_float_noise_along_an_edge_is_an_unmatched_edge_within_the_tolerance() -> None:
    upper = shapely.Polygon(
        [(WEST, SOUTH), (WEST + 1e-3, SOUTH - 1e-11), (WEST + 2e-3, SOUTH),
         (WEST + 2e-3, SOUTH + 1e-3), (WEST, SOUTH + 1e-3)]
    )  # fmt: skip
    report = check_layer(layer_of([box(0, -1, 2, 0), upper]))
    assert kinds(report) == {"unmatched_edge": 1}
    fault = report.faults[0]
    assert fault.within_tolerance
    assert fault.rows == (0, 1)
    assert fault.measure == pytest.approx(1e-11 * 111_000, rel=0.02)
    assert shapely.get_num_coordinates(fault.geometry) == 1


def test_faults_go_into_a_geopackage_with_a_layer_a_type(tmp_path: Path) -> None:
    beside = box(-1, 0, 0, 0.5)  # its corner lies in the middle of an edge
    report = check_layer(layer_of([box(0, 0, 2, 1), box(1, 0, 3, 1), beside]))
    path = tmp_path / "faults.gpkg"
    assert write_faults(report, path) == len(report.faults)
    names = {name for name, _ in pyogrio.list_layers(path)}
    assert names == {"fault_polygons", "fault_lines", "fault_points"}
    polygons = gpd.read_file(path, layer="fault_polygons")
    assert polygons.crs == "EPSG:4490"
    assert polygons["fault"].tolist() == ["overlap"]
    assert gpd.read_file(path, layer="fault_points")["fault"].tolist() == ["unmatched_edge"]


def test_a_geopackage_of_no_faults_has_empty_layers(tmp_path: Path) -> None:
    path = tmp_path / "none.gpkg"
    assert write_faults(check_layer(layer_of([box(0, 0, 1, 1)])), path) == 0
    assert len(gpd.read_file(path, layer="fault_polygons")) == 0


BAD_COVERAGE: dict[str, set[str]] = {
    "ex1_yemen.json": {"unmatched_edge"},
    "ex2_yemen.json": {"overlap", "unmatched_edge"},
    "ex3.json": {"overlap"},
    "ex4.json": {"overlap"},
    "ex5_three_precincts.json": {"overlap", "unmatched_edge"},
    "ex6.json": {"overlap"},
    "ex7_britain.json": {"unmatched_edge"},
    "ex8_britain.json": {"unmatched_edge"},
    "ex9_FranklinTwoPrecinctsDetail.json": {"unmatched_edge"},
    "ex10_bowtie.json": {"invalid", "overlap"},
    "ex13_ogc.json": {"invalid"},
    "ex14_ogc.json": {"invalid"},
    "ex15_ogc.json": {"invalid"},
    "ex16_ogc.json": set(),
    "ex17_ogc.json": {"invalid"},
    "ex18_ogc.json": {"invalid"},
    "ex19_ogc.json": {"invalid"},
    "ex20_ogc_line.json": {"invalid"},
    "ex21_crossed_lines.json": {"invalid"},
    "ex22_three_ia_precincts.json": {"unmatched_edge"},
    "ex23_three_ca_precincts.json": {"gap", "sliver", "unmatched_edge"},
}
"""ex16 is a polygon whose hole touches its outline in one point: valid, however odd it looks."""


@pytest.mark.parametrize("name", BAD_COVERAGE)
def test_bad_coverages_are_told_for_what_they_are(name: str) -> None:
    path = shared_data("bad", "coverage", name)
    layer = geojson_layer(path, crs="EPSG:27700" if "britain" in name else "EPSG:4490")
    report = check_layer(layer)
    assert set(kinds(report)) == BAD_COVERAGE[name], [f.text.en for f in report.faults]
    json.dumps(report.to_json(), ensure_ascii=False)


def test_the_table_of_bad_coverages_is_whole() -> None:
    assert {path.name for path in shared_data("bad", "coverage").iterdir()} == set(BAD_COVERAGE)


COMMAND = str(Path(sys.executable).with_name("gridsvc"))


def test_the_command_reports_and_exits_with_1(tmp_path: Path) -> None:
    path = tmp_path / "grids.gpkg"
    codes = ["530324001001001", "530324001001002"]
    frame_of([box(0, 0, 2, 1), box(1, 0, 3, 1)], code=codes).to_file(path)
    before = path.read_bytes()
    out, mended = tmp_path / "faults.gpkg", tmp_path / "mended.gpkg"
    command = [COMMAND, "check", str(path), "--kind", "grids", "--json", "--gpkg", str(out)]
    command += ["--repair", str(mended), "--tolerance", "0.5"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    assert told["counts"] == {"overlap": 1}
    changes = told["repair"]["changes"]
    assert [change["row"] for change in changes] == [1, 2]
    assert path.read_bytes() == before
    assert len(gpd.read_file(out, layer="fault_polygons")) == 1
    again = [COMMAND, "check", str(mended), "--kind", "grids"]
    done = subprocess.run(again, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
    assert "没有问题" in done.stdout


def test_the_command_does_not_write_over_its_input(tmp_path: Path) -> None:
    path = tmp_path / "grids.gpkg"
    frame_of([box(0, 0, 1, 1)], code=["530324001001001"]).to_file(path)
    before = path.read_bytes()
    command = [COMMAND, "check", str(path), "--kind", "grids", "--repair", str(path), "--overwrite"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "输出文件不能是输入文件" in done.stderr
    assert path.read_bytes() == before
