"""The events of this process on their way to the listeners of the stream.

Every event is read and encoded once and kept in a ring of the last ones. A listener is a position
in the log and nothing else: it takes what follows from the ring, or in pages from the store where
the ring no longer reaches back so far. So nothing is queued for anybody, and between what was
missed and what happens now there is no seam at which an event could be lost or told twice.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool
from starlette.types import Scope

from api.stream_events import Outgoing, Wanted, outgoing
from gridsvc.domain.events import StoredEvent
from gridsvc.runtime import Runtime

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of everything; times in seconds.

    Attributes
    ----------
    listeners
        At once in this process.
    ring, ring_bytes
        Events kept, and their bytes.
    page, chunk_bytes
        Events looked through, and their bytes, at a time.
    readers
        Listeners that read pages from the store at once.
    pace_s
        Listeners are woken at most this often: hundreds of events a second are sent together.
    heartbeat_s
        Longest silence.
    lag
        A listener that had caught up and takes nothing for ``lag_s`` while so many events wait is
        cut off; one that is told none of so many is told its position.
    blocked_s
        And so is any that takes nothing for so long.
    ending_s
        Patience with one that takes nothing when its stream is to end.
    """

    listeners: int = 500
    ring: int = 2_000
    ring_bytes: int = 4_000_000
    page: int = 200
    chunk_bytes: int = 128 * 1024
    readers: int = 4
    pace_s: float = 0.05
    heartbeat_s: float = 15.0
    lag: int = 1_000
    lag_s: float = 2.0
    blocked_s: float = 30.0
    ending_s: float = 0.5


@dataclass(eq=False, slots=True)
class Listener:
    """One open stream: what it wants, and ``position``, up to which the log has been looked through
    for it. ``told`` is the position its client knows, ``taken`` counts the events last sent."""

    wanted: Wanted
    position: int
    scope: Scope = field(repr=False)
    told: int = 0
    taken: int = 0
    caught_up: bool = False
    ended: bool = False
    quiet_until: float = 0.0
    sending_since: float | None = None
    sender: asyncio.Task[None] | None = None

    def take(self, events: Sequence[Outgoing], *, silent_at_most: int) -> bytes:
        """Pass ``events``, which follow ``position``, and return what is to be sent of them.

        Where none is, but ``silent_at_most`` have been passed untold, that is the position alone,
        so that the client need not come back to them.
        """
        mine = [event for event in events if self.wanted.takes(event)]
        self.taken = len(mine)
        if not events:
            return b""
        self.position = events[-1].position
        if mine:
            self.told = mine[-1].position
            return b"".join(event.data for event in mine)
        return self.heartbeat() if self.position - self.told >= silent_at_most else b""

    def heartbeat(self) -> bytes:
        """A sign of life: a comment, with the position where it has moved on without a message."""
        if self.position == self.told:
            return b":\n\n"
        self.told = self.position
        # A message without data sets the client's last id and is not given to the page.
        return b":\nid: %d\n\n" % self.position


