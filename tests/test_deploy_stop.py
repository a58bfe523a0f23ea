"""Told to stop under load: what was asked is finished, nothing new begins, the exit is clean."""

import http.client
import json
import signal
import socket
import threading
from pathlib import Path

import pytest

from gridsvc.store import Store
from tests.api_county import REPORT, publish_county
from tests.test_api_server import PATIENCE_S, serving


def test_under_load_every_report_taken_is_answered_and_none_is_left_half_done(
    store_url: str, tmp_path: Path
) -> None:
    store = Store.open(store_url)
    publish_county(store)
    answered: set[str] = set()
    statuses: set[int] = set()
    enough = threading.Event()

    def send(worker: int, address: str) -> None:
        connection = http.client.HTTPConnection(address, timeout=PATIENCE_S)
        headers = {"Content-Type": "application/json"}
        try:
            for n in range(10_000):
                body = json.dumps({**REPORT, "text": f"{worker}-{n}"}).encode()
                connection.request("POST", "/api/v1/incidents", body=body, headers=headers)
                answer = connection.getresponse()
                statuses.add(answer.status)
                answered.add(json.loads(answer.read())["id"])
                if len(answered) > 60:
                    enough.set()
        except (OSError, http.client.HTTPException):
            return  # the connection was closed between two requests, or is refused

    with serving(store_url, tmp_path) as (process, address):
        workers = [threading.Thread(target=send, args=(n, address)) for n in range(8)]
        for worker in workers:
            worker.start()
        assert enough.wait(timeout=PATIENCE_S)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE_S) == 0
        for worker in workers:
            worker.join(timeout=PATIENCE_S)
        host, port = address.split(":")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, int(port)), timeout=2)
    with store.read() as reading:
        stored = {incident.id for incident in reading.incidents.all()}
    store.close()
    assert statuses == {201}
    assert stored == answered


def test_a_stop_before_anything_was_asked_is_clean_too(tmp_path: Path) -> None:
    with serving("", tmp_path) as (process, _):
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE_S) == 0
