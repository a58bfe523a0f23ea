"""Roads and closures in both stores, and how an import of them goes."""

import dataclasses
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import shapely
from click.testing import CliRunner
from sqlalchemy import text

from gridsvc.cli import cli
from gridsvc.domain.errors import GridsvcError
from gridsvc.domain.force import Vehicle
from gridsvc.domain.roads import Closure, RoadNetwork
from gridsvc.flows.road_import import import_roads
from gridsvc.flows.roadload import load_roads
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings
from gridsvc.store import Store
from tests.road_samples import crossing, line_of, lines_network, osm_file

NOW = datetime(2026, 11, 24, 1, 2, 3, 4, tzinfo=UTC)
ROAD = {"highway": "residential", "name": "东街", "maxspeed": "40", "surface": "asphalt"}


def same(a: RoadNetwork | None, b: RoadNetwork) -> bool:
    """Everything but the version, bit for bit."""
    assert a is not None
    return all(
        getattr(a, one.name).dtype.kind == getattr(b, one.name).dtype.kind
        and np.array_equal(
            getattr(a, one.name),
            getattr(b, one.name),
            equal_nan=getattr(b, one.name).dtype.kind == "f",
        )
        for one in dataclasses.fields(RoadNetwork)
        if one.name != "version"
    )


def barred(folder: Path) -> RoadNetwork:
    """Roads with a barrier, a limit, and edges of no length."""
    from tests.road_samples import osm_network

    ways = [([1, 2, 3], ROAD), ([2, 102], {"highway": "track"})]
    return osm_network(osm_file(folder / "b.osm.pbf", ways, tags={2: {"barrier": "bollard"}}))


def closure(key: str, **given: object) -> Closure:
    values: dict[str, object] = {
        "id": key,
        "geometry": line_of((104.1 + 1 / 3, 24.8), (104.5, 24.9)),
        "edges": ("1:0",),
        "vehicles": frozenset({Vehicle.CAR, Vehicle.MOTORCYCLE}),
        "starts_at": NOW,
        "ends_at": NOW + timedelta(hours=3),
        "reason": "塌方",
        "made_by": "local",
        "made_at": NOW,
        **given,
    }
    return Closure(**values)  # type: ignore[arg-type]


def test_roads_come_back_bit_for_bit_and_replace_those_before(store: Store, tmp_path: Path) -> None:
    with store.read() as reading:
        assert reading.roads.load() is None
    for version, network in enumerate((crossing(), barred(tmp_path), crossing()), 1):
        with store.write() as work:
            made = work.roads.publish(network, source="a.osm.pbf", at=NOW)
        assert (made.version, made.nodes, made.edges) == (version, network.nodes, network.edges)
        with store.read() as reading:
            found, current = reading.roads.load(), reading.roads.current()
        assert same(found, network)
        assert found is not None
        assert found.version == version
        assert current == made


def test_postgis_can_read_the_lines_itself(postgres_store: Store) -> None:
    network = crossing()
    with postgres_store.write() as work:
        work.roads.publish(network, source="a", at=NOW)
    query = text("SELECT edge, ST_Length(geometry::geography), ST_SRID(geometry) FROM road_edge")
    with postgres_store.read() as reading:
        rows = reading.areas.connection.execute(query).all()
    metres = dict(zip(network.edge.tolist(), network.length_m.tolist(), strict=True))
    assert {row[0]: row[2] for row in rows} == dict.fromkeys(metres, 4490)
    for edge, length, _ in rows:
        assert length == pytest.approx(metres[edge], abs=1e-3)


def test_an_import_that_fails_leaves_the_old_roads(store: Store) -> None:
    with store.write() as work:
        work.roads.publish(crossing(), source="old", at=NOW)

    def halfway() -> None:
        with store.write() as work:
            work.roads.publish(lines_network([[(104.3, 24.8), (104.4, 24.8)]]), source="x", at=NOW)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        halfway()
    with store.read() as reading:
        assert same(reading.roads.load(), crossing())


def test_closures_come_back_and_are_lifted_once(store: Store) -> None:
    box = shapely.box(104.3, 24.8, 104.4, 24.9)
    every = (closure("b", ends_at=None), closure("c", geometry=box), closure("d", geometry=None))
    with store.write() as work:
        for one in every:
            work.roads.close(one)
    with store.read() as reading:
        assert reading.roads.closures() == every
        assert reading.roads.closure("c") == every[1]
        assert reading.roads.closure("x") is None
    with store.write() as work:
        assert work.roads.lift("c", at=NOW)
        assert not work.roads.lift("c", at=NOW)
        assert not work.roads.lift("x", at=NOW)
    with store.read() as reading:
        assert reading.roads.closures(standing=True) == (every[0], every[2])
        assert reading.roads.closure("c") == dataclasses.replace(every[1], lifted_at=NOW)


