"""The runtime as a parameter of a route."""

from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import Request

from gridsvc.runtime import Runtime


async def _runtime(request: Request) -> Runtime:
    return cast(Runtime, request.app.state.runtime)


TheRuntime = Annotated[Runtime, Depends(_runtime)]
"""What everything is asked of: routes hold no queries and no rules of their own."""
