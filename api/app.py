"""The web application of one runtime."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.middleware.gzip import GZipMiddleware

from api import (
    advice,
    alert_pages,
    alerts,
    areas,
    assignment_page,
    cards,
    casework,
    closures,
    coverage,
    errors,
    health,
    incidents,
    locate,
    me,
    metrics,
    pages,
    positions,
    responders,
    rosters,
    route,
    stream,
    together,
)
from api.access_log import AccessLog
from api.auth import Doorkeeper, check_rights, methods_of
from api.body import BodyLimit
from api.headers import SafeHeaders
from api.hub import Hub
from gridsvc.runtime import Runtime


def create_app(runtime: Runtime) -> FastAPI:
    """Build the application on an open ``runtime``.

    From start to shutdown it follows the event log; then it closes the runtime.

    The documentation pages of FastAPI stay off: they load scripts from a CDN.
    """
    hub = Hub(runtime)
    figures = metrics.Metrics(runtime, hub)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        hub.start()
        uncount = runtime.subscribe(figures.happened)
        runtime.watch()
        yield
        uncount()
        await hub.stop()
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
    app.state.hub = hub
    app.state.metrics = figures
    errors.install(app, methods_of=methods_of)
    # The last one added is asked first. Gzip lets the stream through as it is: it would hold back.
    app.add_middleware(GZipMiddleware, minimum_size=1024, compresslevel=5)
    app.add_middleware(BodyLimit)
    app.add_middleware(Doorkeeper)
    app.add_middleware(errors.Unexpected)
    app.add_middleware(SafeHeaders)
    app.add_middleware(metrics.Measured, metrics=figures)
    app.add_middleware(AccessLog)
    reports = (incidents, casework, together, advice, cards, me, alerts, alert_pages)
    county = (locate, route, areas, coverage, responders, positions, rosters, closures)
    for resource in (*reports, *county, health, metrics, pages, assignment_page, stream):
        app.include_router(resource.router)
    pages.mount_static(app)
    check_rights(app)
    return app
