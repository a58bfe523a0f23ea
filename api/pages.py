"""Pages: home, the risk map, and the scripts and styles they name."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, FastAPI
from fastapi import Query as QueryOf
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from pydantic import Field, field_validator
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from api.language import PageSpeech
from api.runtime import TheRuntime
from api.shapes import Query
from gridsvc.domain.area import PublishedMap
from gridsvc.domain.errors import NotReadyError
from gridsvc.domain.kinds import Category

if TYPE_CHECKING:
    from maps.shapes import MapShapes

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

DEFAULT_DAYS = 365

_FOR_GOOD = "public, max-age=31536000, immutable"


class PeriodQuery(Query):
    """The last ``days`` days, and the categories to count: all where none is given."""

    days: Annotated[int, Field(ge=1, le=3660)] = DEFAULT_DAYS
    category: Annotated[list[Category], Field(default_factory=list, max_length=4)]

    @field_validator("category", mode="before")
    @classmethod
    def _all_by_an_empty_one(cls, value: list[str]) -> list[str]:
        # The page's form sends "category=" for all of them.
        return [name for name in value if name]


class KeptShapes:
    """The drawn shapes of the newest map that was asked for: a second of work, kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._published: PublishedMap | None = None
        self._shapes: MapShapes | None = None

    def of(
        self, published: PublishedMap, make: "Callable[[PublishedMap], MapShapes]"
    ) -> "MapShapes":
        """Give the shapes of ``published``, made by ``make`` where they are not kept."""
        with self._lock:
            if self._shapes is None or self._published is not published:
                self._shapes, self._published = make(published), published
            return self._shapes


@router.get("/")
def home(
    request: Request, _query: Annotated[Query, QueryOf()], runtime: TheRuntime, lang: PageSpeech
) -> str:
    """Show what is loaded, where to go, and a form for a first incident."""
    from maps.home import home_page

    try:
        published = runtime.map().published
    except NotReadyError:
        return home_page(None, runtime.counts(), lang=lang)
    shapes = _shapes_of(request, published)
    return home_page(published, runtime.counts(), lang=lang, shapes=shapes)


@router.get("/maps/risk")
def risk(
    request: Request,
    query: Annotated[PeriodQuery, QueryOf()],
    runtime: TheRuntime,
    lang: PageSpeech,
) -> str:
    """Draw the county's grids coloured by what was reported in them."""
    # folium and its friends take most of a second to load: not before somebody wants a map.
    from maps.risk import risk_page

    published = runtime.map().published
    counts, period = runtime.reports_of(days=query.days)
    return risk_page(
        published,
        counts,
        period=period,
        categories=frozenset(query.category or Category),
        lang=lang,
        shapes=_shapes_of(request, published),
    )


def _shapes_of(request: Request, published: PublishedMap) -> "MapShapes":
    from maps.shapes import map_shapes

    kept: KeptShapes = request.app.state.shapes
    return kept.of(published, map_shapes)


class CachedFiles(StaticFiles):
    """Files whose address changes with their content are kept for good, the others asked anew."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """Answer with a file, or with 304 where the browser has it."""
        answer = super().file_response(*args, **kwargs)
        scope: Scope = kwargs["scope"] if "scope" in kwargs else args[2]
        named = b"v=" in scope["query_string"]
        answer.headers["Cache-Control"] = _FOR_GOOD if named else "no-cache"
        return answer


def mount_static(app: FastAPI) -> None:
    """Serve the scripts and styles of the pages at ``/static``."""
    from maps.assets import static_dir

    app.state.shapes = KeptShapes()
    app.mount("/static", CachedFiles(directory=static_dir()), name="static")
