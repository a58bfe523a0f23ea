"""The web application of one runtime."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.middleware.gzip import GZipMiddleware

from api import areas, errors, health, incidents, locate, pages, responders
from api.body import BodyLimit
from api.headers import SafeHeaders
from api.loopback import LoopbackOnly
from gridsvc.runtime import Runtime


def create_app(runtime: Runtime) -> FastAPI:
    """Build the application on an open ``runtime``.

    From start to shutdown it follows the event log; then it closes the runtime.

    The documentation pages of FastAPI stay off: they load scripts from a CDN.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        runtime.watch()
        yield
        runtime.close()

    app = FastAPI(
        title="gridsvc",
        version="1",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses=errors.DESCRIBED,
        lifespan=lifespan,
    )
    app.state.runtime = runtime
    errors.install(app)
    # The last one added is asked first.
    app.add_middleware(GZipMiddleware, minimum_size=1024, compresslevel=5)
    app.add_middleware(BodyLimit)
    app.add_middleware(LoopbackOnly)
    app.add_middleware(errors.Unexpected)
    app.add_middleware(SafeHeaders)
    for resource in (incidents, locate, areas, responders, health, pages):
        app.include_router(resource.router)
    pages.mount_static(app)
    return app
