"""``gridsvc serve`` and ``gridsvc run`` up to the moment of serving."""

import json
import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gridsvc.cli.first_words import curl, first_incident, first_words
from gridsvc.cli.serve import address_of, listening_socket, read_settings, say_who_may_ask
from gridsvc.domain.codes import CodeScheme
from gridsvc.domain.errors import SettingsError
from gridsvc.flows.keys import add_key
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings
from tests.api_county import county_in
from tests.shared import ROOT


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "localhost", "::1"])
def test_loopback_addresses_are_taken(host: str) -> None:
    assert read_settings(host, 0).host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5"])
def test_addresses_that_others_reach_are_taken(host: str) -> None:
    assert read_settings(host, 0).host == host


@pytest.mark.parametrize("host", ["example.test", "", "127.0.0.1.x", "*"])
def test_what_is_no_address_is_refused_with_a_sentence(host: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(host, None)
    assert caught.value.faults[0].code == "bad_host"
    assert "127.0.0.1" in caught.value.say("zh")


def test_who_may_ask_is_said_where_others_can_reach(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = county_in(tmp_path)
    say_who_may_ask(opened)
    assert capsys.readouterr().err == ""
    opened.settings = opened.settings.model_copy(update={"host": "0.0.0.0", "lang": "en"})
    say_who_may_ask(opened)
    told = capsys.readouterr().err
    assert "TLS" in told
    assert "every request from another machine will be refused" in told
    add_key(opened.store, name="a", roles=["viewer"], scheme=CodeScheme(), now=datetime.now(UTC))
    opened.close()
    again = Runtime.open(opened.settings)
    say_who_may_ask(again)
    told = capsys.readouterr().err
    assert "TLS" in told
    assert "refused" not in told
    again.close()


def test_bound_to_every_address_it_is_opened_on_loopback() -> None:
    with listening_socket(Settings.read(host="0.0.0.0", port=0)) as listener:
        assert re.fullmatch(r"http://127\.0\.0\.1:[1-9]\d*", address_of(listener))


def test_the_command_line_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDSVC_PORT", "8123")
    monkeypatch.setenv("GRIDSVC_HOST", "0.0.0.0")
    assert read_settings("127.0.0.1", None).port == 8123
    assert read_settings("127.0.0.1", 0).port == 0
    assert read_settings(None, None).host == "0.0.0.0"


def test_a_taken_port_is_told_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SettingsError) as caught:
            listening_socket(Settings.read(port=port))
    assert caught.value.faults[0].code == "port_taken"
    assert f"127.0.0.1:{port}" in caught.value.say("en")
    assert "--port" in caught.value.say("en")


def test_any_free_port_on_either_family() -> None:
    with listening_socket(Settings.read(port=0)) as listener:
        assert re.fullmatch(r"http://127\.0\.0\.1:[1-9]\d*", address_of(listener))
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    with listening_socket(Settings.read(host="::1", port=0)) as listener:
        assert re.fullmatch(r"http://\[::1\]:[1-9]\d*", address_of(listener))


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    """A runtime that holds the small county."""
    opened = county_in(tmp_path)
    yield opened
    opened.close()


def test_the_first_incident_lies_inside_the_county(runtime: Runtime) -> None:
    body = first_incident(runtime, "zh")
    assert body is not None
    at = body["position"]
    assert not runtime.locate(lng=at["lng"], lat=at["lat"]).outside


def test_the_words_name_the_address_and_a_command_that_a_shell_reads(runtime: Runtime) -> None:
    said = first_words(runtime, "http://127.0.0.1:8123")
    assert re.search(r"^已就绪：http://127\.0\.0\.1:8123$", said, re.M)
    command = next(line for line in said.splitlines() if line.strip().startswith("curl"))
    words = shlex.split(command)
    assert words[:3] == ["curl", "-s", "http://127.0.0.1:8123/api/v1/incidents"]
    assert json.loads(words[-1]) == first_incident(runtime, "zh")


def test_quotes_in_a_text_do_not_end_the_command() -> None:
    body = {"text": 'it\'s "here" $(now) `x`\n'}
    assert json.loads(shlex.split(curl("u", body))[-1]) == body


def test_a_second_start_loads_nothing_that_imports_files_or_draws(tmp_path: Path) -> None:
    county_in(tmp_path).close()
    code = (
        "import sys\n"
        "from gridsvc.cli.serve import APP, demo_may_be_due, open_store\n"
        "from gridsvc.runtime import Runtime\n"
        "from gridsvc.settings import Settings\n"
        "from uvicorn.importer import import_from_string\n"
        "settings = Settings.read()\n"
        "with open_store(settings) as store:\n"
        "    demo_may_be_due(store)\n"
        "import_from_string(APP)(Runtime.open(settings)).routes\n"
        "heavy = {'folium', 'geopandas', 'pandas', 'pyogrio', 'openpyxl', 'matplotlib',\n"
        "         'alembic', 'mako', 'scipy', 'psycopg', 'geoalchemy2'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "GRIDSVC_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == "[]"
