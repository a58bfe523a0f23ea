"""A listener of the stream for the tests, and a server in this process to listen to."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
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
    """A listener in a thread of its own: what it heard so far, and how that ended."""

    def __init__(
        self,
        url: str,
        query: Sequence[tuple[str, str]] = (),
        *,
        last_id: str | None = None,
        token: str | None = None,
    ) -> None:
        self.reader = Reader()
        self.heard: list[Message] = []
        self.headers = httpx.Headers()
        self.ended = threading.Event()
        self._leave = threading.Event()
        self._began = threading.Event()
        self._url = httpx.URL(url + PATH, params=list(query))
        self._asked = {"Accept-Encoding": "gzip"}
        if last_id is not None:
            self._asked["Last-Event-ID"] = last_id
        if token is not None:
            self._asked["Authorization"] = f"Bearer {token}"
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        assert self._began.wait(PATIENCE_S), "the stream did not begin"

    @property
    def positions(self) -> list[int]:
        return [int(message.id) for message in self.heard]

    def until(self, happened: Callable[[], bool]) -> None:
        """Wait for what must come."""
        eventually(happened)

    def until_position(self, position: int) -> list[int]:
        """Wait for an event at ``position`` or behind it; all that was heard."""
        self.until(lambda: bool(self.heard) and int(self.heard[-1].id) >= position)
        return self.positions

    def leave(self) -> None:
        self._leave.set()

    def _listen(self) -> None:
        try:
            with httpx.stream(
                "GET", self._url, headers=self._asked, timeout=httpx.Timeout(PATIENCE_S, read=0.2)
            ) as answer:
                assert answer.status_code == 200, answer.read()
                self.headers = answer.headers
                self._read(answer)
        except httpx.TransportError:
            pass  # killed, or left
        finally:
            self.ended.set()

    def _read(self, answer: httpx.Response) -> None:
        pieces = answer.stream
        assert isinstance(pieces, httpx.SyncByteStream)
        for piece in _patient(answer, self._leave):
            self.heard += self.reader.feed(piece)
            self._began.set()


def _patient(answer: httpx.Response, leave: threading.Event) -> Iterator[bytes]:
    """Pieces as they come, until the end or until told to leave."""
    wire = answer.extensions["network_stream"]
    for piece in answer.iter_raw():
        yield piece
        if leave.is_set():
            wire.close()
            return
