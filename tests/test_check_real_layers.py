"""Published layers of others: the clean one has nothing to report, the others what they are known
for."""

import time
from functools import cache

import numpy as np
import pytest
import shapely

from geodata.faults import FaultCode, Report
from geodata.layer import Layer, LayerKind
from geodata.read import read_layer
from geodata.validate import check_layer
from gridsvc.domain.codes import CodeScheme
from tests.shared import shared_data

F = FaultCode
LAYERS: dict[str, tuple[tuple[str, ...], str, str | None]] = {
    "it": (("it_comuni_7900", "it_comuni_7900.gpkg"), "com_istat_code", None),
    "tw": (("tw_villages_8067", "twVillage1982.topo.json"), "VILLAGEID", "EPSG:4326"),
    "uk": (("uk_oa_cornwall", "uk_oa_cornwall.geojson"), "OA11CD", None),
}


@cache
def real_layer(name: str) -> Layer:
    parts, code, crs = LAYERS[name]
    path = shared_data("coverages", *parts)
    return read_layer(path, LayerKind.GRIDS, columns={"code": code}, crs=crs)


@cache
def checked(name: str) -> tuple[Report, float]:
    layer = real_layer(name)
    start = time.perf_counter()
    return check_layer(layer), time.perf_counter() - start


def test_the_control_has_nothing_to_report() -> None:
    report, _ = checked("it")
    assert report.rows == 7899
    assert report.by_code() == {}
    geometries = real_layer("it").frame.geometry
    assert (geometries.geom_type == "MultiPolygon").sum() >= 421
    assert (shapely.get_num_geometries(geometries.to_numpy()) > 1).sum() == 421
    holed = [
        any(part.interiors for part in shapely.get_parts(shape)) for shape in geometries.tolist()
    ]
    assert sum(holed) == 72
    assert "5 larger enclosed areas" in report.notes[0].en  # the largest is San Marino


def test_taiwan_has_what_it_is_known_for() -> None:
    report, _ = checked("tw")
    assert report.rows == 8067
    counts = report.by_code()
    assert counts[F.NULL_GEOMETRY] == 468
    assert counts[F.INVALID] == 8
    frame = real_layer("tw").frame
    drawn = frame[frame.geometry.notna()]
    assert drawn["code"].duplicated().sum() == 17
    again = sum(len(set(f.rows) & set(drawn.index)) - 1 for f in report.of(F.CODE_REPEATED)
                if set(f.rows) & set(drawn.index))  # fmt: skip
    assert again == 17
    valid = drawn[drawn.geometry.is_valid]
    edges = shapely.coverage_invalid_edges(valid.geometry.to_numpy())
    broken = set(valid.index[~shapely.is_empty(edges)])
    assert len(broken) == 316
    told = {row for fault in report.of(F.OVERLAP, F.UNMATCHED_EDGE) for row in fault.rows}
    assert broken <= told


def test_taiwans_overlaps_are_those_of_all_pairs() -> None:
    report, _ = checked("tw")
    frame = real_layer("tw").frame
    valid = frame[frame.geometry.notna() & frame.geometry.is_valid]
    shapes = np.asarray(valid.geometry.to_numpy(), dtype=object)
    left, right = shapely.STRtree(shapes).query(shapes, predicate="overlaps")
    rows = valid.index.to_numpy()
    pairs = {
        (a, b) for a, b in zip(rows[left].tolist(), rows[right].tolist(), strict=True) if a < b
    }
    told = {fault.rows for fault in report.of(F.OVERLAP)}
    noise = {fault.rows for fault in report.of(F.UNMATCHED_EDGE)}
    inside = set(rows.tolist())
    assert {pair for pair in told if set(pair) <= inside} <= pairs
    assert pairs <= told | noise


def test_cornwall_has_six_invalid_polygons_and_nothing_else() -> None:
    report, _ = checked("uk")
    assert report.by_code() == {F.INVALID: 6}
    frame = real_layer("uk").frame
    assert {f.rows[0] for f in report.faults} == set(frame.index[~frame.geometry.is_valid])


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_checked_in_seconds(name: str) -> None:
    assert checked(name)[1] < 20


def test_the_codes_of_luoping_fit_the_scheme_once_their_zeros_are_cut() -> None:
    path = shared_data("luoping", "luoping_divisions_2021.csv")
    layer = read_layer(path, LayerKind.DIVISIONS)
    report = check_layer(layer, parents=layer.frame, scheme=CodeScheme())
    assert report.by_code() == {}
    assert layer.frame["level"].value_counts().to_dict() == {
        "village": 154,
        "township": 13,
        "county": 1,
    }


def test_the_outlines_around_luoping_have_one_that_crosses_itself() -> None:
    path = shared_data("luoping", "qujing_9_counties_datav2019_gcj02.geojson")
    layer = read_layer(path, LayerKind.DIVISIONS, crs="EPSG:4326", datum=None)
    report = check_layer(layer)
    assert [layer.frame["name"][f.rows[0]] for f in report.of(F.INVALID)] == ["会泽县"]
