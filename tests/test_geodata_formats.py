"""What each format cannot hold is told before writing, exactly at its limits."""

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import openpyxl
import pandas as pd
import pyogrio
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geodata.cells import defuse, undefuse, wkt
from geodata.formats import FORMATS
from geodata.layer import LayerKind
from geodata.write import losses, write_layer
from gridsvc.domain.errors import FormatError
from gridsvc.domain.geo import Geometries
from gridsvc.domain.words import Lang

SQUARE = shapely.box(104.3, 24.8, 104.31, 24.81)
SUFFIXES = tuple(FORMATS)


def layer(geometry: list[Any] | None = None, **columns: Any) -> gpd.GeoDataFrame:
    size = len(next(iter(columns.values()))) if columns else len(geometry or [])
    data = {name: pd.Series(values) for name, values in columns.items()}
    return gpd.GeoDataFrame(data, geometry=geometry or [SQUARE] * size, crs=4490)


def codes_of(frame: gpd.GeoDataFrame, name: str, lang: Lang = "en") -> set[tuple[str, str]]:
    told = losses(frame, Path(name), kind=LayerKind.GRIDS, lang=lang)
    return {(fault.code, fault.where) for fault in told}


def stored(frame: gpd.GeoDataFrame, path: Path, lang: Lang = "en") -> gpd.GeoDataFrame:
    """What GDAL finds in the file that we wrote."""
    write_layer(frame, path, kind=LayerKind.GRIDS, lang=lang)
    found: gpd.GeoDataFrame = pyogrio.read_dataframe(path)
    return found


@pytest.mark.parametrize("name", ["a.topojson", "a.kml", "a", "a.json", "a.shp.zip"])
def test_an_ending_that_is_not_written_is_refused_with_the_list(name: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError) as told:
        write_layer(layer(code=["1"]), tmp_path / name, kind=LayerKind.GRIDS)
    assert all(suffix in told.value.say("zh") for suffix in SUFFIXES)
    assert list(tmp_path.iterdir()) == []


def test_a_shapefile_tells_everything_it_would_lose_and_writes_nothing(tmp_path: Path) -> None:
    frame = layer(
        geometry=[shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]), shapely.Polygon(), SQUARE],
        code=["530324001001001", "", None],
        name=["罗" * 85, " 空格 ", "\0"],
        residents=pd.array([10**18, None, 1], dtype="Int64"),
        share=[1 / 3, 1e300, 0.5],
        neighbourhood=["a", "b", "c"],
    )
    path = tmp_path / "grids.shp"
    with pytest.raises(FormatError) as told:
        write_layer(frame, path, kind=LayerKind.GRIDS)
    assert {(fault.code, fault.where) for fault in told.value.faults} == {
        ("column_name", "neighbourhood"),
        ("nul_character", "name"),
        ("text_too_long", "name"),
        ("empty_text", "code"),
        ("outer_spaces", "name"),
        ("integer_too_large", "residents"),
        ("decimals", "share"),
        ("empty_geometry", "geometry"),
        ("invalid_polygon", "geometry"),
    }
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("lang", "longest"), [("en", "罗" * 84 + "ab"), ("zh", "罗" * 127), ("en", "x" * 254)]
)
def test_a_shapefile_holds_254_bytes_of_text(lang: Lang, longest: str, tmp_path: Path) -> None:
    assert stored(layer(code=[longest]), tmp_path / "a.shp", lang).iloc[0, 0] == longest
    assert [code for code, _ in codes_of(layer(code=[longest + "x"]), "a.shp", lang)] == [
        "text_too_long"
    ]


@pytest.mark.parametrize(
    ("lang", "fits", "too_long"),
    [
        ("en", "neighbours", "neighbourss"),
        ("zh", "一二三四五", "一二三四五六"),
        ("en", "一二三x", "一二三四"),
    ],
)
def test_a_shapefile_holds_names_of_10_bytes(
    lang: Lang, fits: str, too_long: str, tmp_path: Path
) -> None:
    assert fits in stored(layer(**{fits: ["a"]}), tmp_path / "a.shp", lang).columns
    assert codes_of(layer(**{too_long: ["a"]}), "a.shp", lang) == {("column_name", too_long)}


