"""What the log says, and what it never says."""

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from gridsvc import logs
from gridsvc.domain.codes import CodeScheme
from gridsvc.flows.keys import add_key
from gridsvc.runtime import Runtime, now
from gridsvc.settings import Settings
from gridsvc.store import Store
from tests.api_county import REPORT, publish_county
from tests.serving import ADDRESS
from tests.shared import ROOT

SECRET = {"name": "欧阳秘密", "phone": "13899998888", "confidential": True}


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What is logged as JSON; the test's own handlers come back afterwards."""
    output = io.StringIO()
    monkeypatch.setattr(sys, "stderr", output)
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    logs.configure("json")
    yield output
    logging.captureWarnings(capture=False)
    root.handlers[:], root.level = before, level
    for name in logs.OURS:
        logging.getLogger(name).setLevel(logging.NOTSET)


def lines(output: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.getvalue().splitlines()]


def test_a_report_is_one_line_with_its_number_and_nothing_personal(
    api: TestClient, said: io.StringIO
) -> None:
    body = {**REPORT, "reporter": SECRET, "text": "不可外传的内容", "address": "某某家"}
    bad = {**body, "kind": "geheim"}
    assert api.post("/api/v1/incidents?x=geheim", json=bad).status_code == 422
    answer = api.post("/api/v1/incidents?x=geheim", json=body).json()
    refusal, line = lines(said)
    assert (refusal["level"], refusal["status"]) == ("warning", 422)
    assert line["level"] == "info"
    assert line["message"] == "request"
    assert (line["method"], line["path"]) == ("POST", "/api/v1/incidents")
    assert (line["status"], line["caller"]) == (201, "local")
    assert line["incident"] == answer["number"]
    assert line["assigned"] == len(answer["assignments"]) > 0
    assert line["duration_ms"] > 0
    at = datetime.fromisoformat(line["time"])
    assert at.utcoffset() == timedelta(hours=8)
    for secret in (*list(SECRET.values())[:2], body["text"], body["address"], "geheim"):
        assert str(secret) not in said.getvalue()


def test_steps_name_the_case_by_its_number_and_reading_is_silent(
    api: TestClient, said: io.StringIO
) -> None:
    taken = api.post("/api/v1/incidents", json=REPORT).json()
    api.get(f"/api/v1/incidents/{taken['id']}")
    api.get("/healthz")
    api.post(f"/api/v1/incidents/{taken['id']}/reminders")
    assert [(line["method"], line["incident"]) for line in lines(said)] == [
        ("POST", taken["number"]),
        ("POST", taken["number"]),
    ]


def test_errors_are_always_told_and_one_request_knows_nothing_of_another(
    api: TestClient, said: io.StringIO
) -> None:
    api.post("/api/v1/incidents", json=REPORT)
    api.get("/api/v1/incidents/absent")
    line = lines(said)[-1]
    assert (line["level"], line["status"], line["method"]) == ("warning", 404, "GET")
    assert "incident" not in line


def test_a_failure_inside_is_one_line_with_its_trace(
    api: TestClient, said: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("kaputt")

    monkeypatch.setattr(Runtime, "show", broken)
    assert api.get("/api/v1/incidents/x").status_code == 500
    failure, line = lines(said)
    assert "ZeroDivisionError: kaputt" in failure["exc_info"]
    assert (line["level"], line["status"]) == ("error", 500)


def test_a_key_is_told_by_its_id_and_never_shown(
    api: TestClient, api_runtime: Runtime, said: io.StringIO
) -> None:
    key, token = add_key(
        api_runtime.store, name="甲", roles=["officer"], scheme=CodeScheme(), now=now()
    )
    again = Runtime.open(api_runtime.settings)
    api.app.state.runtime = again  # type: ignore[attr-defined]
    headers = {"Authorization": f"Bearer {token}"}
    assert api.post("/api/v1/incidents", json=REPORT, headers=headers).status_code == 201
    wrong = {"Authorization": f"Bearer {token}x"}
    assert api.post("/api/v1/incidents", json=REPORT, headers=wrong).status_code == 401
    again.close()
    assert [line["caller"] for line in lines(said)] == [key.id, None]
    assert token not in said.getvalue()


def test_what_a_client_sends_begins_no_line_of_its_own() -> None:
    record = logging.LogRecord(
        "api", logging.WARNING, "", 0, "path %s", ("/a\nERROR\x1b[2J罗平",), None
    )
    setattr(record, logs.FIELDS, {"path": "/b\nERROR\u2028"})
    text = logs._Words().format(record)
    assert len(text.splitlines()) == 1
    assert "罗平" in text
    assert "\x1b" not in text
    assert json.loads(logs._Json().format(record))["path"] == "/b\nERROR\u2028"
    assert len(logs._Json().format(record).split("\n")) == 1


def test_text_on_a_terminal_json_elsewhere_unless_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    assert logs.kind_for(None) == "text"
    assert logs.kind_for("json") == "json"
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert logs.kind_for(None) == "json"
    assert logs.kind_for("text") == "text"
    monkeypatch.setenv("GRIDSVC_LOG", "json")
    assert Settings.read().log == "json"


def test_every_line_of_the_real_command_on_standard_error_is_json(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'gridsvc.sqlite'}")
    store.upgrade()
    publish_county(store)
    store.close()
    errors = tmp_path / "errors"
    output = tmp_path / "output"
    command = ["serve", "--host", "0.0.0.0", "--port", "0"]
    with errors.open("wb") as err, output.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", "from gridsvc.cli import main; main()", *command],
            cwd=ROOT,
            env={"GRIDSVC_DATA": str(tmp_path), "PATH": ""},
            stdout=out,
            stderr=err,
        )
    try:
        for _ in range(600):
            if found := ADDRESS.search(output.read_text(encoding="utf-8")):
                break
            assert process.poll() is None, errors.read_text()
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(timeout=0.05)
        assert found
        assert httpx.post(f"{found[1]}/api/v1/incidents", json=REPORT).status_code == 201
    finally:
        process.terminate()
        code = process.wait(timeout=30)
    assert code == 0
    told = [json.loads(line) for line in errors.read_text(encoding="utf-8").splitlines()]
    assert "TLS" in told[0]["message"]
    assert told[-1]["status"] == 201
