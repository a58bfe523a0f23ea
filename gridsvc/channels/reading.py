"""Reading the file of channels, with all its faults at once."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from gridsvc.channels.config import (
    BY_APPRISE,
    PLACEHOLDERS,
    Channel,
    ChannelKind,
    Channels,
    Route,
)
from gridsvc.channels.sending import apprise_fault
from gridsvc.domain.errors import Fault, SettingsError
from gridsvc.domain.force import Role
from gridsvc.domain.messages import MessageKind
from gridsvc.domain.words import Text

_MOST_BYTES = 1 << 20
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}", re.ASCII)
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_TOP = ("centre", "channels", "to")
_CHANNEL = ("kind", "url", "link", "headers", "body", "form", "expect")
_NUMBERS: dict[str, tuple[float, float]] = {
    "timeout_s": (1, 30),
    "at_once": (1, 32),
    "tries": (1, 20),
}
_ROUTE = ("channel", "messages", "roles", "app")
_ALL_BUT_CALLS = frozenset(MessageKind) - {MessageKind.CALL}
_CALLS = frozenset({MessageKind.CALL})

Note = Callable[[str, str, Text], None]
"""Takes a fault: where, code, words."""


def load_channels(path: Path) -> Channels:
    """Read the file of channels.

    Raises
    ------
    SettingsError
        It cannot be read, or with everything that is wrong in it; no fault shows an address.
    """
    faults: list[Fault] = []

    def note(where: str, code: str, text: Text) -> None:
        faults.append(Fault(code, text, where))

    told = _file(path)
    if not isinstance(told, dict):
        raise SettingsError(_not_a_table(str(path)))
    _known(told, _TOP, "", note)
    channels: dict[str, Channel] = {}
    given = _table(told.get("channels"), "channels", note)
    for name, fields in given.items():
        channel = _channel(str(name), fields, note)
        if channel is not None:
            channels[channel.name] = channel
    routes = _routes(told.get("to"), {str(name) for name in given}, channels, note)
    centre = told.get("centre", "")
    if (
        not isinstance(centre, str)
        or len(centre) > 20
        or not all(c in "0123456789-+ " for c in centre)
    ):
        note("centre", "bad_centre", _CENTRE)
    if faults:
        raise SettingsError(faults)
    return Channels(channels, tuple(routes), centre)


def _file(path: Path) -> Any:
    try:
        content = path.read_bytes()
        if len(content) > _MOST_BYTES:
            raise OSError("larger than 1 MB")
        return yaml.safe_load(content.decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        text = Text(
            f"渠道文件 {path} 无法读取（{error}）：请检查 GRIDSVC_CHANNELS，文件须为 UTF-8",
            f"the file of channels {path} cannot be read ({error}): check GRIDSVC_CHANNELS; it is "
            "UTF-8 text",
        )
        raise SettingsError(Fault("channels_unreadable", text, "GRIDSVC_CHANNELS")) from error
    except yaml.YAMLError as error:
        # The parser's own words show lines of the file, secrets with them.
        line = getattr(getattr(error, "problem_mark", None), "line", -1) + 1
        text = Text(
            f"渠道文件 {path} 第 {line} 行不是有效的 YAML：请检查缩进、冒号和引号",
            f"line {line} of the file of channels {path} is not YAML: check its indentation, "
            "colons and quotes",
        )
        raise SettingsError(Fault("channels_not_yaml", text, "GRIDSVC_CHANNELS")) from None


def _channel(name: str, fields: Any, note: Note) -> Channel | None:
    where = f"channels.{name}"
    if not _NAME.fullmatch(name):
        note(where, "bad_channel_name", _BAD_NAME)
    if not isinstance(fields, dict):
        note(where, "not_a_table", _TABLE)
        return None
    _known(fields, (*_CHANNEL, *_NUMBERS), where, note)
    if fields.get("kind") not in set(ChannelKind):
        note(f"{where}.kind", "unknown_channel_kind", _one_of(ChannelKind))
        return None
    kind = ChannelKind(fields["kind"])
    plain = {key: fields.get(key, {}) for key in ("headers", "body", "expect")}
    for key, value in plain.items():
        if not isinstance(value, dict) or (value and kind in BY_APPRISE):
            note(f"{where}.{key}", "bad_channel_field", _APPRISE_HAS_NONE if value else _TABLE)
            plain[key] = {}
    flags = {key: fields.get(key) for key in ("link", "form")}
    for key, value in flags.items():
        if value is not None and not isinstance(value, bool):
            note(f"{where}.{key}", "not_a_flag", _FLAG)
    url = fields.get("url")
    if not isinstance(url, str):
        note(f"{where}.url", "no_channel_url", _NO_URL)
        return None
    channel = Channel(
        name,
        kind,
        url,
        link=False,
        headers={str(key): str(value) for key, value in plain["headers"].items()},
        body=plain["body"],
        form=flags["form"] is True,
        expect=plain["expect"],
        **_numbers(fields, where, note),
    )
    _check_texts(channel, where, note)
    personal = channel.asks_for("phone") or channel.asks_for("responder")
    return replace(channel, link=personal if flags["link"] is None else flags["link"] is True)


def _check_texts(channel: Channel, where: str, note: Note) -> None:
    named = {name for text in channel.texts() for name in _PLACEHOLDER.findall(text)}
    for name in sorted(named - set(PLACEHOLDERS)):
        note(where, "unknown_placeholder", _placeholder(name))
    if channel.kind in BY_APPRISE:
        wrong = apprise_fault(channel)
    else:
        parts = urlsplit(channel.url)
        wrong = None if parts.scheme in ("http", "https") and parts.hostname else _NOT_HTTP
        if channel.kind is not ChannelKind.WEBHOOK and not channel.asks_for("phone"):
            note(f"{where}.body", "no_phone_placeholder", _NO_PHONE)
        if not channel.asks_for("text"):
            note(f"{where}.body", "no_text_placeholder", _NO_TEXT)
    if wrong is not None:
        note(f"{where}.url", "bad_channel_url", wrong)


def _numbers(fields: Mapping[str, Any], where: str, note: Note) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, (least, most) in _NUMBERS.items():
        value = fields.get(key)
        if value is None:
            continue
        whole = key != "timeout_s"
        right = isinstance(value, int) or (isinstance(value, float) and not whole)
        if not right or isinstance(value, bool) or not least <= value <= most:
            span = f"{least:g} 到 {most:g}", f"{least:g} to {most:g}"
            text = Text(
                f"{value!r} 无效：应为 {span[0]} 的{'整' if whole else ''}数",
                f"{value!r} is not valid: a {'whole ' if whole else ''}number from {span[1]}",
            )
            note(f"{where}.{key}", "bad_number", text)
            continue
        found[key] = value
    return found


def _routes(told: Any, named: set[str], channels: Mapping[str, Channel], note: Note) -> list[Route]:
    if not isinstance(told, list) or not told:
        note("to", "no_routes", _NO_ROUTES)
        return []
    found: list[Route] = []
    for number, fields in enumerate(told):
        where = f"to.{number}"
        if not isinstance(fields, dict):
            note(where, "not_a_table", _TABLE)
            continue
        _known(fields, _ROUTE, where, note)
        name = fields.get("channel")
        if name not in named:
            text = Text(
                f"没有渠道“{name}”：可用 {'、'.join(sorted(named)) or '无'}",
                f"there is no channel {name!r}: use one of {', '.join(sorted(named)) or 'none'}",
            )
            note(f"{where}.channel", "unknown_channel", text)
            continue
        kinds = _words(fields.get("messages"), MessageKind, f"{where}.messages", note)
        roles = _words(fields.get("roles"), Role, f"{where}.roles", note)
        app = fields.get("app")
        if app is not None and not isinstance(app, bool):
            note(f"{where}.app", "not_a_flag", _FLAG)
        voice = name in channels and channels[name].kind is ChannelKind.VOICE
        usual = _CALLS if voice else _ALL_BUT_CALLS
        found.append(
            Route(
                str(name),
                frozenset(map(MessageKind, kinds)) or usual,
                frozenset(map(Role, roles)),
                app,
            )
        )
    return found


def _words(given: Any, allowed: Any, where: str, note: Note) -> list[str]:
    if given is None:
        return []
    if not isinstance(given, list) or any(one not in set(allowed) for one in given):
        note(where, "unknown_word", _one_of(allowed))
        return []
    return given


def _table(given: Any, where: str, note: Note) -> dict[Any, Any]:
    if isinstance(given, dict) and given:
        return given
    note(where, "not_a_table", _TABLE)
    return {}


def _known(fields: Mapping[Any, Any], allowed: tuple[str, ...], where: str, note: Note) -> None:
    for key in fields:
        if key not in allowed:
            text = Text(
                f"没有此项：可用 {'、'.join(allowed)}", f"no such field: use {', '.join(allowed)}"
            )
            note(f"{where}.{key}".removeprefix("."), "unknown_field", text)


def _one_of(allowed: Any) -> Text:
    listed = list(allowed)
    return Text(f"应为 {'、'.join(listed)} 之一", f"must be one of {', '.join(listed)}")


def _placeholder(name: str) -> Text:
    known = [f"{{{one}}}" for one in PLACEHOLDERS]
    return Text(
        f"没有占位符 {{{name}}}：可用 {'、'.join(known)}",
        f"there is no placeholder {{{name}}}: use {', '.join(known)}",
    )


def _not_a_table(where: str) -> Fault:
    return Fault("not_a_table", _TABLE, where)


_TABLE = Text("应为“名称: 值”的表，且不能为空", "must be a table of names and values, not empty")
_FLAG = Text("应为 true 或 false", "must be true or false")
_NO_URL = Text("缺少地址 url", "the address url is missing")
_NOT_HTTP = Text("地址应以 http:// 或 https:// 开头", "the address begins with http:// or https://")
_NO_PHONE = Text(
    "缺少占位符 {phone}：网关不知道发给谁",
    "the placeholder {phone} is missing: the gateway would not know whom to reach",
)
_NO_TEXT = Text(
    "缺少占位符 {text}：消息没有内容", "the placeholder {text} is missing: nothing would be said"
)
_NO_ROUTES = Text(
    "缺少发送规则：请按先后列出由哪个渠道通知谁，例如 - channel: sms",
    "the rules are missing: list in order who is told by which channel, such as - channel: sms",
)
_APPRISE_HAS_NONE = Text(
    "apprise 渠道只用 url，没有此项", "a channel of apprise has its url alone, not this"
)
_BAD_NAME = Text(
    "渠道名应为小写字母开头的 1 到 32 个小写字母、数字、- 或 _",
    "a channel's name has 1 to 32 lower-case letters, digits, - or _, a letter first",
)
_CENTRE = Text(
    '应为电话号码，并加引号，例如 "0874-8212345"',
    'must be a telephone number in quotes, such as "0874-8212345"',
)
