"""The real server on a loopback socket: many at once, killed half-way, told to stop."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from gridsvc.domain.events import IncidentReceived
from gridsvc.store import Store
from tests.api_county import IN_U1, REPORT, publish_county
from tests.serving import ADDRESS
from tests.shared import ROOT

SERVE = [sys.executable, "-c", "from gridsvc.cli import main; main()", "serve", "--port", "0"]
PATIENCE_S = 30.0
EMBEDDED = ""
"""No address: the SQLite file in the data folder, which the server makes itself."""


@contextmanager
def serving(url: str, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """``gridsvc serve`` on the store at ``url``: the process and the host and port it answers."""
    log = folder / f"serve-{time.monotonic_ns()}.log"
    env = {**os.environ, "GRIDSVC_DATA": str(folder), "GRIDSVC_DATABASE_URL": url}
    with log.open("wb") as output:
        process = subprocess.Popen(
            SERVE, cwd=ROOT, env=env, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield process, _ready(process, log)
    finally:
        process.kill()
        process.wait(timeout=10)


def _ready(process: subprocess.Popen[bytes], log: Path) -> str:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and process.poll() is None:
        if found := ADDRESS.search(log.read_text(encoding="utf-8")):
            return urlsplit(found[1]).netloc
        time.sleep(0.05)
    raise AssertionError(f"not ready:\n{log.read_text(encoding='utf-8')}")


def _post(connection: http.client.HTTPConnection, text: str) -> tuple[int, dict[str, Any]]:
    body = json.dumps({**REPORT, "text": text}).encode()
    connection.request(
        "POST", "/api/v1/incidents", body=body, headers={"Content-Type": "application/json"}
    )
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


@pytest.fixture
def county_url(store_url: str) -> str:
    """A store with the small county, on SQLite and on PostGIS."""
    store = Store.open(store_url)
    publish_county(store)
    store.close()
    return store_url


def test_sixteen_at_once_are_all_taken_under_numbers_of_their_own(
    county_url: str, tmp_path: Path
) -> None:
    each = 5

    def send(worker: int) -> list[tuple[int, dict[str, Any]]]:
        connection = http.client.HTTPConnection(address, timeout=PATIENCE_S)
        return [_post(connection, f"{worker}-{n}") for n in range(each)]

    with serving(county_url, tmp_path) as (_, address), ThreadPoolExecutor(16) as pool:
        answers = [answer for part in pool.map(send, range(16)) for answer in part]
    assert {status for status, _ in answers} == {201}
    assert len({body["id"] for _, body in answers}) == 16 * each
    counters = sorted(int(body["number"].rsplit("-", 1)[1]) for _, body in answers)
    assert len({body["number"] for _, body in answers}) == 16 * each
    days = len({body["number"].split("-")[1] for _, body in answers})
    assert days > 1 or counters == list(range(1, 16 * each + 1))


def test_killed_right_after_answers_nothing_answered_is_lost(
    county_url: str, tmp_path: Path
) -> None:
    answered: dict[str, str] = {}
    for round_ in range(2):
        with serving(county_url, tmp_path) as (process, address):
            enough = threading.Event()

            def send(
                worker: int,
                address: str = address,
                enough: threading.Event = enough,
                goal: int = len(answered) + 20,
                round_: int = round_,
            ) -> None:
                connection = http.client.HTTPConnection(address, timeout=PATIENCE_S)
                try:
                    for n in range(1000):
                        status, body = _post(connection, f"{round_}-{worker}-{n}")
                        assert status == 201
                        answered[body["id"]] = body["number"]
                        if len(answered) >= goal:
                            enough.set()
                except (OSError, http.client.HTTPException, ValueError):
                    return  # Killed in the middle of a request: that one was not answered.

            with ThreadPoolExecutor(4) as pool:
                workers = [pool.submit(send, worker) for worker in range(4)]
                assert enough.wait(PATIENCE_S)
                process.send_signal(signal.SIGKILL)
                for worker in workers:
                    worker.result(timeout=PATIENCE_S)
    store = Store.open(county_url)
    with store.read() as reading:
        stored = {incident.id: incident.number for incident in reading.incidents.all()}
        events = {
            event.payload["incident"]: event.payload["number"]
            for event in reading.events.after(0, limit=100_000)
            if event.name == IncidentReceived.name
        }
    store.close()
    assert len(answered) >= 40
    assert answered.items() <= stored.items()
    assert stored == events, "every incident has its event and every event its incident"
    assert len(set(stored.values())) == len(stored)


def test_a_move_told_to_one_server_counts_at_the_other_within_a_second(
    county_url: str, tmp_path: Path
) -> None:
    """A second on a quiet machine: the clock is stopped between two answers, and given two."""
    place = json.dumps({"lng": IN_U1[0], "lat": IN_U1[1]}).encode()
    with serving(county_url, tmp_path) as (_, one), serving(county_url, tmp_path) as (_, other):
        told = http.client.HTTPConnection(one, timeout=PATIENCE_S)
        asked = http.client.HTTPConnection(other, timeout=PATIENCE_S)

        def ambulance() -> dict[str, Any]:
            status, body = _post(asked, "x")
            assert status == 201
            # The first report has it sent; later ones name it among those who cannot go.
            near: dict[str, list[dict[str, Any]]] = body["nearest"]
            people = near["chosen"] + near["refused"]
            return next(person for person in people if person["id"] == "R0005")

        assert ambulance()["from"] == "home"
        told.request(
            "PUT",
            "/api/v1/responders/R0005/position",
            body=place,
            headers={"Content-Type": "application/json"},
        )
        assert told.getresponse().status == 204
        moved = time.monotonic()
        while (found := ambulance())["from"] == "home":
            assert time.monotonic() - moved < 2.0, "the other server has not learned of it"
            time.sleep(0.02)
    assert found["distance_m"] < 1


def test_told_to_stop_it_stops_in_good_order(tmp_path: Path) -> None:
    with serving(EMBEDDED, tmp_path) as (process, address):
        connection = http.client.HTTPConnection(address, timeout=PATIENCE_S)
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
        assert answer.getheader("server") is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) in (0, -signal.SIGTERM)
        host, port = address.split(":")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, int(port)), timeout=2)


def test_nonsense_on_the_wire_harms_nobody(tmp_path: Path) -> None:
    with serving(EMBEDDED, tmp_path) as (_, address):
        host, port = address.split(":")
        for raw in (
            b"\x00\x01\x02\r\n\r\n",
            b"GET / HTTP/1.0\r\n\r\n",
            b"GET /\xff HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
            b"POST /api/v1/incidents HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -5\r\n\r\n",
            b"POST /api/v1/incidents HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{",
        ):
            with socket.create_connection((host, int(port)), timeout=2) as wire:
                wire.settimeout(1)
                wire.sendall(raw)
                with suppress(TimeoutError):
                    assert b" 500 " not in wire.recv(200)
        connection = http.client.HTTPConnection(address, timeout=PATIENCE_S)
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200
