"""Emergencies dispatched and durable over HTTP: how many a second, and how late at an even pace.

``load`` and ``peer`` run as processes of their own: ``python -m bench.dispatching load|peer ...``.
"""

import asyncio
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
import sqlalchemy as sa

from gridsvc.store import Store
from gridsvc.store.engine import open_engine, parse_url
from gridsvc.store.tables import claim
from tests import postgres
from tests.demo_fixtures import COMMAND
from tests.serving import ADDRESS, served
from tests.shared import ROOT

CONNECTIONS = 12
SECONDS = 8.0
RATE = 50
PATIENCE_S = 60.0
ME = (sys.executable, "-m", "bench.dispatching")
INCIDENTS, EMPTY, INSERT = "/api/v1/incidents", "/empty", "/insert"
TICKS = os.sysconf("SC_CLK_TCK")
HEAD = (
    "| store | work | a second | target | server CPU, ms each | median at 50/s, ms "
    "| 99 % at 50/s, ms | worst, ms | assigned each | not 201 |\n" + "|---" * 10 + "|"
)


@dataclass(frozen=True)
class Load:
    """What a load generator measured: answers, in how many seconds, each one's latency (s)."""

    seconds: float
    latencies_s: list[float]
    refused: int
    assigned: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies_s) / self.seconds


@dataclass(frozen=True)
class Served:
    """One kind of request on one store: at full load, and at an even pace."""

    store: str
    work: str
    full: Load
    paced: Load
    cpu_ms: float
    target: int | None

    def line(self) -> str:
        """One row of the table."""
        median, late, worst = np.percentile(self.paced.latencies_s, [50, 99, 100]) * 1e3
        return (
            f"| {self.store} | {self.work} | {self.full.rate:.0f} | {self.target or ''} "
            f"| {self.cpu_ms:.2f} | {median:.1f} | {late:.1f} | {worst:.1f} "
            f"| {self.full.assigned:.1f} | {self.full.refused + self.paced.refused} |"
        )


def measured(folder: Path) -> Iterator[Served]:
    """SQLite with one process, then PostGIS with two; beside each what the stack alone takes.

    Parameters
    ----------
    folder
        A data folder to make the demo county in, or that has it.
    """
    sqlite = f"sqlite:///{folder / 'gridsvc.sqlite'}"
    yield from _on_store("SQLite, one process", sqlite, folder, env={}, servers=1, target=150)
    if postgres.why_not() is None:
        # As in production: an answer must outlive a power cut.
        cluster = postgres.Cluster.start(fsync=True)
        try:
            with cluster.database(postgres.POSTGIS) as url:
                env = {"GRIDSVC_DATABASE_URL": url}
                name = "PostGIS, two processes"
                yield from _on_store(name, url, folder, env=env, servers=2, target=200)
        finally:
            cluster.stop()


def _on_store(
    name: str, url: str, folder: Path, *, env: dict[str, str], servers: int, target: int
) -> Iterator[Served]:
    env = {**os.environ, **env, "GRIDSVC_DATA": str(folder), "GRIDSVC_PORT": "0"}
    with served([COMMAND, "run"], cwd=folder, env=env, log=folder / "demo.log"):
        pass  # makes the demo county where it is not yet
    bodies = folder / "bodies.json"
    bodies.write_text(json.dumps(_bodies(url, 4000)), encoding="utf-8")
    ours = ([COMMAND, "serve"], INCIDENTS)
    for work, command, path, aim in (
        ("emergency dispatched", *ours, target),
        ("empty POST", [*ME, "peer", url], EMPTY, None),
        ("one durable insert", [*ME, "peer", url], INSERT, None),
    ):
        full, cpu_ms = _loaded(command, path, url, folder, env=env, servers=servers, rate=0)
        paced, _ = _loaded(command, path, url, folder, env=env, servers=servers, rate=RATE)
        yield Served(name, work, full, paced, cpu_ms, aim)


def _bodies(url: str, count: int) -> list[str]:
    """Reports of sudden illness at places spread over the grids of the county."""
    store = Store.open(url)
    with store.read() as reading:
        published = reading.areas.load()
    store.close()
    if published is None:
        raise AssertionError("the store has no map")
    chance = random.Random(20261124)
    return [
        json.dumps(
            {
                "position": {"lng": lng, "lat": lat, "datum": "cgcs2000", "source": "gps"},
                "category": "emergency",
                "kind": "sudden_illness",
                "text": "老人突然胸痛，呼吸困难",
                "reporter": {"name": "张三", "phone": "13800000000"},
            }
        )
        for lng, lat in (
            _inside(chance.choice(published.grids).geometry, chance) for _ in range(count)
        )
    ]


def _inside(polygon: shapely.MultiPolygon, chance: random.Random) -> tuple[float, float]:
    west, south, east, north = polygon.bounds
    while True:
        lng, lat = chance.uniform(west, east), chance.uniform(south, north)
        if shapely.contains_xy(polygon, lng, lat):
            return round(lng, 6), round(lat, 6)


def _loaded(
    command: Sequence[str],
    path: str,
    url: str,
    folder: Path,
    *,
    env: dict[str, str],
    servers: int,
    rate: int,
) -> tuple[Load, float]:
    """Load fresh servers, to which everybody in the county is free; and their CPU time for each
    request (ms)."""
    _free_everybody(url)
    with ExitStack() as stack:
        running = [stack.enter_context(_serving(command, folder, env)) for _ in range(servers)]
        addresses = [address for _, address in running]
        # The first requests build what is kept for all later ones.
        _generate(path, folder, addresses, rate=RATE, seconds=1.0)
        before = sum(_cpu_s(process.pid) for process, _ in running)
        load = _generate(path, folder, addresses, rate=rate, seconds=SECONDS)
        spent = sum(_cpu_s(process.pid) for process, _ in running) - before
    return load, spent * 1e3 / len(load.latencies_s)


