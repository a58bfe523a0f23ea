"""Encodings found, mojibake refused: shapefiles and CSV as they come from Chinese offices."""

import csv
import shutil
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from geodata.encoding import codec_name, detect, is_mojibake
from geodata.layer import LayerKind
from geodata.read import read_layer
from gridsvc.domain.errors import LayerError
from tests.shared import shared_data

NAMES = ["网格编码", "罗平县罗雄街道", "邕宁", "鲁布革布依族苗族乡", "旧屋基", "职业"]
AS_TABLE = {"code": "NAME", "name": "NAME"}


@pytest.mark.parametrize(
    ("name", "encoding", "text"),
    [
        ("gbk.dbf", "gb18030", "简体国语"),
        ("gb2312.dbf", "gb18030", "简体国语"),
        ("chinese.dbf", "gb18030", "简体"),
        ("utf8.dbf", "utf-8", "国语國語"),
        ("big5.dbf", "big5", "國語"),
    ],
)
def test_tables_of_mapshaper(name: str, encoding: str, text: str) -> None:
    path = shared_data("bad", "encodings", name)
    layer = read_layer(path, LayerKind.DIVISIONS, columns=AS_TABLE)
    assert layer.frame["name"].tolist() == [text]
    assert layer.encoding == encoding
    assert not layer.located


def test_every_encoding_file_is_named_here() -> None:
    found = {path.name for path in shared_data("bad", "encodings").glob("*.dbf")}
    assert found == {"gbk.dbf", "gb2312.dbf", "chinese.dbf", "utf8.dbf", "big5.dbf"}


def test_shapefiles_of_mapshaper_are_read_and_their_places_refused() -> None:
    """Their points are at (-248, 625): no degrees, though the .prj of one says so."""
    for name, code in (("chinese.shp", "position_out_of_range"), ("big5.shp", "undeclared_crs")):
        with pytest.raises(LayerError) as caught:
            read_layer(
                shared_data("bad", "encodings", name),
                LayerKind.INCIDENTS,
                columns={"kind": "NAME", "received_at": "NAME"},
            )
        assert code in {fault.code for fault in caught.value.faults}
        assert not any(fault.code == "mojibake" for fault in caught.value.faults)


@pytest.mark.parametrize("codec", ["gb18030", "utf-8"])
@pytest.mark.parametrize("text", NAMES)
def test_detects_single_words(codec: str, text: str) -> None:
    found = detect([text.encode(codec)])
    assert found is not None
    assert text.encode(codec).decode(found) == text


def test_detects_big5_and_western_utf8() -> None:
    assert detect(["雲林縣二崙鄉三和村".encode("big5")]) == "big5"
    assert detect(["Cost (£), café, Ærø".encode()]) == "utf-8"
    assert detect(["Привет, мир".encode()]) == "utf-8"
    assert detect([b"plain"]) == "utf-8"
    assert detect([b"\xff\xfe\xfd\xff"]) is None


def test_names_of_encodings() -> None:
    said = ["Big-5", "GBK", "936", "ANSI 936", "65001", "GB2312", "ISO-8859-1", "88591"]
    assert [codec_name(name) for name in said] == [
        *("big5", "gb18030", "gb18030", "gb18030", "utf-8", "gb18030", "iso8859-1", "iso8859-1")
    ]
    assert codec_name("klingon") is None


@pytest.mark.parametrize("text", ["网格编码", "罗平县罗雄街道九龙社区", "鲁布革布依族苗族乡"])
@pytest.mark.parametrize(
    ("right", "wrong"),
    [("utf-8", "gb18030"), ("utf-8", "latin-1"), ("gb18030", "latin-1"), ("utf-8", "ascii")],
)
def test_mojibake_is_recognised(text: str, right: str, wrong: str) -> None:
    assert is_mojibake(text.encode(right).decode(wrong, "replace"))


@pytest.mark.parametrize("text", ["ÍøÃ", "锟斤拷锟斤拷", "????", "网格\ufffd"])
def test_typical_mojibake(text: str) -> None:
    assert is_mojibake(text)


@pytest.mark.parametrize(
    "text", [*NAMES, "國語", "Forlì-Cesena", "Saint-Rhémy", "São Tomé", "Größe", "?", "哪里??", ""]
)
def test_good_text_is_left_alone(text: str) -> None:
    assert not is_mojibake(text)


