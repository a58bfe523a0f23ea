"""A hundred listeners while events happen: how long from event to listener, and is one missed."""

import asyncio
import http.client
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from gridsvc.domain.events import ResponderMoved
from gridsvc.store import Store
from tests import postgres
from tests.api_county import REPORT, publish_county
from tests.listening import PATH, Reader
from tests.test_api_server import serving

LISTENERS = 100
RATE = 50
SECONDS = 20
TARGET_S = 0.5
HEAD = (
    "| store | written | median, ms | 99 %, ms | worst, ms | told | missed |\n" + "|---" * 7 + "|"
)


@dataclass(frozen=True)
class Heard:
    """Latencies of every event at every listener (s), and how many of those due did not come."""

    store: str
    written: str
    latencies_s: "np.ndarray[tuple[int], np.dtype[np.float64]]"
    missed: int

    def line(self) -> str:
        """One row of the table."""
        median, late = np.percentile(self.latencies_s, [50, 99]) * 1e3
        worst = self.latencies_s.max() * 1e3
        return (
            f"| {self.store} | {self.written} | {median:.0f} | {late:.0f} | {worst:.0f} "
            f"| {len(self.latencies_s)} | {self.missed} |"
        )


def measured() -> Iterator[Heard]:
    """SQLite written by the server and by another process, then PostGIS with two servers."""
    with tempfile.TemporaryDirectory() as name:
        url = f"sqlite:///{name}/gridsvc.sqlite"
        yield _run("SQLite", url, Path(name), servers=1, through_server=True)
        yield _run("SQLite", url, Path(name), servers=1, through_server=False)
    if postgres.why_not() is None:
        with _postgis() as (url, folder):
            yield _run("PostGIS, two servers", url, folder, servers=2, through_server=True)


@contextmanager
def _postgis() -> Iterator[tuple[str, Path]]:
    with tempfile.TemporaryDirectory() as name:
        cluster = postgres.Cluster.start()
        try:
            with cluster.database(postgres.POSTGIS) as url:
                yield url, Path(name)
        finally:
            cluster.stop()


def _run(label: str, url: str, folder: Path, *, servers: int, through_server: bool) -> Heard:
    store = Store.open(url)
    store.upgrade()
    publish_county(store)
    store.close()
    with ExitStack() as stack:
        addresses = [stack.enter_context(serving(url, folder))[1] for _ in range(servers)]
        target = addresses[0] if through_server else url
        found = asyncio.run(_listen(addresses, target))
    latencies = np.array([latency for one in found for latency in one])
    written = "by the server" if through_server else "by another process"
    due = LISTENERS * RATE * SECONDS
    return Heard(label, written, latencies, due - len(latencies))


async def _listen(addresses: list[str], target: str) -> list[list[float]]:
    """Latencies of each listener, whose positions follow each other without a hole."""
    begun = asyncio.Barrier(LISTENERS + 1)
    hearing = [
        asyncio.create_task(_one(addresses[n % len(addresses)], begun)) for n in range(LISTENERS)
    ]
    await begun.wait()
    writer = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.streaming", target)
    if await writer.wait() != 0:
        raise subprocess.SubprocessError("the writer failed")
    return await asyncio.gather(*hearing)


async def _one(address: str, begun: asyncio.Barrier) -> list[float]:
    host, port = address.split(":")
    incoming, outgoing = await asyncio.open_connection(host, int(port))
    # HTTP/1.0 knows no chunks: what follows the header is the stream itself.
    outgoing.write(f"GET {PATH} HTTP/1.0\r\nHost: {address}\r\n\r\n".encode())
    await incoming.readuntil(b"\r\n\r\n")
    reader, latencies, last = Reader(), list[float](), 0
    reader.feed(await incoming.readuntil(b"\n\n"))
    last = int(reader.last_id)
    await begun.wait()
    while len(latencies) < RATE * SECONDS:
        try:
            piece = await asyncio.wait_for(incoming.read(65536), timeout=SECONDS)
        except TimeoutError:
            break
        present = time.time()
        for message in reader.feed(piece):
            told = json.loads(message.data)
            if told["position"] != last + 1:
                raise AssertionError(f"{told['position']} follows {last}")
            last += 1
            latencies.append(present - datetime.fromisoformat(told["at"]).timestamp())
    outgoing.close()
    return latencies


def write(target: str) -> None:
    """Make ``RATE`` events a second at an even pace, through a server or in the store at an
    address."""
    store = Store.open(target) if "://" in target else None
    connection = None if store else http.client.HTTPConnection(target, timeout=30)
    begun = time.monotonic()
    for n in range(RATE * SECONDS):
        time.sleep(max(0.0, begun + n / RATE - time.monotonic()))
        if store is not None:
            with store.write() as work:
                work.events.record(ResponderMoved("R0005"))
        elif connection is not None:
            _report(connection)


def _report(connection: http.client.HTTPConnection) -> None:
    body = json.dumps({**REPORT, "category": "dispute", "kind": "neighbour_quarrel"})
    connection.request(
        "POST", "/api/v1/incidents", body=body, headers={"Content-Type": "application/json"}
    )
    answer = connection.getresponse()
    answer.read()
    if answer.status != 201:
        raise AssertionError(answer.status)


if __name__ == "__main__":
    write(sys.argv[1])
