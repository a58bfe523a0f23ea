"""API keys: made, listed, revoked, told to every process, and never stored in the clear."""

import hashlib
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import inspect, text

from gridsvc.cli import cli
from gridsvc.domain.codes import CodeScheme
from gridsvc.domain.errors import InputError, NotFoundError
from gridsvc.domain.keys import KeyRing, mint
from gridsvc.domain.rights import (
    RIGHT_NAMES,
    RIGHTS_OF,
    ROLE_NAMES,
    KeyRole,
    Right,
    local_caller,
    rights_of,
    within,
)
from gridsvc.flows.keys import add_key, revoke_key
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings
from gridsvc.store import Store
from tests.api_county import G1, publish_county

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def _add(
    store: Store,
    name: str = "值班大厅",
    roles: tuple[str, ...] = ("viewer",),
    area: str | None = None,
) -> tuple[str, str]:
    """The id and the token of a new key."""
    key, token = add_key(store, name=name, roles=roles, area=area, scheme=CodeScheme(), now=NOW)
    return key.id, token


def _ring(store: Store) -> KeyRing:
    with store.read() as reading:
        return KeyRing(reading.keys.all())


def test_every_right_and_role_has_names_and_the_administrator_every_right() -> None:
    assert set(RIGHT_NAMES) == set(Right)
    assert set(ROLE_NAMES) == set(RIGHTS_OF) == set(KeyRole)
    assert rights_of([KeyRole.ADMIN]) == local_caller("530324").rights == frozenset(Right)
    assert rights_of([KeyRole.REPORTER, KeyRole.DEVICE]) == {Right.REPORT, Right.FORCE}
    assert rights_of([]) == frozenset()


@pytest.mark.parametrize(
    ("area", "areas", "inside"),
    [
        ("530324", (), True),
        ("530324", ("530324", "530324001"), True),
        ("530324001", ("530324", "530324001", "530324001001", G1), True),
        ("530324001001", ("530324", "530324001", "530324001001"), True),
        ("530324102", ("530324", "530324001", "530324001001", G1), False),
        ("530324001001", ("530324", "530324001"), False),
        ("530324001", ("530324",), False),
        ("530324001", (), False),
    ],
)
def test_an_area_reaches_what_lies_in_it(area: str, areas: tuple[str, ...], inside: bool) -> None:
    assert within(area, areas) is inside


def test_a_secret_is_long_and_never_the_same() -> None:
    minted = [mint() for _ in range(200)]
    assert len({token for _, token, _ in minted}) == len({id_ for id_, _, _ in minted}) == 200
    for id_, token, hashed in minted:
        prefix, known, secret = token.split("_", 2)
        assert (prefix, known) == ("gsk", id_)
        assert len(secret) * 6 >= 256
        assert hashed == hashlib.sha256(secret.encode()).hexdigest()


def test_a_token_opens_until_its_key_is_revoked(store: Store) -> None:
    id_, token = _add(store, roles=("officer", "device"), area="530324")
    _, other = _add(store, roles=("viewer",))
    caller = _ring(store).caller(token)
    assert caller is not None
    assert (caller.id, caller.name, caller.area) == (id_, "值班大厅", "530324")
    assert caller.rights == RIGHTS_OF[KeyRole.OFFICER] | RIGHTS_OF[KeyRole.DEVICE]
    assert revoke_key(store, id_, now=NOW + timedelta(hours=1)) is True
    assert revoke_key(store, id_, now=NOW + timedelta(hours=2)) is False
    assert _ring(store).caller(token) is None
    assert _ring(store).caller(other) is not None
    with store.read() as reading:
        first, second = sorted(reading.keys.all(), key=lambda key: key.id != id_)
        assert first.created_at == NOW
        assert first.revoked_at == NOW + timedelta(hours=1), "the first time counts"
        assert second.revoked_at is None
        told = [(event.name, event.payload) for event in reading.events.after(0)]
    assert told[0] == ("api_key_added", {"key": id_})
    assert told[2:] == [("api_key_revoked", {"key": id_})]


def test_what_is_not_the_token_does_not_open(store: Store) -> None:
    id_, token = _add(store)
    other, _ = _add(store)
    ring = _ring(store)
    secret = token.removeprefix(f"gsk_{id_}_")
    flipped = secret[:-1] + ("A" if secret[-1] != "A" else "B")
    for wrong in (
        "",
        "gsk_",
        secret,
        f"gsk_{id_}_",
        f"gsk_{id_}_{flipped}",
        f"gsk_{other}_{secret}",
        f"gsk_000000000000_{secret}",
        token.upper(),
        token + "A",
        token + "\n",
        " " + token,
        token.replace("gsk", "ｇｓｋ"),
        f"gsk_{id_}_{'界' * 43}",
        f"gsk_{id_}_" + hashlib.sha256(secret.encode()).hexdigest(),
        "gsk_" * 1_000_000,
        "\ud800",
    ):
        assert ring.caller(wrong) is None
    assert ring.caller(token) is not None


