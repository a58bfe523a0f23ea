"""The language of an answer: ``?lang=``, else Accept-Language, else the county's setting."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection, Request

from gridsvc.domain.words import Lang


def language(connection: HTTPConnection, default: Lang) -> Lang:
    """Pick Chinese or English for one request.

    Parameters
    ----------
    connection
        Its query string and Accept-Language header.
    default
        Where neither asks for one of the two.
    """
    asked = connection.query_params.get("lang")
    if asked == "zh" or asked == "en":
        return asked
    best: Lang = default
    best_weight = 0.0
    for item in connection.headers.get("accept-language", "").split(","):
        tag, _, rest = item.strip().lower().partition(";")
        weight = _weight(rest)
        primary = tag.split("-")[0].strip()
        if weight > best_weight and (primary == "zh" or primary == "en"):
            best, best_weight = primary, weight
    return best


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def _speech(request: Request) -> Lang:
    return language(request, request.app.state.runtime.settings.lang)


Speech = Annotated[Lang, Depends(_speech)]
"""Parameter of a route that says something to a person."""
