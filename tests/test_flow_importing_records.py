"""People and incidents into the store."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geodata.datum import from_cgcs2000
from gridsvc.domain.errors import LayerError
from gridsvc.domain.force import Capability, Responder, Role
from gridsvc.domain.geo import Datum, LngLat
from gridsvc.locating import GridMap
from gridsvc.store import Store
from tests.import_samples import (
    G1,
    G2,
    G3,
    GRIDS,
    NOON,
    UNITS,
    VILLAGES,
    areas,
    county,
    loaded,
    people,
    put,
    refused,
    table,
)
from tests.layers import SOUTH, WEST


def test_workers_and_sentinels_become_responders(store: Store, tmp_path: Path) -> None:
    county(store, tmp_path)
    own = Responder(
        "P7", "旧名", Role.GRID_WORKER, G2, None, "1", frozenset({Capability.FIRST_AID})
    )
    with store.write() as work:
        work.force.upsert([own])
    names, phones = ["甲", "乙", None], ["13800000001", "13800000002", None]
    path = areas(tmp_path / "people.gpkg", GRIDS, 网格员=names, 联系电话=phones)
    report = put(store, "grids", path)
    assert (report.added, report.changed) == (1, 1)
    known = people(store)
    assert set(known) == {"P7", f"W{G1}"}
    assert (known["P7"].name, known["P7"].phone) == ("乙", "13800000002")
    assert known["P7"].capabilities == own.capabilities
    worker = known[f"W{G1}"]
    assert worker.role is Role.GRID_WORKER
    assert worker.home is not None
    assert GRIDS[G1].contains(shapely.Point(worker.home.lng, worker.home.lat))
    sentinels = ["丙", "丁", "戊"]
    put(store, "units", areas(tmp_path / "sentinels.gpkg", UNITS, 吹哨人=sentinels))
    assert {one.id for one in people(store).values() if one.role is Role.SENTINEL} == {
        f"S{code}" for code in UNITS
    }


def test_a_list_replaces_those_known_only_from_a_layer(store: Store, tmp_path: Path) -> None:
    county(store, tmp_path)
    put(store, "grids", areas(tmp_path / "people.gpkg", GRIDS, 网格员=["甲", "乙", "丙"]))
    head = ["编号", "姓名", "角色", "责任区"]
    path = table(tmp_path / "list.csv", head, [["N1", "甲", "网格员", G1]])
    report = put(store, "responders", path)
    assert (report.added, report.changed) == (1, 0)
    assert set(people(store)) == {"N1", f"W{G2}", f"W{G3}"}
    put(store, "grids", tmp_path / "people.gpkg")
    assert set(people(store)) == {"N1", f"W{G2}", f"W{G3}"}


def test_a_list_of_responders(store: Store, tmp_path: Path) -> None:
    county(store, tmp_path)
    head = ["编号", "姓名", "角色", "责任区", "电话", "能力", "夜间", "经度", "纬度"]
    rows: list[list[Any]] = [
        ["M1", "调解一", "调解员", VILLAGES[0], "13800000003", "矛盾调解", "是", 104.101, 24.7005],
        ["A1", "急救一", "ambulance", "530324001", "", "ambulance;first_aid", "", "", ""],
    ]
    path = table(tmp_path / "responders.csv", head, rows)
    report = put(store, "responders", path, datum=Datum.CGCS2000)
    assert (report.added, report.changed) == (2, 0)
    known = people(store)
    assert known["M1"].home == LngLat(104.101, 24.7005)
    assert known["M1"].night
    assert known["A1"].home is None
    assert known["A1"].capabilities == {Capability.AMBULANCE, Capability.FIRST_AID}
    bad: list[list[Any]] = [
        ["X1", "某", "魔术师", VILLAGES[0], "", "", "", 104.101, 24.7005],
        ["X2", "某", "村医", "999", "", "飞行", "", 105.9, 24.7],
    ]
    told = refused(
        store, "responders", table(tmp_path / "bad.csv", head, bad), datum=Datum.CGCS2000
    )
    assert told == {"unknown_role", "unknown_area", "unknown_capability", "position_far_away"}


def test_a_device_seen_in_the_future_is_refused(store: Store, tmp_path: Path) -> None:
    county(store, tmp_path)
    head = ["编号", "姓名", "角色", "责任区", "实时经度", "实时纬度", "位置时间"]
    row = ["M1", "调解一", "调解员", VILLAGES[0], 104.101, 24.7005]
    ahead = table(
        tmp_path / "ahead.csv", head, [[*row, (NOON + timedelta(seconds=301)).isoformat()]]
    )
    with pytest.raises(LayerError) as error:
        put(store, "responders", ahead, datum=Datum.CGCS2000)
    assert [(fault.code, fault.where) for fault in error.value.faults] == [("live_in_future", "M1")]
    assert "row 1" in error.value.faults[0].text.en
    near = table(tmp_path / "near.csv", head, [[*row, (NOON + timedelta(seconds=300)).isoformat()]])
    assert put(store, "responders", near, datum=Datum.CGCS2000).added == 1


def test_people_replaced_by_a_list_are_told_to_have_been_erased(
    store: Store, tmp_path: Path
) -> None:
    county(store, tmp_path)
    put(store, "grids", areas(tmp_path / "people.gpkg", GRIDS, 网格员=["甲", "乙", "丙"]))
    head = ["编号", "姓名", "角色", "责任区"]
    put(store, "responders", table(tmp_path / "list.csv", head, [["N1", "甲", "网格员", G1]]))
    with store.read() as reading:
        told = [(event.name, event.payload) for event in reading.events.after(0)][-2:]
    assert told == [
        ("responder_erased", {"responder": f"W{G1}"}),
        ("responders_imported", {"added": 1, "changed": 0}),
    ]


def incident_rows() -> list[list[Any]]:
    gcj = from_cgcs2000(np.array([WEST + 5e-4]), np.array([SOUTH + 5e-4]), Datum.GCJ02)
    return [
        ["2026-11-22 23:30:00", "邻里纠纷", WEST + 5e-4, SOUTH + 5e-4, ""],
        ["2026-11-23 00:10:00", "house_fire", float(gcj[0][0]), float(gcj[1][0]), "gcj02"],
        ["2026-11-23 08:00:00", "突发疾病", WEST + 3e-3, SOUTH + 1.5e-3, "unknown"],
        ["2026-11-23 07:00:00", "噪音占道", WEST - 1e-3, SOUTH + 5e-4, ""],
        ["2026-11-23 09:00:00", "政策咨询", "", "", ""],
    ]


HEAD = ["接报时间", "事件类型", "经度", "纬度", "坐标系"]


def test_incidents_are_placed_and_numbered_by_the_day(store: Store, tmp_path: Path) -> None:
    county(store, tmp_path)
    grid_map = GridMap(loaded(store))
    path = table(tmp_path / "incidents.csv", HEAD, incident_rows())
    report = put(store, "incidents", path, datum=Datum.CGCS2000, grid_map=grid_map)
    assert report.added == 5
    with store.read() as reading:
        cases = {case.number: case for case in reading.incidents.all()}
    assert list(cases) == [
        "罗平-20261122-0001",
        "罗平-20261123-0001",
        "罗平-20261123-0002",
        "罗平-20261123-0003",
        "罗平-20261123-0004",
    ]
    quarrel, fire, outside, ill, advice = cases.values()
    assert quarrel.received_at == datetime(
        2026, 11, 22, 23, 30, tzinfo=timezone(timedelta(hours=8))
    )
    assert quarrel.placement is not None
    assert quarrel.placement.unit == f"{G1}01"
    assert (quarrel.urgency, quarrel.map_version) == (4, 3)
    assert fire.position is not None
    assert fire.position.at.lng == pytest.approx(WEST + 5e-4, abs=1e-9)
    assert fire.position.given_datum is Datum.GCJ02
    assert fire.placement == quarrel.placement
    assert ill.position is not None
    assert ill.position.radius_m == 400
    assert ill.placement is not None
    assert (ill.placement.unit, ill.placement.grid) == (None, G3)
    assert outside.placement is not None
    assert outside.placement.grid == G1
    assert outside.placement.outside_m == pytest.approx(101, abs=1)
    assert outside.placement.bearing_deg == pytest.approx(90, abs=1)
    assert (advice.position, advice.placement) == (None, None)


def test_incidents_without_a_map_stay_unplaced(sqlite_store: Store, tmp_path: Path) -> None:
    path = table(tmp_path / "incidents.csv", HEAD, incident_rows())
    report = put(sqlite_store, "incidents", path, datum=Datum.CGCS2000)
    assert report.notes[0].en == "0 placed, 5 unlocated"


def test_numbers_of_the_file_are_kept_and_not_taken_twice(
    sqlite_store: Store, tmp_path: Path
) -> None:
    rows = [["K-1", *incident_rows()[0]], ["", *incident_rows()[1]]]
    path = table(tmp_path / "incidents.csv", ["编号", *HEAD], rows)
    put(sqlite_store, "incidents", path, datum=Datum.CGCS2000)
    with sqlite_store.read() as reading:
        assert {case.number for case in reading.incidents.all()} == {
            "K-1",
            "530324-20261123-0001",
        }
    assert refused(sqlite_store, "incidents", path, datum=Datum.CGCS2000) == {"number_taken"}


def test_a_number_beyond_counting_is_kept_and_does_not_lift_the_day(
    sqlite_store: Store, tmp_path: Path
) -> None:
    rows = [
        [f"530324-20261123-{sequence}", *incident_rows()[1]]
        for sequence in ("999999999", "999999", "1000000")
    ]
    path = table(tmp_path / "incidents.csv", ["编号", *HEAD], [*rows, ["", *incident_rows()[1]]])
    put(sqlite_store, "incidents", path, datum=Datum.CGCS2000)
    with sqlite_store.read() as reading:
        numbers = {case.number.rpartition("-")[2] for case in reading.incidents.all()}
    assert numbers == {"999999999", "999999", "1000000", "1000001"}


def test_every_fault_of_a_file_of_incidents_is_told(sqlite_store: Store, tmp_path: Path) -> None:
    county(sqlite_store, tmp_path)
    rows = [
        ["2026-11-22 23:30:00", "飞碟", WEST, SOUTH, ""],
        ["2026-11-22 23:30:00", "house_fire", 120.0, 30.0, ""],
    ]
    path = table(tmp_path / "bad.csv", HEAD, rows)
    grid_map = GridMap(loaded(sqlite_store))
    told = refused(sqlite_store, "incidents", path, datum=Datum.CGCS2000, grid_map=grid_map)
    assert told == {"unknown_kind", "position_far_away"}


def test_a_year_of_incidents_takes_seconds(sqlite_store: Store, tmp_path: Path) -> None:
    county(sqlite_store, tmp_path)
    rng = np.random.default_rng(5)
    count = 70_000
    times = np.datetime64("2026-01-01") + rng.integers(0, 300 * 86400, count).astype("m8[s]")
    frame = gpd.GeoDataFrame(
        {"received_at": times, "kind": rng.choice(["house_fire", "fight"], count)},
        geometry=gpd.points_from_xy(
            WEST + rng.random(count) * 4e-3, SOUTH + rng.random(count) * 2e-3
        ),
        crs=4490,
    )
    path = tmp_path / "incidents.parquet"
    frame.to_parquet(path)
    start = datetime.now(UTC)
    report = put(sqlite_store, "incidents", path, grid_map=GridMap(loaded(sqlite_store)))
    assert report.added == count
    assert datetime.now(UTC) - start < timedelta(seconds=40)
