"""Channels: what their file may say, and one message by each kind of them, on loopback."""

import logging
from email import message_from_string
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from gridsvc.channels import Channel, ChannelKind, Outgoing, SendError, deliver
from gridsvc.channels.reading import load_channels
from gridsvc.cli import cli
from gridsvc.domain.errors import SettingsError
from gridsvc.domain.force import Role
from gridsvc.domain.messages import MessageKind
from tests.dispatch_people import person
from tests.gateway import HANG, channel_file, gateway, mailbox, sms, voice

SECRET = "s3cr3t-of-the-gateway"
HELLO = Outgoing("m1", "R0001", title="派单通知", text="【特急】突发疾病", phone="19900000001")


def written(folder: Path, told: object) -> Path:
    path = folder / "channels.yaml"
    path.write_text(yaml.safe_dump(told, allow_unicode=True), encoding="utf-8")
    return path


def test_what_is_not_said_is_usual(tmp_path: Path) -> None:
    path = channel_file(tmp_path, sms=sms("http://127.0.0.1:1"), voice=voice("http://127.0.0.1:1"))
    found = load_channels(path)
    assert found.by_name["sms"].link
    assert found.by_name["sms"].tries == 8
    ill, well = person("R1"), person("R2", phone="")
    assert list(found.of(MessageKind.ASSIGNED, ill)) == ["sms"]
    assert list(found.of(MessageKind.CALL, ill)) == ["voice"]
    assert list(found.of(MessageKind.ASSIGNED, well)) == [], "no number, no SMS"


def test_who_gets_which(tmp_path: Path) -> None:
    group = {"kind": "apprise", "url": "wecombot://key"}
    told = {
        "channels": {"group": group, "sms": sms("http://127.0.0.1:1")},
        "to": [
            {"channel": "group", "app": True, "roles": ["doctor"], "messages": ["assigned"]},
            {"channel": "sms"},
        ],
    }
    found = load_channels(written(tmp_path, told))
    assert not found.by_name["group"].link, "others read it too"
    able = person("R1", app=True, role=Role.DOCTOR)
    assert list(found.of(MessageKind.ASSIGNED, able)) == ["group", "sms"]
    assert list(found.of(MessageKind.STOOD_DOWN, able)) == ["sms"]
    assert list(found.of(MessageKind.ASSIGNED, person("R2", app=False))) == ["sms"]
    assert list(found.of(MessageKind.ASSIGNED, person("R3", app=True, role=Role.SENTINEL))) == [
        "sms"
    ]


def test_all_faults_at_once_and_none_shows_an_address(tmp_path: Path) -> None:
    told: dict[str, Any] = {
        "centre": "call us",
        "chanels": {},
        "channels": {
            "Bad Name": sms("http://127.0.0.1:1"),
            "a": {"kind": "pigeon", "url": SECRET},
            "b": {"kind": "apprise", "url": f"nonsense://{SECRET}"},
            "c": {"kind": "sms", "url": f"ftp://{SECRET}", "body": {"x": "{number}"}},
            "d": {"kind": "voice", "url": f"http://{SECRET}/", "tries": 0, "at_once": 2.5},
            "e": {"kind": "mail", "url": f"json://{SECRET}", "link": "yes", "body": {"a": 1}},
            "f": {"kind": "webhook", "secret": SECRET},
            "g": SECRET,
        },
        "to": [
            {"channel": "nobody"},
            {"channel": "c", "messages": ["all"], "roles": ["boss"], "app": 1, "if": True},
            "c",
        ],
    }
    with pytest.raises(SettingsError) as caught:
        load_channels(written(tmp_path, told))
    found = {(fault.where, fault.code) for fault in caught.value.faults}
    assert found == {
        ("centre", "bad_centre"),
        ("chanels", "unknown_field"),
        ("channels.Bad Name", "bad_channel_name"),
        ("channels.a.kind", "unknown_channel_kind"),
        ("channels.b.url", "bad_channel_url"),
        ("channels.c", "unknown_placeholder"),
        ("channels.c.body", "no_phone_placeholder"),
        ("channels.c.body", "no_text_placeholder"),
        ("channels.c.url", "bad_channel_url"),
        ("channels.d.body", "no_phone_placeholder"),
        ("channels.d.body", "no_text_placeholder"),
        ("channels.d.tries", "bad_number"),
        ("channels.d.at_once", "bad_number"),
        ("channels.e.url", "bad_channel_url"),
        ("channels.e.link", "not_a_flag"),
        ("channels.e.body", "bad_channel_field"),
        ("channels.f.secret", "unknown_field"),
        ("channels.f.url", "no_channel_url"),
        ("channels.g", "not_a_table"),
        ("to.0.channel", "unknown_channel"),
        ("to.1.messages", "unknown_word"),
        ("to.1.roles", "unknown_word"),
        ("to.1.app", "not_a_flag"),
        ("to.1.if", "unknown_field"),
        ("to.2", "not_a_table"),
    }
    for lang in ("zh", "en"):
        assert SECRET not in caught.value.say(lang)


