"""Files into the store: what goes in, what is refused, and that it is all or none."""

import csv
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geodata.datum import from_cgcs2000
from geodata.faults import FaultCode
from geodata.layer import LayerKind
from gridsvc.domain.area import Level, PublishedMap
from gridsvc.domain.errors import GridsvcError, InputError, LayerError, NotReadyError
from gridsvc.domain.force import Capability, Responder, Role
from gridsvc.domain.geo import Datum, LngLat
from gridsvc.domain.topology import is_coverage, same_area
from gridsvc.flows.importing import ImportReport, import_file
from gridsvc.locating import GridMap
from gridsvc.store import Store
from tests.layers import SOUTH, WEST, box, frame_of
from tests.shared import shared_data

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
VILLAGES = ["530324001001", "530324001002"]
G1, G2, G3 = f"{VILLAGES[0]}001", f"{VILLAGES[0]}002", f"{VILLAGES[1]}001"
GRIDS = {G1: box(0, 0, 2, 1), G2: box(2, 0, 4, 1), G3: box(0, 1, 4, 2)}
UNITS = {f"{G1}01": box(0, 0, 1, 1), f"{G1}02": box(1, 0, 2, 1), f"{G2}01": box(2, 0, 4, 1)}
DIVISIONS = [
    ("530324000000", "罗平县"),
    ("530324001000", "罗雄街道"),
    (VILLAGES[0], "东关社区"),
    (VILLAGES[1], "西关社区"),
]


def put(store: Store, kind: str, path: Path, **given: Any) -> ImportReport:
    return import_file(store, path, kind, clock=lambda: NOON, **given)


