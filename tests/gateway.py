"""Gateways on loopback that fail, hang and accept as a test says; and a channel file for them."""

import json
import socketserver
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

HANG = -1
"""Answered by nothing, until the gateway is closed."""

FORCE_PHONES = {f"R{number:04d}": f"1990000{number:04d}" for number in range(1, 7)}


@dataclass
class Gateway:
    """What was asked of it, in order; ``answer`` says what to reply to the n-th request (from 0)
    with this body: a status, or ``HANG``."""

    url: str
    answer: Callable[[int, dict[str, Any]], int] = lambda _n, _body: 200
    said: bytes = b'{"code": 0}'
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    taken: list[dict[str, Any]] = field(default_factory=list)
    together: Counter[str] = field(default_factory=Counter)
    overlaps: list[str] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def gateway(
    answer: Callable[[int, dict[str, Any]], int] = lambda _n, _body: 200,
) -> Iterator[Gateway]:
    """A gateway that takes JSON bodies by POST."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length", 0)))
            body = json.loads(raw) if raw[:1] == b"{" else {"raw": raw.decode()}
            key = str(body.get("id", len(here.asked)))
            with here.lock:
                number = len(here.asked)
                here.asked.append(body)
                here.headers.append(dict(self.headers))
                here.together[key] += 1
                if here.together[key] > 1:
                    here.overlaps.append(key)
            status = here.answer(number, body)
            if status == HANG:
                here.closed.wait(60)
            else:
                # Recorded before it is answered: whoever has the answer finds it here.
                with here.lock:
                    if status == 200:
                        here.taken.append(body)
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", f"{here.url}/elsewhere")
                self.send_header("Content-Length", str(len(here.said)))
                self.end_headers()
                self.wfile.write(here.said)
            with here.lock:
                here.together[key] -= 1

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        here = Gateway(f"http://127.0.0.1:{server.server_port}", answer)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield here
        finally:
            here.closed.set()
            server.shutdown()


@contextmanager
def mailbox() -> Iterator[tuple[int, list[str]]]:
    """An SMTP server; gives its port and the mails it was given."""
    mails: list[str] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 here")
            while line := self.rfile.readline().decode().strip():
                word = line.upper().split(" ")[0]
                if word == "QUIT":
                    self._say("221 bye")
                    return
                if word == "DATA":
                    self._say("354 go on")
                    lines = []
                    while (part := self.rfile.readline().decode()) != ".\r\n":
                        lines.append(part)
                    mails.append("".join(lines))
                self._say("250 ok")

        def _say(self, words: str) -> None:
            self.wfile.write(f"{words}\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield int(server.server_address[1]), mails
        finally:
            server.shutdown()


def sms(url: str, **more: Any) -> dict[str, Any]:
    """An SMS gateway at ``url`` as a channel."""
    body = {"id": "{id}", "phone": "{phone}", "text": "{text}"}
    return {"kind": "sms", "url": f"{url}/send", "body": body, "timeout_s": 1, **more}


def voice(url: str, **more: Any) -> dict[str, Any]:
    """A voice gateway at ``url`` as a channel."""
    return {**sms(url), "kind": "voice", **more}


def channel_file(folder: Path, *to: str, centre: str = "", **channels: dict[str, Any]) -> Path:
    """Write a file of channels, each told in turn where ``to`` names none."""
    routes = [{"channel": name} for name in (to or channels)]
    told = {"centre": centre, "channels": channels, "to": routes}
    path = folder / "channels.yaml"
    path.write_text(yaml.safe_dump(told, allow_unicode=True), encoding="utf-8")
    return path
