"""The stream where the missed meets the present, where many listen, and where processes differ."""

import asyncio
import threading
import time
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.hub import Hub, Limits, Listener
from api.stream_events import Wanted
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings
from tests.listening import Listeners, Reader, Served, eventually, moved


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    bursts=st.lists(st.tuples(st.integers(1, 12), st.floats(0, 0.02)), min_size=1, max_size=8),
    comings=st.lists(st.tuples(st.floats(0, 0.1), st.floats(0, 1)), min_size=1, max_size=5),
)
def test_between_what_was_missed_and_what_happens_now_there_is_no_seam(
    tight: Served,
    ears: Listeners,
    bursts: list[tuple[int, float]],
    comings: list[tuple[float, float]],
) -> None:
    begun = tight.head()
    end = begun + sum(count for count, _ in bursts)

    def write() -> None:
        for count, pause_s in bursts:
            tight.record(*moved(count))
            time.sleep(pause_s)

    writer = threading.Thread(target=write)
    writer.start()
    hearing = []
    for wait_s, share in sorted(comings):
        time.sleep(wait_s / 10)
        after = int(share * begun)
        hearing.append((after, ears.listen(tight.url, last_id=str(after), wait=False)))
    writer.join()
    for after, listening in hearing:
        assert listening.until_position(end) == list(range(after + 1, end + 1))
        listening.leave()


def test_a_hundred_listeners_miss_nothing(served: Served, ears: Listeners) -> None:
    hundred = [ears.listen(served.url, wait=False) for _ in range(100)]
    assert all(listening.began.wait(20) for listening in hundred)
    for n in range(40):
        served.record(*moved(5, first=5 * n))
        time.sleep(0.01)
    for listening in hundred:
        assert listening.until_position(200) == list(range(1, 201))
    ears.leave()
    eventually(lambda: served.hub.listeners == 0)
    assert served.hub.sent == 100 * 200


def test_one_that_was_ahead_of_this_process_is_told_nothing_twice(
    store_url: str, tmp_path: Path
) -> None:
    runtime = Runtime.open(Settings.read(data=tmp_path, database_url=store_url))
    hub = Hub(runtime, Limits(heartbeat_s=0.05))
    listener = Listener(Wanted(runtime.local), 5, {}, told=5)
    with runtime.store.write() as work:
        work.events.record(*moved(8))

    async def listen() -> list[bytes]:
        hub.head, hub._open = 2, True
        hub._arrived(hub._read(2, 2))  # as far as another process's client is not yet
        chunks = hub.chunks(listener)
        heard = [await anext(chunks)]
        hub._arrived(hub._read(2, 1))  # known already
        assert hub.head == 4
        hub._arrived(hub._read(3, 100))
        heard.append(await anext(chunks))
        return heard

    silence, told = asyncio.run(listen())
    assert silence == b":\n\n"
    assert [int(one.id) for one in Reader().feed(told)] == [6, 7, 8]
    runtime.close()
