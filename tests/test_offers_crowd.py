"""Far more emergencies than people, taken and offered by two processes at once: nobody is claimed
twice, no offer is lost, every case has somebody or is escalated; also while processes are killed.

The event log is replayed here, beside the code that wrote it.
"""

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gridsvc.domain.case import Assignment, Case
from gridsvc.domain.events import StoredEvent
from gridsvc.domain.lifecycle import ENDED, GOING, AssignmentState
from gridsvc.domain.timers import TimerKind
from gridsvc.runtime import now
from gridsvc.store import CaseFilter, Store
from tests.crowd import publish_crowded_county
from tests.offers_child import FAST
from tests.offers_desk import SENT

ROOT = Path(__file__).parents[1]
ENDS = frozenset(str(one) for one in ENDED)


def child(url: str, folder: Path, name: str, writers: int, count: int) -> subprocess.Popen[str]:
    arguments = [url, str(folder), name, str(writers), str(count), "530324"]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.offers_child", *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go_on(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def read_to(process: subprocess.Popen[str], last: str) -> list[str]:
    """What a child says until ``last``."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        if line.strip() == last:
            return lines
        lines.append(line.strip())
    pytest.fail(f"a child ended before it said {last}")


def replay(events: Sequence[StoredEvent]) -> dict[str, str]:
    """Who holds whom by the log alone; nobody is ever held twice."""
    holder: dict[str, str] = {}
    for one in events:
        told = one.payload
        took = one.name == "responder_assigned" or (
            one.name == "assignment_stepped" and told["before"] in ENDS and not told["free"]
        )
        if took:
            before = holder.setdefault(told["responder"], told["assignment"])
            assert before == told["assignment"], f"{told['responder']} is claimed twice"
        elif one.name == "assignment_stepped" and told["free"]:
            held = holder.pop(told["responder"], None)
            assert held == told["assignment"], "somebody was freed who was not held"
    return holder


def log_of(store: Store) -> list[StoredEvent]:
    events: list[StoredEvent] = []
    with store.read() as reading:
        while more := reading.events.after(len(events), limit=20_000):
            events += more
    assert [one.position for one in events] == list(range(1, len(events) + 1))
    return events


def cases_of(store: Store) -> list[tuple[str, Case, tuple[Assignment, ...]]]:
    with store.read() as reading:
        page = reading.cases.page(CaseFilter(), limit=100_000)
        return [(one.id, case, reading.cases.assignments(one.id)) for one, case in page]


def check(store: Store) -> Counter[str]:
    """Everything that must hold at any moment, however late the clocks are."""
    events, cases = log_of(store), cases_of(store)
    held = replay(events)
    with store.read() as reading:
        taken = reading.cases.taken()
        due = reading.timers.due(now() + timedelta(days=1), limit=10**6)
        timers = {one.incident: one for one in due if one.kind is TimerKind.OFFERS}
    open_now = {
        each.responder: each.id for _, _, sent in cases for each in sent if each.state not in ENDED
    }
    assert sum(e.state not in ENDED for _, _, sent in cases for e in sent) == len(open_now)
    assert open_now == held
    assert set(taken) == set(held)
    offered = Counter(e.payload["assignment"] for e in events if e.name == "responder_assigned")
    assert offered == Counter(each.id for _, _, sent in cases for each in sent), "an offer is lost"
    told: Counter[str] = Counter()
    for key, case, sent in cases:
        going = any(each.state in GOING or each.state is AssignmentState.DONE for each in sent)
        escalated = case.nobody_left or case.escalation > 0
        waiting = [each for each in sent if each.state is AssignmentState.OFFERED]
        assert going or escalated or waiting or case.unanswered_since is None, "left alone"
        assert case.unanswered_since is None or key in timers, "nobody looks after it any more"
        for each in waiting:
            assert each.answer_by is not None
            assert timers[key].due_at <= each.answer_by, "an offer was forgotten"
        told.update(going=going, escalated=escalated, settled=case.unanswered_since is None)
    rung = Counter(
        name
        for e in events
        if e.name == "second_channel_asked"
        for name in e.payload["assignments"]
    )
    assert max(rung.values(), default=0) <= 1, "somebody was rung twice for one offer"
    alarmed = Counter(e.payload["incident"] for e in events if e.name == "township_alarmed")
    begun = Counter(e.payload["incident"] for e in events if e.name == "offers_reopened")
    assert all(count <= 1 + begun[key] for key, count in alarmed.items()), "alarmed twice"
    told["cases"] = len(cases)
    told["redirected"] = sum(one.name == "responder_redirected" for one in events)
    return told


def county(url: str, times: int) -> Store:
    store = Store.open(url)
    publish_crowded_county(store, SENT * times)
    return store


def crowd(url: str, folder: Path, writers: int, count: int) -> tuple[Counter[str], list[str]]:
    """Two processes with so many writers each, that take so many emergencies each."""
    store = county(url, 12)
    both = [child(url, folder / name, name, writers, count) for name in "ab"]
    for one in both:
        go_on(one)
    for one in both:
        assert len(read_to(one, "written")) == writers * count
    time.sleep(FAST.answer_s + 1.0)
    for one in both:
        go_on(one)
    ends = [one.communicate(timeout=90)[0].strip() for one in both]
    assert [one.returncode for one in both] == [0, 0]
    told = check(store)
    store.close()
    return told, ends


def kill_and_go_on(url: str, folder: Path, kills: int, seed: int, count: int) -> Counter[str]:
    """While two processes work, one of them is killed every now and then and begun anew."""
    store, chance = county(url, 12), random.Random(seed)
    running = {name: child(url, folder / name, f"{name}0", 8, count) for name in "ab"}
    for one in running.values():
        go_on(one)
    for turn in range(1, kills + 1):
        time.sleep(chance.uniform(0.5, 1.5))
        name = chance.choice("ab")
        running[name].send_signal(signal.SIGKILL)
        running[name].communicate(timeout=10)
        running[name] = child(url, folder / name, f"{name}{turn}", 8, count)
        go_on(running[name])
    for one in running.values():
        one.send_signal(signal.SIGKILL)
        one.communicate(timeout=10)
    last = child(url, folder / "last", "last", 0, 0)
    go_on(last)
    read_to(last, "written")
    time.sleep(FAST.answer_s + 1.0)
    go_on(last)
    last.communicate(timeout=90)
    told = check(store)
    store.close()
    return told


def ended_well(ends: list[str]) -> bool:
    words: list[Any] = [one.split() for one in ends]
    return all(int(one[3]) == 0 for one in words) and sum(int(one[1]) for one in words) > 0


def test_a_thousand_emergencies_and_too_few_people(postgres_url: str, tmp_path: Path) -> None:
    told, ends = crowd(postgres_url, tmp_path, 16, 32)
    assert told["cases"] == 1024
    assert told["going"] > 0
    assert told["escalated"] > 0
    assert told["redirected"] > 0
    assert ended_well(ends), ends


def test_the_same_in_one_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'crowd.sqlite'}"
    Store.open(url).upgrade()
    told, ends = crowd(url, tmp_path, 4, 12)
    assert told["cases"] == 96
    assert told["going"] > 0
    assert ended_well(ends), ends


def test_while_a_process_is_killed_every_now_and_then(postgres_url: str, tmp_path: Path) -> None:
    told = kill_and_go_on(postgres_url, tmp_path, 4, seed=1, count=200)
    assert told["cases"] > 0
    assert told["going"] > 0


@pytest.mark.soak
def test_twenty_thousand_emergencies(postgres_url: str, tmp_path: Path) -> None:
    told, ends = crowd(postgres_url, tmp_path, 16, 625)
    assert told["cases"] == 20_000
    assert ended_well(ends), ends


@pytest.mark.soak
def test_twenty_thousand_while_processes_are_killed(postgres_url: str, tmp_path: Path) -> None:
    told = kill_and_go_on(postgres_url, tmp_path, 120, seed=2, count=10_000)
    assert told["cases"] > 5_000
