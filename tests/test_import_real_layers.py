"""Published layers of others go into the store, and what went in comes out and in again."""

import csv
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import shapely

from geodata.faults import FaultCode
from geodata.layer import LayerKind
from gridsvc.domain.errors import LayerError
from gridsvc.domain.geo import Datum
from gridsvc.flows.exporting import export_layer
from gridsvc.flows.reports import Report
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings
from gridsvc.store import Store
from tests.import_samples import G1, GRIDS, UNITS, areas, county, loaded, people, put, table
from tests.layers import SOUTH, WEST
from tests.shared import shared_data

F = FaultCode
ANY_CODE = {F.CODE_OFF_SCHEME}


def villages(path: Path, names: list[str]) -> Path:
    rows = [("530324", "县"), ("530324001", "乡")]
    rows += [(f"530324001{place:03d}", name) for place, name in enumerate(names, start=1)]
    return table(path, ["区划编码", "名称"], rows)


def test_the_italian_control_goes_in_whole(sqlite_store: Store, tmp_path: Path) -> None:
    path = shared_data("coverages", "it_comuni_7900", "it_comuni_7900.gpkg")
    provinces = [f"{number:03d}" for number in range(1, 112)]
    put(sqlite_store, "divisions", villages(tmp_path / "d.csv", provinces))
    columns = {"code": "com_istat_code", "village": "prov_istat_code"}
    start = time.process_time()
    report = put(sqlite_store, "grids", path, columns=columns, accept=ANY_CODE)
    assert time.process_time() - start < 40
    assert report.accepted == {F.CODE_OFF_SCHEME: 7899}
    published = loaded(sqlite_store)
    assert len(published.grids) == 7899
    assert all(shapely.is_valid(grid.geometry) for grid in published.grids)
    # One commune has a part thinner than a tenth of a millimetre: it is cut off and named.
    assert [note.en for note in report.notes if "thinner" in note.en] == [
        "1 areas have parts thinner than the 1e-9 degree grid (0.1 mm), which were cut off: "
        "row 7639 (096065)"
    ]


@pytest.mark.parametrize("file", ["twVillage1982.topo.json", "tw_villages_8067.gpkg"])
def test_taiwan_is_refused_for_its_repeated_codes_and_nothing_changes(
    sqlite_store: Store, tmp_path: Path, file: str
) -> None:
    path = shared_data("coverages", "tw_villages_8067", file)
    put(sqlite_store, "divisions", villages(tmp_path / "d.csv", ["村"]))
    given: dict[str, Any] = {"columns": {"code": "VILLAGEID"}, "datum": Datum.WGS84}
    with pytest.raises(LayerError) as error:
        put(sqlite_store, "grids", path, **given)
    told = {fault.code for fault in error.value.faults}
    assert {"code_repeated", "invalid", "overlap", "code_off_scheme", "unknown_parent"} <= told
    assert ("null_geometry" in told) is file.endswith(".json")
    assert loaded(sqlite_store).version == 1


def test_cornwall_goes_in_once_its_faults_are_accepted(store: Store, tmp_path: Path) -> None:
    path = shared_data("coverages", "uk_oa_cornwall", "uk_oa_cornwall.geojson")
    put(store, "divisions", villages(tmp_path / "d.csv", ["E06000052", "E06000053"]))
    columns = {"code": "OA11CD", "village": "LAD11CD"}
    report = put(store, "grids", path, columns=columns, accept={*ANY_CODE, F.INVALID})
    assert report.accepted == {F.INVALID: 6, F.CODE_OFF_SCHEME: 1792}
    assert len(loaded(store).grids) == 1792
    with store.read() as reading:
        assert reading.areas.versions()[-1].accepted_faults == {
            "invalid": 6,
            "code_off_scheme": 1792,
        }


@pytest.fixture
def full(sqlite_store: Store, tmp_path: Path) -> Store:
    """A county with its people, of whom some are known by the layers alone."""
    put_people(sqlite_store, tmp_path)
    return sqlite_store


