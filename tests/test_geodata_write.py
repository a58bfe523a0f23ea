"""Files as others see them: read by GDAL, geopandas, openpyxl and csv, never half written."""

import csv
import json
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely

from geodata.formats import FORMATS
from geodata.frames import (
    divisions_frame,
    grids_frame,
    incidents_frame,
    responders_frame,
    units_frame,
)
from geodata.layer import LayerKind
from geodata.outgoing import import_note
from geodata.write import write_layer
from gridsvc.domain.area import Division, EndUnit, Grid, GridKind, Level, PublishedMap
from gridsvc.domain.errors import ConflictError, FormatError, GridsvcError, InputError
from gridsvc.domain.force import Capability, LivePosition, Responder, Role, Vehicle
from gridsvc.domain.geo import Datum, LngLat
from gridsvc.domain.incident import Incident, Position
from gridsvc.domain.kinds import Category

WEST = shapely.MultiPolygon([shapely.box(104.3, 24.8, 104.31, 24.81)])
EAST = shapely.MultiPolygon([shapely.box(104.31, 24.8, 104.32, 24.81)])
SUFFIXES = tuple(FORMATS)
VECTOR = [s for s in SUFFIXES if s not in (".csv", ".xlsx", ".parquet")]

WORKER = Responder("W1", "演示甲", Role.GRID_WORKER, "530324001001001", None, phone="0874-100")
SENTINEL = Responder(
    "S1",
    "演示乙",
    Role.SENTINEL,
    "53032400100100101",
    LngLat(104.305, 24.805),
    capabilities=frozenset({Capability.FIRST_ON_SCENE, Capability.FIRST_AID}),
    app=True,
    vehicle=Vehicle.MOTORCYCLE,
    live=LivePosition(LngLat(104.306, 24.806), datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC)),
)
MAP = PublishedMap(
    version=1,
    divisions=(Division("530324", "罗平县", Level.COUNTY, None),),
    grids=(
        Grid("530324001001001", "一网格", "530324001001", WEST, GridKind.DEDICATED, 68),
        Grid("530324001001002", "二网格", "530324001001", EAST),
    ),
    units=(EndUnit("53032400100100101", "一单元", "530324001001001", WEST),),
)


def grids(**columns: list[Any]) -> gpd.GeoDataFrame:
    frame = grids_frame(MAP, {"530324001001001": WORKER})
    return frame.assign(**columns)


def member_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def contents(path: Path) -> dict[str, bytes]:
    files = path.rglob("*") if path.is_dir() else path.parent.iterdir()
    return {str(one): one.read_bytes() for one in files if one.is_file()}


def test_frames_have_the_canonical_columns_and_null_for_what_is_not_known() -> None:
    frame = grids()
    assert list(frame.columns) == [
        *("code", "name", "village", "kind", "residents", "worker", "phone", "geometry")
    ]
    assert frame.crs == "EPSG:4490"
    assert frame["kind"].tolist() == ["dedicated", "general"]
    assert frame["residents"].tolist() == [68, pd.NA]
    assert frame["worker"].isna().tolist() == [False, True]
    divisions = divisions_frame(MAP)
    assert divisions[["code", "level"]].to_numpy().tolist()[0] == ["530324", "county"]
    assert divisions["parent"].isna().all()
    assert divisions.geometry.isna().all()
    units = units_frame(MAP, {SENTINEL.area: SENTINEL})
    assert units[["grid", "sentinel"]].to_numpy().tolist()[0] == ["530324001001001", "演示乙"]
    assert units["phone"].isna().all()


def test_responders_go_out_with_home_and_live_position() -> None:
    frame = responders_frame([WORKER, SENTINEL])
    assert frame["id"].tolist() == ["S1", "W1"]
    assert frame["capabilities"].tolist()[0] == "first_aid;first_on_scene"
    assert frame["app"].tolist() == [True, False]
    assert frame["live_at"][0].isoformat() == "2026-11-23T09:02:03+08:00"
    assert frame["live_lng"].isna().tolist() == [False, True]
    assert frame.geometry[0].equals(shapely.Point(104.305, 24.805))
    assert frame.geometry[1] is None


