"""The stream of the real command: killed, stopped, several processes, clients that do not read."""

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from gridsvc.store import Store
from tests.api_county import REPORT, publish_county
from tests.browser import open_browser, visit
from tests.listening import (
    PATH,
    PATIENCE_S,
    Listeners,
    Listening,
    Message,
    Reader,
    eventually,
    moved,
    received,
    served_here,
)
from tests.test_api_server import serving


@pytest.fixture
def ears() -> Iterator[Listeners]:
    """Listeners that leave with the test."""
    made = Listeners()
    yield made
    made.close()


def log(store: Store) -> list[tuple[int, str]]:
    with store.read() as reading:
        return [(one.position, one.name) for one in reading.events.after(0, limit=100_000)]


def heard(*parts: list[Message]) -> list[tuple[int, str]]:
    return [(int(message.id), message.event) for part in parts for message in part]


def test_what_one_process_does_is_heard_at_the_other(
    store: Store, store_url: str, tmp_path: Path, ears: Listeners
) -> None:
    publish_county(store)
    with serving(store_url, tmp_path) as (_, one), serving(store_url, tmp_path) as (_, other):
        at_other = ears.listen(f"http://{other}", [("after", "0")])
        at_both = [ears.listen(f"http://{address}") for address in (one, other)]
        begun = log(store)[-1][0] if log(store) else 0
        for n in range(5):
            answer = httpx.post(
                f"http://{(one, other)[n % 2]}/api/v1/incidents",
                json={**REPORT, "text": str(n)},
                timeout=PATIENCE_S,
            )
            assert answer.status_code == 201
        whole = log(store)
        for listening in (at_other, *at_both):
            listening.until_position(whole[-1][0])
        assert heard(at_other.heard) == whole
        assert heard(at_both[0].heard) == heard(at_both[1].heard) == whole[begun:]


def test_killed_in_the_middle_it_goes_on_at_another_process(
    store: Store, store_url: str, tmp_path: Path, ears: Listeners
) -> None:
    done = threading.Event()

    def write() -> None:
        for n in range(250):
            with store.write() as work:
                work.events.record(*moved(1 + n % 4, first=n))
            time.sleep(0.003)
        done.set()

    with serving(store_url, tmp_path) as (process, one), serving(store_url, tmp_path) as (_, other):
        before = [ears.listen(f"http://{one}", [("after", "0")]) for _ in range(5)]
        threading.Thread(target=write).start()
        before[0].until_position(150)
        process.send_signal(signal.SIGKILL)
        assert all(listening.ended.wait(PATIENCE_S) for listening in before)
        assert not done.is_set(), "killed too late to show anything"
        # The id counts even of what was cut in the middle; only whole messages were dispatched.
        after = [ears.listen(f"http://{other}", last_id=_last(part)) for part in before]
        assert done.wait(PATIENCE_S)
        whole = log(store)
        for first, rest in zip(before, after, strict=True):
            rest.until_position(whole[-1][0])
            assert heard(first.heard, rest.heard) == whole


def _last(listening: Listening) -> str:
    """What a browser sends: the id of the last message it was given whole."""
    return listening.heard[-1].id


def test_told_to_stop_it_ends_the_streams_first(tmp_path: Path, ears: Listeners) -> None:
    with serving("", tmp_path) as (process, address):
        reading = [ears.listen(f"http://{address}") for _ in range(10)]
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert all(listening.ended.wait(PATIENCE_S) for listening in reading)
        assert process.wait(timeout=PATIENCE_S) in (0, -signal.SIGTERM)
        # Uvicorn alone would wait for its whole patience of ten seconds.
        assert time.monotonic() - started < 8
    said = "".join(path.read_text(encoding="utf-8") for path in tmp_path.glob("serve-*.log"))
    assert "Traceback" not in said
    assert "Cancel" not in said