def test_the_kept_arrays_are_the_roads_and_a_broken_file_is_made_anew(
    sqlite_store: Store, tmp_path: Path
) -> None:
    network = barred(tmp_path)
    with sqlite_store.write() as work:
        work.roads.publish(network, source="a", at=NOW)
    cache = tmp_path / "cache"
    for broken in (False, False, True):
        if broken:
            (kept,) = cache.glob("roads-*.npz")
            kept.write_bytes(kept.read_bytes()[:100])
        with sqlite_store.read() as reading:
            assert same(load_roads(reading, cache=cache), network)
        (kept,) = cache.glob("roads-*.npz")
        assert kept.stat().st_size > 100
    with sqlite_store.write() as work:
        work.roads.publish(crossing(), source="b", at=NOW)
    with sqlite_store.read() as reading:
        assert same(load_roads(reading, cache=cache), crossing())
    assert len(list(cache.iterdir())) == 1


def test_a_process_learns_of_roads_and_closures_of_another(store_url: str, tmp_path: Path) -> None:
    other = Store.open(store_url)
    runtime = Runtime.open(Settings.read(data=tmp_path / "served", database_url=store_url))
    try:
        assert runtime.roads() is None
        runtime.watch()
        path = osm_file(tmp_path / "a.osm.pbf", [([1, 2], ROAD)])
        done = import_roads(other, path, clock=lambda: NOW)
        assert done.version == 1
        _until(lambda: runtime.roads() is not None)
        network = runtime.roads()
        assert network is not None
        assert network.name.tolist() == ["东街"]
        again = Runtime.open(Settings.read(data=tmp_path / "b", database_url=store_url))
        assert same(again.roads(), network)
        from gridsvc.flows.closures import Order

        line = line_of((104.301, 24.88), (104.302, 24.88))
        order = Order(line, (), frozenset(Vehicle), None, None, "施工")
        made = again.close_road(order, caller=again.local)
        assert again.closures() == (made.closure,)
        _until(lambda: runtime.closures() == (made.closure,))
        again.lift_closure(made.closure.id, caller=again.local)
        assert again.closures() == ()
        _until(lambda: runtime.closures() == ())
        again.close()
        with other.read() as reading:
            told = [(one.name, one.payload) for one in reading.events.after(0)]
        assert [name for name, _ in told] == ["roads_imported", "road_closed", "road_reopened"]
        assert "施工" not in str(told)
    finally:
        runtime.close()
        other.close()
    assert not [one for one in threading.enumerate() if one.name == "roads"]


def _until(true: object, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end, "nothing was learned"
        time.sleep(0.02)


def test_the_command_imports_reports_and_writes_what_looks_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDSVC_DATA", str(tmp_path / "data"))
    path = osm_file(
        tmp_path / "县城.osm.pbf",
        [([1, 2, 3], ROAD), ([3, 4], {"highway": "proposed"}), ([301, 302], ROAD)],
    )
    faults = tmp_path / "faults.geojson"
    run = CliRunner().invoke
    tried = run(cli, ["import", "roads", str(path), "--dry-run", "--faults", str(faults)])
    assert tried.exit_code == 0, tried.output
    assert "未导入，仅检查" in tried.output
    assert "节点 4，路段 2" in tried.output
    assert "在建、规划或废弃，未导入：1 条（2）" in tried.output
    assert "汽车：2 个互不连通的部分" in tried.output
    assert faults.read_text("utf-8") == '{"type": "FeatureCollection", "features": []}'
    with pytest.raises(GridsvcError, match="--overwrite"):
        run(cli, ["import", "roads", str(path), "--faults", str(faults)], catch_exceptions=False)
    done = run(cli, ["import", "roads", str(path), "--faults", str(faults), "--overwrite"])
    assert "已导入道路，版本 1" in done.output, done.output
    with pytest.raises(GridsvcError, match="leave this option out"):
        run(cli, ["import", "roads", str(path), "--map", "a=b"], catch_exceptions=False)
    store = Store.open(Settings.read().url)
    with store.read() as reading:
        assert reading.roads.current() is not None
    store.close()
