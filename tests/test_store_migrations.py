"""Migrating, opening what is not migrated, and databases that cannot be used."""

import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from click.testing import CliRunner
from sqlalchemy import make_url, text

from gridsvc.cli import cli
from gridsvc.domain.errors import ConflictError, NotReadyError, SettingsError
from gridsvc.store import Store, engine
from gridsvc.store.migrate import HEAD, alembic_config, autogenerate_options
from gridsvc.store.tables import metadata
from tests.postgres import Cluster
from tests.store_samples import NOON, publish_sample

ROOT = Path(__file__).parents[1]


def test_the_migrated_schema_is_the_declared_one(store: Store) -> None:
    with store.write() as work:
        connection = work.areas.connection
        options: dict[str, Any] = autogenerate_options(connection.dialect.name)
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


def test_declared_and_migrated_checks_have_the_same_names(store: Store) -> None:
    with store.read() as reading:
        dialect = reading.areas.dialect
        if dialect == "postgresql":
            query = "SELECT conname FROM pg_constraint WHERE contype = 'c' AND conname LIKE 'ck%'"
            migrated = set(reading.areas.connection.execute(text(query)).scalars())
        else:
            query = "SELECT sql FROM sqlite_master WHERE type = 'table'"
            words = " ".join(reading.areas.connection.execute(text(query)).scalars()).split()
            migrated = {word for word in words if word.startswith("ck_")}
    declared = {
        str(constraint.name)
        for table in metadata.tables.values()
        for constraint in table.constraints
        if str(constraint.name).startswith("ck_")
        and (dialect == "postgresql" or not str(constraint.name).endswith("_same"))
    }
    assert migrated == declared


def test_the_revision_this_program_asks_for_is_the_last_of_its_migrations() -> None:
    assert ScriptDirectory.from_config(alembic_config()).get_current_head() == HEAD


def test_a_store_that_is_not_migrated_says_what_to_do(empty_url: str) -> None:
    store = Store.open(empty_url)
    assert store.revision() == (None, HEAD)
    for use in (store.read, store.write):
        with pytest.raises(NotReadyError, match="gridsvc db upgrade"), use():
            pass
    store.upgrade()
    assert store.revision() == (HEAD, HEAD)
    publish_sample(store)
    store.upgrade()  # again: nothing happens to the data
    with store.read() as reading:
        assert reading.areas.version() == 1
    store.close()


def test_a_store_of_a_later_program_is_left_alone(store: Store, store_url: str) -> None:
    with store.write() as work:
        work.areas.connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    later = Store.open(store_url)
    with pytest.raises(NotReadyError, match="upgrade the program"), later.read():
        pass
    with pytest.raises(NotReadyError, match="upgrade the program"):
        later.upgrade()
    later.close()


def test_processes_that_start_at_once_migrate_once(empty_url: str) -> None:
    starters = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.store_child", "upgrade", empty_url],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for starter in starters:
        assert starter.stdout is not None
        assert starter.stdout.readline() == "ready\n"
    for starter in starters:
        assert starter.stdin is not None
        starter.stdin.write("go\n")
        starter.stdin.flush()
    for starter in starters:
        starter.communicate(timeout=60)
    assert [starter.returncode for starter in starters] == [0, 0, 0]
    store = Store.open(empty_url)
    publish_sample(store)
    store.close()


def test_the_working_folder_does_not_matter(
    empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = nowhere\n")
    monkeypatch.chdir(tmp_path)
    store = Store.open(empty_url)
    store.upgrade()
    store.close()


def test_a_sqlite_file_gets_its_folder_and_durable_settings(tmp_path: Path) -> None:
    file = tmp_path / "a" / "罗平 数据" / "b.sqlite"
    store = Store.open(f"sqlite:///{file}")
    store.upgrade()
    with store.read() as reading:
        ask = reading.areas.connection.exec_driver_sql
        assert ask("PRAGMA journal_mode").scalar() == "wal"
        assert ask("PRAGMA synchronous").scalar() == 2
        assert ask("PRAGMA foreign_keys").scalar() == 1
    store.close()
    assert file.is_file()


def test_a_postgresql_user_may_leave_the_driver_out(postgres_url: str) -> None:
    store = Store.open(postgres_url.replace("postgresql+psycopg:", "postgresql:"))
    publish_sample(store)
    store.close()


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "mysql://u:secret@host/x", "sqlite://", "sqlite:///:memory:", "oracle://x"],
)
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Store.open(url)
    assert "secret" not in refused.value.say("en")