class Hub:
    """Fans the event log out to the listeners of this process.

    All of it runs in the event loop but for the encoding, which is done where the log is followed.

    Attributes
    ----------
    head
        Position of the last event that can be told.
    sent
        Events handed to connections so far.
    cut_off
        Listeners that were too slow so far.
    hang_up
        Drops the connection of a request at once; the server sets it.
    """

    def __init__(self, runtime: Runtime, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.head = 0
        self.sent = 0
        self.cut_off = 0
        self.hang_up: Callable[[Scope], None] = lambda _: None
        self._runtime = runtime
        self._scheme = runtime.settings.code_scheme
        self._ring: dict[int, Outgoing] = {}
        self._ring_bytes = 0
        self._listeners: set[Listener] = set()
        self._news = asyncio.Event()
        self._woken_at = 0.0
        self._waking: asyncio.TimerHandle | None = None
        self._reading = asyncio.Semaphore(self.limits.readers)
        self._sweeper: asyncio.Task[None] | None = None
        self._unsubscribe: Callable[[], None] = lambda: None
        self._open = False

    @property
    def listeners(self) -> int:
        """How many streams are open."""
        return len(self._listeners)

    @property
    def is_open(self) -> bool:
        """Whether streams can begin: from ``start`` to ``close``."""
        return self._open

    @property
    def is_full(self) -> bool:
        """Whether no more listeners are taken."""
        return len(self._listeners) >= self.limits.listeners

    def start(self) -> None:
        """Fill the ring with the last events and follow the log, in the running loop."""
        loop = asyncio.get_running_loop()

        def told(events: Sequence[StoredEvent]) -> None:
            loop.call_soon_threadsafe(self._arrived, self._encoded(events))

        self._unsubscribe = self._runtime.subscribe(told)
        self.head = max(0, self.log_head() - self.limits.ring)
        self._arrived(self._read(self.head, self.limits.ring))
        self._sweeper = loop.create_task(self._sweep())
        self._open = True

    def close(self) -> None:
        """End every stream, and begin none any more."""
        self._open = False
        self._wake()

    async def stop(self) -> None:
        """Close, and stop following the log."""
        self.close()
        self._unsubscribe()
        self._unsubscribe = lambda: None
        if self._waking is not None:
            self._waking.cancel()
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper

    def log_head(self) -> int:
        """The head of the log as the store has it: other processes' events may be ahead of us."""
        with self._runtime.store.read() as reading:
            return reading.events.head()

    def enter(self, listener: Listener) -> None:
        """Count a listener in; whoever does so lets it ``leave``."""
        listener.quiet_until = time.monotonic() + self.limits.heartbeat_s
        self._listeners.add(listener)

    def leave(self, listener: Listener) -> None:
        """Forget a listener."""
        self._listeners.discard(listener)

    async def chunks(self, listener: Listener) -> AsyncIterator[bytes]:
        """What is to be sent to ``listener``, one piece after the other, until its stream ends."""
        while self._open and not listener.ended:
            news = self._news  # taken before the look: what comes after it sets this one
            events = await self._after(listener.position)
            listener.caught_up = listener.caught_up or not events
            chunk = listener.take(events, silent_at_most=self.limits.lag)
            now = time.monotonic()
            if not chunk and now >= listener.quiet_until:
                chunk = listener.heartbeat()
            if chunk:
                listener.quiet_until = now + self.limits.heartbeat_s
                yield chunk
                self.sent += listener.taken
            elif not events:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(listener.quiet_until - now):
                        await news.wait()

    async def _after(self, position: int) -> Sequence[Outgoing]:
        """Some of the events that follow ``position``, without holes; none where there are none."""
        if position >= self.head:
            return ()
        if position + 1 in self._ring:
            return self._from_ring(position)
        async with self._reading:
            return self._piece(await run_in_threadpool(self._read, position, self.limits.page))

    def _from_ring(self, position: int) -> list[Outgoing]:
        end = min(position + self.limits.page, self.head)
        return self._piece(self._ring[place] for place in range(position + 1, end + 1))

    def _piece(self, events: Iterable[Outgoing]) -> list[Outgoing]:
        """As many of ``events`` as are sent at a time; the first one in any case."""
        found: list[Outgoing] = []
        size = 0
        for event in events:
            found.append(event)
            size += len(event.data)
            if size >= self.limits.chunk_bytes:
                break
        return found

    def _read(self, position: int, limit: int) -> list[Outgoing]:
        with self._runtime.store.read() as reading:
            return self._encoded(reading.events.after(position, limit=limit))

    def _encoded(self, events: Sequence[StoredEvent]) -> list[Outgoing]:
        return [outgoing(event, self._scheme) for event in events]

    def _arrived(self, events: Sequence[Outgoing]) -> None:
        for event in events:
            if event.position <= self.head:
                continue  # read at the start already
            if event.position != self.head + 1:
                self._ring.clear()
                self._ring_bytes = 0
            self._ring[event.position] = event
            self._ring_bytes += len(event.data)
            self.head = event.position
            if event.revokes:
                self._end_streams_of(event.revokes)
        while len(self._ring) > self.limits.ring or self._ring_bytes > self.limits.ring_bytes:
            first = next(iter(self._ring))
            self._ring_bytes -= len(self._ring.pop(first).data)
        if self._waking is None:
            loop = asyncio.get_running_loop()
            due = max(0.0, self._woken_at + self.limits.pace_s - loop.time())
            self._waking = loop.call_later(due, self._wake)

    def _wake(self) -> None:
        self._waking = None
        self._woken_at = time.monotonic()
        news, self._news = self._news, asyncio.Event()
        news.set()

    def _end_streams_of(self, key: str) -> None:
        for listener in self._listeners:
            listener.ended = listener.ended or listener.wanted.caller.id == key

    async def _sweep(self) -> None:
        """Cut off who takes nothing, again and again."""
        while True:
            await asyncio.sleep(min(self.limits.lag_s, self.limits.ending_s) / 2)
            for listener in list(self._listeners):
                if self._is_too_slow(listener):
                    self._cut(listener)

    def _is_too_slow(self, listener: Listener) -> bool:
        if listener.sending_since is None:
            return False
        blocked_s = time.monotonic() - listener.sending_since
        limits = self.limits
        if listener.ended or not self._open:
            return blocked_s > limits.ending_s
        lags = listener.caught_up and self.head - listener.position > limits.lag
        return blocked_s > (limits.lag_s if lags else limits.blocked_s)

    def _cut(self, listener: Listener) -> None:
        log.info("a listener that takes nothing is cut off at position %d", listener.position)
        self.cut_off += 1
        self.leave(listener)
        # Closing would wait until everything on its way is taken; it is dropped instead.
        self.hang_up(listener.scope)
        if listener.sender is not None:
            listener.sender.cancel()
