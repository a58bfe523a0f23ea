"""Load on real servers for the tests that kill them: what was sent, and what was answered."""

import http.client
import json
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tests.api_county import REPORT

PATIENCE_S = 30.0
INCIDENTS = "/api/v1/incidents"
BODIES: tuple[dict[str, Any], ...] = (
    {**REPORT, "reporter": {"name": "王某", "phone": "13900000000", "confidential": True}},
    {**REPORT, "position": None, "address": "老街桥头，具体位置说不清"},
    {**REPORT, "category": "livelihood", "kind": "old_and_young", "text": "独居老人无人照看"},
    {**REPORT, "kind": "fight", "text": "有人打架"},
)
"""Urgent, urgent without a place, ordinary, and one that the force cannot wholly serve."""

Answer = tuple[int, dict[str, Any]]


def ask(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    key: str | None = None,
) -> Answer:
    """One request, answered whole; a killed server makes it an error of the connection."""
    headers = {"Content-Type": "application/json"}
    if key is not None:
        headers["Idempotency-Key"] = key
    sent = None if body is None else json.dumps(body).encode()
    connection.request(method, path, body=sent, headers=headers)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def connect(address: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(address, timeout=PATIENCE_S)


@dataclass
class Load:
    """Everything that threads have sent under a key, and the answers that came back whole."""

    sent: dict[str, dict[str, Any]] = field(default_factory=dict)
    answered: dict[str, dict[str, Any]] = field(default_factory=dict)
    stood_down: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, connection: http.client.HTTPConnection, key: str, body: dict[str, Any]) -> Answer:
        """Send a report under ``key``; whoever else was answered to it was answered the same."""
        with self._lock:
            self.sent.setdefault(key, body)
        status, told = ask(connection, "POST", INCIDENTS, body, key)
        with self._lock:
            if status != 201:
                self.wrong.append(f"{key}: {status} {told}")
            elif self.answered.setdefault(key, told) != told:
                self.wrong.append(f"{key}: answered {self.answered[key]} and {told}")
        return status, told

    def work_off(self, address: str, name: str) -> None:
        """Send reports and give people back, until the server is dead."""
        connection = connect(address)
        try:
            for turn in count():
                body = {**BODIES[turn % len(BODIES)], "address": f"{name} {turn}"}
                status, told = self.put(connection, f"{name}-{turn}", body)
                if status == 201 and turn % 3 == 0:
                    self._give_back(connection, told)
        except (OSError, http.client.HTTPException, ValueError):
            return  # killed in the middle of a request, which was not answered

    def _give_back(self, connection: http.client.HTTPConnection, told: dict[str, Any]) -> None:
        for one in told["assignments"]:
            path = f"/api/v1/assignments/{one['id']}/steps"
            status, answer = ask(connection, "POST", path, {"step": "stand_down"})
            with self._lock:
                if status == 200:
                    self.stood_down.add(one["id"])
                # Two threads that share a key stand the same people down: one is too late.
                elif status != 409 or answer["faults"][0]["code"] == "store_busy":
                    self.wrong.append(f"{one['id']}: {status} {answer}")

    def begin(
        self, pool: ThreadPoolExecutor, addresses: list[str], turn: int
    ) -> list[Future[None]]:
        """Let four threads work on each server: two with keys of their own, two with keys that
        every server is sent at once."""
        return [
            pool.submit(self.work_off, address, name)
            for n, address in enumerate(addresses)
            for name in (f"{turn}-{n}-a", f"{turn}-{n}-b", f"{turn}-both-c", f"{turn}-both-d")
        ]