def put_people(store: Store, folder: Path) -> None:
    county(store, folder)
    phones = ["13800000001", None, "13800000003"]
    workers = areas(folder / "w.gpkg", GRIDS, 网格员=["甲", "=乙", "丙"], 电话=phones,
                    居民数=[10, None, 0])  # fmt: skip
    put(store, "grids", workers)
    put(store, "units", areas(folder / "s.gpkg", UNITS, 吹哨人=["丁", "戊", "己"]))
    head = ["编号", "姓名", "角色", "责任区", "能力", "夜间", "经度", "纬度"]
    rows = [["M1", "调解一", "调解员", "530324001", "矛盾调解", "是", WEST + 1e-3, SOUTH + 1e-3]]
    put(store, "responders", table(folder / "r.csv", head, rows), datum=Datum.CGCS2000)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("ending", ["gpkg", "parquet", "geojson", "shp", "fgb", "csv", "xlsx"])
def test_what_is_exported_makes_the_same_map_in_an_empty_store(
    full: Store, tmp_path: Path, ending: str, lang: Any
) -> None:
    other = Store.open(f"sqlite:///{tmp_path / 'other' / 'gridsvc.sqlite'}")
    other.upgrade()
    goes_over(full, other, tmp_path, ending, lang)
    other.close()


def test_a_map_that_went_through_a_shapefile_is_unchanged(full: Store, tmp_path: Path) -> None:
    for kind in ("grids", "units"):
        path = tmp_path / f"{kind}-out.shp"
        export_layer(full, LayerKind(kind), path, lang="zh")
        change = put(full, kind, path).change
        assert change is not None
        assert (change.added, change.changed, change.removed) == (0, 0, 0)


def test_a_map_goes_from_the_embedded_store_to_postgis_and_back(
    full: Store, postgres_store: Store, tmp_path: Path
) -> None:
    goes_over(full, postgres_store, tmp_path, "gpkg", "zh")
    back = Store.open(f"sqlite:///{tmp_path / 'back' / 'gridsvc.sqlite'}")
    back.upgrade()
    goes_over(postgres_store, back, tmp_path, "parquet", "en")
    back.close()


def goes_over(first: Store, second: Store, folder: Path, ending: str, lang: Any) -> None:
    given = {"datum": Datum.CGCS2000} if ending in ("csv", "xlsx") else {}
    for kind in ("divisions", "grids", "units", "responders"):
        path = folder / f"{kind}-out.{ending}"
        export_layer(first, LayerKind(kind), path, lang=lang)
        put(second, kind, path, **given)
    before, after = loaded(first), loaded(second)
    assert after.divisions == before.divisions
    assert after.grids == before.grids  # names, kinds, residents and every vertex
    assert after.units == before.units
    assert people(second) == people(first)  # grid workers and sentinels, and those of the list


def test_a_new_incident_follows_the_imported_numbers(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    store = Store.open(settings.url)
    store.upgrade()
    county(store, tmp_path)
    store.close()
    runtime = Runtime.open(settings)
    now = runtime.clock()
    today = f"{now + timedelta(hours=8):%Y%m%d}"
    path = tmp_path / "incidents.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["案件编号", "接报时间", "事件类型"])
        writer.writerow([f"罗平-{today}-0041", now.isoformat(), "邻里纠纷"])
        writer.writerow(["", now.isoformat(), "邻里纠纷"])
    put(runtime.store, "incidents", path, grid_map=runtime.map())
    with runtime.store.read() as reading:
        numbers = {one.number for one in reading.incidents.all()}
        assert reading.incidents.taken({f"罗平-{today}-0041", "nobody's"}) == {f"罗平-{today}-0041"}
    assert numbers == {f"罗平-{today}-0041", f"罗平-{today}-0042"}
    receipt = runtime.receive(
        Report(category="dispute", kind="neighbour_quarrel", text="吵架", grid=G1)
    )
    assert receipt.incident.number == f"罗平-{today}-0043"
    runtime.close()
