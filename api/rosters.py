"""Duty rosters: the weekly pattern of a person, and exceptions from it."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field

from api.auth import TheCaller
from api.runtime import TheRuntime
from api.shapes import Answer, Body, Moment, Readable, county_time
from gridsvc.domain.duty import DAY_MIN, RosterException

router = APIRouter(prefix="/api/v1/responders/{responder}/roster", tags=["rosters"])

Which = Annotated[str, Path(max_length=64), Readable]


class ShiftAnswer(Answer):
    """On duty every week: ``weekday`` 1 (Monday) to 7; ``to`` may be on the next day."""

    weekday: int
    starts: str
    ends: str


class ExceptionAnswer(Answer):
    """On or off duty from one moment up to another, whatever the pattern says."""

    id: str
    starts_at: str
    ends_at: str
    on_duty: bool
    reason: str
    by: str
    at: str


class RosterAnswer(Answer):
    """The roster of a person; without shifts, on duty as the list of people says."""

    shifts: list[ShiftAnswer]
    exceptions: list[ExceptionAnswer]


class ExceptionBody(Body):
    """From when up to when, on duty or off, and why."""

    starts_at: Moment
    ends_at: Moment
    on_duty: bool
    reason: Annotated[str, Field(max_length=2000), Readable]


@router.get("")
def roster(responder: Which, runtime: TheRuntime, caller: TheCaller) -> RosterAnswer:
    """Give the roster of a person."""
    found = runtime.roster_of(responder, caller=caller)
    return RosterAnswer(
        shifts=[
            ShiftAnswer(weekday=one.weekday + 1, starts=_clock(one.starts), ends=_clock(one.ends))
            for one in sorted(found.shifts, key=lambda one: (one.weekday, one.starts))
        ],
        exceptions=[
            _exception(one) for one in sorted(found.exceptions, key=lambda one: one.starts_at)
        ],
    )


@router.post("/exceptions", status_code=201)
def add_exception(
    responder: Which, body: ExceptionBody, runtime: TheRuntime, caller: TheCaller
) -> ExceptionAnswer:
    """Put a person on or off duty for a time."""
    return _exception(
        runtime.add_roster_exception(
            responder,
            starts_at=body.starts_at,
            ends_at=body.ends_at,
            on_duty=body.on_duty,
            reason=body.reason,
            caller=caller,
        )
    )


@router.delete("/exceptions/{id}", status_code=204)
def drop_exception(
    responder: Which,
    id: Which,  # noqa: A002
    runtime: TheRuntime,
    caller: TheCaller,
) -> None:
    """Take an exception back."""
    runtime.drop_roster_exception(responder, id, caller=caller)


def _clock(minute: int) -> str:
    minute = minute if minute <= DAY_MIN else minute - DAY_MIN
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _exception(one: RosterException) -> ExceptionAnswer:
    return ExceptionAnswer(
        id=one.id,
        starts_at=county_time(one.starts_at),
        ends_at=county_time(one.ends_at),
        on_duty=one.on_duty,
        reason=one.reason,
        by=one.by,
        at=county_time(one.at),
    )
