"""Columns told by their names, and the personal ones kept out."""

import csv
from pathlib import Path
from typing import Any

import pytest

from geodata.columns import FIELDS, fold, resolve
from geodata.layer import LayerKind
from geodata.names import CHINESE, SHAPEFILE
from geodata.read import read_layer
from geodata.sensitive import is_resident_id, is_sensitive_name
from gridsvc.domain.errors import LayerError
from tests.shared import shared_data

WKT = "POLYGON ((104.1 24.8, 104.2 24.8, 104.2 24.9, 104.1 24.8))"
# GB 11643's own example, and one made up after its rule.
IDS = ("11010519491231002X", "530324199001011230")


def found(kind: LayerKind, *names: str, **override: str) -> dict[str, str]:
    result = resolve(names, kind, override=override)
    assert result.faults == ()
    return {canonical: names[i] for canonical, i in result.positions.items()}


def codes(kind: LayerKind, *names: str, **override: str) -> list[str]:
    return [fault.code for fault in resolve(names, kind, override=override).faults]


def table(folder: Path, *rows: list[Any]) -> Path:
    path = folder / "表.csv"
    with path.open("w", encoding="gb18030", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


@pytest.mark.parametrize("kind", LayerKind)
def test_no_name_stands_for_two_columns(kind: LayerKind) -> None:
    known: dict[str, str] = {}
    for field in FIELDS[kind]:
        for alias in {fold(name) for name in f"{field.names} {field.second}".split()}:
            assert known.setdefault(alias, field.name) == field.name
            assert not is_sensitive_name(alias)


@pytest.mark.parametrize("kind", LayerKind)
def test_every_name_that_is_written_is_recognised(kind: LayerKind) -> None:
    chinese = CHINESE[kind]
    for name in (*chinese, *chinese.values()):
        for written in (name, SHAPEFILE.get(name, name)):
            positions = resolve([written], kind).positions
            expected = name if name in chinese else next(c for c, z in chinese.items() if z == name)
            assert positions == {expected: 0}


def test_usual_names_of_grids() -> None:
    assert found(
        LayerKind.GRIDS,
        "FID",
        "网格编号",
        "网格名称",
        "所属村居",
        "网格员姓名",
        "手机号",
        "户籍人口",
    ) == {
        "code": "网格编号",
        "name": "网格名称",
        "village": "所属村居",
        "worker": "网格员姓名",
        "phone": "手机号",
        "residents": "户籍人口",
    }


@pytest.mark.parametrize(
    "name", ["CODE", " code ", "Ｃｏｄｅ", "网格 编码", "网格编码(15位)", "网格_编码"]
)
def test_case_space_and_width_do_not_matter(name: str) -> None:
    assert found(LayerKind.GRIDS, name) == {"code": name}


def test_a_name_means_what_the_kind_makes_of_it() -> None:
    assert found(LayerKind.GRIDS, "网格编码") == {"code": "网格编码"}
    assert found(LayerKind.UNITS, "网格编码", "单元编码") == {
        "grid": "网格编码",
        "code": "单元编码",
    }
    assert found(LayerKind.UNITS, "code", "网格员", "吹哨人") == {
        "code": "code",
        "sentinel": "吹哨人",
    }


def test_a_code_is_preferred_to_a_name() -> None:
    assert found(LayerKind.GRIDS, "code", "所属社区", "社区编码")["village"] == "社区编码"


def test_override_wins_and_is_checked() -> None:
    assert found(LayerKind.GRIDS, "code", "wg", code="wg") == {"code": "wg"}
    assert codes(LayerKind.GRIDS, "code", code="不存在") == ["mapped_column_missing"]
    assert codes(LayerKind.GRIDS, "code", colour="code") == ["unknown_column"]


def test_all_faults_at_once_with_what_was_found() -> None:
    names = ["常住人口", "户籍人口", "备注"]
    faults = resolve(names, LayerKind.GRIDS, override={"name": "名"}).faults
    assert [fault.code for fault in faults] == [
        *("mapped_column_missing", "ambiguous_column", "missing_column")
    ]
    assert "常住人口、户籍人口" in faults[1].text.zh
    assert "--map residents=常住人口" in faults[1].text.en
    assert "found: 常住人口, 户籍人口, 备注" in faults[2].text.en
    assert "--map code=" in faults[2].text.zh


def test_two_columns_of_one_name() -> None:
    assert codes(LayerKind.GRIDS, "code", "网格编码") == ["ambiguous_column"]
    assert codes(LayerKind.GRIDS, "a", "a", code="a") == ["mapped_column_missing"]


@pytest.mark.parametrize("number", IDS)
def test_resident_ids(number: str) -> None:
    assert is_resident_id(number)
    assert is_resident_id(number.lower())
    assert not is_resident_id(number[:-1] + ("0" if number[-1] != "0" else "1"))
    assert not is_resident_id(number[:10] + "13" + number[12:])
    assert not is_resident_id(number[:15])


@pytest.mark.parametrize(
    "name",
    [
        *(
            "身份证号",
            "公民身份号码",
            "网格员身份证号码",
            "病史",
            "残疾等级",
            "宗教信仰",
            "民族",
            "政治面貌",
        ),
        *(
            "婚姻状况",
            "前科",
            "银行账号",
            "ID_Card",
            "Religion",
            "ethnicity",
            "marital status",
            "健康状况",
        ),
    ],
)
def test_sensitive_names(name: str) -> None:
    assert is_sensitive_name(name)


@pytest.mark.parametrize(
    "name", ["残疾人数", "党员数", "民族乡名称", "身份", "id", "户籍人口", "账"]
)
def test_names_that_are_not_sensitive(name: str) -> None:
    assert not is_sensitive_name(name)


def test_refused_unless_named_and_never_stored(tmp_path: Path) -> None:
    path = table(
        tmp_path,
        ["网格编码", "wkt", "民族", "备注"],
        *([f"53032400100100{i}", WKT, "汉", IDS[0]] for i in (1, 2, 3)),
    )
    with pytest.raises(LayerError) as caught:
        read_layer(path, LayerKind.GRIDS, crs="EPSG:4490")
    assert [(f.code, f.where) for f in caught.value.faults] == [
        *(("sensitive_column", "民族"), ("sensitive_column", "备注"))
    ]
    assert IDS[0] not in caught.value.say("zh") + caught.value.say("en")
    layer = read_layer(path, LayerKind.GRIDS, crs="EPSG:4490", allow_columns=["民族", "备注"])
    assert layer.ignored == ("民族", "备注")
    assert IDS[0] not in layer.frame.to_json()


def test_an_identity_number_cannot_be_the_id(tmp_path: Path) -> None:
    path = table(
        tmp_path,
        ["编号", "姓名", "角色", "责任区"],
        [IDS[0], "演示甲", "网格员", "530324001001001"],
    )
    for override in ({}, {"id": "编号"}):
        with pytest.raises(LayerError) as caught:
            read_layer(path, LayerKind.RESPONDERS, columns=override, allow_columns=["编号"])
        assert {f.code for f in caught.value.faults} & {"missing_column", "sensitive_column"}


def test_grid_codes_of_eighteen_digits_are_no_identity_numbers(tmp_path: Path) -> None:
    rows = [[f"530324001001{i:06d}", WKT] for i in range(60)]
    path = table(tmp_path, ["网格编码", "wkt"], *rows)
    assert len(read_layer(path, LayerKind.GRIDS, crs="EPSG:4490").frame) == 60


def test_the_divisions_of_luoping() -> None:
    path = shared_data("luoping", "luoping_divisions_2021.csv")
    frame = read_layer(path, LayerKind.DIVISIONS).frame
    assert len(frame) == 168
    assert frame["level"].value_counts().to_dict() == {"village": 154, "township": 13, "county": 1}
    assert frame["code"].str.len().value_counts().to_dict() == {12: 154, 9: 13, 6: 1}
    townships = frame[frame["level"] == "township"]
    assert set(townships["parent"]) == {"530324"}
    assert frame.geometry.isna().all()