def test_incidents_go_out_in_cgcs2000_without_the_datum_they_came_in() -> None:
    at = datetime(2026, 11, 23, 8, 0, 0, 250, tzinfo=UTC)
    known = Incident(
        *("i1", "罗平-20261123-0001", at, Category.DISPUTE, "neighbour_quarrel", 4, "=吵架"),
        position=Position(LngLat(104.3, 24.8), Datum.GCJ02, radius_m=12.5),
    )
    unlocated = Incident("i2", "罗平-20261123-0002", at, Category.EMERGENCY, "fight", 1, "")
    frame = incidents_frame(iter([known, unlocated]))
    assert "datum" not in frame.columns
    assert frame["radius_m"].tolist()[0] == 12.5
    assert frame["text"].isna().tolist() == [False, True]
    assert frame.geometry.isna().tolist() == [False, True]


@pytest.mark.parametrize("suffix", VECTOR)
def test_gdal_reads_rows_in_order_and_the_declared_crs(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"grids{suffix}"
    write_layer(grids()[::-1], path, kind=LayerKind.GRIDS)
    found = pyogrio.read_dataframe(path)
    assert found["code"].tolist() == ["530324001001002", "530324001001001"]
    assert found["name"].tolist() == ["二网格", "一网格"]
    assert found.crs.to_epsg() == 4490
    assert shapely.equals(found.geometry.to_numpy()[0], EAST) or suffix == ".gdb"
    assert found.geometry[0].hausdorff_distance(EAST) < 1e-12


@pytest.mark.parametrize("suffix", [*VECTOR, ".parquet"])
def test_another_crs_is_declared_and_has_easting_first(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"grids{suffix}"
    write_layer(grids(), path, kind=LayerKind.GRIDS, crs="EPSG:4544")
    found = gpd.read_parquet(path) if suffix == ".parquet" else pyogrio.read_dataframe(path)
    assert found.crs == "EPSG:4544"
    expected = grids().geometry.to_crs(4544)
    for one, other in zip(found.geometry, expected, strict=True):
        assert one.hausdorff_distance(other) < 1e-3
    assert 400_000 < found.geometry.total_bounds[0] < 440_000


@pytest.mark.parametrize("suffix", [*VECTOR, ".parquet"])
def test_gcj02_is_never_declared_as_something_else(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"grids{suffix}"
    write_layer(grids(), path, kind=LayerKind.GRIDS, datum=Datum.GCJ02)
    if suffix == ".geojson":
        document = json.loads(path.read_text("utf-8"))
        assert (document["crs"], document["datum"]) == (None, "gcj02")
        assert "--datum gcj02" in document["note"]
        return
    found = gpd.read_parquet(path) if suffix == ".parquet" else pyogrio.read_dataframe(path)
    assert found.crs is None or "ndefined" in found.crs.name
    moved = (found.geometry.total_bounds - grids().total_bounds)[:2] * [101_000, 110_800]
    assert 380 < float(np.hypot(*moved)) < 400
    if suffix == ".parquet":
        metadata = json.loads(pq.read_schema(path).metadata[b"gridsvc"])
        assert metadata["datum"] == "gcj02"
    elif suffix != ".shp":
        assert pyogrio.list_layers(path)[:, 0].tolist() == ["grids_gcj02"]


@pytest.mark.parametrize(
    ("name", "crs", "datum", "option"),
    [
        ("a.gpkg", "EPSG:3857", Datum.BD09, "--datum bd09 --crs EPSG:3857"),
        ("a.gpkg", None, Datum.GCJ02, "--datum gcj02"),
        ("a.csv", None, Datum.CGCS2000, "--datum cgcs2000"),
        ("a.xlsx", "EPSG:4544", Datum.CGCS2000, "--crs EPSG:4544"),
        ("a.gpkg", "EPSG:4544", Datum.WGS84, None),
    ],
)
def test_the_note_names_the_options_of_the_import(
    name: str, crs: str | None, datum: Datum, option: str | None
) -> None:
    note = import_note(Path(name), LayerKind.GRIDS, crs=crs, datum=datum)
    assert (None if note is None else note.zh.partition("请加 ")[2]) == option


def test_live_positions_move_with_the_datum(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    write_layer(responders_frame([SENTINEL]), path, kind=LayerKind.RESPONDERS, datum=Datum.GCJ02)
    (row,) = csv.DictReader(path.open(encoding="utf-8-sig"))
    for name, (lng, lat) in {"live_": (104.306, 24.806), "": (104.305, 24.805)}.items():
        east, north = float(row[name + "lng"]) - lng, float(row[name + "lat"]) - lat
        assert 380 < float(np.hypot(east * 101_000, north * 110_800)) < 400


def test_geojson_is_valid_and_exact(tmp_path: Path) -> None:
    path = tmp_path / "grids.geojson"
    corner = 104.3 + 1e-9 / 3
    odd = shapely.MultiPolygon([shapely.box(corner, 0.02364324940051343, 104.31, 24.81)])
    shapes: list[Any] = [odd, None]
    frame = grids().set_geometry(gpd.GeoSeries(shapes), crs=4490)
    write_layer(frame, path, kind=LayerKind.GRIDS)
    document = json.loads(path.read_text("utf-8"))
    assert document["crs"]["properties"]["name"] == "urn:ogc:def:crs:EPSG::4490"
    first, second = document["features"]
    assert shapely.from_geojson(json.dumps(first["geometry"])).wkb == odd.wkb
    assert second["geometry"] is None
    assert second["properties"]["residents"] is None


@pytest.mark.parametrize("suffix", [".gpkg", ".fgb", ".geojson", ".gdb", ".parquet"])
def test_null_beside_empty_text_stays(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"grids{suffix}"
    write_layer(grids(phone=["", None]), path, kind=LayerKind.GRIDS)
    found = gpd.read_parquet(path) if suffix == ".parquet" else pyogrio.read_dataframe(path)
    assert found["phone"][0] == ""
    assert pd.isna(found["phone"][1])


def test_spreadsheets_hold_no_formula_and_numbers_stay_numbers(tmp_path: Path) -> None:
    names = ['=HYPERLINK("http://x")', "+8613800000000", "-1", "@sum", "\t=1", "＝1", "0012"]
    frame = gpd.GeoDataFrame(
        {"code": names, "residents": pd.array([-5, *[None] * 6], dtype="Int64")},
        geometry=[shapely.Point(-104.3, -24.8)] * 7,
        crs=4490,
    )
    for name in ("a.csv", "a.xlsx"):
        write_layer(frame, tmp_path / name, kind=LayerKind.RESPONDERS)
    with (tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["code", "residents", "lng", "lat"]
    assert [row[0] for row in rows[1:]] == ["'" + name for name in names[:-1]] + ["0012"]
    assert rows[1][1:] == ["-5", "-104.3", "-24.8"]
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx")["responders"]
    cells = [row[0] for row in sheet.iter_rows(min_row=2)]
    assert {cell.data_type for cell in cells} == {"s"}
    assert cells[0].value == "'" + names[0]
    assert sheet["B2"].value == -5
    assert sheet["C2"].value == -104.3


def test_a_workbook_keeps_doubles_of_17_digits(tmp_path: Path) -> None:
    path, lng = tmp_path / "people.xlsx", 104.30821997418838
    frame = gpd.GeoDataFrame({"id": ["1"]}, geometry=[shapely.Point(lng, 24.8)], crs=4490)
    write_layer(frame, path, kind=LayerKind.RESPONDERS)
    assert openpyxl.load_workbook(path)["responders"]["B2"].value == lng


def test_projected_points_are_wkt_because_x_and_y_are_ambiguous(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    frame = responders_frame([SENTINEL])
    write_layer(frame, path, kind=LayerKind.RESPONDERS, crs="EPSG:4544")
    (row,) = csv.DictReader(path.open(encoding="utf-8-sig"))
    assert row["wkt"].startswith("POINT (42")
    assert "lng" not in row


def test_chinese_names_are_written_in_every_format(tmp_path: Path) -> None:
    expected = ["网格编码", "网格名称", "所属村编码", "网格类型", "常住人口", "网格员", "联系电话"]
    for suffix in SUFFIXES:
        path = tmp_path / f"grids{suffix}"
        write_layer(grids(), path, kind=LayerKind.GRIDS, lang="zh")
        if suffix == ".xlsx":
            rows = openpyxl.load_workbook(path)["grids"].iter_rows(values_only=True)
            names = list(next(iter(rows)))[:-1]
        elif suffix == ".parquet":
            names = pq.read_schema(path).names[:-1]
        else:
            names = [n for n in pyogrio.read_info(path)["fields"] if n != "wkt"]
        assert names == expected, suffix
    assert (tmp_path / "grids.cpg").read_text() == "GB18030"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_that_is_there_is_replaced_only_when_asked(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"grids{suffix}"
    write_layer(grids(), path, kind=LayerKind.GRIDS)
    before = contents(path)
    with pytest.raises(ConflictError, match="--overwrite"):
        write_layer(grids()[:1], path, kind=LayerKind.GRIDS)
    assert contents(path) == before
    names = member_names(tmp_path)
    write_layer(grids()[:1], path, kind=LayerKind.GRIDS, overwrite=True)
    assert member_names(tmp_path) == names
    assert contents(path) != before


@pytest.mark.parametrize("suffix", [".gpkg", ".shp", ".gdb", ".xlsx"])
def test_a_refused_export_leaves_the_old_file_and_no_rubbish(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"grids{suffix}"
    write_layer(grids(), path, kind=LayerKind.GRIDS)
    before, names = contents(path), member_names(tmp_path)
    with pytest.raises(FormatError):
        write_layer(grids(phone=["\0\x01", None]), path, kind=LayerKind.GRIDS, overwrite=True)
    assert (contents(path), member_names(tmp_path)) == (before, names)


def test_a_shapefile_goes_in_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "grids.shp"
    write_layer(grids(), path, kind=LayerKind.GRIDS)
    (tmp_path / "grids.shx").unlink()
    (tmp_path / "grids.shx").mkdir()  # a folder in the way of one of the five files
    (tmp_path / "grids.shx" / "kept").write_text("x")
    before, names = contents(path), member_names(tmp_path)
    with pytest.raises(InputError, match="cannot be written"):
        write_layer(grids()[:1], path, kind=LayerKind.GRIDS, overwrite=True)
    assert (contents(path), member_names(tmp_path)) == (before, names)


def test_replacing_a_shapefile_takes_its_old_index_away(tmp_path: Path) -> None:
    path = tmp_path / "grids.shp"
    write_layer(grids(), path, kind=LayerKind.GRIDS)
    for stale in ("grids.qix", "grids.sbn", "GRIDS.SBX"):
        (tmp_path / stale).write_bytes(b"old")
    (tmp_path / "grids2.qix").write_bytes(b"another's")
    write_layer(grids()[:1], path, kind=LayerKind.GRIDS, overwrite=True)
    assert member_names(tmp_path) == [
        *("grids.cpg", "grids.dbf", "grids.prj", "grids.shp", "grids.shx", "grids2.qix")
    ]


@pytest.mark.parametrize("name", ["papers.gdb", "papers.gpkg"])
def test_an_ordinary_folder_is_never_replaced(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "letter.txt").write_text("x")
    with pytest.raises(ConflictError, match="folder"):
        write_layer(grids(), tmp_path / name, kind=LayerKind.GRIDS, overwrite=True)
    assert (tmp_path / name / "letter.txt").read_text() == "x"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"crs": "EPSG:999999"}, "unknown_crs"),
        ({"crs": "EPSG:2414"}, "crs_without_way"),
        ({"datum": Datum.UNKNOWN}, "unknown_datum"),
    ],
)
def test_a_target_that_cannot_be_meant_is_refused(
    options: dict[str, Any], code: str, tmp_path: Path
) -> None:
    with pytest.raises(GridsvcError) as told:
        write_layer(grids(), tmp_path / "a.gpkg", kind=LayerKind.GRIDS, **options)
    assert [fault.code for fault in told.value.faults] == [code]


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder"):
        write_layer(grids(), tmp_path / "no" / "a.gpkg", kind=LayerKind.GRIDS)


def test_a_frame_in_another_crs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="EPSG:4490"):
        write_layer(grids().to_crs(4544), tmp_path / "a.gpkg", kind=LayerKind.GRIDS)


SLOW_EXPORT = """
import sys
from pathlib import Path
import geopandas as gpd, shapely
from geodata.layer import LayerKind
from geodata.write import write_layer
frame = gpd.GeoDataFrame({"number": [str(n) for n in range(60_000)]},
    geometry=shapely.points([[104.3, 24.8]] * 60_000), crs=4490)
print("ready", flush=True)
write_layer(frame, Path(sys.argv[1]), kind=LayerKind.INCIDENTS, overwrite=True)
"""


def test_an_export_that_is_killed_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "incidents.xlsx"
    path.write_bytes(b"the old file")
    command = [sys.executable, "-c", SLOW_EXPORT, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob(".incidents-*")) and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(0.2)
        child.send_signal(signal.SIGKILL)
        child.wait(10)
    assert child.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"the old file"
