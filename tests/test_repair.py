"""A proposal passes the check that it answers, and tells every change."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import shapely

from geodata.faults import FaultCode
from geodata.layer import Layer
from geodata.repair import Repair, propose
from geodata.validate import check_layer
from gridsvc.domain.geo import MetricFrame
from gridsvc.domain.topology import same_area, snap
from tests.layers import SOUTH, WEST, box, geojson_layer, layer_of
from tests.shared import shared_data
from tests.test_check_faults import BAD_COVERAGE
from tests.test_check_real_layers import real_layer

F = FaultCode
MENDED = (F.INVALID, F.OVERLAP, F.UNMATCHED_EDGE)


def after(layer: Layer, repair: Repair) -> dict[FaultCode, int]:
    return check_layer(replace(layer, frame=repair.frame)).by_code()


@cache
def mended(name: str, tolerance_m: float) -> Repair:
    return propose(real_layer(name), tolerance_m=tolerance_m)


@pytest.mark.parametrize(("name", "tolerance_m"), [("tw", 0.1), ("tw", 5.0), ("uk", 0.1)])
def test_real_layers_pass_the_check_once_they_are_mended(name: str, tolerance_m: float) -> None:
    layer, repair = real_layer(name), mended(name, tolerance_m)
    assert not set(after(layer, repair)) & set(MENDED)
    shapes = np.asarray(repair.frame.geometry.to_numpy(), dtype=object)
    assert shapely.coverage_is_valid(shapes[~shapely.is_missing(shapes)])


def test_every_change_is_told_with_its_areas_and_nothing_else_changes() -> None:
    layer, repair = real_layer("tw"), mended("tw", 0.1)
    before = snap(np.asarray(layer.frame.geometry.to_numpy(), dtype=object))
    changed = {
        row
        for row, (one, other) in enumerate(zip(before, repair.frame.geometry, strict=True))
        if one is not None and not same_area(one, other)
    }
    told = {change.row: change for change in repair.changes}
    assert changed == set(told)
    frame = MetricFrame.around(120.5)
    for row in list(told)[:50]:
        size = frame.areas_m2([repair.frame.geometry[row]])[0]
        assert told[row].area_after_m2 == pytest.approx(size, rel=1e-3)
    lost = sum(change.area_before_m2 - change.area_after_m2 for change in repair.changes)
    overlap = sum(fault.measure or 0.0 for fault in check_layer(layer).of(F.OVERLAP))
    assert lost == pytest.approx(overlap, rel=0.05)


def test_what_no_operation_can_mend_is_listed() -> None:
    remaining = [fault.code for fault in mended("tw", 0.1).remaining]
    assert remaining.count(F.NULL_GEOMETRY) == 468
    assert F.CODE_REPEATED in remaining
    assert F.INVALID not in remaining


LINES = {"ex20_ogc_line.json", "ex21_crossed_lines.json"}


@pytest.mark.parametrize("name", sorted(set(BAD_COVERAGE) - LINES))
def test_bad_coverages_are_mended(name: str) -> None:
    path = shared_data("bad", "coverage", name)
    layer = geojson_layer(path, crs="EPSG:27700" if "britain" in name else "EPSG:4490")
    repair = propose(layer, tolerance_m=0.05)
    assert not set(after(layer, repair)) & set(MENDED)


def test_lines_cannot_be_mended_and_stay_as_they_are() -> None:
    layer = geojson_layer(shared_data("bad", "coverage", "ex20_ogc_line.json"))
    repair = propose(layer, tolerance_m=0.1)
    assert not repair.changes
    assert [fault.code for fault in repair.remaining] == [F.INVALID]
    assert repair.frame.geometry[0].equals(layer.frame.geometry[0])


def test_gaps_are_filled_up_to_the_tolerance_and_no_further() -> None:
    narrow = shapely.box(WEST + 1e-3, SOUTH, WEST + 1e-3 + 5e-6, SOUTH + 1e-3)  # half a metre
    shapes = [
        box(0, 0, 1, 1), shapely.box(narrow.bounds[2], SOUTH, WEST + 2e-3, SOUTH + 1e-3),
        box(0, 1, 2, 2), box(0, -1, 2, 0),
    ]  # fmt: skip
    layer = layer_of(shapes)
    assert check_layer(layer).by_code()[F.GAP] == 1
    assert F.GAP in after(layer, propose(layer, tolerance_m=0.1))
    assert F.GAP not in after(layer, propose(layer, tolerance_m=1.0))


def test_a_polygon_wholly_inside_another_is_told_and_kept() -> None:
    layer = layer_of([box(0, 0, 9, 9), box(0, 0, 9, 9)])
    repair = propose(layer, tolerance_m=0.1)
    assert repair.frame.geometry.notna().all()
    assert len(repair.changes) >= 1
    assert "by hand" in " ".join(change.why.en for change in repair.changes)


def test_the_layer_itself_is_not_touched() -> None:
    layer = layer_of([box(0, 0, 2, 1), box(1, 0, 3, 1)])
    before = shapely.to_wkb(layer.frame.geometry.to_numpy()).tolist()
    propose(layer, tolerance_m=0.5)
    assert shapely.to_wkb(layer.frame.geometry.to_numpy()).tolist() == before
