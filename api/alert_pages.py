"""The page of an alert."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi import Query as QueryOf
from fastapi.responses import HTMLResponse

from api.auth import TheCaller
from api.language import PageSpeech
from api.runtime import TheRuntime
from api.shapes import Query, Readable
from gridsvc.domain.rights import Right
from gridsvc.flows import alert_progress

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/alerts/{alert}")
def alert_page(
    request: Request,
    alert: Annotated[str, Path(max_length=64), Readable],
    _query: Annotated[Query, QueryOf()],
    runtime: TheRuntime,
    caller: TheCaller,
    lang: PageSpeech,
) -> str:
    """Show one alert: the map, the counts by village, the gaps, and who has not answered."""
    from maps.alert import alert_page as drawn

    grid_map = runtime.map()
    found = alert_progress.progress(alert, store=runtime.store, caller=caller)
    return drawn(
        grid_map.published,
        found.alert,
        calls=found.calls,
        gaps=found.gaps,
        total=found.total,
        places=found.places,
        inside=alert_progress.leaves(grid_map, found.alert),
        person=runtime.force().get if caller.may(Right.HANDLE) else None,
        lang=lang,
        now=runtime.clock(),
        shapes=request.app.state.shapes.of(grid_map),
    )
