"""Takes emergencies and answers offers as a process of its own, with its own clockwork:
``url folder name writers count seed``. The waves are compressed, twenty to one."""

import os
import random
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from gridsvc.clockwork import Clockwork
from gridsvc.domain.case import Assignment
from gridsvc.domain.errors import ConflictError
from gridsvc.domain.lifecycle import AssignmentStep
from gridsvc.domain.waves import WAVES, Waves
from gridsvc.flows.intake import Key
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings
from tests.offers_desk import ILLNESS

FAST = Waves(
    together=True,
    reserves=1,
    answer_s=2.0,
    second_channel_s=1.0,
    township_s=3.0,
    leader_s=6.0,
    redirects=True,
    again_s=600.0,
)
SLOW = Waves(together=False, answer_s=2.0, second_channel_s=1.0, again_s=600.0)
LESS = replace(ILLNESS, urgency=2)
SILENT = 0.4
"""The share of people who do not answer."""


def say(line: str) -> None:
    """Tell the parent; a pipe takes a short line whole or not at all."""
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


class Writer:
    """Takes emergencies, one after the other, and lets the people of each answer or not."""

    def __init__(self, runtime: Runtime, name: str, count: int, seed: int) -> None:
        self.runtime, self.name, self.count = runtime, name, count
        self.chance = random.Random(f"{seed}-{name}")

    def work_off(self) -> None:
        for turn in range(self.count):
            key = Key(f"{self.name}-{turn}", "the body", lambda _: "{}")
            report = LESS if self.chance.random() < 0.3 else ILLNESS
            taken = self.runtime.receive_once(report, key, caller=self.runtime.local)
            say(f"{taken.incident.id}")
            if taken.receipt is not None and taken.receipt.decision is not None:
                for one in taken.receipt.decision.assignments:
                    self._answer(one)

    def _answer(self, one: Assignment) -> None:
        drawn = self.chance.random()
        if drawn < SILENT:
            return
        if drawn < SILENT + 0.15:
            self._step(one, AssignmentStep.DECLINE)
        elif self._step(one, AssignmentStep.ACCEPT) and self.chance.random() < 0.7:
            for step in (AssignmentStep.ARRIVE, AssignmentStep.FINISH):
                self._step(one, step)

    def _step(self, one: Assignment, step: AssignmentStep) -> bool:
        with suppress(ConflictError):
            self.runtime.step_assignment(one.id, step, on_behalf=True, caller=self.runtime.local)
            return True
        return False


def main() -> None:
    """Let every writer take its emergencies; then keep the clock going until told to stop."""
    url, folder, name, writers, count, seed = sys.argv[1:]
    WAVES.update({1: FAST, 2: SLOW})
    runtime = Runtime.open(Settings.read(data=Path(folder), database_url=url))
    runtime.watch()
    clockwork = Clockwork(runtime)
    clockwork.start()
    say("ready")
    sys.stdin.readline()
    threads = [
        threading.Thread(target=Writer(runtime, f"{name}-{n}", int(count), int(seed)).work_off)
        for n in range(int(writers))
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    say("written")
    sys.stdin.readline()
    time.sleep(0.1)
    clockwork.close()
    runtime.close()
    say(f"fired {clockwork.fired} failed {clockwork.failed} latest {clockwork.latest_s:.2f}")


if __name__ == "__main__":
    main()
