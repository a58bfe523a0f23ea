"""Log lines: JSON for machines, words for a terminal. Never personal data, tokens or bodies."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Literal, TypedDict, Unpack

from pythonjsonlogger.orjson import OrjsonFormatter

from gridsvc.domain.clock import COUNTY_TIME

Format = Literal["json", "text"]

OURS = ("gridsvc", "api", "geodata", "maps")
"""Loggers whose lines are kept from INFO up; of everybody else's, from WARNING up."""

FIELDS = "gridsvc_fields"
"""Attribute of a record, given as ``extra``, with further fields of its line."""


class Bound(TypedDict, total=False):
    """What is known of the request under way: the case's number, and how many were assigned."""

    incident: str
    assigned: int


_bound: ContextVar[Bound | None] = ContextVar("gridsvc_bound", default=None)


@contextmanager
def bound() -> Iterator[Bound]:
    """Collect what `bind` tells within, in this thread and in those that work for it."""
    found: Bound = {}
    token = _bound.set(found)
    try:
        yield found
    finally:
        _bound.reset(token)


def current() -> Bound:
    """What `bind` has told of the request under way."""
    return _bound.get() or {}


def bind(**fields: Unpack[Bound]) -> None:
    """Tell what the request under way is about: every later line of it says so."""
    found = _bound.get()
    if found is not None:
        found.update(fields)


def configure(kind: Format) -> None:
    """Send every log line to standard error, once, as ``kind``."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if kind == "json" else _Words())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    logging.captureWarnings(capture=True)


def is_json() -> bool:
    """Whether lines are written as JSON."""
    return any(isinstance(one.formatter, _Json) for one in logging.getLogger().handlers)


def kind_for(chosen: Format | None) -> Format:
    """Return what was chosen; where nothing was, words on a terminal and JSON elsewhere."""
    return chosen or ("text" if sys.stderr.isatty() else "json")


def _at(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, COUNTY_TIME).isoformat(timespec="milliseconds")


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {**getattr(record, FIELDS, {}), **current()}


class _Json(OrjsonFormatter):
    """One JSON object a line."""

    def add_fields(
        self,
        log_data: dict[str, Any],
        record: logging.LogRecord,
        message_dict: dict[str, Any],
    ) -> None:
        """Fill a line in the order in which it is read."""
        log_data["time"] = _at(record)
        log_data["level"] = record.levelname.lower()
        log_data["logger"] = record.name
        log_data["message"] = record.getMessage()
        log_data.update(_fields(record))
        log_data.update(
            (name, message_dict[name])
            for name in ("exc_info", "stack_info")
            if name in message_dict
        )


class _Words(logging.Formatter):
    """A line of words; what a client sent cannot begin another one."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, message, fields, and the trace of an error below."""
        fields = "".join(f" {name}={value}" for name, value in _fields(record).items())
        said = "".join(
            c if c.isprintable() else ascii(c)[1:-1] for c in record.getMessage() + fields
        )
        line = f"{_at(record)} {record.levelname.lower()} {said}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line
