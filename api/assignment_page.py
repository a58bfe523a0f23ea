"""The page that a link in a message opens: one assignment, for somebody without the app.

The token is the key: nothing else lets in here, and no other page can guess one, so a form needs
no further proof. Opening the page changes nothing, for messengers fetch links to preview them.
"""

from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Path
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.requests import Request
from starlette.responses import Response

from api.errors import status_of
from api.language import PageSpeech
from api.runtime import TheRuntime
from gridsvc.domain.errors import ConflictError, GridsvcError, InputError, NotFoundError
from gridsvc.domain.lifecycle import AssignmentStep
from gridsvc.domain.words import Lang
from gridsvc.flows.answering import Answer
from gridsvc.flows.own_assignments import OWN_STEPS, Own
from gridsvc.runtime import Runtime

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

Token = Annotated[str, Path(max_length=64)]
Form = dict[str, str]

_MOST_WORDS = 500
_EXPIRED = 410


async def _form(request: Request) -> Form:
    """The fields of a form, the last of each name; what cannot be read is not there."""
    body = (await request.body()).decode("utf-8", "replace")
    return {name: values[-1] for name, values in parse_qs(body, max_num_fields=20).items()}


@router.get("/a/{token}")
def show(token: Token, runtime: TheRuntime, lang: PageSpeech) -> Response:
    """Show the assignment of a link."""
    try:
        own = runtime.open_link(token)
    except (NotFoundError, ConflictError) as error:
        return _nothing(error, runtime, lang)
    return _page(own, runtime, lang)


@router.post("/a/{token}")
def answer(
    token: Token, form: Annotated[Form, Depends(_form)], runtime: TheRuntime, lang: PageSpeech
) -> Response:
    """Take a step, then show the assignment again; a step that is not possible changes nothing."""
    try:
        own = runtime.open_link(token)
    except (NotFoundError, ConflictError) as error:
        return _nothing(error, runtime, lang)
    try:
        if form.get("step") in OWN_STEPS:
            runtime.answer_by_link(token, _said(form))
    except (ConflictError, InputError) as error:
        own = runtime.open_link(token)
        return _page(own, runtime, lang, notice=error.say(lang), status=status_of(error))
    return RedirectResponse(f"/a/{token}" + (f"?lang={lang}" if lang == "en" else ""), 303)


def _said(form: Form) -> Answer:
    words = "".join(c if c.isprintable() else " " for c in form.get("words", ""))
    return Answer(AssignmentStep(form["step"]), form.get("reason", ""), words[:_MOST_WORDS])


def _page(
    own: Own, runtime: Runtime, lang: Lang, *, notice: str = "", status: int = 200
) -> Response:
    from maps.assignment import assignment_page

    placement, grid_map = own.incident.placement, runtime.map_or_none()
    places: list[str] = []
    if placement is not None and grid_map is not None:
        codes = (placement.township, placement.village, placement.grid, placement.unit)
        places = [name for name in map(grid_map.name_of, codes) if name]
    page = assignment_page(
        own.assignment,
        own.incident,
        places=places,
        steps=own.steps,
        withheld=own.withheld,
        centre=runtime.channels.centre,
        notice=notice,
        lang=lang,
    )
    return HTMLResponse(page, status)


def _nothing(error: GridsvcError, runtime: Runtime, lang: Lang) -> Response:
    from maps.assignment import no_assignment_page

    status = _EXPIRED if isinstance(error, ConflictError) else status_of(error)
    page = no_assignment_page(error.say(lang), centre=runtime.channels.centre, lang=lang)
    return HTMLResponse(page, status)