def _free_everybody(url: str) -> None:
    engine = open_engine(parse_url(url))
    with engine.begin() as connection:
        connection.execute(sa.delete(claim))
    engine.dispose()


@contextmanager
def _serving(
    command: Sequence[str], folder: Path, env: dict[str, str]
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The process of a server and its host and port."""
    log = folder / f"server-{time.monotonic_ns()}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        until = time.monotonic() + PATIENCE_S
        while not (found := ADDRESS.search(log.read_text(encoding="utf-8"))):
            if process.poll() is not None or time.monotonic() > until:
                raise AssertionError(f"not ready:\n{log.read_text(encoding='utf-8')}")
            time.sleep(0.05)
        yield process, found[1].removeprefix("http://")
    finally:
        process.kill()
        process.wait(timeout=10)


def _cpu_s(pid: int) -> float:
    """Processor time of a process so far, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _generate(
    path: str, folder: Path, addresses: Sequence[str], *, rate: int, seconds: float
) -> Load:
    done = subprocess.run(
        [*ME, "load", path, str(folder / "bodies.json"), str(rate), str(seconds), *addresses],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        timeout=seconds + PATIENCE_S,
    )
    return Load(**json.loads(done.stdout))


class Generator:
    """Posts over connections that stay open: at ``rate`` a second, or as fast as answered (0)."""

    def __init__(self, path: str, bodies: list[str], rate: int, seconds: float) -> None:
        self.path, self.bodies, self.rate, self.seconds = path, bodies, rate, seconds
        self.answers: list[tuple[float, bytes, bytes]] = []
        self._next = 0
        self._begun = 0.0

    async def run(self, addresses: Sequence[str]) -> Load:
        """Load the servers, each connection one of them in turn."""
        random.shuffle(self.bodies)
        count = CONNECTIONS if not self.rate else 2 * CONNECTIONS
        opened = [
            await asyncio.open_connection(*addresses[n % len(addresses)].split(":"))
            for n in range(count)
        ]
        self._begun = time.perf_counter()
        await asyncio.gather(*(self._post(*streams) for streams in opened))
        seconds = time.perf_counter() - self._begun
        bad = [line for _, line, _ in self.answers if b" 201 " not in line]
        sent = [json.loads(body).get("assignments", ()) for _, _, body in self.answers]
        return Load(
            seconds,
            [latency for latency, _, _ in self.answers],
            len(bad),
            sum(len(each) for each in sent) / max(1, len(sent)),
        )

    async def _post(self, incoming: asyncio.StreamReader, outgoing: asyncio.StreamWriter) -> None:
        while (due := await self._turn()) is not None:
            number = self._next
            body = self.bodies[number % len(self.bodies)].encode()
            head = (
                f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json"
                f"\r\nIdempotency-Key: {uuid.uuid4().hex}\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            outgoing.write(head.encode() + body)
            told = await incoming.readuntil(b"\r\n\r\n")
            length = int(told.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            answer = await incoming.readexactly(length)
            self.answers.append((time.perf_counter() - due, told.partition(b"\r\n")[0], answer))
        outgoing.close()

    async def _turn(self) -> float | None:
        """The moment at which the next request is due, None after the last."""
        present = time.perf_counter()
        self._next += 1
        if not self.rate:
            return present if present - self._begun < self.seconds else None
        # From when it was due, not from when a connection was free: a stall counts for all it held.
        due = self._begun + self._next / self.rate
        if due - self._begun > self.seconds:
            return None
        await asyncio.sleep(max(0.0, due - present))
        return due


def load(path: str, bodies: str, rate: str, seconds: str, *addresses: str) -> None:
    """Load servers and print what was measured as JSON."""
    texts = json.loads(Path(bodies).read_text(encoding="utf-8"))
    found = asyncio.run(Generator(path, texts, int(rate), float(seconds)).run(addresses))
    print(json.dumps({name: getattr(found, name) for name in Load.__dataclass_fields__}))


def peer(url: str) -> None:
    """Serve the least that answers a POST, and the least that makes one row durable."""
    import uvicorn
    from fastapi import FastAPI

    engine = open_engine(parse_url(url))
    key, said = sa.Column("id", sa.String, primary_key=True), sa.Column("said", sa.JSON)
    rows = sa.Table("bench_row", sa.MetaData(), key, said)
    rows.create(engine, checkfirst=True)
    app, alone, sqlite = FastAPI(), threading.Lock(), engine.dialect.name == "sqlite"

    @app.post(EMPTY, status_code=201)
    def empty() -> dict[str, str]:
        return {}

    @app.post(INSERT, status_code=201)
    def insert(body: dict[str, object]) -> dict[str, str]:
        made = uuid.uuid4().hex
        # As in the store: waiting on SQLite's own lock instead makes the unlucky wait for long.
        with alone if sqlite else nullcontext(), engine.begin() as connection:
            connection.execute(sa.insert(rows), {"id": made, "said": body})
        return {"id": made}

    # Without its protocol asyncio leaves Nagle's waiting on, and small answers take 40 ms.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(app, access_log=False, log_level="warning")
    uvicorn.Server(config).run(sockets=[listener])


def main() -> None:
    """Measure on a demo county of its own and print the table."""
    print(HEAD)
    with tempfile.TemporaryDirectory() as name:
        for one in measured(Path(name)):
            print(one.line(), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["load"]:
        load(*sys.argv[2:])
    elif sys.argv[1:2] == ["peer"]:
        peer(*sys.argv[2:])
    else:
        main()