def test_a_server_that_is_not_there(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = Store.open(f"postgresql://user:secret@/db?host={tmp_path}")
    for use in (store.read, store.write):
        with pytest.raises(NotReadyError, match="GRIDSVC_DATABASE_URL") as refused, use():
            pass
        for told in (refused.value.say("en"), refused.value.say("zh")):
            assert "secret" not in told
            assert str(tmp_path) not in told
            assert "user" not in told
    assert str(tmp_path) in caplog.text  # the operator finds the reason there
    assert "secret" not in caplog.text
    with pytest.raises(NotReadyError):
        store.upgrade()


def test_a_file_that_is_no_database(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "photo.jpg"
    file.write_bytes(b"\xff\xd8\xff" * 1000)
    with pytest.raises(NotReadyError, match="cannot use the database") as refused:
        Store.open(f"sqlite:///{file}").upgrade()
    assert "photo.jpg" not in refused.value.say("zh")
    assert "photo.jpg" in caplog.text
    assert "not a database" in caplog.text


def test_a_database_that_another_program_writes_to_is_busy_and_not_down(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_S", 0.2)
    publish_sample(sqlite_store)
    with sqlite_store.read() as reading:
        file = reading.areas.connection.exec_driver_sql("PRAGMA database_list").all()[0][2]
    impatient = Store.open(f"sqlite:///{file}")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(ConflictError) as refused, impatient.write():
        pass
    assert [fault.code for fault in refused.value.faults] == ["store_busy"]
    other.close()
    with impatient.write() as work:
        work.numbers.next_case_number("罗平", NOON.date())
    impatient.close()


def test_a_file_that_cannot_be_written_to_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "old.sqlite"
    with closing(sqlite3.connect(file)) as made:
        made.execute("CREATE TABLE t (x)")
    started = time.monotonic()
    with (
        closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        engine._use_wal(connection)
    assert time.monotonic() - started < 5


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotReadyError, match="cannot use the database"):
        Store.open(f"sqlite:///{tmp_path / 'file' / 'x.sqlite'}")


def test_a_user_without_the_right_to_make_postgis(
    postgres_cluster: Cluster, empty_postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    database = str(make_url(empty_postgres_url).database)
    with postgres_cluster.connect(database) as connection:
        connection.execute("DROP EXTENSION postgis")
        connection.execute(f"CREATE ROLE clerk_{database} LOGIN")
        connection.execute(f"GRANT ALL ON SCHEMA public TO clerk_{database}")
    store = Store.open(empty_postgres_url.replace("gridsvc@", f"clerk_{database}@"))
    with pytest.raises(NotReadyError, match="cannot use the database"):
        store.upgrade()
    assert "permission denied to create extension" in caplog.text
    store.close()


def test_the_command_line(empty_url: str) -> None:
    run, env = CliRunner(), {"GRIDSVC_DATABASE_URL": empty_url, "GRIDSVC_LANG": "en"}
    before = run.invoke(cli, ["db", "status"], env=env)
    assert f"schema: nothing, needed: {HEAD}" in before.output
    assert isinstance(before.exception, NotReadyError)
    assert f"from nothing to {HEAD}" in run.invoke(cli, ["db", "upgrade"], env=env).output
    assert f"already at {HEAD}" in run.invoke(cli, ["db", "upgrade"], env=env).output
    after = run.invoke(cli, ["db", "status"], env=env)
    assert after.exit_code == 0
    assert "map version 0, 0 incidents, 0 events" in after.output
    assert (
        f"数据库结构：{HEAD}"
        in run.invoke(cli, ["db", "status"], env={**env, "GRIDSVC_LANG": "zh"}).output
    )
