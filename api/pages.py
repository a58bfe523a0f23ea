"""Pages: home, the maps, and the scripts and styles they name."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar

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
from gridsvc.coverage.demand import Demand
from gridsvc.coverage.groups import Group, State
from gridsvc.domain.errors import NotReadyError
from gridsvc.domain.kinds import Category
from gridsvc.locating import GridMap

if TYPE_CHECKING:
    from maps.shapes import MapShapes

Made = TypeVar("Made")

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

DEFAULT_DAYS = 365

_FOR_GOOD = "public, max-age=31536000, immutable"


class PeriodQuery(Query):
    """The last ``days`` days, and the categories to count: all where none is given."""

    days: Annotated[int, Field(ge=1, le=3660)] = DEFAULT_DAYS
    category: Annotated[list[Category], Field(default_factory=list, max_length=4)]
    view: Literal["grid", "surface"] = "grid"

    @field_validator("category", mode="before")
    @classmethod
    def _all_by_an_empty_one(cls, value: list[str]) -> list[str]:
        # The page's form sends "category=" for all of them.
        return [name for name in value if name]


class CoverageQuery(Query):
    """Whose coverage, within how long, and which state the map shows first."""

    group: Group = Group.MEDICAL
    state: State = State.STAFFED
    minutes: Literal["5", "10", "15"] = "15"


class Kept(Generic[Made]):
    """What was made of the newest map that was asked for: up to a second of work, kept."""

    def __init__(self, make: Callable[[GridMap], Made]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._last: tuple[GridMap, Made] | None = None

    def of(self, grid_map: GridMap) -> Made:
        """Give what is made of ``grid_map``, anew where it is not the one that is kept."""
        with self._lock:
            if self._last is None or self._last[0] is not grid_map:
                self._last = (grid_map, self._make(grid_map))
            return self._last[1]


@router.get("/")
def home(
    request: Request, _query: Annotated[Query, QueryOf()], runtime: TheRuntime, lang: PageSpeech
) -> str:
    """Show what is loaded, where to go, and a form for a first incident."""
    from gridsvc.flows.mapping import drawn_closures
    from maps.home import home_page

    try:
        grid_map = runtime.map()
    except NotReadyError:
        return home_page(None, runtime.counts(), lang=lang)
    shapes: MapShapes = request.app.state.home_shapes.of(grid_map)
    return home_page(
        grid_map.published,
        runtime.counts(),
        lang=lang,
        shapes=shapes,
        closures=drawn_closures(runtime.closed_roads(), runtime.roads(), runtime.clock()),
    )


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

    grid_map = runtime.map()
    counts, period = runtime.reports_of(days=query.days)
    return risk_page(
        grid_map.published,
        counts,
        period=period,
        categories=frozenset(query.category or Category),
        lang=lang,
        view=query.view,
        shapes=request.app.state.shapes.of(grid_map),
    )


@router.get("/maps/coverage")
def coverage(
    request: Request,
    query: Annotated[CoverageQuery, QueryOf()],
    runtime: TheRuntime,
    lang: PageSpeech,
) -> str:
    """Draw which grids somebody reaches in time: staffed now beside nominal."""
    from gridsvc.flows import mapping
    from maps.coverage import coverage_page

    grid_map = runtime.map()
    demand = request.app.state.demand.of(grid_map)
    return coverage_page(
        grid_map.published,
        mapping.coverage(runtime.scene(), demand, group=query.group, at=runtime.clock()),
        state=query.state,
        minutes=int(query.minutes),
        lang=lang,
        shapes=request.app.state.shapes.of(grid_map),
        closures=mapping.drawn_closures(runtime.closed_roads(), runtime.roads(), runtime.clock()),
    )


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
    from gridsvc.flows.mapping import drawn_shapes
    from maps.assets import static_dir

    tiles = app.state.runtime.settings.tiles
    app.state.shapes = Kept(lambda grid_map: drawn_shapes(grid_map.published, tiles))
    app.state.home_shapes = app.state.shapes
    if tiles is not None and tiles.shifted:
        # There positions are picked from the map and sent as CGCS2000: no shifted base map.
        app.state.home_shapes = Kept(lambda grid_map: drawn_shapes(grid_map.published))
    app.state.demand = Kept(lambda grid_map: Demand.of(grid_map.published, grid_map.frame))
    app.mount("/static", CachedFiles(directory=static_dir()), name="static")
