"""Takes urgent reports as a process of its own: ``url folder name threads count``.

Tells ``key number`` of each one when it is durable.
"""

import json
import os
import sys
import threading
from pathlib import Path

from gridsvc.domain.lifecycle import AssignmentStep
from gridsvc.flows.intake import Key, Receipt
from gridsvc.flows.reports import Report
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings
from tests.api_county import IN_U1

REPORT = Report(category="emergency", kind="sudden_illness", lng=IN_U1[0], lat=IN_U1[1])


def say(line: str) -> None:
    """Tell the parent; a pipe takes a short line whole or not at all."""
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


def key_of(name: str) -> Key:
    """A key that is answered with who was sent."""
    return Key(name, "the body", lambda receipt: json.dumps({"sent": _sent(receipt)}))


def _sent(receipt: Receipt) -> list[str]:
    decision = receipt.decision
    return [] if decision is None else [one.responder for one in decision.assignments]


def take(runtime: Runtime, name: str) -> str:
    """Take the report of a key and return the number of its case."""
    taken = runtime.receive_once(REPORT, key_of(name), caller=runtime.local)
    return taken.incident.number


def _work_off(runtime: Runtime, name: str, count: int) -> None:
    for turn in range(count):
        key = f"{name}-{turn}"
        number = take(runtime, key)
        say(f"{key} {number}")
        if turn % 3 == 0:
            _give_back(runtime, number)


def _give_back(runtime: Runtime, number: str) -> None:
    """Free one of those sent, so that people go from case to case."""
    for one in runtime.show(number, by=runtime.local).file.assignments[:1]:
        runtime.step_assignment(
            one.id, AssignmentStep.STAND_DOWN, on_behalf=True, caller=runtime.local
        )


def main() -> None:
    """Let every thread take its reports; those named ``same`` send the same keys."""
    url, folder, name, threads, count = sys.argv[1:]
    runtime = Runtime.open(Settings.read(data=Path(folder), database_url=url))
    runtime.watch()
    say("ready")
    sys.stdin.readline()
    names = [name if name == "same" else f"{name}-{n}" for n in range(int(threads))]
    workers = [threading.Thread(target=_work_off, args=(runtime, one, int(count))) for one in names]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    runtime.close()


if __name__ == "__main__":
    main()
