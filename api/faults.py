"""What FastAPI, pydantic and the router find wrong, as our faults in both languages."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError

from gridsvc.domain.errors import Fault
from gridsvc.domain.words import Text

_NUMBER = Text(
    "应为数字（不加引号），收到的是 {value}", "must be a number (without quotes), not {value}"
)
_WHOLE = Text(
    "应为整数（不加引号），收到的是 {value}", "must be a whole number (without quotes), not {value}"
)
_OBJECT = Text(
    "应为 JSON 对象 {{...}}，收到的是 {value}", "must be a JSON object {{...}}, not {value}"
)
_ONE_OF = Text("只能是 {expected}，收到的是 {value}", "must be one of {expected}, not {value}")

MESSAGES: dict[str, Text] = {
    "missing": Text("缺少此项", "is missing"),
    "extra_forbidden": Text(
        "没有这一项：请检查名称是否写错", "there is no such field: check the spelling"
    ),
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "finite_number": Text(
        "应为有限数字，不能是 {value}", "must be a finite number, which {value} is not"
    ),
    "string_type": Text(
        "应为文字（加引号），收到的是 {value}", "must be text in quotes, not {value}"
    ),
    "string_unicode": Text("不是有效的 Unicode 文字", "is not valid Unicode text"),
    "bool_type": Text("应为 true 或 false，收到的是 {value}", "must be true or false, not {value}"),
    "bool_parsing": Text(
        "应为 true 或 false，收到的是 {value}", "must be true or false, not {value}"
    ),
    "string_too_long": Text(
        "过长：最多 {max_length} 个字符", "is too long: at most {max_length} characters"
    ),
    "string_too_short": Text(
        "过短：至少 {min_length} 个字符", "is too short: at least {min_length} characters"
    ),
    "too_long": Text("过多：最多 {max_length} 项", "has too many items: at most {max_length}"),
    "greater_than_equal": Text(
        "应不小于 {ge}，收到的是 {value}", "must be at least {ge}, not {value}"
    ),
    "less_than_equal": Text("应不大于 {le}，收到的是 {value}", "must be at most {le}, not {value}"),
    "enum": _ONE_OF,
    "literal_error": _ONE_OF,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "dict_type": _OBJECT,
}
"""pydantic's error type -> what we say of it."""

_HTTP: dict[int, tuple[str, Text]] = {
    400: (
        "body_unreadable",
        Text(
            "请求体无法读取：应为 UTF-8 编码的 JSON",
            "the body cannot be read: send JSON encoded in UTF-8",
        ),
    ),
    404: ("unknown_path", Text("没有这个地址：{path}", "there is nothing at {path}")),
    405: (
        "method_not_allowed",
        Text("{path} 不支持 {method}", "{path} does not take {method}"),
    ),
}

_VALUE_SHOWN = 60
_WHERE_SHOWN = 120


def of_validation(error: RequestValidationError, content_type: str) -> tuple[int, list[Fault]]:
    """Translate what pydantic found.

    Parameters
    ----------
    error
        Of one request.
    content_type
        Of the request: a JSON body that is not called JSON is refused for that alone.

    Returns
    -------
    tuple
        HTTP status (400, 415 or 422) and every fault.
    """
    items = error.errors()
    if any(item["type"] == "json_invalid" for item in items):
        return HTTPStatus.BAD_REQUEST, [_bad_json(item) for item in items]
    if any(isinstance(item.get("input"), bytes) for item in items):
        return HTTPStatus.UNSUPPORTED_MEDIA_TYPE, [_not_json(content_type)]
    return HTTPStatus.UNPROCESSABLE_ENTITY, [_fault(item) for item in items]


def of_http(status: int, method: str, path: str) -> Fault:
    """Say what an HTTP ``status`` of the router means for ``method`` and ``path``."""
    if status not in _HTTP:
        phrase = HTTPStatus(status).phrase
        return Fault(phrase.lower().replace(" ", "_"), Text(phrase, phrase))
    code, text = _HTTP[status]
    shown = {"method": method, "path": path[:_WHERE_SHOWN]}
    return Fault(code, Text(text.zh.format(**shown), text.en.format(**shown)))


def _bad_json(item: Mapping[str, Any]) -> Fault:
    place = item["loc"][-1]
    return Fault(
        "json_invalid",
        Text(
            f"不是有效的 JSON（第 {place} 个字符处）：请检查引号、逗号和括号",
            f"not valid JSON (at character {place}): check quotes, commas and brackets",
        ),
        "body",
    )


def _not_json(content_type: str) -> Fault:
    given = content_type[:_VALUE_SHOWN] or "-"
    return Fault(
        "content_type",
        Text(
            f"请求头 Content-Type 应为 application/json，收到的是 {given}",
            f"the Content-Type header must be application/json, not {given}",
        ),
        "Content-Type",
    )


def _fault(item: Mapping[str, Any]) -> Fault:
    context = dict(item.get("ctx") or {})
    return Fault(item["type"], _said(item, context), _where(item["loc"]))


def _said(item: Mapping[str, Any], context: dict[str, Any]) -> Text:
    if "zh" in context and "en" in context:
        return Text(context["zh"], context["en"])
    text = MESSAGES.get(item["type"])
    if text is None:
        return Text(f"取值无效：{item['msg']}", f"is not valid: {item['msg']}")
    context["value"] = _shown(item.get("input"))
    expected = str(context.get("expected", "")).replace(" or ", ", ")
    return Text(
        text.zh.format_map(context | {"expected": expected.replace(", ", "、")}),
        text.en.format_map(context | {"expected": expected}),
    )


def _shown(value: object) -> str:
    shown = repr(value) if isinstance(value, str | float) else _as_json(value)
    return shown if len(shown) <= _VALUE_SHOWN else shown[: _VALUE_SHOWN - 1] + "…"


def _as_json(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int():
            # Whole numbers of thousands of digits are slow, and past 4,300 refused, to print.
            return str(value) if abs(value) < 10**_VALUE_SHOWN else "10^60…"
        case dict():
            return "{...}"
        case list():
            return "[...]"
        case _:
            return type(value).__name__


def _where(location: tuple[int | str, ...]) -> str:
    parts = location[1:] if location and location[0] in ("body", "query", "path") else location
    return ".".join(str(part) for part in parts or location)[:_WHERE_SHOWN]
