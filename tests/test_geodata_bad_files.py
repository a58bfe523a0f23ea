"""Files that others made wrong on purpose: each is refused for its own reason, or read rightly."""

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely

from geodata.layer import LayerKind
from geodata.read import read_layer
from gridsvc.domain.errors import LayerError
from tests.shared import shared_data

BROKEN: dict[str, set[str]] = {
    "bad-featurelist.geojson": {"geometry_unreadable"},
    "bad-json.geojson": {"json_invalid"},
    "bad-object-type.geojson": {"not_geojson"},
    "bad-polygonloop.geojson": {"geometry_unreadable"},
    "bad-properties-as-array.geojson": {"feature_invalid"},
    "badcoord.geojson": {"geometry_unreadable"},
    "badcoordtype.geojson": {"geometry_unreadable"},
    "badfeature.geojson": {"feature_invalid"},
    "badfeatureid.geojson": {"feature_invalid", "geometry_type"},
    "different-first-last.geojson": {"geometry_unreadable"},
    "expected_object.geojson": {"feature_invalid"},
    "false.geojson": {"geometry_unreadable"},
    "featurecollection-obj.geojson": {"not_geojson"},
    "featurecollection-type-case.geojson": {"not_geojson"},
    "featurecollection.geojson": {"not_geojson"},
    "multiple_problems.geojson": {"feature_invalid", "geometry_type", "geometry_unreadable"},
    "multipoint-multidimension.geojson": {"geometry_unreadable"},
    "multipoint-nondimension.geojson": {"geometry_unreadable"},
    "nofeaturetype.geojson": {"feature_invalid"},
    "notype.geojson": {"not_geojson"},
    "point-labeled-as-a-multipolygon.geojson": {"geometry_unreadable"},
    "point-string.geojson": {"geometry_unreadable"},
    "point-toofew.geojson": {"geometry_unreadable"},
    "point-toomany.geojson": {"geometry_unreadable"},
    "point.geojson": {"geometry_unreadable"},
    "rootstring.geojson": {"not_geojson"},
    "short-line.geojson": {"geometry_unreadable"},
    "short-linearring.geojson": {"geometry_unreadable"},
    "short-multilinestring.geojson": {"geometry_unreadable"},
    "stringcoord.geojson": {"geometry_type", "geometry_unreadable"},
    "unknowntype.geojson": {"not_geojson"},
}
WRONG_TYPE = {
    "bbox-4or6elements.geojson",
    "bbox-contains-string.geojson",
    "bbox-string.geojson",
    "excessive_precision_truncated.geojson",
    "feature_changed_semantics.geojson",
    "featurecollection_changed_semantics.geojson",
    "geometry_changed_semantics.geojson",
    "geometrycollection_nested.geojson",
    "geometrycollection_single.geojson",
}
RIGHT = {
    "bad-duplicate-properties.geojson": None,  # the last "type" counts: a feature without a place
    "bad-polygon-interiorring-rhr.geojson": 1.0 - 0.36,
    "different-first-size.geojson": 1.0 + 1.0 - 0.36,  # one vertex has a height, which is dropped
    "polygon_winding_order.geojson": 1.0,
}


def codes(path: Path, kind: LayerKind = LayerKind.GRIDS, **options: Any) -> set[str]:
    with pytest.raises(LayerError) as caught:
        read_layer(path, kind, **options)
    for fault in caught.value.faults:
        assert fault.text.zh
        assert "exception" not in fault.text.en
    return {fault.code for fault in caught.value.faults}


def test_every_bad_geojson_is_named_here() -> None:
    found = {path.name for path in shared_data("bad", "geojson").iterdir()}
    assert found == {*BROKEN, *WRONG_TYPE, *RIGHT}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_broken_geojson(name: str) -> None:
    found = codes(shared_data("bad", "geojson", name), crs="EPSG:4326")
    assert found - {"missing_column"} == BROKEN[name]


@pytest.mark.parametrize("name", sorted(WRONG_TYPE))
def test_geojson_of_the_wrong_type(name: str) -> None:
    found = codes(shared_data("bad", "geojson", name), crs="EPSG:4326")
    assert found == {"geometry_type", "missing_column"}