class Idle:
    """A client that reads only when told to, on a connection that holds little."""

    def __init__(self, address: str, last_id: int) -> None:
        host, port = address.split(":")
        self.reader = Reader()
        self._wire = socket.socket()
        self._wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._wire.settimeout(PATIENCE_S)
        self._wire.connect((host, int(port)))
        self._wire.sendall(
            f"GET {PATH} HTTP/1.0\r\nHost: {address}\r\nLast-Event-ID: {last_id}\r\n\r\n".encode()
        )
        # HTTP/1.0 knows no chunks: what follows the header is the stream itself.
        assert b" 200 " in self._wire.recv(15)

    def rest(self) -> list[Message]:
        """Everything that was on its way when the server hung up."""
        pieces: list[bytes] = []
        try:
            while piece := self._wire.recv(65536):
                pieces.append(piece)
        except ConnectionResetError:
            pass
        self._wire.close()
        return self.reader.feed(b"".join(pieces).partition(b"\r\n\r\n")[2])


def _rss_mb(process: subprocess.Popen[bytes]) -> float:
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _sockets(process: subprocess.Popen[bytes]) -> int:
    count = 0
    for path in Path(f"/proc/{process.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed since
            count += os.readlink(path).startswith("socket:")
    return count


def test_who_does_not_read_is_cut_off_and_harms_nobody(tmp_path: Path, ears: Listeners) -> None:
    large = received(1, areas=("530324", "x" * 8_000))
    with serving("", tmp_path) as (process, address):
        store = Store.open(f"sqlite:///{tmp_path / 'gridsvc.sqlite'}")

        def write(commits: int) -> int:
            for _ in range(commits):
                with store.write() as work:
                    work.events.record(*[large] * 20)
            return log(store)[-1][0]

        reading = ears.listen(f"http://{address}")
        begun = write(100)
        reading.until_position(begun)
        open_before, rss_before = _sockets(process), _rss_mb(process)
        idle = [Idle(address, begun) for _ in range(3)]
        end = write(200)
        reading.until_position(end)
        # Nearly 100 MB were not read by three clients together.
        assert _rss_mb(process) - rss_before < 40
        eventually(lambda: _sockets(process) <= open_before)
        got = idle[0].rest()
        assert 0 < len(got) < 4000
        again = ears.listen(f"http://{address}", last_id=got[-1].id)
        again.until_position(end)
        assert heard(got, again.heard) == log(store)[begun:]
        assert heard(reading.heard) == log(store)
        store.close()


def test_a_browser_that_was_cut_off_comes_back_by_itself(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'gridsvc.sqlite'}"
    store = Store.open(url)
    store.upgrade()
    store.close()
    script = """() => {
        window.heard = [];
        const source = new EventSource("/api/v1/stream");
        source.addEventListener("responder_moved", (told) =>
            window.heard.push([told.lastEventId, JSON.parse(told.data).position]));
        return new Promise((done) => source.addEventListener("open", () => done(), {once: true}));
    }"""
    with (
        open_browser() as browser,
        served_here(url, tmp_path) as here,
        visit(browser, f"{here.url}/healthz") as page,
    ):
        page.page.evaluate(script)
        eventually(lambda: here.hub.listeners == 1)
        here.record(*moved(3))
        page.page.wait_for_function("window.heard.length === 3")
        for listener in list(here.hub._listeners):
            listener.ended = True
        here.record(*moved(2))  # wakes them
        eventually(lambda: here.hub.listeners == 0)
        here.record(*moved(4))  # while nobody listens
        # Not with a wait of our own: the page's requests pass through this thread.
        page.page.wait_for_function("window.heard.length >= 9")
        here.record(*moved(1))
        page.page.wait_for_function("window.heard.length >= 10")
        told = page.page.evaluate("window.heard")
    assert told == [[str(position), position] for position in range(1, 11)]


def test_json_of_the_stream_is_the_one_of_the_log(
    store: Store, store_url: str, tmp_path: Path, ears: Listeners
) -> None:
    publish_county(store)
    with serving(store_url, tmp_path) as (_, address):
        listening = ears.listen(f"http://{address}", [("after", "0")])
        answer = httpx.post(
            f"http://{address}/api/v1/incidents", json=REPORT, timeout=PATIENCE_S
        ).json()
        listening.until_position(log(store)[-1][0])
    first = next(one for one in listening.heard if one.event == "incident_received")
    told = json.loads(first.data)
    assert told["incident"] == answer["id"]
    assert told["number"] == answer["number"]
    assert told["areas"][0] == "530324"
