"""An import killed half-way leaves the old map or the new; two at once follow one another."""

import math
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gridsvc.domain.force import Role
from gridsvc.domain.words import Text
from gridsvc.flows.demo import demo_is_due
from gridsvc.store import Store
from tests.demo_fixtures import COMMAND
from tests.import_child import SMALL
from tests.import_samples import GRIDS, areas, county, loaded, people, put
from tests.serving import served
from tests.shared import KILLS, ROOT

NEW = {"name": ["新一", "新二", "新三"], "网格员": ["甲", "乙", "丙"]}


def child(url: str, moment: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.import_child", moment, *arguments],
        cwd=ROOT,
        env={**os.environ, "GRIDSVC_DATABASE_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill_when_there(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    said = process.stdout.readline()
    process.kill()
    _, errors = process.communicate(timeout=30)
    assert said == "here\n", errors
    assert process.returncode == -signal.SIGKILL


def which(store: Store) -> str:
    """``old`` or ``new``: names, people, versions and events all say the same, or this fails."""
    published = loaded(store)
    with store.read() as reading:
        versions = [(one.version, one.layer) for one in reading.areas.versions()]
        events = [one.name for one in reading.events.after(0)]
    layers = ["divisions", "grids", "units"]
    if published.version == 3:
        assert [grid.name for grid in published.grids] == list(GRIDS)
        assert (people(store), events) == ({}, ["map_published"] * 3)
    else:
        layers.append("grids")
        assert [grid.name for grid in published.grids] == NEW["name"]
        assert {one.name for one in people(store).values()} == set(NEW["网格员"])
        assert events == ["map_published"] * 4 + ["responders_imported"]
    assert versions == list(enumerate(layers, start=1))
    return "old" if published.version == 3 else "new"


@pytest.mark.parametrize(
    "moment", ["INSERT INTO map_version", "INSERT INTO grid", "INSERT INTO event", "COMMIT"]
)
def test_an_import_that_is_killed_leaves_the_old_map(
    store: Store, store_url: str, tmp_path: Path, moment: str
) -> None:
    county(store, tmp_path)
    path = areas(tmp_path / "new.gpkg", GRIDS, **NEW)
    kill_when_there(child(store_url, moment, "import", "grids", str(path)))
    assert which(store) == "old"
    put(store, "grids", path)  # nothing of the dead one is in the way
    assert which(store) == "new"


@pytest.mark.soak
def test_an_import_that_is_killed_at_any_moment_leaves_the_old_map_or_the_new(
    store: Store, store_url: str, tmp_path: Path, demo_files: Path
) -> None:
    for kind in ("divisions", "grids", "units"):
        put(store, kind, demo_files / f"{kind}.gpkg")
    before, old_people, whole = loaded(store), people(store), ("grids", "units")
    env = {**os.environ, "GRIDSVC_DATABASE_URL": store_url, "GRIDSVC_DATA": str(tmp_path)}
    renamed = areas(
        tmp_path / "new.gpkg",
        {grid.code: grid.geometry for grid in before.grids},
        name=[f"新{grid.name}" for grid in before.grids],
        residents=[(grid.residents or 0) + 1 for grid in before.grids],
    )
    chance = random.Random(530324)
    command = [COMMAND, "import", "grids", str(renamed)]
    version = before.version
    for _ in range(math.ceil(KILLS * 0.12)):
        process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
        time.sleep(chance.uniform(2.0, 8.0))
        process.kill()
        process.wait(timeout=30)
        now = loaded(store)
        assert all(len(getattr(now, name)) == len(getattr(before, name)) for name in whole)
        news = {grid.name.startswith("新") for grid in now.grids}
        assert news == {now.version > before.version}
        assert now.version in (version, version + 1)
        assert people(store) == old_people
        version = now.version
    done = subprocess.run(command, env=env, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0


def test_an_import_that_was_overtaken_is_checked_again_on_the_newer_map(
    store: Store, store_url: str, tmp_path: Path
) -> None:
    county(store, tmp_path, units=False)
    first = areas(tmp_path / "first.gpkg", GRIDS, name=NEW["name"])
    other = Store.open(store_url)
    steps: list[str] = []

    def overtake(step: Text) -> None:
        steps.append(step.en)
        if steps.count("storing") == 1 and step.en == "storing":
            put(other, "units", areas(tmp_path / "units.gpkg", {f"{code}01": GRIDS[code]
                for code in GRIDS}))  # fmt: skip

    report = put(store, "grids", first, progress=overtake)
    other.close()
    assert steps == ["reading grids", "checking", "storing", "checking", "storing"]
    assert report.version == 4
    published = loaded(store)
    assert [grid.name for grid in published.grids] == NEW["name"]
    assert len(published.units) == len(GRIDS)


def test_two_processes_import_at_once_on_one_postgis(
    postgres_store: Store, postgres_url: str, tmp_path: Path
) -> None:
    county(postgres_store, tmp_path)
    names = {"A": ["甲一", "甲二", "甲三"], "B": ["乙一", "乙二", "乙三"]}
    files = {who: areas(tmp_path / f"{who}.gpkg", GRIDS, name=said) for who, said in names.items()}
    both = [child(postgres_url, "never", "import", "grids", str(file)) for file in files.values()]
    said = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    with postgres_store.read() as reading:
        versions = reading.areas.versions()
        events = [one.payload["version"] for one in reading.events.after(0)]
    assert [one.version for one in versions] == [1, 2, 3, 4, 5] == events
    assert {one.source for one in versions[3:]} == {"A.gpkg", "B.gpkg"}
    last = versions[-1].source[0]
    assert [grid.name for grid in loaded(postgres_store).grids] == names[last]


def holds_the_demo(store: Store) -> None:
    published = loaded(store)
    assert (len(published.grids), len(published.units)) == (SMALL.grids, SMALL.units)
    roles = {one.role for one in people(store).values()}
    assert roles >= {Role.MEDIATOR, Role.DOCTOR, Role.TOWNSHIP_TEAM, Role.AMBULANCE, Role.FIRE_CREW}
    with store.read() as reading:
        assert reading.incidents.count() == SMALL.incidents
    assert not demo_is_due(store)


@pytest.mark.parametrize("moment", ["INSERT INTO unit", "case"])
def test_a_demo_that_was_cut_short_goes_on_where_it_stopped(
    store: Store, store_url: str, tmp_path: Path, moment: str
) -> None:
    kill_when_there(child(store_url, moment, "demo", str(tmp_path)))
    assert demo_is_due(store)
    with store.read() as reading:
        before = [one.layer for one in reading.areas.versions()]
    again = child(store_url, "never", "demo", str(tmp_path))
    _, errors = again.communicate(timeout=60)
    assert again.returncode == 0, errors
    with store.read() as reading:
        layers = [one.layer for one in reading.areas.versions()]
    assert layers[: len(before)] == before
    assert layers == ["divisions", "grids", "units"]
    holds_the_demo(store)


@pytest.mark.soak
def test_the_first_run_is_killed_and_started_again(tmp_path: Path) -> None:
    env = {**os.environ, "GRIDSVC_DATA": str(tmp_path / "data"), "GRIDSVC_PORT": "0"}
    process = subprocess.Popen(
        [COMMAND, "run"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(35)
    process.kill()
    process.wait(timeout=30)
    with served([COMMAND, "run"], cwd=tmp_path, env=env, log=tmp_path / "log"):
        store = Store.open(f"sqlite:///{tmp_path / 'data' / 'gridsvc.sqlite'}")
        published = loaded(store)
        assert (len(published.grids), len(published.units)) == (8_146, 14_662)
        assert {one.role for one in people(store).values()} >= {Role.MEDIATOR, Role.AMBULANCE}
        with store.read() as reading:
            assert reading.incidents.count() == 70_000
        assert not demo_is_due(store)
        store.close()
