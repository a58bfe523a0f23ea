"""What every request and answer has in common: strict types, readable text, county time."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError

from gridsvc.domain.clock import COUNTY_TIME
from gridsvc.domain.words import Lang


class Body(BaseModel):
    """A JSON request body: no unknown fields, no guessing of types, no NaN or infinity."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class Query(BaseModel):
    """The query string of a request.

    ``lang`` is read by ``api.language``; it is named here so that every other unknown name can be
    refused.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)

    lang: Lang | None = None


class Answer(BaseModel):
    """A JSON answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)


_UNREADABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def _readable(text: str) -> str:
    """Refuse what no store can hold (NUL, half a surrogate pair) and no screen should show."""
    found = _UNREADABLE.search(text)
    if found is None:
        return text
    place, shown = found.start() + 1, f"U+{ord(found[0]):04X}"
    raise PydanticCustomError(
        "text_character",
        "text_character",
        {
            "zh": f"第 {place} 个字符 {shown} 不是可读文字：请删除控制字符",
            "en": f"character {place} ({shown}) is not readable text: remove control characters",
        },
    )


Readable = AfterValidator(_readable)
"""Text that can be stored and shown; stands behind the limits of its length."""


def _moment(given: object) -> object:
    """Read an ISO 8601 moment with its offset; a bare number or a local time is guesswork."""
    try:
        at = datetime.fromisoformat(given) if isinstance(given, str) else None
        if at is not None and at.utcoffset() is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise PydanticCustomError(
        "moment",
        "moment",
        {
            "zh": "应为带时区的时间，例如 2026-11-23T09:30:00+08:00",
            "en": "must be a time with its offset, such as 2026-11-23T09:30:00+08:00",
        },
    )


Moment = Annotated[datetime, BeforeValidator(_moment)]
"""An aware datetime, from text alone."""


def county_time(at: datetime) -> str:
    """``at`` (aware) as ISO 8601 with the county's +08:00, to the millisecond."""
    return at.astimezone(COUNTY_TIME).isoformat(timespec="milliseconds")
