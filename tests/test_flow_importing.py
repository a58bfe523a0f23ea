"""Files into the store: what goes in, what is refused, and that it is all or none."""

from datetime import datetime
from pathlib import Path

import pytest
import shapely

from geodata.faults import FaultCode
from geodata.layer import LayerKind
from gridsvc.domain.area import Level
from gridsvc.domain.errors import GridsvcError, InputError, LayerError, NotReadyError
from gridsvc.domain.geo import Datum
from gridsvc.domain.topology import is_coverage, same_area
from gridsvc.flows.importing import import_file
from gridsvc.store import Store
from tests.import_samples import (
    DIVISIONS,
    G1,
    G2,
    G3,
    GRIDS,
    UNITS,
    VILLAGES,
    areas,
    county,
    loaded,
    put,
    refused,
    table,
)
from tests.layers import SOUTH, WEST, box, frame_of
from tests.shared import shared_data


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
    assert {"code_missing", "unknown_parent"} <= told


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


def test_a_part_thinner_than_the_grid_is_cut_off_and_told(
    sqlite_store: Store, tmp_path: Path
) -> None:
    county(sqlite_store, tmp_path, units=False)
    spike = shapely.Polygon(
        [(WEST, SOUTH), (WEST + 2e-3, SOUTH), (WEST + 2e-3, SOUTH + 1e-3),
         (WEST + 3e-3, SOUTH + 5e-3), (WEST + 2e-3 - 1e-11, SOUTH + 1e-3), (WEST, SOUTH + 1e-3)]
    )  # fmt: skip
    assert spike.is_valid
    path = areas(tmp_path / "spike.gpkg", {f"{VILLAGES[0]}007": spike})
    report = put(sqlite_store, "grids", path)
    assert [note.en for note in report.notes] == [
        "1 areas have parts thinner than the 1e-9 degree grid (0.1 mm), which were cut off: "
        f"row 1 ({VILLAGES[0]}007)"
    ]
    (grid,) = loaded(sqlite_store).grids
    assert grid.geometry.is_valid
    assert grid.geometry.symmetric_difference(spike).area < 1e-11
    line = shapely.Polygon([(WEST, SOUTH), (WEST + 1e-3, SOUTH), (WEST, SOUTH + 1e-11)])
    path = areas(tmp_path / "line.gpkg", {f"{VILLAGES[0]}007": line})
    with pytest.raises(LayerError) as error:
        put(sqlite_store, "grids", path)
    (fault,) = error.value.faults
    assert (fault.code, fault.where) == ("thinner_than_grid", f"{VILLAGES[0]}007")
    assert fault.text.zh.startswith("第 1 行：")


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
    assert "unknown_parent" in refused(sqlite_store, "grids", areas(tmp_path / "fewer.gpkg", fewer))


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
    ) == {"unknown_parent"}


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
    named = loaded(sqlite_store).county
    assert named is not None
    assert named.geometry == kept.geometry  # a table of codes does not take the outline away
    levels = [division.level for division in loaded(sqlite_store).divisions]
    assert levels.count(Level.VILLAGE) == 154
    assert levels.count(Level.TOWNSHIP) == 13


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
