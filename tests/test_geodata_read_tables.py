"""Tables: people, incidents and codes from sheets and CSV, and what is refused about them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
import shapely

from geodata.datum import from_cgcs2000
from geodata.layer import LayerKind
from geodata.read import read_layer
from gridsvc.domain.geo import Datum
from tests.test_geodata_read import SQUARES, faults, grids, write

RESPONDERS = ["编号", "姓名", "角色", "责任区", "经度", "纬度", "联系电话", "夜间可达"]


def workbook(path: Path, *rows: Sequence[Any], extra_sheet: bool = False) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "人员"
    for row in rows:
        sheet.append(list(row))
    if extra_sheet:
        book.create_sheet("说明").append(["备注"])
    book.save(path)
    return path


def test_responders_from_a_workbook(tmp_path: Path) -> None:
    lng, lat = (float(v) for v in from_cgcs2000(104.3, 24.9, Datum.GCJ02))
    rows: list[list[Any]] = [
        list(RESPONDERS),
        [1, "演示甲", "网格员", 530324001001001, lng, lat, 13900000000, "是"],
        ["0002", "演示乙", "吹哨人", "53032400100100101", None, None, None, "否"],
    ]
    path = workbook(tmp_path / "人员.xlsx", *rows, extra_sheet=True)
    assert "人员, 说明" in faults(path, LayerKind.RESPONDERS)["layer_ambiguous"].text.en
    layer = read_layer(path, LayerKind.RESPONDERS, layer="人员", datum=Datum.GCJ02)
    frame = layer.frame
    assert frame["id"].tolist() == ["1", "0002"]
    assert frame["area"].tolist() == ["530324001001001", "53032400100100101"]
    assert frame["phone"].tolist() == ["13900000000", None]
    assert frame["night"].tolist() == [True, False]
    assert frame.geometry[0].distance(shapely.Point(104.3, 24.9)) < 1e-9
    assert layer.null_rows == (1,)
    assert layer.columns["lng"] == "经度"


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        (53032400100100101.0, "code_rounded"),
        ("5.30324E+14", "code_rounded"),
        ("53032400100100101.0", "code_rounded"),
        (1.5, "code_not_text"),
        (pd.Timestamp("2026-01-02").to_pydatetime(), "code_not_text"),
        ("#N/A", "formula_error"),
    ],
)
def test_codes_that_a_spreadsheet_spoiled(tmp_path: Path, cell: Any, code: str) -> None:
    path = workbook(tmp_path / "a.xlsx", ["code", "name"], ["530324", "罗平县"], [cell, "某地"])
    fault = faults(path, LayerKind.DIVISIONS)[code]
    assert "row 2 " in fault.text.en


@pytest.mark.parametrize("cell", [530324001001.0, 530324001001, "530324001001.0", " 530324001001 "])
def test_codes_that_are_still_whole(tmp_path: Path, cell: Any) -> None:
    path = workbook(tmp_path / "a.xlsx", ["code", "name"], [cell, "某村"])
    assert read_layer(path, LayerKind.DIVISIONS).frame["code"].tolist() == ["530324001001"]


def test_wide_whole_numbers_beside_nulls_keep_their_digits(tmp_path: Path) -> None:
    frame = grids(shapes=SQUARES)
    frame["网格编码"] = pd.array([53032400100100101, None, 53032400100100103], dtype="Int64")
    for suffix in (".gpkg", ".parquet", ".shp"):
        layer = read_layer(write(frame, tmp_path / f"a{suffix}"), LayerKind.GRIDS)
        assert layer.frame["code"].tolist() == ["53032400100100101", None, "53032400100100103"]


def incidents(path: Path, **columns: list[Any]) -> Path:
    count = len(next(iter(columns.values())))
    frame = pd.DataFrame(
        {"接报时间": ["2026-11-23 08:30"] * count, "事件类型": ["fight"] * count, **columns}
    )
    frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_incidents_say_their_datum_row_by_row(tmp_path: Path, suffix: str) -> None:
    lng, lat = (float(v) for v in from_cgcs2000(104.3, 24.9, Datum.BD09))
    path = incidents(
        tmp_path / f"a{suffix}",
        lng=[lng, 104.3, None],
        lat=[lat, 24.9, None],
        坐标系=["百度", "CGCS2000", None],
    )
    layer = read_layer(path, LayerKind.INCIDENTS)
    assert layer.frame["datum"].tolist() == ["bd09", "cgcs2000", None]
    assert layer.frame.geometry[0].distance(layer.frame.geometry[1]) < 1e-9
    assert layer.frame["received_at"][0] == pd.Timestamp("2026-11-23 08:30+08:00")
    assert layer.frame["urgency"].isna().all()


def test_incidents_without_places_need_no_datum(tmp_path: Path) -> None:
    path = incidents(tmp_path / "a.csv", 地址=["罗雄街道某路", "板桥镇某村"])
    layer = read_layer(path, LayerKind.INCIDENTS)
    assert not layer.located
    assert layer.null_rows == ()
    assert layer.frame.geometry.isna().all()


def test_all_faults_of_a_table_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "接报时间,事件类型,lng,lat,urgency,误差半径\n"
        "2026年11月23日 8时30分,fight,104.3,24.9,特急,5\n"
        "11/23/2026,fight,104.3,,9,x\n"
        ",fight,0,0,1,1\n",
        encoding="gb18030",
    )
    found = faults(path, LayerKind.INCIDENTS, crs="EPSG:4490")
    assert set(found) == {
        *("not_time", "unknown_urgency", "not_number", "position_half", "position_null_island")
    }
    path.write_text("接报时间,事件类型\n,fight\n2026-11-23,fight,more\n")
    assert set(faults(path, LayerKind.INCIDENTS)) == {"missing_value", "ragged_rows"}


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T08:30:00+08:00",
        "2026-11-23T00:30:00Z",
        "2026/11/23 8:30",
        "2026年11月23日8时30分",
    ],
)
def test_times(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"time,kind\n{text},fight\n")
    frame = read_layer(path, LayerKind.INCIDENTS).frame
    assert frame["received_at"][0] == pd.Timestamp("2026-11-23 08:30+08:00")


def test_live_positions_share_the_datum(tmp_path: Path) -> None:
    lng, lat = (float(v) for v in from_cgcs2000(104.3, 24.9, Datum.GCJ02))
    path = tmp_path / "a.csv"
    head = "id,name,role,area,live_lng,live_lat,live_at"
    path.write_text(
        f"{head}\n1,演示,sentinel,5303240010010010{1},{lng!r},{lat!r},2026-11-23 08:00\n"
    )
    assert set(faults(path, LayerKind.RESPONDERS)) == {"undeclared_crs"}
    frame = read_layer(path, LayerKind.RESPONDERS, datum=Datum.GCJ02).frame
    assert frame["live_lng"][0] == pytest.approx(104.3, abs=1e-9)
    assert frame["live_lat"][0] == pytest.approx(24.9, abs=1e-9)


def test_unknown_is_a_datum_of_incidents_alone(tmp_path: Path) -> None:
    path = incidents(tmp_path / "a.csv", lng=[104.3], lat=[24.9])
    assert read_layer(path, LayerKind.INCIDENTS, datum=Datum.UNKNOWN).datum is Datum.UNKNOWN
    gpkg = write(grids(), tmp_path / "a.gpkg")
    assert set(faults(gpkg, datum=Datum.UNKNOWN)) == {"unknown_datum"}
