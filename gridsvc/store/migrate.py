"""Moving a database to the schema of this program, with Alembic and without an ini file.

Alembic is loaded only where something is to be migrated: every start asks for the revision.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, inspect, text

from gridsvc.store.engine import WRITING

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

HEAD = "0008"
"""The last revision in ``migrations/versions``; a test holds them together."""

_LOCK_KEY = 0x6772_6964  # "grid": any number that is the same in every process
_ONE_AT_A_TIME = threading.Lock()  # Alembic keeps the migration under way in module globals


def alembic_config(connection: Connection | None = None) -> "Config":
    """Return Alembic's configuration, for ``connection`` where something is to be run."""
    from alembic.config import Config

    config = Config()
    folder = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine) -> None:
    """Migrate to the head. Processes that start at once wait for the first, then do nothing."""
    with migrating(engine) as connection:
        upgrade_within(connection, "head")


@contextmanager
def migrating(engine: Engine) -> Iterator[Connection]:
    """One transaction in which nobody else migrates."""
    writer = engine.execution_options(**{WRITING: True})
    with _ONE_AT_A_TIME, writer.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
        yield connection


def upgrade_within(connection: Connection, revision: str) -> None:
    """Migrate up to ``revision`` in the transaction of `migrating`."""
    from alembic import command

    command.upgrade(alembic_config(connection), revision)


def current_revision(connection: Connection) -> str | None:
    """Return the revision that the database is at, None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version"))
    return found.scalar_one_or_none()


@cache
def _scripts() -> "ScriptDirectory":
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(alembic_config())


@cache
def knows(revision: str) -> bool:
    """Whether ``revision`` is one of this program's, not of a later one."""
    return revision == HEAD or any(
        script.revision == revision for script in _scripts().walk_revisions()
    )


def is_before(revision: str, other: str) -> bool:
    """Whether the database was at ``revision`` before it came to ``other``; both are known."""
    earlier = (script.revision for script in _scripts().iterate_revisions(other, "base"))
    return revision != other and revision in earlier


def autogenerate_options(dialect: str) -> dict[str, Any]:
    """Options for Alembic's context: what it must not take for a difference."""

    def include(item: Any, name: str | None, kind: str, reflected: bool, _other: Any) -> bool:
        if kind == "table" and reflected:
            return name != "spatial_ref_sys"
        if kind == "index" and not reflected and dialect != "postgresql":
            # Declared with ddl_if, which autogenerate does not look at.
            return bool(item.dialect_options["postgresql"]["using"] != "gist")
        return True

    return {"include_object": include, "render_as_batch": True, "compare_type": True}