def test_a_shapefile_holds_18_digits(tmp_path: Path) -> None:
    most = [10**18 - 1, -(10**17) + 1]
    assert stored(layer(n=most), tmp_path / "a.shp")["n"].tolist() == most
    for beyond in (10**18, -(10**17)):
        assert codes_of(layer(n=[beyond]), "a.shp") == {("integer_too_large", "n")}


def test_standard_names_too_long_for_a_shapefile_have_short_ones(tmp_path: Path) -> None:
    frame = layer(geometry=[shapely.Point(104.3, 24.8)], capabilities=["fire"])
    write_layer(frame, tmp_path / "a.shp", kind=LayerKind.RESPONDERS)
    assert pyogrio.read_info(tmp_path / "a.shp")["fields"].tolist() == ["capabs"]


def test_two_columns_that_shorten_to_one_name_are_refused() -> None:
    frame = layer(capabilities=["fire"], CAPABS=["x"])
    assert ("column_name", "capabs") in codes_of(frame, "a.shp")


def test_a_workbook_cell_holds_32767_characters(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    longest = ["罗" * 32_767, "=" * 32_766]
    write_layer(layer(name=longest), path, kind=LayerKind.GRIDS)
    column = [row[0] for row in openpyxl.load_workbook(path)["grids"].iter_rows(values_only=True)]
    assert [undefuse(str(cell)) for cell in column[1:]] == longest
    for beyond in ("罗" * 32_768, "=" * 32_767, "😀" * 16_384):
        assert codes_of(layer(name=[beyond]), "a.xlsx") == {("cell_too_long", "name")}


def test_a_polygon_too_long_for_a_cell_is_told_by_row() -> None:
    round_one = shapely.Point(104.3, 24.8).buffer(0.01, quad_segs=500)
    frame = layer(geometry=[SQUARE, round_one], code=["a", "b"])
    (fault,) = losses(frame, Path("a.xlsx"), kind=LayerKind.GRIDS)
    assert (fault.code, fault.where) == ("cell_too_long", "wkt")
    assert "rows 2" in fault.text.en
    assert losses(frame, Path("a.csv"), kind=LayerKind.GRIDS) == ()


def test_a_workbook_has_1048576_rows() -> None:
    points = shapely.points([[104.3, 24.8]] * 1_048_576).tolist()
    frame = gpd.GeoDataFrame(geometry=points, crs=4490)
    told = losses(frame, Path("a.xlsx"), kind=LayerKind.INCIDENTS)
    assert [fault.code for fault in told] == ["too_many_rows"]
    assert losses(frame[:-1], Path("a.xlsx"), kind=LayerKind.INCIDENTS) == ()


@pytest.mark.parametrize("bad", ["a\x01", "a\rb", "a\x1f", "￾", "_x000D_"])
def test_control_characters_are_told_for_a_workbook(bad: str) -> None:
    assert codes_of(layer(name=[bad]), "a.xlsx") == {("control_characters", "name")}


@pytest.mark.parametrize("suffix", [s for s in SUFFIXES if s not in (".parquet", ".xlsx")])
def test_a_nul_is_told_where_it_cuts_text_off(suffix: str) -> None:
    assert codes_of(layer(name=["a\0b"]), "a" + suffix) == {("nul_character", "name")}


@pytest.mark.parametrize("suffix", [".gdb", ".xlsx"])
def test_whole_numbers_beyond_doubles_are_told(suffix: str) -> None:
    assert codes_of(layer(n=[2**53]), "a" + suffix) == set()
    assert codes_of(layer(n=[2**53 + 1]), "a" + suffix) == {("integer_too_large", "n")}


@pytest.mark.parametrize("suffix", [".geojson", ".xlsx", ".csv"])
def test_infinity_is_told_where_numbers_are_digits(suffix: str) -> None:
    assert codes_of(layer(share=[float("inf")]), "a" + suffix) == {("infinite_number", "share")}


@pytest.mark.parametrize("name", ["order", "OBJECTID", "1st", "a b", "网格-1", "x" * 65])
def test_names_that_a_filegdb_would_change_are_told(name: str) -> None:
    assert codes_of(layer(**{name: ["a"]}), "a.gdb") == {("column_name", name)}


def test_formulas_as_column_names_are_told() -> None:
    assert codes_of(layer(**{"=cmd": ["a"]}), "a.csv") == {("column_name", "=cmd")}


@pytest.mark.parametrize("suffix", [".shp", ".gdb"])
def test_points_beside_polygons_are_told_where_a_layer_has_one_type(suffix: str) -> None:
    frame = layer(geometry=[SQUARE, shapely.Point(1, 2)], code=["a", "b"])
    assert codes_of(frame, "a" + suffix) == {("mixed_geometry", "geometry")}


def test_faults_of_the_frame_itself_come_all_at_once() -> None:
    frame = gpd.GeoDataFrame(
        {
            "a": [1, "x"],
            "name": pd.Series(["\ud800", "y"], dtype=object),
            "网格编码": ["1", "2"],
            "code": ["3", "4"],
        },
        geometry=[SQUARE, SQUARE],
        crs=4490,
    )
    with pytest.raises(FormatError) as told:
        losses(frame, Path("a.gpkg"), kind=LayerKind.GRIDS, lang="zh")
    assert [(fault.code, fault.where) for fault in told.value.faults] == [
        ("column_not_one_type", "a"),
        ("column_not_one_type", "name"),
        ("column_name_repeated", "网格编码"),
    ]


@pytest.mark.parametrize(
    "bad", [shapely.Point(1, 2, 3), shapely.Point(float("nan"), 2), shapely.Point(1, float("inf"))]
)
def test_only_flat_finite_positions_are_written(bad: shapely.Point) -> None:
    with pytest.raises(FormatError, match="flat"):
        losses(layer(geometry=[bad], code=["1"]), Path("a.gpkg"), kind=LayerKind.INCIDENTS)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(TEXTS)
def test_defusing_is_undone_exactly_and_leaves_no_formula(text: str) -> None:
    cell = defuse(text)
    assert undefuse(cell) == text
    assert cell
    assert cell[0] not in "=+-@\t\r\n＝＋－＠"


@pytest.mark.parametrize("text", ["'24 block", "罗平", "a=1", "0012", "'", "''x"])
def test_text_that_is_no_formula_is_read_as_it_is(text: str) -> None:
    assert undefuse(text) == (text if text != "'" else "")


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=2))
def test_wkt_and_geojson_read_back_bit_for_bit(pair: list[float]) -> None:
    shapes: Geometries = shapely.points([pair])
    (text,) = wkt(shapes)
    assert text is not None
    assert shapely.from_wkt(text).wkb == shapes[0].wkb


