"""Timing, memory, and one line of a result."""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

REPEATS = 5


@dataclass(frozen=True)
class Row:
    """A peer's figure beside ours for the same work; ``target`` is the ratio asked for."""

    work: str
    peer: str
    ours_s: float
    peer_s: float
    count: int
    target: float | None = None

    @property
    def ratio(self) -> float:
        return self.peer_s / self.ours_s

    def line(self) -> str:
        """One row of the table: microseconds for each item."""
        scale = 1e6 / self.count
        target = "" if self.target is None else f"{self.target:g} x"
        return (
            f"| {self.work} | {self.peer} | {self.ours_s * scale:.3g} | {self.peer_s * scale:.3g} "
            f"| {self.ratio:.2f} x | {target} |"
        )


def together(*works: Callable[[], object]) -> list[float]:
    """Best seconds of each piece of work, taken in turns so that a busy machine hits all alike."""
    best = [float("inf")] * len(works)
    for _ in range(REPEATS):
        for place, work in enumerate(works):
            gc.collect()
            gc.disable()
            start = time.perf_counter()
            work()
            best[place] = min(best[place], time.perf_counter() - start)
            gc.enable()
    return best


def rss_mb() -> float:
    """Resident memory of this process in megabytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6
