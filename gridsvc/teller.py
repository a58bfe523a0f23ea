"""The thread that tells people: it turns events into messages and has them sent.

It dies of no error. Each message is sent in a thread of its own, a few at once by each channel,
so that a dead or slow channel holds up neither another channel nor anything else.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from gridsvc import logs
from gridsvc.channels import Channels, Outgoing, SendError, deliver
from gridsvc.domain.errors import GridsvcError
from gridsvc.domain.messages import MessageState
from gridsvc.flows import telling
from gridsvc.store import Store

log = logging.getLogger(__name__)

_LOOK_S = 1.0
_RETRY_AT_MOST_S = 60.0
_WAIT_FOR_SENDERS_S = 5.0


@dataclass
class Teller:
    """Tells people of their assignments by ``channels`` until ``close``. Several processes may do
    so at once: the store sees to it that each message is sent by one of them. Where nobody was
    ever told before, it begins behind the event at ``first`` (None: now)."""

    store: Store
    channels: Channels
    speech: Callable[[], telling.Speech]
    find: telling.Find
    clock: Callable[[], datetime]
    first: int | None = None
    _seen: int | None = None
    _at_work: dict[str, int] = field(default_factory=dict)
    _senders: set[threading.Thread] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _wake: threading.Event = field(default_factory=threading.Event)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread = threading.Thread(target=self._work, name="teller", daemon=True)
        self._thread.start()

    def wake(self, _events: object = None) -> None:
        """Look at once whether there is something to tell."""
        self._wake.set()

    def close(self) -> None:
        """Stop; what is being sent has a few seconds to end, else another process sends it."""
        self._stop.set()
        self._wake.set()
        until = time.monotonic() + _WAIT_FOR_SENDERS_S
        if self._thread is not None:
            self._thread.join(timeout=_WAIT_FOR_SENDERS_S)
        with self._lock:
            senders = list(self._senders)
        for sender in senders:
            sender.join(timeout=max(0.0, until - time.monotonic()))

    def _work(self) -> None:
        wait_s = _LOOK_S
        while not self._stop.is_set():
            try:
                self._wake.clear()
                self.look()
                wait_s = _LOOK_S
            except GridsvcError as error:
                log.warning("people cannot be told, it is tried again: %s", error)
                wait_s = min(2 * wait_s, _RETRY_AT_MOST_S)
            except Exception:
                log.exception("people cannot be told, it is tried again")
                wait_s = min(2 * wait_s, _RETRY_AT_MOST_S)
            self._wake.wait(wait_s)

    def look(self) -> None:
        """Make messages of what has happened, and begin to send what is due."""
        seen = self._seen
        if seen is None:
            seen = telling.begin(self.store, first=self.first)
        self._seen = telling.enqueue(
            self.store, self.channels, find=self.find, after=seen, now=self.clock()
        )
        for name, at in telling.due(self.store).items():
            if at <= self.clock():
                self._begin(name)

    def _begin(self, name: str) -> None:
        channel = self.channels.by_name.get(name)
        most = 1 if channel is None else channel.at_once
        while not self._stop.is_set() and self._take_place(name, most):
            taken = None
            try:
                taken = telling.take(self.store, name, self.speech(), now=self.clock())
            finally:
                if taken is None:
                    self._give_place(name)
            if taken is None:
                return
            sender = threading.Thread(
                target=self._send, args=(taken,), name=f"send-{name}", daemon=True
            )
            with self._lock:
                self._senders.add(sender)
            sender.start()

    def _take_place(self, name: str, most: int) -> bool:
        with self._lock:
            if self._at_work.get(name, 0) >= most:
                return False
            self._at_work[name] = self._at_work.get(name, 0) + 1
            return True

    def _give_place(self, name: str) -> None:
        with self._lock:
            self._at_work[name] -= 1

    def _send(self, taken: telling.Taken) -> None:
        try:
            with logs.bound():
                self._deliver(taken)
        except Exception:
            # Another try follows when this sender is given up for lost.
            log.exception("what became of a message cannot be recorded")
        finally:
            self._give_place(taken.message.channel)
            with self._lock:
                self._senders.discard(threading.current_thread())
            self._wake.set()

    def _deliver(self, taken: telling.Taken) -> None:
        one, code = taken.message, taken.wrong
        if taken.outgoing is not None:
            code = self._tried(one.channel, taken.outgoing)
        if not code:
            telling.sent(self.store, one, now=self.clock())
            _say("a message was sent", logging.INFO, taken)
            return
        state = telling.failed(self.store, one, code, self.channels, now=self.clock())
        words = "given up" if state is MessageState.GIVEN_UP else "to be tried again"
        _say(f"a message was not sent, {words}", logging.WARNING, taken, error=code)

    def _tried(self, name: str, outgoing: Outgoing) -> str:
        """Why a message was not taken, empty where it was."""
        try:
            deliver(self.channels.by_name[name], outgoing)
        except SendError as error:
            return error.code
        return ""


def _say(words: str, level: int, taken: telling.Taken, **more: str) -> None:
    one = taken.message
    fields = {
        "message_id": one.id,
        "assignment": one.assignment,
        "channel": one.channel,
        "kind": one.kind.value,
        "attempt": one.attempts,
        **more,
    }
    log.log(level, words, extra={logs.FIELDS: fields})
