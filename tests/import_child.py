"""A process of its own for the tests of imports, which stops at a given moment to be killed.

``python -m tests.import_child MOMENT import KIND FILE ...`` is ``gridsvc import``;
``... MOMENT demo FOLDER`` builds a small demo county, as the first ``gridsvc run`` does. The moment
is the beginning of an SQL statement, ``COMMIT`` for the commit of the import, ``case`` for the
taking of a case number, or ``never``.
"""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, event

from geodata.synthetic import CountySize
from gridsvc.cli import main as command
from gridsvc.domain.codes import CodeScheme
from gridsvc.domain.geo import MetricFrame
from gridsvc.flows.demo import build_demo
from gridsvc.store import Store
from tests.store_child import wait_to_be_killed

SMALL = CountySize(villages=(4, 2, 3), grids=90, units=160, residents=6_000, incidents=600)
LAST_STATEMENT = "INSERT INTO event"


def stop_at(moment: str) -> None:
    """Wait to be killed before the first statement that begins with ``moment``."""
    written = False

    @event.listens_for(Engine, "before_cursor_execute")
    def _execute(_c: object, _cursor: object, statement: str, given: object, *_: object) -> None:
        nonlocal written
        written = written or statement.startswith(LAST_STATEMENT)
        if statement.startswith(moment) or (moment == "case" and "'case 2" in str(given)):
            wait_to_be_killed()

    @event.listens_for(Engine, "commit")
    def _commit(_connection: object) -> None:
        if moment == "COMMIT" and written:
            wait_to_be_killed()


def demo(folder: Path) -> None:
    store = Store.open(os.environ["GRIDSVC_DATABASE_URL"])
    build_demo(
        store,
        folder / "demo",
        clock=lambda: datetime(2026, 11, 23, 4, tzinfo=UTC),
        scheme=CodeScheme(),
        frame=MetricFrame(),
        cache=folder / "cache",
        progress=lambda _step, _done: None,
        size=SMALL,
    )
    store.close()


if __name__ == "__main__":
    stop_at(sys.argv[1])
    if sys.argv[2] == "demo":
        demo(Path(sys.argv[3]))
    else:
        command(sys.argv[2:])
