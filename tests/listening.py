"""A listener of the stream for the tests, and a server in this process to listen to."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
import uvicorn

from api.app import create_app
from api.hub import Hub, Limits
from gridsvc.domain.events import Event, IncidentReceived, ResponderMoved, StoredEvent
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings
from gridsvc.store import Store

PATIENCE_S = 20.0
PATH = "/api/v1/stream"


@dataclass(frozen=True)
class Message:
    """What a page is given: the id is the last one the client knew when it was dispatched."""

    id: str
    event: str
    data: str

    @property
    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(self.data)
        return found


@dataclass
class Reader:
    """Reads an event stream as the WHATWG HTML standard says, and nothing more cleverly."""

    last_id: str = ""
    comments: list[str] = field(default_factory=list)
    retry: int | None = None
    _rest: bytes = b""
    _event: str = ""
    _data: str = ""

    def feed(self, data: bytes) -> list[Message]:
        assert b"\r" not in data
        *lines, self._rest = (self._rest + data).split(b"\n")
        messages = [self._line(line.decode()) for line in lines]
        return [message for message in messages if message is not None]

    def _line(self, line: str) -> Message | None:
        if not line:
            event, data, self._event, self._data = self._event, self._data, "", ""
            # No data, no message; the id counts all the same.
            return Message(self.last_id, event or "message", data[:-1]) if data else None
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "":
                self.comments.append(value)
            case "event":
                self._event = value
            case "data":
                self._data += value + "\n"
            case "id":
                self.last_id = value
            case "retry":
                self.retry = int(value)
            case _:
                raise AssertionError(f"an unknown field: {line}")
        return None


class Listening:
    """One listener: what it heard so far, and when."""

    def __init__(self) -> None:
        self.reader = Reader()
        self.heard: list[Message] = []
        self.heard_at: list[float] = []
        self.headers = httpx.Headers()
        self.began = threading.Event()
        self.ended = threading.Event()
        self.leave: Callable[[], object] = self.ended.set

    @property
    def positions(self) -> list[int]:
        return [int(message.id) for message in self.heard]

    def until_position(self, position: int) -> list[int]:
        """Wait for an event at ``position`` or behind it; the positions of all that was heard."""
        eventually(lambda: bool(self.heard) and int(self.heard[-1].id) >= position)
        return self.positions

    async def run(self, client: httpx.AsyncClient, url: httpx.URL, headers: dict[str, str]) -> None:
        try:
            async with client.stream("GET", url, headers=headers) as answer:
                if answer.status_code != 200:
                    raise AssertionError(await answer.aread())
                self.headers = answer.headers
                async for piece in answer.aiter_raw():
                    self.heard += self.reader.feed(piece)
                    self.heard_at += [time.time()] * (len(self.heard) - len(self.heard_at))
                    self.began.set()
        except httpx.TransportError:
            pass  # the server was killed
        finally:
            self.ended.set()


class Listeners:
    """Any number of listeners, in one thread beside the test."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        limits = httpx.Limits(max_connections=None)
        self._client = httpx.AsyncClient(timeout=60.0, limits=limits, trust_env=False)
        self._running: list[Future[None]] = []

    def listen(
        self,
        url: str,
        query: Sequence[tuple[str, str]] = (),
        *,
        last_id: str | None = None,
        token: str | None = None,
        wait: bool = True,
    ) -> Listening:
        """Begin to listen, and return when the stream has begun."""
        headers = {"Accept-Encoding": "gzip"}
        if last_id is not None:
            headers["Last-Event-ID"] = last_id
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        listening = Listening()
        work = listening.run(self._client, httpx.URL(url + PATH, params=list(query)), headers)
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        listening.leave = future.cancel
        self._running.append(future)
        if wait:
            assert listening.began.wait(PATIENCE_S), "the stream did not begin"
        return listening

    def leave(self) -> None:
        """Everybody leaves."""
        for future in self._running:
            future.cancel()

    def close(self) -> None:
        """Everybody leaves, and the thread ends."""
        self.leave()
        asyncio.run_coroutine_threadsafe(self._client.aclose(), self._loop).result(PATIENCE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()


def eventually(true: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < until, "it did not come true in time"
        time.sleep(0.01)


@dataclass(frozen=True)
class Served:
    """An application served in this process."""

    url: str
    hub: Hub
    store: Store
    close: Callable[[], None]

    def record(self, *events: Event) -> int:
        """Commit ``events``; the head of the log then."""
        with self.store.write() as work:
            work.events.record(*events)
        return self.head()

    def head(self) -> int:
        with self.store.read() as reading:
            return reading.events.head()

    def log(self, after: int = 0) -> list[StoredEvent]:
        with self.store.read() as reading:
            return reading.events.after(after, limit=100_000)


@contextmanager
def served_here(url: str, folder: Path, limits: Limits | None = None) -> Iterator[Served]:
    """Serve the store at ``url``, with limits small enough to be met."""
    runtime = Runtime.open(Settings.read(data=folder, database_url=url))
    app = create_app(runtime)
    hub: Hub = app.state.hub
    hub.limits = limits or hub.limits
    config = uvicorn.Config(app, port=0, log_level="error", timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    eventually(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    loop = server.servers[0].get_loop()

    def close() -> None:
        loop.call_soon_threadsafe(hub.close)

    try:
        yield Served(f"http://127.0.0.1:{port}", hub, runtime.store, close)
    finally:
        close()
        server.should_exit = True
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def moved(count: int, *, first: int = 0) -> list[ResponderMoved]:
    """So many events that are about no case."""
    return [ResponderMoved(f"R{number:06d}") for number in range(first, first + count)]


def received(
    number: int, *, kind: str = "land_dispute", areas: tuple[str, ...] = (), drill: bool = False
) -> IncidentReceived:
    """An event of a case."""
    return IncidentReceived(
        incident=f"I{number}",
        number=f"N{number}",
        category="dispute",
        kind=kind,
        urgency=3,
        areas=areas,
        drill=drill,
        stage="registered",
        located=bool(areas),
        by="R0001",
    )
