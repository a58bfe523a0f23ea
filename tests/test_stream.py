"""The stream over HTTP on both stores: format, resuming, filters, who may know what."""

import random
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.hub import Limits
from gridsvc.domain.codes import CodeScheme
from gridsvc.domain.events import Event, MapPublished
from gridsvc.domain.kinds import KINDS
from gridsvc.flows.keys import add_key, revoke_key
from tests.listening import (
    PATH,
    Listeners,
    Served,
    eventually,
    moved,
    received,
    served_here,
)
from tests.stream_fixtures import SMALL

COUNTY, TOWN, OTHER_TOWN = "530324", "530324001", "530324102"
VILLAGE, GRID = TOWN + "001", TOWN + "001001"
IN_TOWN = (COUNTY, TOWN, VILLAGE, GRID, GRID + "01")
IN_OTHER = (COUNTY, OTHER_TOWN, OTHER_TOWN + "001")
SENSITIVE = next(kind.code for kind in KINDS if kind.sensitive)


def token(served: Served, *roles: str, area: str | None = None) -> tuple[str, str]:
    """Id and token of a new key that the server knows of."""
    key, secret = add_key(
        served.store, name="k", roles=roles, area=area, scheme=CodeScheme(), now=datetime.now(UTC)
    )
    keys = served.hub._runtime.keys
    eventually(lambda: keys().caller(secret) is not None)
    return key.id, secret


def ask(served: Served, query: str = "", **headers: str) -> httpx.Response:
    return httpx.get(f"{served.url}{PATH}?{query}", headers=headers, timeout=20)


def test_it_begins_now_and_tells_every_event_as_the_log_has_it(
    served: Served, ears: Listeners
) -> None:
    before = served.record(*moved(3))
    eventually(lambda: served.hub.head == before)
    listening = ears.listen(served.url)
    assert listening.reader.last_id == "3"
    assert listening.reader.retry == 2000
    assert listening.reader.comments == ["head 3"]
    served.record(MapPublished(1, "多行\n字", 1, 2, 3, ("a\r\nb",)), received(1, areas=IN_TOWN))
    listening.until_position(5)
    for message, stored in zip(listening.heard, served.log(3), strict=True):
        told = message.told
        assert (message.id, message.event) == (str(stored.position), stored.name)
        assert datetime.fromisoformat(told.pop("at")).utcoffset() == timedelta(hours=8)
        assert told == {"position": stored.position, "name": stored.name, **stored.payload}
    headers = listening.headers
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert headers["cache-control"] == "no-store"
    assert headers["x-accel-buffering"] == "no"
    assert "content-encoding" not in headers
    assert "content-length" not in headers


@pytest.mark.parametrize(
    ("query", "last_id", "first"),
    [([("after", "4")], None, 5), ([], "6", 7), ([("after", "2")], "8", 9), ([], "0", 1)],
    ids=["after", "header", "the header counts", "from the beginning"],
)
def test_it_goes_on_behind_a_position(
    served: Served,
    ears: Listeners,
    query: list[tuple[str, str]],
    last_id: str | None,
    first: int,
) -> None:
    served.record(*moved(10))
    listening = ears.listen(served.url, query, last_id=last_id)
    assert listening.until_position(10) == list(range(first, 11))


def test_an_empty_header_begins_now(served: Served, ears: Listeners) -> None:
    head = served.record(*moved(2))
    eventually(lambda: served.hub.head == head)
    listening = ears.listen(served.url, last_id="")
    served.record(*moved(1))
    assert listening.until_position(3) == [3]


def test_a_position_beyond_the_log_is_told_and_goes_on_from_its_head(
    served: Served, ears: Listeners
) -> None:
    served.record(*moved(3))
    listening = ears.listen(served.url, last_id="900")
    eventually(lambda: bool(listening.heard))
    reset = listening.heard[0]
    assert (reset.event, reset.id) == ("reset", "3")
    assert reset.told["asked"] == 900
    assert reset.told["position"] == 3
    served.record(*moved(1))
    assert listening.until_position(4) == [3, 4]