def table(path: Path, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    return path


def areas(path: Path, shapes: dict[str, Any], **columns: Sequence[Any]) -> Path:
    frame_of(list(shapes.values()), code=list(shapes), **columns).to_file(path)
    return path


def divisions_file(folder: Path) -> Path:
    return table(folder / "divisions.csv", ["区划编码", "名称"], DIVISIONS)


def loaded(store: Store) -> PublishedMap:
    with store.read() as reading:
        published = reading.areas.load()
    assert published is not None
    return published


def people(store: Store) -> dict[str, Responder]:
    with store.read() as reading:
        return {one.id: one for one in reading.force.all()}


def county(store: Store, folder: Path, *, units: bool = True) -> None:
    put(store, "divisions", divisions_file(folder))
    put(store, "grids", areas(folder / "grids.gpkg", GRIDS))
    if units:
        put(store, "units", areas(folder / "units.gpkg", UNITS))


def refused(store: Store, kind: str, path: Path, **given: Any) -> set[str]:
    """Kinds of fault of a refused import, which must leave the store as it was."""
    with store.read() as reading:
        before = reading.areas.version(), reading.events.head(), len(reading.force.all())
    with pytest.raises(LayerError) as error:
        put(store, kind, path, **given)
    with store.read() as reading:
        assert before == (
            reading.areas.version(),
            reading.events.head(),
            len(reading.force.all()),
        )
    return {fault.code for fault in error.value.faults}


def test_a_county_goes_in_and_every_parent_is_the_union_of_its_children(
    store: Store, tmp_path: Path
) -> None:
    county(store, tmp_path)
    published = loaded(store)
    assert published.version == 3
    assert published.clean
    grids = {grid.code: grid for grid in published.grids}
    leaves = [*(unit.geometry for unit in published.units), grids[G3].geometry]
    assert is_coverage(leaves)
    halves = [unit.geometry for unit in published.units if unit.grid == G1]
    assert same_area(grids[G1].geometry, shapely.coverage_union_all(halves))
    by_level = {one.level: one for one in published.divisions}
    assert same_area(by_level[Level.COUNTY].geometry, shapely.coverage_union_all(leaves))
    # The corners of units on the border between G1 and G3 are now vertices of G3 as well.
    assert (round(WEST + 1e-3, 9), round(SOUTH + 1e-3, 9)) in {
        (round(x, 9), round(y, 9)) for x, y in shapely.get_coordinates(grids[G3].geometry)
    }
    with store.read() as reading:
        events = [event.name for event in reading.events.after(0)]
        versions = reading.areas.versions()
    assert events == ["map_published"] * 3
    assert [one.layer for one in versions] == ["divisions", "grids", "units"]


def test_importing_the_same_again_changes_nothing(sqlite_store: Store, tmp_path: Path) -> None:
    county(sqlite_store, tmp_path)
    for kind in ("divisions", "grids", "units"):
        path = tmp_path / ("divisions.csv" if kind == "divisions" else f"{kind}.gpkg")
        change = put(sqlite_store, kind, path).change
        assert change is not None
        assert (change.added, change.changed, change.removed) == (0, 0, 0), kind


def test_what_was_exported_goes_in_again_unchanged(sqlite_store: Store, tmp_path: Path) -> None:
    county(sqlite_store, tmp_path)
    grids = {grid.code: grid.geometry for grid in loaded(sqlite_store).grids}
    change = put(sqlite_store, "grids", areas(tmp_path / "again.gpkg", grids)).change
    assert change is not None
    assert (change.added, change.changed, change.removed) == (0, 0, 0)


@pytest.mark.parametrize(("kind", "needs"), [("grids", "no_divisions"), ("units", "no_grids")])
def test_the_layer_above_comes_first(
    sqlite_store: Store, tmp_path: Path, kind: str, needs: str
) -> None:
    path = areas(tmp_path / "areas.gpkg", GRIDS if kind == "grids" else UNITS)
    with pytest.raises(NotReadyError) as error:
        put(sqlite_store, kind, path)
    assert error.value.faults[0].code == needs


def test_every_fault_of_a_layer_of_grids_is_told(sqlite_store: Store, tmp_path: Path) -> None:
    county(sqlite_store, tmp_path, units=False)
    codes = [G1, G2, G2, "530324009009001", "12", None, f"{VILLAGES[1]}009"]
    bowtie = shapely.Polygon(
        [(WEST, SOUTH + 0.02), (WEST + 1e-3, SOUTH + 0.021), (WEST + 1e-3, SOUTH + 0.02),
         (WEST, SOUTH + 0.021)]
    )  # fmt: skip
    shapes = [box(0, 0, 2, 1), box(1, 0, 3, 1), None, bowtie, box(9, 9, 10, 10), box(12, 9, 13, 10)]
    path = tmp_path / "bad.gpkg"
    frame_of([*shapes, shapely.Polygon()], code=codes).to_file(path)
    told = refused(sqlite_store, "grids", path)
    assert {"overlap", "null_geometry", "invalid", "code_repeated", "code_off_scheme"} <= told
    assert {"code_missing", "parent_unknown"} <= told


def test_accepted_overlaps_go_in_and_are_kept_with_the_version(
    store: Store, tmp_path: Path
) -> None:
    county(store, tmp_path, units=False)
    shapes = {**GRIDS, G2: box(1.5, 0, 4, 1)}
    path = areas(tmp_path / "overlap.gpkg", shapes)
    assert refused(store, "grids", path) == {"overlap"}
    report = put(store, "grids", path, accept={FaultCode.OVERLAP})
    assert report.accepted == {FaultCode.OVERLAP: 1}
    published = loaded(store)
    assert not published.clean
    assert all(one.geometry is None or one.geometry.is_valid for one in published.divisions)
    with store.read() as reading:
        assert reading.areas.versions()[-1].accepted_faults == {"overlap": 1}
        assert reading.events.after(0)[-1].payload["accepted_faults"] == ["overlap"]


def test_an_accepted_invalid_polygon_goes_in_as_make_valid_makes_it(
    sqlite_store: Store, tmp_path: Path
) -> None:
    county(sqlite_store, tmp_path, units=False)
    bowtie = shapely.Polygon(
        [(WEST, SOUTH), (WEST + 2e-3, SOUTH + 1e-3), (WEST + 2e-3, SOUTH), (WEST, SOUTH + 1e-3)]
    )
    path = areas(tmp_path / "bowtie.gpkg", {**GRIDS, G1: bowtie})
    report = put(sqlite_store, "grids", path, accept={FaultCode.INVALID})
    assert any("make_valid" in note.en for note in report.notes)
    stored = loaded(sqlite_store).grids[0].geometry
    assert stored.is_valid
    assert stored.area == pytest.approx(shapely.make_valid(bowtie).area, rel=1e-6)


def test_only_some_faults_can_be_accepted(sqlite_store: Store, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be accepted"):
        put(sqlite_store, "grids", tmp_path / "x", accept={FaultCode.CODE_REPEATED})


def test_what_folds_over_on_the_grid_is_refused_with_its_row(
    sqlite_store: Store, tmp_path: Path
) -> None:
    county(sqlite_store, tmp_path, units=False)
    spike = shapely.Polygon(
        [(WEST, SOUTH), (WEST + 2e-3, SOUTH), (WEST + 2e-3, SOUTH + 1e-3),
         (WEST + 3e-3, SOUTH + 5e-3), (WEST + 2e-3 - 1e-11, SOUTH + 1e-3), (WEST, SOUTH + 1e-3)]
    )  # fmt: skip
    assert spike.is_valid
    path = areas(tmp_path / "spike.gpkg", {f"{VILLAGES[0]}007": spike})
    with pytest.raises(LayerError) as error:
        put(sqlite_store, "grids", path)
    assert [(f.code, f.where) for f in error.value.faults] == [
        ("folds_on_grid", f"row 0 ({VILLAGES[0]}007)")
    ]


def test_units_that_do_not_fill_their_grid_are_refused_unless_accepted(
    sqlite_store: Store, tmp_path: Path
) -> None:
    county(sqlite_store, tmp_path, units=False)
    short = areas(tmp_path / "short.gpkg", {f"{G1}01": box(0, 0, 1, 1)})
    assert refused(sqlite_store, "units", short) == {"gap"}
    over = areas(tmp_path / "over.gpkg", {f"{G1}01": box(0, 0, 2.5, 1)})
    assert refused(sqlite_store, "units", over) == {"unit_not_in_one_grid"}
    report = put(sqlite_store, "units", short, accept={FaultCode.GAP})
    assert report.accepted == {FaultCode.GAP: 1}
    assert same_area(loaded(sqlite_store).grids[0].geometry, loaded(sqlite_store).units[0].geometry)


def test_grids_that_the_units_on_the_map_do_not_fit_are_refused(
    sqlite_store: Store, tmp_path: Path
) -> None:
    county(sqlite_store, tmp_path)
    moved = {**GRIDS, G1: box(0, 0, 2.5, 1), G2: box(2.5, 0, 4, 1)}
    told = refused(sqlite_store, "grids", areas(tmp_path / "moved.gpkg", moved))
    assert "unit_not_in_one_grid" in told
    fewer = {code: shape for code, shape in GRIDS.items() if code != G2}
    assert "parent_unknown" in refused(sqlite_store, "grids", areas(tmp_path / "fewer.gpkg", fewer))


def test_a_village_may_be_named_and_a_name_that_occurs_twice_is_refused(
    sqlite_store: Store, tmp_path: Path
) -> None:
    twice = [*DIVISIONS, ("530324001003", "新村"), ("530324001004", "新村")]
    put(sqlite_store, "divisions", table(tmp_path / "d.csv", ["区划编码", "名称"], twice))
    names = ["西关社区", "东关社区", "西关社区"]
    put(sqlite_store, "grids", areas(tmp_path / "named.gpkg", GRIDS, 所属社区=names))
    villages = {grid.code: grid.village for grid in loaded(sqlite_store).grids}
    assert villages == {G1: VILLAGES[1], G2: VILLAGES[0], G3: VILLAGES[1]}
    names[0] = "新村"
    assert refused(
        sqlite_store, "grids", areas(tmp_path / "twice.gpkg", GRIDS, 所属社区=names)
    ) == {"parent_unknown"}


def test_divisions_that_lose_a_village_with_grids_are_refused(
    sqlite_store: Store, tmp_path: Path
) -> None:
    county(sqlite_store, tmp_path)
    fewer = table(tmp_path / "fewer.csv", ["区划编码", "名称"], DIVISIONS[:3])
    assert refused(sqlite_store, "divisions", fewer) == {"village_missing"}


def test_divisions_of_another_county_are_refused(sqlite_store: Store, tmp_path: Path) -> None:
    rows = [("530323", "师宗县"), ("530323001", "丹凤街道")]
    path = table(tmp_path / "other.csv", ["区划编码", "名称"], rows)
    assert refused(sqlite_store, "divisions", path) == {"other_county"}


def test_the_outline_of_a_file_is_kept_until_there_are_grids(
    sqlite_store: Store, tmp_path: Path
) -> None:
    outline = shared_data("luoping", "luoping_county_amap2020_gcj02.geojson")
    put(sqlite_store, "divisions", outline, datum=Datum.GCJ02)
    kept = loaded(sqlite_store).county
    assert kept is not None
    assert kept.geometry is not None
    codes = shared_data("luoping", "luoping_divisions_2021.csv")
    put(sqlite_store, "divisions", codes)
    levels = [division.level for division in loaded(sqlite_store).divisions]
    assert levels.count(Level.VILLAGE) == 154
    assert levels.count(Level.TOWNSHIP) == 13


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
    assert {id for id, one in people(store).items() if one.role is Role.SENTINEL} == {
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
    rows = [
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
    bad = [
        ["X1", "某", "魔术师", VILLAGES[0], "", "", "", 104.101, 24.7005],
        ["X2", "某", "村医", "999", "", "飞行", "", 105.9, 24.7],
    ]
    told = refused(
        store, "responders", table(tmp_path / "bad.csv", head, bad), datum=Datum.CGCS2000
    )
    assert told == {"role_unknown", "area_unknown", "capability_unknown", "position_far_away"}


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


def test_nothing_is_half_done_when_the_store_fails(sqlite_store: Store, tmp_path: Path) -> None:
    county(sqlite_store, tmp_path)

    def broken() -> datetime:
        raise RuntimeError("the clock stopped")

    with pytest.raises(RuntimeError):
        import_file(sqlite_store, tmp_path / "grids.gpkg", LayerKind.GRIDS, clock=broken)
    assert loaded(sqlite_store).version == 3


def test_a_file_that_is_not_there_is_an_error_of_the_family(
    sqlite_store: Store, tmp_path: Path
) -> None:
    with pytest.raises(GridsvcError):
        put(sqlite_store, "grids", tmp_path / "absent.gpkg")
