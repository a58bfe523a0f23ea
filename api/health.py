"""Health: is it alive, and can it work."""

from typing import Literal

from fastapi import APIRouter

from api.runtime import TheRuntime
from api.shapes import Answer

router = APIRouter(tags=["health"])


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
    """Ask the map and the store; 503 with the reason where one is missing."""
    published = runtime.map().published
    return Ready(map_version=published.version, demo=published.demo, counts=runtime.counts())