@pytest.mark.parametrize("content", [b"a: [", b"\xff\xfe", b"", b"- a", f"a: '{SECRET}".encode()])
def test_a_file_that_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "channels.yaml"
    path.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        load_channels(path)
    assert SECRET not in str(caught.value)
    with pytest.raises(SettingsError):
        load_channels(tmp_path / "absent.yaml")


def channel(url: str, **more: Any) -> Channel:
    fields = sms(url, **more)
    fields["kind"] = ChannelKind(fields["kind"])
    return Channel("sms", link=False, **fields)


def code(one: Channel) -> str:
    with pytest.raises(SendError) as caught:
        deliver(one, HELLO)
    return caught.value.code


def test_a_gateway_is_asked_as_its_template_says() -> None:
    with gateway() as there:
        body = {"to": ["{phone}"], "m": {"words": "{text}", "n": 7}, "id": "{id}"}
        headers = {"Authorization": f"Bearer {SECRET}"}
        deliver(channel(there.url, body=body, headers=headers), HELLO)
        assert there.asked == [
            {"to": ["19900000001"], "m": {"words": "【特急】突发疾病", "n": 7}, "id": "m1"}
        ]
        assert there.headers[0]["Authorization"] == f"Bearer {SECRET}"
        assert there.headers[0]["Idempotency-Key"] == "m1"
        deliver(channel(there.url, body={"phone": "{phone}", "text": "a&b"}, form=True), HELLO)
        assert there.asked[1] == {"raw": "phone=19900000001&text=a%26b"}


@pytest.mark.parametrize(
    ("status", "expected"), [(500, "http_500"), (403, "http_403"), (302, "http_302")]
)
def test_what_a_gateway_refuses(status: int, expected: str) -> None:
    with gateway(lambda _n, _body: status) as there:
        assert code(channel(there.url)) == expected
        assert len(there.asked) == 1, "no redirect is followed: it would take the words elsewhere"


def test_a_gateway_that_hangs_is_gone_or_says_no() -> None:
    with gateway(lambda _n, _body: HANG) as there:
        assert code(channel(there.url)) == "timeout"
    assert code(channel(there.url)) == "unreachable"
    with gateway() as there:
        deliver(channel(there.url, expect={"code": 0}), HELLO)
        assert code(channel(there.url, expect={"code": 1})) == "not_taken"
        there.said = b"[]"
        assert code(channel(there.url, expect={"code": 0})) == "bad_answer"
        there.said = b"ok"
        assert code(channel(there.url, expect={"code": 0})) == "bad_answer"


def test_apprise_itself(caplog: pytest.LogCaptureFixture) -> None:
    with gateway() as there, caplog.at_level(logging.DEBUG):
        address = there.url.replace("http://", "json://") + "/x?to={responder}"
        one = Channel("hook", ChannelKind.APPRISE, address, link=False, timeout_s=1)
        deliver(one, HELLO)
        assert (there.taken[0]["title"], there.taken[0]["message"]) == (HELLO.title, HELLO.text)
        there.answer = lambda _n, _body: 500
        assert code(one) == "not_taken"
        there.answer = lambda _n, _body: HANG
        assert code(one) == "not_taken"
    assert "127.0.0.1" not in "".join(
        record.getMessage() for record in caplog.records if record.name.startswith("apprise")
    )


def test_mail() -> None:
    with mailbox() as (port, mails):
        url = f"mailto://127.0.0.1:{port}?from=desk@c.example&to={{responder}}@c.example"
        one = Channel("mail", ChannelKind.MAIL, url, link=False, timeout_s=2)
        deliver(one, HELLO)
    (mail,) = (message_from_string(text) for text in mails)
    assert "R0001@c.example" in str(mail["To"])
    body = next(part for part in mail.walk() if part.get_content_type() == "text/plain")
    words = bytes(body.get_payload(decode=True)).decode()
    assert HELLO.text in words


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = CliRunner()

    def run(*arguments: str) -> tuple[int, str]:
        answer = runner.invoke(cli, ["channels", *arguments])
        return answer.exit_code, answer.output + str(answer.exception or "")

    assert run("check")[0] == 1
    with gateway() as there:
        path = channel_file(tmp_path, sms=sms(there.url, headers={"X-Key": SECRET}))
        monkeypatch.setenv("GRIDSVC_CHANNELS", str(path))
        exit_code, said = run("check")
        assert (exit_code, SECRET in said, there.url in said) == (0, False, False)
        assert "sms" in said
        assert run("test", "sms")[0] == 1, "it needs a number"
        assert run("test", "pigeon", "--phone", "1")[0] == 1
        assert run("test", "sms", "--phone", "19900000001")[0] == 0
        assert there.taken[0]["text"].startswith("【演练】")
        there.answer = lambda _n, _body: 503
        exit_code, said = run("test", "sms", "--phone", "19900000001")
        assert exit_code == 1
        assert "http_503" in said
