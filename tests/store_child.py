"""A process of its own for the tests of the stores: ``python -m tests.store_child WHAT URL ...``.

``publish`` and ``intake`` say ``ready``, then ``here`` at the given moment, where they wait to be
killed; ``write`` takes incidents in several threads and says the number of each once it is durable.
"""

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import event

from gridsvc.domain.area import EndUnit, Grid
from gridsvc.domain.events import IncidentReceived, MapPublished
from gridsvc.domain.incident import Incident
from gridsvc.store import Store, UnitOfWork
from tests.store_samples import NOON, incident, large_county

DAY = date(2026, 11, 23)
MAP_SIZE = {"grid_count": 600, "unit_count": 900}
AFTER_COMMIT = "after commit"


def say(line: str) -> None:
    """Tell the parent at once; one write, so that threads do not mix their lines."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def map_layers(which: str) -> tuple[Sequence[Grid], Sequence[EndUnit]]:
    """The ``old`` map or the ``new`` one: other polygons, and some codes of its own."""
    made: Any = large_county(seed=1 if which == "old" else 2, **MAP_SIZE)
    grids, units = made
    if which == "new":
        grids = [*grids[5:], replace(grids[0], code="new")]
        units = [unit for unit in units[7:] if unit.grid in {grid.code for grid in grids}]
    return grids, units


def publish(store: Store, which: str) -> None:
    grids, units = map_layers(which)
    with store.write() as work:
        change = work.areas.publish(
            grids=grids, units=units, layer="all", source=which, clean=False, demo=True, at=NOON
        )
        work.events.record(
            MapPublished(change.version, "all", change.added, change.changed, change.removed)
        )


def take(work: UnitOfWork, name: str, **given: object) -> Incident:
    """Take one incident as the intake does: number, row and event."""
    number = work.numbers.next_case_number("罗平", DAY)
    one = incident(0, id=name, number=number, placement=None, map_version=None, **given)
    work.incidents.add(one)
    work.events.record(
        IncidentReceived(
            incident=one.id,
            number=number,
            category=one.category,
            kind=one.kind,
            urgency=one.urgency,
            areas=("530324",),
            stage="archived",
            located=False,
        )
    )
    return one


def write(store: Store, name: str, threads: int, count: int) -> None:
    def work_off(thread: int) -> None:
        for i in range(count):
            with store.write() as work:
                one = take(work, f"{name}-{thread}-{i}")
            say(one.number)

    workers = [threading.Thread(target=work_off, args=(n,)) for n in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def wait_to_be_killed() -> None:
    say("here")
    time.sleep(60)
    sys.exit("was not killed")


@contextmanager
def stopping_at(store: Store, moment: str) -> Iterator[None]:
    """Stop before the first statement that begins with ``moment``, or before ``COMMIT``."""
    engine = store._engine
    if moment == "COMMIT":
        event.listen(engine, "commit", lambda _connection: wait_to_be_killed())

    @event.listens_for(engine, "before_cursor_execute")
    def _execute(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith(moment):
            wait_to_be_killed()

    yield
    if moment == AFTER_COMMIT:
        wait_to_be_killed()
    sys.exit(f"never came to {moment}")


def main() -> None:
    what, url, *rest = sys.argv[1:]
    store = Store.open(url)
    if what == "upgrade":
        say("ready")
        sys.stdin.readline()
        store.upgrade()
    elif what == "write":
        write(store, rest[0], int(rest[1]), int(rest[2]))
    else:
        with store.read():  # the schema is looked at once, before the moment is waited for
            pass
        say("ready")
        with stopping_at(store, rest[0]):
            if what == "publish":
                publish(store, "new")
            else:
                with store.write() as work:
                    take(work, "killed")


if __name__ == "__main__":
    main()
