"""Merges, steps and releases of the same cases at once: nobody is told that the store was busy."""

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from gridsvc.domain.errors import ConflictError, NotFoundError
from gridsvc.domain.lifecycle import ENDED, AssignmentStep, Step
from gridsvc.flows.casework import Action
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings
from gridsvc.store import CaseFilter, Store
from tests.claims_child import REPORT
from tests.test_claims import county


def _open(url: str, folder: Path) -> Runtime:
    return Runtime.open(Settings.read(data=folder, database_url=url))


def _crosswise(runtime: Runtime, seed: int, busy: list[str]) -> None:
    """Take reports, merge any two, stand anybody down, call any case a false alarm."""
    chance, me = random.Random(seed), runtime.local
    for _ in range(12):
        runtime.receive(REPORT)
        with runtime.store.read() as reading:
            found = [one.id for one, _ in reading.cases.page(CaseFilter(open=True), limit=6)]
            sent = [each.id for key in found for each in reading.cases.assignments(key)]
        one, other = chance.choice(found or [""]), chance.choice(found or [""])
        somebody, step = chance.choice(sent or [""]), AssignmentStep.STAND_DOWN
        acts: tuple[Callable[[], object], ...] = (
            partial(runtime.merge, one, other, caller=me),
            partial(runtime.step_assignment, somebody, step, on_behalf=True, caller=me),
            partial(runtime.step, other, Action(Step.FALSE_ALARM), caller=me),
        )
        for act in acts:
            try:
                act()
            except (ConflictError, NotFoundError) as error:  # too late: somebody else was first
                busy += [fault.code for fault in error.faults if fault.code == "store_busy"]


def _check(store: Store) -> None:
    with store.read() as reading:
        cases = {
            one.number: (one, case) for one, case in reading.cases.page(CaseFilter(), limit=1000)
        }
        held = [
            (each.responder, number)
            for number, (one, _) in cases.items()
            for each in reading.cases.assignments(one.id)
            if each.state not in ENDED
        ]
        taken, head = reading.cases.taken(), reading.events.head()
        events = reading.events.after(0, limit=100_000)
    assert [each.position for each in events] == list(range(1, head + 1))
    assert max(Counter(who for who, _ in held).values(), default=0) <= 1
    assert dict(held) == taken
    stages = {number: case.stage for number, (_, case) in cases.items()}
    for event in events:
        if event.name == "case_stepped":
            stages[event.payload["number"]] = event.payload["after"]
    assert stages == {number: case.stage for number, (_, case) in cases.items()}
    assert all(cases[number][1].open for _, number in held), "somebody is at a closed case"


def test_merges_steps_and_releases_crosswise(store_url: str, tmp_path: Path) -> None:
    store, busy = county(store_url), list[str]()
    runtimes = [_open(store_url, tmp_path / name) for name in "ab"]
    for runtime in runtimes:
        runtime.watch()
    with ThreadPoolExecutor(16) as pool:
        working = [pool.submit(_crosswise, runtimes[n % 2], n, busy) for n in range(16)]
        for one in working:
            one.result(timeout=120)
    for runtime in runtimes:
        runtime.close()
    _check(store)
    store.close()
    assert busy == []
