"""Backing up and restoring: both stores, each into the other, and every file that is not whole."""

import hashlib
import json
import random
import signal
import stat
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from click.testing import CliRunner

from gridsvc.cli import cli
from gridsvc.domain.errors import ConflictError, GridsvcError, InputError, NotReadyError
from gridsvc.flows.backups import MANIFEST, back_up, restore
from gridsvc.store import Store, migrate
from gridsvc.store.migrate import HEAD, alembic_config
from gridsvc.store.tables import metadata
from tests.backup_samples import NOW, fill, rows, tables_of
from tests.postgres import MIGRATED, POSTGIS, Cluster
from tests.shared import ROOT
from tests.store_child import take


@pytest.fixture(scope="module")
def sqlite_backup(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A backup of a full SQLite store, and the store's address."""
    folder = tmp_path_factory.mktemp("full")
    url = f"sqlite:///{folder / 'gridsvc.sqlite'}"
    store = Store.open(url)
    store.upgrade()
    fill(url, folder)
    back_up(store, folder / "county.backup", now=NOW)
    store.close()
    return folder / "county.backup", url


@pytest.fixture
def empty_sqlite(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'empty' / 'gridsvc.sqlite'}"


def restored(url: str, path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the store at ``url`` after restoring ``path`` into it."""
    store = Store.open(url)
    try:
        restore(store, path)
    finally:
        store.close()
    return rows(url)


def refused(url: str, path: Path, kind: type[GridsvcError] = InputError) -> list[str]:
    """The codes of the faults with which restoring is refused."""
    store = Store.open(url)
    try:
        with pytest.raises(kind) as caught:
            restore(store, path)
    finally:
        store.close()
    assert caught.value.say("zh")
    return [fault.code for fault in caught.value.faults]


def test_every_row_of_every_table_comes_back(
    store_url: str, tmp_path: Path, postgres_cluster: Cluster, empty_sqlite: str
) -> None:
    fill(store_url, tmp_path)
    before = rows(store_url)
    assert [name for name, found in before.items() if not found] == [], "the sample is too small"
    store = Store.open(store_url)
    made = back_up(store, tmp_path / "b", now=NOW)
    store.close()
    assert {table.name: table.rows for table in made.tables} == {
        name: len(found) for name, found in before.items()
    }
    assert restored(empty_sqlite, tmp_path / "b") == before
    with postgres_cluster.database(POSTGIS) as url:
        assert restored(url, tmp_path / "b") == before
        store = Store.open(url)
        back_up(store, tmp_path / "again", now=NOW)
        store.close()
    there_and_back = f"sqlite:///{tmp_path / 'third' / 'gridsvc.sqlite'}"
    assert restored(there_and_back, tmp_path / "again") == before


def test_work_goes_on_where_the_backup_ended(
    sqlite_backup: tuple[Path, str], empty_url: str
) -> None:
    path, url = sqlite_backup
    restored(empty_url, path)
    events = rows(url)["event"]
    store = Store.open(empty_url)
    with store.write() as work:
        taken = take(work, "next")
    with store.read() as reading:
        positions = [one.position for one in reading.events.after(0)]
        numbers = [incident.number for incident in reading.incidents.all()]
    store.close()
    assert positions == list(range(1, len(events) + 2))
    assert len(set(numbers)) == len(numbers)
    assert taken.number in numbers


@pytest.mark.parametrize("template", [POSTGIS, MIGRATED])
def test_tables_without_rows_are_an_empty_database_too(
    sqlite_backup: tuple[Path, str], postgres_cluster: Cluster, template: str
) -> None:
    path, url = sqlite_backup
    with postgres_cluster.database(template) as empty:
        assert restored(empty, path) == rows(url)


def test_a_database_with_data_is_refused_and_left_alone(
    store: Store, store_url: str, sqlite_backup: tuple[Path, str]
) -> None:
    with store.write() as work:
        take(work, "mine")
    before = rows(store_url)
    assert refused(store_url, sqlite_backup[0], ConflictError) == ["database_not_empty"]
    assert rows(store_url) == before


Change = Callable[[dict[str, bytes]], None]


def rewritten(path: Path, target: Path, change: Change) -> Path:
    """A copy of a backup with its members changed."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target


def manifest(**given: object) -> Change:
    """Give the manifest other values, and the hashes that go with the members."""

    def change(members: dict[str, bytes]) -> None:
        told = {**json.loads(members[MANIFEST]), **given}
        for table in told["tables"]:
            content = members[f"tables/{table['name']}.jsonl"]
            table["sha256"] = hashlib.sha256(content).hexdigest()
            table["rows"] = content.count(b"\n")
        members[MANIFEST] = json.dumps(told).encode()

    return change


def one_letter(members: dict[str, bytes]) -> None:
    members["tables/incident.jsonl"] = members["tables/incident.jsonl"].replace(
        b"530324", b"530325"
    )


def one_row_less(members: dict[str, bytes]) -> None:
    members["tables/event.jsonl"] = members["tables/event.jsonl"].rpartition(b"\n[")[0] + b"\n"


def no_table(members: dict[str, bytes]) -> None:
    del members["tables/incident.jsonl"]
    members["more"] = b""


def no_manifest(members: dict[str, bytes]) -> None:
    del members[MANIFEST]


def a_hole(members: dict[str, bytes]) -> None:
    lines = members["tables/event.jsonl"].splitlines(keepends=True)
    members["tables/event.jsonl"] = b"".join(lines[:1] + lines[2:])
    manifest()(members)


def no_json(members: dict[str, bytes]) -> None:
    members["tables/counter.jsonl"] = b"[1,\n"
    manifest()(members)


def bad_geometry(members: dict[str, bytes]) -> None:
    lines = [json.loads(line) for line in members["tables/grid.jsonl"].splitlines()]
    lines[0][-1] = "AAAA"
    members["tables/grid.jsonl"] = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    manifest()(members)


def another_table(members: dict[str, bytes]) -> None:
    told = json.loads(members[MANIFEST])
    told["tables"].append({"name": "alembic_version", "columns": [], "rows": 0, "sha256": ""})
    members["tables/alembic_version.jsonl"] = b""
    members[MANIFEST] = json.dumps(told).encode()
    manifest()(members)


@pytest.mark.parametrize(
    ("change", "kind", "codes"),
    [
        (one_letter, InputError, ["backup_damaged"]),
        (one_row_less, InputError, ["backup_damaged"]),
        (no_table, InputError, ["backup_parts", "backup_parts"]),
        (no_manifest, InputError, ["not_a_backup"]),
        (no_json, InputError, ["backup_rows"]),
        (bad_geometry, InputError, ["backup_rows"]),
        (another_table, InputError, ["backup_table"]),
        (a_hole, GridsvcError, ["refused_by_store"]),
        (manifest(county="110101"), InputError, ["other_county"]),
        (manifest(format=2), InputError, ["later_format"]),
        (manifest(kind="zip"), InputError, ["not_a_backup"]),
        (manifest(revision="9999"), NotReadyError, ["schema_ahead"]),
        (manifest(revision="0001"), InputError, ["backup_table"] * 9),
    ],
)
def test_what_is_not_whole_is_refused_and_nothing_is_touched(
    sqlite_backup: tuple[Path, str],
    empty_url: str,
    tmp_path: Path,
    change: Change,
    kind: type[GridsvcError],
    codes: list[str],
) -> None:
    bad = rewritten(sqlite_backup[0], tmp_path / "bad", change)
    told = refused(empty_url, bad, kind)
    assert set(told) == set(codes)
    assert tables_of(empty_url) == []


def test_the_rows_come_back_through_the_tests_own_rewriting(
    sqlite_backup: tuple[Path, str], empty_sqlite: str, tmp_path: Path
) -> None:
    path, url = sqlite_backup
    same = rewritten(path, tmp_path / "same", manifest())
    assert restored(empty_sqlite, same) == rows(url)


def test_a_truncated_file_is_refused_wherever_it_ends(
    sqlite_backup: tuple[Path, str], empty_sqlite: str, tmp_path: Path
) -> None:
    whole = sqlite_backup[0].read_bytes()
    for end in (0, 1, 100, len(whole) // 2, len(whole) - 30, len(whole) - 1):
        (tmp_path / "cut").write_bytes(whole[:end])
        assert refused(empty_sqlite, tmp_path / "cut") == ["backup_unreadable"]
    assert refused(empty_sqlite, tmp_path / "absent") == ["backup_unreadable"]
    assert refused(empty_sqlite, tmp_path) == ["backup_unreadable"]
    assert tables_of(empty_sqlite) == []


def test_a_flipped_bit_is_refused_or_changes_no_row(
    sqlite_backup: tuple[Path, str], tmp_path: Path
) -> None:
    path, url = sqlite_backup
    whole, before = path.read_bytes(), rows(url)
    chance, let_in = random.Random(530324), 0
    for n in range(80):
        bent = bytearray(whole)
        bent[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        (tmp_path / "bent").write_bytes(bent)
        target = f"sqlite:///{tmp_path / str(n) / 'gridsvc.sqlite'}"
        try:
            assert restored(target, tmp_path / "bent") == before
            let_in += 1  # a date or a right in the zip's own lists
        except GridsvcError:
            assert tables_of(target) == []
    assert let_in < 40


@pytest.mark.parametrize("moment", ["INSERT INTO grid", "INSERT INTO event", "COMMIT"])
def test_killed_half_way_the_target_is_empty(
    sqlite_backup: tuple[Path, str], empty_url: str, moment: str
) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from gridsvc.flows.backups import restore\n"
        "from gridsvc.store import Store\n"
        "from tests.store_child import stopping_at\n"
        "store = Store.open(sys.argv[1])\n"
        "with stopping_at(store, sys.argv[3]):\n"
        "    restore(store, Path(sys.argv[2]))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, empty_url, str(sqlite_backup[0]), moment],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    process.kill()
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL
    assert tables_of(empty_url) == []
    assert restored(empty_url, sqlite_backup[0])["event"]


def test_an_older_revision_is_filled_in_and_migrated(tmp_path: Path, empty_url: str) -> None:
    """The backup of the first revision is one of today's without what has come since."""
    source = Store.open(f"sqlite:///{tmp_path / 'source' / 'gridsvc.sqlite'}")
    source.upgrade()
    with source.write() as work:
        taken = take(work, "old")
    back_up(source, tmp_path / "new", now=NOW)
    source.close()
    first = columns_at(tmp_path, "0001")

    def to_first(members: dict[str, bytes]) -> None:
        told = json.loads(members[MANIFEST])
        kept = []
        for table in told["tables"]:
            member = f"tables/{table['name']}.jsonl"
            if table["name"] not in first:
                del members[member]
                continue
            names = [name for name, _ in table["columns"]]
            places = [n for n, name in enumerate(names) if name in first[table["name"]]]
            table["columns"] = [table["columns"][n] for n in places]
            lines = [json.loads(line) for line in members[member].splitlines()]
            members[member] = b"".join(
                json.dumps([line[n] for n in places]).encode() + b"\n" for line in lines
            )
            kept.append(table)
        members[MANIFEST] = json.dumps({**told, "tables": kept}).encode()
        manifest(revision="0001")(members)

    old = rewritten(tmp_path / "new", tmp_path / "old", to_first)
    found = restored(empty_url, old)
    store = Store.open(empty_url)
    assert store.revision() == (HEAD, HEAD)
    with store.read() as reading:
        assert reading.cases.get(taken.id) is not None
        assert [one.payload["incident"] for one in reading.events.after(0)] == ["old"]
    store.close()
    assert len(found["incident"]) == 1
    empty = Store.open(f"sqlite:///{tmp_path / 'ahead' / 'gridsvc.sqlite'}")
    empty.upgrade()
    with pytest.raises(ConflictError) as caught:
        restore(empty, old)
    empty.close()
    assert [fault.code for fault in caught.value.faults] == ["tables_beyond_backup"]


def columns_at(folder: Path, revision: str) -> dict[str, set[str]]:
    """The tables of a revision and their columns."""
    store = Store.open(f"sqlite:///{folder / 'at' / 'gridsvc.sqlite'}")
    with migrate.migrating(store._engine) as connection:
        command.upgrade(alembic_config(connection), revision)
        found = {
            name: {row[1] for row in connection.exec_driver_sql(f"PRAGMA table_info({name})")}
            for (name,) in connection.exec_driver_sql(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'alembic_version'"
            ).all()
        }
    store.close()
    return found


def test_taken_while_another_process_writes_it_is_one_moment(
    store: Store, store_url: str, tmp_path: Path, empty_sqlite: str
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.store_child", "write", store_url, "busy", "2", "100000"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    told: list[str] = []
    reader = threading.Thread(target=lambda: told.extend(process.stdout or ()))
    try:
        first = process.stdout.readline()
        reader.start()
        heads = []
        for n in range(3):
            made = back_up(store, tmp_path / f"b{n}", now=NOW)
            heads.append(next(table.rows for table in made.tables if table.name == "event"))
    finally:
        process.kill()
        process.wait(timeout=30)
    reader.join()
    assert first
    assert heads == sorted(set(heads)), "nothing was written meanwhile"
    for n, head in enumerate(heads):
        target = f"sqlite:///{tmp_path / f'r{n}' / 'gridsvc.sqlite'}"
        found = restored(target, tmp_path / f"b{n}")
        columns = list(metadata.tables["event"].columns.keys())
        position, payload = columns.index("position"), columns.index("payload")
        assert [row[position] for row in found["event"]] == list(range(1, head + 1))
        assert {row[payload]["incident"] for row in found["event"]} == {
            row[1] for row in found["incident"]
        }
        assert ("530324", "events", head) in found["counter"]


def test_the_commands_back_up_and_restore(
    sqlite_backup: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, url = sqlite_backup
    monkeypatch.setenv("GRIDSVC_LANG", "en")
    monkeypatch.setenv("GRIDSVC_DATABASE_URL", url)
    target = tmp_path / "county.backup"
    target.write_text("an older one")
    done = CliRunner().invoke(cli, ["backup", "-o", str(target)])
    assert done.exit_code == 0, done.output
    assert "keep it safe" in done.output
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["county.backup"]
    monkeypatch.setenv("GRIDSVC_DATABASE_URL", f"sqlite:///{tmp_path / 'new.sqlite'}")
    done = CliRunner().invoke(cli, ["restore", str(target)])
    assert done.exit_code == 0, done.output
    assert rows(f"sqlite:///{tmp_path / 'new.sqlite'}") == rows(url)
    again = CliRunner().invoke(cli, ["restore", str(target)])
    assert isinstance(again.exception, ConflictError)


def test_a_file_that_cannot_be_written_is_told_and_the_old_one_stays(
    sqlite_backup: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(sqlite_backup[1])
    with pytest.raises(InputError) as caught:
        back_up(store, tmp_path / "absent" / "b", now=NOW)
    assert caught.value.faults[0].code == "backup_not_written"
    (tmp_path / "b").write_text("the old one")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(InputError):
        back_up(store, tmp_path / "b", now=NOW)
    store.close()
    assert [path.read_text() for path in tmp_path.iterdir()] == ["the old one"]
