"""Which language an answer is in."""

import pytest
from starlette.requests import HTTPConnection

from api.language import language
from gridsvc.domain.words import Lang


def _connection(query: str = "", accept: str | None = None) -> HTTPConnection:
    headers = [] if accept is None else [(b"accept-language", accept.encode("latin-1"))]
    return HTTPConnection({"type": "http", "query_string": query.encode(), "headers": headers})


@pytest.mark.parametrize(
    ("query", "accept", "expected"),
    [
        ("", None, "zh"),
        ("lang=en", None, "en"),
        ("lang=en", "zh-CN", "en"),
        ("lang=fr", "en", "en"),
        ("", "en", "en"),
        ("", "EN-us,zh;q=0.9", "en"),
        ("", "en;q=0.3, zh-CN;q=0.8", "zh"),
        ("", "fr-FR, en;q=0.2", "en"),
        ("", "fr-FR, *;q=0.5", "zh"),
        ("", "en;q=0", "zh"),
        ("", "en;q=nonsense", "zh"),
        ("", "en;q=nan", "zh"),
        ("", ";;;,,,q=", "zh"),
        ("", "english", "zh"),
    ],
)
def test_the_query_then_the_header_then_the_setting(
    query: str, accept: str | None, expected: Lang
) -> None:
    assert language(_connection(query, accept), "zh") == expected


@pytest.mark.parametrize(
    ("query", "accept", "expected"),
    [("", "en", "zh"), ("lang=en", "zh", "en"), ("lang=fr", "en", "zh")],
)
def test_of_a_page_the_header_is_not_asked(query: str, accept: str, expected: Lang) -> None:
    assert language(_connection(query, accept), "zh", header=False) == expected


def test_the_setting_decides_where_nobody_asks() -> None:
    assert language(_connection(), "en") == "en"
    assert language(_connection(accept="zh-TW"), "en") == "zh"
