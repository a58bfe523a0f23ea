"""Health: is it alive, and can it work."""

from typing import Literal

from fastapi import APIRouter

from api.runtime import TheRuntime
from api.shapes import Answer
from gridsvc.domain.errors import Fault, NotReadyError
from gridsvc.domain.words import Text

router = APIRouter(tags=["health"])

OVERDUE_S = 60.0
"""A new map is indexed in some seconds; one that takes longer has failed."""


class Alive(Answer):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Ready(Answer):
    """There is a map and the store answers; ``counts`` says what it holds."""

    status: Literal["ready"] = "ready"
    map_version: int
    demo: bool
    counts: dict[str, int]


@router.get("/healthz")
def alive() -> Alive:
    """Answer without touching anything."""
    return Alive()


@router.get("/readyz")
def ready(runtime: TheRuntime) -> Ready:
    """Ask the map and the store; 503 with the reason where one is missing or left behind."""
    overdue_s = runtime.map_overdue_s()
    if overdue_s > OVERDUE_S:
        raise NotReadyError(
            Fault(
                "map_behind",
                Text(
                    f"新版地图已发布 {overdue_s:.0f} 秒，本进程尚未换上，原因见日志",
                    f"a newer map was published {overdue_s:.0f} s ago and this process could not "
                    "take it over; its log says why",
                ),
            )
        )
    published = runtime.map().published
    return Ready(map_version=published.version, demo=published.demo, counts=runtime.counts())