@pytest.mark.parametrize("name", sorted(RIGHT))
def test_odd_but_right_geojson(name: str, tmp_path: Path) -> None:
    """Given the code that they lack, they are layers with the right shape."""
    text = shared_data("bad", "geojson", name).read_text()
    document = json.loads(text)
    if document["type"] != "Feature":
        document = {"type": "Feature", "geometry": document}
    path = tmp_path / name
    path.write_text(json.dumps({**document, "properties": {"code": "530324001001001"}}))
    layer = read_layer(path, LayerKind.GRIDS, crs="EPSG:4326")
    assert layer.frame["code"].tolist() == ["530324001001001"]
    area = RIGHT[name]
    if area is None:
        assert layer.null_rows == (0,)
    else:
        assert layer.frame.geometry.area.iloc[0] == pytest.approx(area)
    assert layer.dropped_z == (name == "different-first-size.geojson")
    assert not layer.frame.geometry.has_z.any()


def test_string_coordinates_name_their_row() -> None:
    with pytest.raises(LayerError) as caught:
        read_layer(shared_data("bad", "geojson", "stringcoord.geojson"), LayerKind.INCIDENTS)
    texts = [f.text for f in caught.value.faults if f.code == "geometry_unreadable"]
    assert texts[0].en == "ordinates that are not numbers: row 1 (the header not counted)"


def test_coverage_files_are_read_as_they_are() -> None:
    """Their faults are the check's matter; those with a code column would be layers."""
    for path in sorted(shared_data("bad", "coverage").glob("*.json")):
        found = codes(path, crs="EPSG:4326")
        assert found <= {"missing_column", "geometry_type", "position_out_of_range"}, path.name


def grids(count: int = 3) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"code": [f"53032400100100{i}" for i in range(count)]},
        geometry=[shapely.box(104 + i / 10, 24.5, 104.1 + i / 10, 24.6) for i in range(count)],
        crs=4490,
    )


@pytest.mark.parametrize("suffix", [".gpkg", ".fgb", ".parquet", ".geojson", ".shp", ".xlsx"])
def test_cut_and_false_files_end_in_a_sentence(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"grids{suffix}"
    if suffix == ".parquet":
        grids().to_parquet(path)
    elif suffix == ".xlsx":
        grids().drop(columns="geometry").to_excel(path)
    else:
        grids().to_file(path)
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 3], b"hello", b"", bytes(reversed(whole))):
        path.write_bytes(content)
        assert codes(path) <= {
            *("unreadable", "json_invalid", "no_layer", "not_geojson", "file_empty", "file_cut"),
            *("unrecognised_encoding", "sidecar_mismatch"),
        }


def test_no_rows(tmp_path: Path) -> None:
    empty = grids().iloc[:0]
    empty.to_file(tmp_path / "a.gpkg")
    empty.to_file(tmp_path / "a.geojson")
    (tmp_path / "a.csv").write_text("code,wkt\n")
    (tmp_path / "b.csv").write_text("")
    for path in sorted(tmp_path.iterdir()):
        assert codes(path) == {"file_empty"}, path


def test_missing_parts_of_a_shapefile(tmp_path: Path) -> None:
    path = tmp_path / "grids.shp"
    grids().to_file(path)
    for suffix in (".dbf", ".shx"):
        part = path.with_suffix(suffix)
        part.rename(tmp_path / "hidden")
        with pytest.raises(LayerError, match=rf"\{suffix} of the same name is missing"):
            read_layer(path, LayerKind.GRIDS)
        (tmp_path / "hidden").rename(part)
    grids(2).to_file(tmp_path / "other.shp")
    shutil.copy(tmp_path / "other.dbf", path.with_suffix(".dbf"))
    assert codes(path) == {"sidecar_mismatch"}


def test_what_is_no_file_of_ours(tmp_path: Path) -> None:
    assert codes(tmp_path / "none.gpkg") == {"file_missing"}
    assert codes(tmp_path) == {"unknown_format"}
    (tmp_path / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0")
    assert codes(tmp_path / "old.xls") == {"unknown_format"}


def test_an_archive_cannot_lead_out_of_its_folder(tmp_path: Path) -> None:
    grids().to_file(tmp_path / "grids.gpkg")
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(tmp_path / "grids.gpkg", "../../escaped.gpkg")
    assert len(read_layer(path, LayerKind.GRIDS).frame) == 3
    assert not (tmp_path.parent.parent / "escaped.gpkg").exists()
    path.write_bytes(path.read_bytes()[:500])
    assert codes(path) == {"unreadable"}


def test_an_archive_of_nothing_and_of_too_much(tmp_path: Path) -> None:
    grids().to_file(tmp_path / "grids.gpkg")
    path = tmp_path / "some.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.md", "hello")
    assert codes(path) == {"no_layer"}
    with zipfile.ZipFile(path, "a") as archive:
        archive.write(tmp_path / "grids.gpkg", "a.gpkg")
        archive.write(tmp_path / "grids.gpkg", "b.gpkg")
    assert codes(path) == {"layer_ambiguous"}