def test_real_names_are_no_mojibake() -> None:
    with shared_data("luoping", "luoping_divisions_2021.csv").open(encoding="utf-8") as file:
        assert [row["name"] for row in csv.DictReader(file) if is_mojibake(row["name"])] == []


def shapefile(folder: Path, *, encoding: str, cpg: str | None) -> Path:
    frame = gpd.GeoDataFrame(
        {"网格编码": ["530324001001001", "530324001001002"], "网格名称": ["九龙一组", "红星二组"]},
        geometry=[shapely.box(104.1, 24.8, 104.2, 24.9), shapely.box(104.2, 24.8, 104.3, 24.9)],
        crs=4490,
    )
    path = folder / "网格.shp"
    frame.to_file(path, encoding=encoding)
    path.with_suffix(".cpg").unlink(missing_ok=True)
    if cpg is not None:
        path.with_suffix(".cpg").write_text(cpg)
    return path


@pytest.mark.parametrize(
    ("encoding", "cpg"),
    [
        ("GB18030", None),
        ("GB18030", "GBK"),
        ("GB18030", "UTF-8"),
        ("GB18030", "ISO-8859-1"),
        ("GB18030", "no such"),
        ("UTF-8", "UTF-8"),
    ],
)
def test_shapefile_with_a_right_wrong_or_missing_cpg(
    tmp_path: Path, encoding: str, cpg: str | None
) -> None:
    path = shapefile(tmp_path, encoding=encoding, cpg=cpg)
    # Twelve bytes of UTF-8 do not fit into ten: the writer cut the names.
    columns = {"code": "网格编", "name": "网格名"} if encoding == "UTF-8" else {}
    layer = read_layer(path, LayerKind.GRIDS, columns=columns)
    assert layer.frame["name"].tolist() == ["九龙一组", "红星二组"]
    assert layer.frame["code"].tolist() == ["530324001001001", "530324001001002"]
    assert layer.encoding == encoding.lower()
    assert layer.crs == "EPSG:4490"


def test_encoding_given_is_followed_strictly(tmp_path: Path) -> None:
    path = shapefile(tmp_path, encoding="GB18030", cpg=None)
    with pytest.raises(LayerError, match="mojibake"):
        read_layer(path, LayerKind.GRIDS, encoding="latin-1")
    with pytest.raises(LayerError, match="no encoding 'klingon'"):
        read_layer(path, LayerKind.GRIDS, encoding="klingon")


def test_table_of_a_shapefile_alone(tmp_path: Path) -> None:
    dbf = shapefile(tmp_path, encoding="GB18030", cpg=None).with_suffix(".dbf")
    alone = tmp_path / "alone.dbf"
    shutil.copy(dbf, alone)
    layer = read_layer(alone, LayerKind.DIVISIONS, columns={"code": "网格编码", "name": "网格名称"})
    assert layer.frame["name"].tolist() == ["九龙一组", "红星二组"]
    with pytest.raises(LayerError, match="need polygons"):
        read_layer(alone, LayerKind.GRIDS)
    alone.write_bytes(dbf.read_bytes()[:-20])
    with pytest.raises(LayerError, match="cut off"):
        read_layer(alone, LayerKind.DIVISIONS)


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_csv_in_each_encoding(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "区划.csv"
    path.write_bytes("区划代码,区划名称\n530324001,罗雄街道\n".encode(codec))
    layer = read_layer(path, LayerKind.DIVISIONS)
    assert layer.frame["name"].tolist() == ["罗雄街道"]
    assert layer.encoding == codec.removesuffix("-sig")


def test_mojibake_that_others_made_is_refused_with_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "坏.csv"
    bad = "罗雄街道".encode().decode("gb18030", "replace")
    path.write_text(f"code,name\n530324001,腊山街道\n530324002,{bad}\n", encoding="utf-8")
    with pytest.raises(LayerError) as caught:
        read_layer(path, LayerKind.DIVISIONS)
    (fault,) = caught.value.faults
    assert fault.code == "mojibake"
    assert "row 2 " in fault.text.en
    assert "乱码" in fault.text.zh


def test_bytes_of_no_encoding(tmp_path: Path) -> None:
    path = tmp_path / "noise.csv"
    path.write_bytes(b"code,name\n1,\xff\xff\xfe\xff\n")
    with pytest.raises(LayerError, match="--encoding"):
        read_layer(path, LayerKind.DIVISIONS)
