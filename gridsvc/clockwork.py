"""Fires the timers of the store in a thread, beside those of other processes."""

import logging
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from gridsvc.domain.errors import GridsvcError
from gridsvc.domain.events import StoredEvent
from gridsvc.domain.timers import LATE_S, Timer
from gridsvc.flows import timing
from gridsvc.runtime import Runtime

log = logging.getLogger(__name__)

_LOOK_S = 0.5
"""The longest sleep: another process may have set a timer that is due before ours."""

_BUSY_S = 0.05
"""Before another look for a timer whose case somebody else had locked."""

_BATCH = 50
_FAILED_S = 5.0
"""A timer that failed is tried again after so many seconds, the others go on."""


@dataclass
class Clockwork:
    """Sleeps until the next timer is due and fires it, until ``close``."""

    runtime: Runtime
    fired: int = 0
    failed: int = 0
    latest_s: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)
    _wake: threading.Event = field(default_factory=threading.Event)
    _failing: dict[str, float] = field(default_factory=dict)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._end_subscription = self.runtime.subscribe(self._told)
        self._thread = threading.Thread(target=self._run, name="clockwork", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop, when the timer under way is done."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._end_subscription()
            self._thread.join(timeout=10)

    def tick(self) -> float:
        """Fire what is due; return how many seconds nothing will be."""
        now = self.runtime.clock()
        failing = [one for one, until in self._failing.items() if until > time.monotonic()]
        with self.runtime.store.read() as reading:
            due = reading.timers.due(now, limit=_BATCH, but=failing)
            following = reading.timers.next_due()
        if not due:
            self._failing = {one: self._failing[one] for one in failing}
            if following is None or failing:
                return _LOOK_S
            return min(max((following - now) / timedelta(seconds=1), 0.0), _LOOK_S)
        # Processes that look at once begin at different ends.
        random.shuffle(due)
        done = [self._fire(timer) for timer in due if not self._stop.is_set()]
        return 0.0 if any(done) else _BUSY_S

    def _fire(self, timer: Timer) -> bool:
        try:
            fired = timing.fire(
                timer,
                scene=self.runtime.scene(),
                store=self.runtime.store,
                now=self.runtime.clock(),
            )
        except Exception as error:
            # One case that cannot be settled must not keep the others waiting.
            self.failed += 1
            self._failing[timer.id] = time.monotonic() + _FAILED_S
            expected = isinstance(error, GridsvcError)
            log.warning("timer %s failed: %s", timer.id, error, exc_info=not expected)
            return False
        if fired is None:
            return False
        self.fired += 1
        self.latest_s = max(self.latest_s, fired.late_s)
        if fired.late_s > LATE_S:
            log.warning("timer %s fired %.1f s late", timer.id, fired.late_s)
        return True

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                rest = self.tick()
            except Exception as error:
                expected = isinstance(error, GridsvcError)
                log.warning("timers cannot be read: %s", error, exc_info=not expected)
                rest = _LOOK_S
            if rest:
                self._wake.wait(rest)
                self._wake.clear()

    def _told(self, _: Sequence[StoredEvent]) -> None:
        """Something happened: there may be a timer that is due at once."""
        self._wake.set()
