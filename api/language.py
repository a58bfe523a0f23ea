"""The language of an answer: ``?lang=``, else Accept-Language, else the county's setting.

Of a page Accept-Language is not asked: browsers send what they were installed with, and the duty
officer's screens are Chinese until somebody says otherwise.
"""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection, Request

from gridsvc.domain.words import Lang

_LANGS: dict[str, Lang] = {"zh": "zh", "en": "en"}


def language(connection: HTTPConnection, default: Lang, *, header: bool = True) -> Lang:
    """Pick Chinese or English for one request.

    Parameters
    ----------
    connection
        Its query string and Accept-Language header.
    default
        Where neither asks for one of the two.
    header
        Whether Accept-Language counts: for programs, not for pages.
    """
    asked = _LANGS.get(connection.query_params.get("lang", ""))
    if asked is not None or not header:
        return asked or default
    best: Lang = default
    best_weight = 0.0
    for item in connection.headers.get("accept-language", "").split(","):
        tag, _, rest = item.strip().lower().partition(";")
        weight = _weight(rest)
        offered = _LANGS.get(tag.split("-")[0].strip())
        if offered is not None and weight > best_weight:
            best, best_weight = offered, weight
    return best


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


async def _speech(request: Request) -> Lang:
    return language(request, request.app.state.runtime.settings.lang)


async def _page_speech(request: Request) -> Lang:
    return language(request, request.app.state.runtime.settings.lang, header=False)


Speech = Annotated[Lang, Depends(_speech)]
"""Parameter of a route whose answer a program reads to a person."""

PageSpeech = Annotated[Lang, Depends(_page_speech)]
"""Parameter of a route that answers with a page."""