def test_every_fault_of_a_request_is_told_at_once(served: Served) -> None:
    query = (
        f"after=-1&kind=nonsense&kind={SENSITIVE}&name=nonsense&area=5303&area=110101&area={COUNTY}"
    )
    answer = ask(served, query, **{"Last-Event-ID": "1e3"})
    assert answer.status_code == 422
    faults = answer.json()["faults"]
    assert [(fault["code"], fault["where"]) for fault in faults] == [
        ("bad_event_position", "Last-Event-ID"),
        ("bad_event_position", "after"),
        ("unknown_name", "name"),
        ("unknown_kind", "kind"),
        ("sensitive_kind", "kind"),
        ("bad_area", "area"),
        ("bad_area", "area"),
    ]
    assert "incident_received" in faults[2]["message"]
    assert "land_dispute" in faults[3]["message"]
    for bad in (
        "after=",
        f"after={'0' * 30}{'9' * 30}",
        f"after={'9' * 65}",
        "after=9223372036854775808",
        "after=٣",
        "after=1.0",
        "nonsense=1",
    ):
        assert ask(served, bad).status_code == 422, bad


@pytest.mark.parametrize("limits", [None, SMALL], ids=["usual", "small"])
def test_filters_pass_what_a_look_at_the_log_says(
    limits: Limits | None, store_url: str, tmp_path: Path, ears: Listeners
) -> None:
    random_ = random.Random(3)
    kinds = ["land_dispute", "sudden_illness", SENSITIVE]
    places = [IN_TOWN, IN_TOWN[:2], IN_OTHER, (COUNTY,), ()]
    asked = [
        {},
        {"area": [TOWN]},
        {"area": [VILLAGE]},
        {"area": [COUNTY]},
        {"area": [GRID, OTHER_TOWN]},
        {"kind": ["land_dispute"]},
        {"kind": ["land_dispute", "sudden_illness"], "area": [TOWN]},
        {"name": ["map_published"]},
        {"name": ["incident_received"], "area": [OTHER_TOWN]},
    ]

    def some() -> list[Event]:
        return [
            received(n, kind=random_.choice(kinds), areas=random_.choice(places))
            if random_.random() < 0.8
            else MapPublished(n, "grids", 1, 0, 0)
            for n in range(30)
        ]

    with served_here(store_url, tmp_path, limits) as served:
        served.record(*some())
        both = [
            (
                wanted,
                ears.listen(served.url, [(k, v) for k, vs in wanted.items() for v in vs] + since),
            )
            for wanted in asked
            for since in ([("after", "0")], [("after", "5")])
        ]
        for _ in range(3):
            served.record(*some())
        served.record(received(0, areas=(COUNTY, TOWN, VILLAGE, GRID, OTHER_TOWN)))
        head = served.record(MapPublished(0, "grids", 0, 0, 0))
        for at, (wanted, listening) in enumerate(both):
            expected = []
            for stored in served.log(5 * (at % 2)):
                told = stored.payload
                kind, areas = told.get("kind"), told.get("areas")
                if kind == SENSITIVE:
                    kind, areas = None, told["areas"][:2]
                fits = "name" not in wanted or stored.name in wanted["name"]
                fits &= "kind" not in wanted or kind in wanted["kind"]
                if areas is not None and "area" in wanted and COUNTY not in wanted["area"]:
                    fits &= any(one in wanted["area"] for one in areas)
                if fits:
                    expected.append(stored.position)
            eventually(
                lambda ear=listening, end=expected[-1]: ear.positions[-1:] == [end]  # type: ignore[misc]
            )
            assert listening.positions == expected, wanted
        assert both[0][1].positions[-1] == head


def test_a_sensitive_kind_is_not_to_be_recognised(served: Served, ears: Listeners) -> None:
    everything = ears.listen(served.url)
    served.record(received(1, kind=SENSITIVE, areas=IN_TOWN), received(2, kind="no_such_kind"))
    everything.until_position(2)
    told = everything.heard[0].told
    assert told["kind"] == "sensitive"
    assert told["areas"] == [COUNTY, TOWN]
    assert told["number"] == "N1"
    assert everything.heard[1].told["kind"] == "sensitive"  # who knows what it is
    for secret in (SENSITIVE, VILLAGE, "R0001", "no_such_kind"):
        assert secret not in everything.heard[0].data + everything.heard[1].data


