"""Positions of many devices at once, for a gateway."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from api.auth import TheCaller
from api.language import Speech
from api.runtime import TheRuntime
from api.shapes import Answer, Body, Moment, Readable
from gridsvc.domain.geo import Datum
from gridsvc.domain.words import Lang
from gridsvc.flows.moving import Moved, Said

router = APIRouter(prefix="/api/v1", tags=["responders"])


class PositionBody(Body):
    """Where a device was, in degrees of ``datum``; ``seen_at`` is when it found out, by default
    now."""

    lng: float
    lat: float
    datum: Annotated[Datum, Field(strict=False)] = Datum.CGCS2000
    seen_at: Moment | None = None


class DeviceBody(PositionBody):
    """Where the device of ``responder`` was."""

    responder: Annotated[str, Field(max_length=64), Readable]


class PositionsBody(Body):
    """Up to 1,000 positions of any devices, in any order; of each device the newest counts."""

    positions: Annotated[list[DeviceBody], Field(min_length=1, max_length=1000)]


class PositionFault(Answer):
    """Why the position at ``index`` (from 0) was not taken."""

    index: int
    code: str
    where: str
    message: str


class MovedAnswer(Answer):
    """How many positions were ``taken``, how many people have ``moved`` (a position older than
    what is known moves nobody), and what was wrong with the others."""

    taken: int
    moved: int
    faults: list[PositionFault]


@router.post("/positions")
def move_many(
    body: PositionsBody, runtime: TheRuntime, caller: TheCaller, lang: Speech
) -> MovedAnswer:
    """Store where many devices are, in one transaction; bad positions are listed, the good ones
    are taken. Positions are not in the event log."""
    many = [Said(one.responder, one.lng, one.lat, one.datum, one.seen_at) for one in body.positions]
    return moved_answer(runtime.move_many(many, caller=caller), len(many), lang)


def moved_answer(moved: Moved, given: int, lang: Lang) -> MovedAnswer:
    """Say what became of ``given`` positions in ``lang``."""
    return MovedAnswer(
        taken=given - len(moved.refused),
        moved=len(moved.lives),
        faults=[
            PositionFault(
                index=one.index,
                code=fault.code,
                where=fault.where,
                message=fault.text.pick(lang),
            )
            for one in moved.refused
            for fault in one.error.faults
        ],
    )
