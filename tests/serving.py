"""A server of the real command, started for a test and always ended with it."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ADDRESS = re.compile(r"(http://127\.0\.0\.1:\d+)\s*$", re.M)


@dataclass(frozen=True)
class Server:
    """Where a server answers, and the processor time it took to be ready (s)."""

    url: str
    start_cpu_s: float
    log: Path


@contextmanager
def served(
    command: Sequence[str], *, cwd: Path, env: dict[str, str], log: Path, patience_s: float = 240.0
) -> Iterator[Server]:
    """Run ``command`` on any free port until it says where it is ready; end it at the end."""
    until = time.monotonic() + patience_s
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**env, "GRIDSVC_PORT": "0"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        url = _wait(process, log, until=until)
        yield Server(url, _cpu_s(process.pid), log)
    finally:
        _end(process)


def _wait(process: subprocess.Popen[bytes], log: Path, *, until: float) -> str:
    while time.monotonic() < until:
        said = log.read_text(encoding="utf-8", errors="replace")
        if found := ADDRESS.search(said):
            return found[1]
        if process.poll() is not None:
            raise AssertionError(f"ended with {process.returncode} before it was ready:\n{said}")
        time.sleep(0.05)
    raise AssertionError(f"not ready in time:\n{log.read_text(encoding='utf-8')}")


def _cpu_s(pid: int) -> float:
    """Time on the processor so far, in user and system mode: neighbours do not lengthen it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the command and what it started, which share a process group of their own."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            break
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            continue