def test_a_key_of_an_area_hears_of_that_area_alone(served: Served, ears: Listeners) -> None:
    _, town = token(served, "viewer", area=TOWN)
    _, village = token(served, "viewer", area=VILLAGE)
    _, admin = token(served, "admin")
    after = [("after", str(served.head()))]
    hearing = {
        name: ears.listen(served.url, after, token=secret)
        for name, secret in (("town", town), ("village", village), ("admin", admin))
    }
    hearing["local"] = ears.listen(served.url, after)
    start = served.record(received(1, areas=IN_TOWN))
    served.record(
        received(2, areas=IN_OTHER),
        received(3, areas=()),
        received(4, kind=SENSITIVE, areas=IN_TOWN),
        received(5, areas=IN_TOWN[:2]),
        *moved(1),
        MapPublished(1, "grids", 0, 0, 0),
    )
    token(served, "viewer")
    end = served.record(MapPublished(2, "grids", 0, 0, 0))
    everything = list(range(start, end + 1))
    heard = {name: listening.until_position(end) for name, listening in hearing.items()}
    one = {
        name: [position - start + 1 for position in positions] for name, positions in heard.items()
    }
    assert one["town"] == [1, 4, 5, 7, 9]
    assert one["village"] == [1, 4, 7, 9]
    assert heard["admin"] == heard["local"] == everything
    for query in (f"area={OTHER_TOWN}", "name=api_key_added"):
        assert ask(served, query, Authorization=f"Bearer {town}").status_code == 422
    assert ask(served, "after=0", Authorization="Bearer no").status_code == 401


def test_the_streams_of_a_key_end_when_it_is_revoked(served: Served, ears: Listeners) -> None:
    key, secret = token(served, "viewer")
    of_key, of_another = ears.listen(served.url, token=secret), ears.listen(served.url)
    revoke_key(served.store, key, now=datetime.now(UTC))
    end = served.record(*moved(1))
    assert of_another.until_position(end)
    assert of_key.ended.wait(10)
    assert of_key.positions == []
    assert ask(served, Authorization=f"Bearer {secret}").status_code == 401


def test_silence_is_broken_and_the_position_moves_on(tight: Served, ears: Listeners) -> None:
    quiet = ears.listen(tight.url, [("name", "map_published")])
    eventually(lambda: quiet.reader.comments[1:] == [""])  # nothing happened: a comment alone
    assert quiet.reader.last_id == "0"
    for n in range(40):  # events all the time, none of them its own
        tight.record(*moved(1, first=n))
        time.sleep(0.02)
    head = tight.head()
    eventually(lambda: quiet.reader.last_id == str(head))
    assert quiet.heard == []
    again = ears.listen(tight.url, [("name", "map_published")], last_id=quiet.reader.last_id)
    tight.record(MapPublished(1, "grids", 0, 0, 0))
    assert again.until_position(head + 1) == [head + 1]


def test_one_that_passes_a_long_log_untold_keeps_its_place(
    store_url: str, tmp_path: Path, ears: Listeners
) -> None:
    limits = Limits(ring=10, page=20, lag=50, heartbeat_s=3600)
    with served_here(store_url, tmp_path, limits) as here:
        here.record(*moved(200))
        listening = ears.listen(here.url, [("name", "map_published"), ("after", "0")])
        eventually(lambda: int(listening.reader.last_id or 0) >= 150)
        ears.leave()
    assert listening.heard == []


def test_no_more_than_so_many_listen_and_all_of_them_are_let_go(
    store_url: str, tmp_path: Path, ears: Listeners
) -> None:
    with served_here(store_url, tmp_path, Limits(listeners=3)) as here:
        three = [ears.listen(here.url) for _ in range(3)]
        answer = ask(here)
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json()["faults"][0]["code"] == "too_many_listeners"
        three[0].leave()
        eventually(lambda: here.hub.listeners == 2)
        three.append(ears.listen(here.url))
        end = here.record(*moved(5))
        for listening in three[1:]:
            assert len(listening.until_position(end)) == 5
        assert here.hub.sent == 15
        assert here.hub.head == end
        for listening in three:
            listening.leave()
        eventually(lambda: here.hub.listeners == 0)
        assert here.hub.cut_off == 0


def test_streams_end_when_the_hub_is_closed(served: Served, ears: Listeners) -> None:
    listening = ears.listen(served.url)
    served.close()
    assert listening.ended.wait(10)
    assert ask(served).json()["faults"][0]["code"] == "stream_closed"
    eventually(lambda: served.hub.listeners == 0)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    query=st.lists(
        st.tuples(
            st.sampled_from(["after", "area", "kind", "name", "lang", "x"]),
            st.text(st.characters(exclude_categories=["Cs"]), max_size=70)
            | st.integers(-(2**70), 2**70).map(str)
            | st.sampled_from([TOWN, "land_dispute", SENSITIVE, "map_published", "0" * 70]),
        ),
        max_size=6,
    ),
    last_id=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=70),
)
def test_no_request_is_too_strange(
    api: TestClient, query: list[tuple[str, str]], last_id: str
) -> None:
    # Nothing follows the log here, so that what is well-formed ends as well.
    answer = api.get(f"{PATH}?{urlencode(query)}", headers={"Last-Event-ID": last_id})
    assert answer.status_code in (422, 503), answer.text
    assert answer.json()["faults"]
