"""Responders: where a device says it is."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field

from api.auth import TheCaller
from api.runtime import TheRuntime
from api.shapes import Body, Moment, Readable
from gridsvc.domain.geo import Datum

router = APIRouter(prefix="/api/v1/responders", tags=["responders"])


class LiveBody(Body):
    """Where a responder is, in degrees of ``datum``; ``seen_at`` is when the device found out, by
    default now."""

    lng: float
    lat: float
    datum: Annotated[Datum, Field(strict=False)] = Datum.CGCS2000
    seen_at: Moment | None = None


@router.put("/{responder}/position", status_code=204)
def move(
    responder: Annotated[str, Path(max_length=64), Readable],
    body: LiveBody,
    runtime: TheRuntime,
    caller: TheCaller,
) -> None:
    """Store the live position of a responder; it counts until it is too old."""
    runtime.move(
        responder,
        lng=body.lng,
        lat=body.lat,
        datum=body.datum,
        seen_at=body.seen_at,
        caller=caller,
    )