def test_the_secret_is_nowhere_in_the_store(store: Store) -> None:
    id_, token = _add(store)
    secret = token.removeprefix(f"gsk_{id_}_")
    with store.read() as reading:
        connection = reading.keys.connection
        tables = [name for name in inspect(connection).get_table_names() if name != "receipt"]
        assert "api_key" in tables
        for table in tables:
            rows = connection.execute(text(f'SELECT * FROM "{table}"')).all()
            assert secret not in repr(rows)


def test_everything_wrong_is_said_at_once(store: Store) -> None:
    publish_county(store)
    with pytest.raises(InputError) as caught:
        _add(store, " \n", ("king", "viewer", "queen", "king"), "530324999")
    assert [fault.code for fault in caught.value.faults] == [
        "bad_key_name",
        "unknown_role",
        "unknown_role",
        "unknown_area",
    ]
    assert "officer" in caught.value.say("en")
    assert "值班员" in caught.value.say("zh")
    with pytest.raises(InputError) as caught:
        _add(store, "x" * 65, ())
    assert [fault.code for fault in caught.value.faults] == ["bad_key_name", "no_role"]
    with store.read() as reading:
        assert reading.keys.all() == ()
        assert reading.events.head() == 0


@pytest.mark.parametrize("area", ["530324", "530324001", "530324001001", "530324001000"])
def test_areas_of_the_map_are_taken(store: Store, area: str) -> None:
    publish_county(store)
    key, _ = add_key(store, name="a", roles=["viewer"], area=area, scheme=CodeScheme(), now=NOW)
    assert key.area == area.removesuffix("000")


@pytest.mark.parametrize(
    "area", ["530325", "53032", "530324abc", "", G1, "５３０３２４", "530325001"]
)
@pytest.mark.parametrize("mapped", [True, False])
def test_areas_that_are_none_are_refused(store: Store, area: str, mapped: bool) -> None:
    if mapped:
        publish_county(store)
    with pytest.raises(InputError) as caught:
        _add(store, area=area)
    assert [fault.code for fault in caught.value.faults] == ["unknown_area"]


def test_before_there_is_a_map_the_shape_of_a_code_is_enough(store: Store) -> None:
    id_, token = _add(store, area="530324007")
    caller = _ring(store).caller(token)
    assert caller is not None
    assert (caller.id, caller.area) == (id_, "530324007")


def test_an_unknown_id_is_not_repeated_because_it_may_be_a_token(store: Store) -> None:
    _, token = _add(store)
    with pytest.raises(NotFoundError) as caught:
        revoke_key(store, token, now=NOW)
    assert token not in caught.value.say("en") + caught.value.say("zh")


def test_keys_of_one_county_do_not_open_another(store: Store, store_url: str) -> None:
    id_, token = _add(store)
    neighbour = Store.open(store_url, county="530325")
    assert _ring(neighbour).caller(token) is None
    with pytest.raises(NotFoundError):
        revoke_key(neighbour, id_, now=NOW)
    neighbour.close()
    assert _ring(store).caller(token) is not None


@pytest.fixture
def pair(store_url: str, tmp_path: Path) -> Iterator[tuple[Runtime, Runtime]]:
    """Two runtimes with stores of their own on the same database, following its log."""
    settings = Settings.read(data=tmp_path, database_url=store_url)
    runtimes = Runtime.open(settings), Runtime.open(settings)
    for runtime in runtimes:
        runtime.watch()
    yield runtimes
    for runtime in runtimes:
        runtime.close()


def _eventually(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not true():
        assert time.monotonic() < until, "it did not come true in time"
        time.sleep(0.02)


def test_every_process_learns_of_new_and_revoked_keys(pair: tuple[Runtime, Runtime]) -> None:
    one, other = pair
    id_, token = _add(one.store)
    _eventually(lambda: all(runtime.keys().caller(token) is not None for runtime in pair))
    revoke_key(other.store, id_, now=NOW)
    _eventually(lambda: all(runtime.keys().caller(token) is None for runtime in pair))


def test_the_command_line(store_url: str) -> None:
    def run(*words: str, lang: str = "en") -> Result:
        env = {"GRIDSVC_DATABASE_URL": store_url, "GRIDSVC_LANG": lang}
        return CliRunner().invoke(cli, ["keys", *words], env=env)

    assert "no keys" in run("list").output
    made = run("add", "120 指挥中心", "--role", "officer", "--role", "device")
    assert made.exit_code == 0
    token = made.stdout.strip()
    id_ = token.split("_")[1]
    assert id_ in made.stderr
    assert token not in made.stderr
    store = Store.open(store_url)
    assert _ring(store).caller(token) is not None
    listed = run("list").output
    assert f"{id_}  120 指挥中心  officer,device  530324  made " in listed
    assert token not in listed
    assert token.split("_", 2)[2] not in listed
    assert "was revoked" in run("revoke", id_).output
    assert "此前已撤销" in run("revoke", id_, lang="zh").output
    assert "revoked " in run("list").output
    assert _ring(store).caller(token) is None
    store.close()
    refused = run("add", "x", "--role", "king", "--area", "9")
    assert isinstance(refused.exception, InputError)
    assert len(refused.exception.faults) == 2
    assert isinstance(run("revoke", "nothing").exception, NotFoundError)