@pytest.mark.parametrize("suffix", [".gpkg", ".fgb", ".gdb", ".shp", ".geojson"])
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_what_no_loss_is_told_of_is_what_gdal_reads(
    suffix: str, data: st.DataObject, tmp_path: Path
) -> None:
    size = data.draw(st.integers(1, 4))
    texts = data.draw(st.lists(st.none() | TEXTS, min_size=size, max_size=size))
    numbers = data.draw(
        st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=size, max_size=size)
    )
    shares = data.draw(
        st.lists(st.none() | st.floats(allow_nan=False), min_size=size, max_size=size)
    )
    frame = layer(
        note=pd.Series(["x", *texts], dtype="str").to_list(),
        n=pd.array([1, *numbers], dtype="Int64"),
        share=[0.5, *shares],
    )
    path = tmp_path / f"a{suffix}"
    if losses(frame, path, kind=LayerKind.GRIDS):
        return
    write_layer(frame, path, kind=LayerKind.GRIDS, overwrite=True)
    if suffix == ".geojson":  # GDAL reads text that looks like a date as a date
        found = [feature["properties"] for feature in json.loads(path.read_text())["features"]]
    else:
        table = pyogrio.read_arrow(path)[1].select(["note", "n", "share"])
        found = table.to_pylist()
    assert [row["note"] for row in found] == ["x", *texts]
    assert [row["n"] for row in found] == [1, *numbers]
    assert [row["share"] for row in found] == [0.5, *shares]
