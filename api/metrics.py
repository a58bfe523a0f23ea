"""Figures for Prometheus: of this process, and of the county as its event log tells."""

import platform
import time
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version

from fastapi import APIRouter, Request, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.auth import route_of
from api.hub import Hub
from gridsvc import logs
from gridsvc.domain.errors import GridsvcError
from gridsvc.domain.events import (
    AssignmentStepped,
    IncidentReceived,
    ResponderAssigned,
    StoredEvent,
)
from gridsvc.domain.kinds import Category
from gridsvc.runtime import Runtime

router = APIRouter(tags=["health"])

BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Upper bounds in seconds; what is promised of an emergency, 0.05, is one of them."""

STORE_CODES = frozenset({"store_unreachable", "store_busy", "refused_by_store"})
"""Faults that the store itself raises."""

_OUTCOMES = frozenset({"accepted", "declined", "expired", "stood_down"})
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
_OTHER = "other"
_EVERYWHERE = "Every process counts all of the county's since it started: take the largest, no sum."


class Metrics:
    """All figures of one application."""

    def __init__(self, runtime: Runtime, hub: Hub) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "gridsvc_requests",
            "Requests answered",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "gridsvc_request_seconds",
            "Time until an answer begins",
            ("method", "route"),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.dispatch_seconds = Histogram(
            "gridsvc_dispatch_seconds",
            "Time until a report that people were assigned to was durable and answered",
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.store_errors = Counter(
            "gridsvc_store_errors",
            "Requests that the store refused or could not serve",
            ("code",),
            registry=self.registry,
        )
        self.incidents = Counter(
            "gridsvc_county_incidents",
            f"Incidents received, drills left out. {_EVERYWHERE}",
            ("category", "urgency"),
            registry=self.registry,
        )
        self.assignments = Counter(
            "gridsvc_county_assignments",
            f"People assigned, drills left out. {_EVERYWHERE}",
            registry=self.registry,
        )
        self.answers = Counter(
            "gridsvc_county_answers",
            f"What came of offers, drills left out. {_EVERYWHERE}",
            ("outcome",),
            registry=self.registry,
        )
        self.registry.register(_Present(runtime, hub))
        self._start_at_zero()

    def happened(self, events: Sequence[StoredEvent]) -> None:
        """Count what the event log tells; drills never."""
        for event in events:
            told = event.payload
            if told.get("drill"):
                continue
            if event.name == IncidentReceived.name:
                self.incidents.labels(told["category"], str(told["urgency"])).inc()
            elif event.name == ResponderAssigned.name:
                self.assignments.inc()
            elif event.name == AssignmentStepped.name and told["after"] in _OUTCOMES:
                self.answers.labels(told["after"]).inc()

    def refused(self, error: GridsvcError) -> None:
        """Count an error if it is the store's."""
        for fault in error.faults:
            if fault.code in STORE_CODES:
                self.store_errors.labels(fault.code).inc()

    def _start_at_zero(self) -> None:
        """A series that begins at one hides its first event from ``increase``."""
        for category in Category:
            for urgency in range(1, 5):
                self.incidents.labels(category.value, str(urgency))
        for code in STORE_CODES:
            self.store_errors.labels(code)
        for outcome in _OUTCOMES:
            self.answers.labels(outcome)


class _Present(Collector):
    """What is the case at the moment of asking."""

    def __init__(self, runtime: Runtime, hub: Hub) -> None:
        self._runtime = runtime
        self._hub = hub

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not ask the store."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Ask the process and, where it answers, the store."""
        hub, grid_map = self._hub, self._runtime.map_or_none()
        labels = {"version": version("gridsvc"), "python": platform.python_version()}
        build = GaugeMetricFamily("gridsvc_build_info", "This program", labels=list(labels))
        build.add_metric(list(labels.values()), 1)
        yield build
        yield _gauge("gridsvc_event_head", "Position of the last event told here", hub.head)
        current = 0 if grid_map is None else grid_map.published.version
        yield _gauge("gridsvc_map_version", "Version of the map in use, 0 for none", current)
        overdue = self._runtime.map_overdue_s()
        yield _gauge("gridsvc_map_overdue_seconds", "A newer map waits for so long", overdue)
        yield _gauge("gridsvc_stream_listeners", "Streams open", hub.listeners)
        yield _counter("gridsvc_stream_sent_events", "Events handed to listeners", hub.sent)
        yield _counter("gridsvc_stream_cut_off", "Listeners cut off as too slow", hub.cut_off)
        yield from self._cases()

    def _cases(self) -> Iterator[Metric]:
        try:
            counts = self._runtime.open_cases()
            late = self._runtime.late_timers()
        except GridsvcError:
            yield _gauge("gridsvc_store_up", "Whether the store answers", 0)
            return
        yield _gauge("gridsvc_store_up", "Whether the store answers", 1)
        yield _gauge("gridsvc_late_timers", "Timers that should have fired 2 s ago", late)
        cases = GaugeMetricFamily(
            "gridsvc_county_cases", "Open cases by what they need, no drills", labels=["need"]
        )
        for need, count in counts.items():
            cases.add_metric([need], count)
        yield cases


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=value)


def _counter(name: str, words: str, value: float) -> Metric:
    return CounterMetricFamily(name, words, value=value)


class Measured:
    """Counts and times every request by its route, never by its path."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._count(scope, message["status"], time.perf_counter() - started)
            await send(message)

        await self.app(scope, receive, watched)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else _OTHER
        route = route_of(scope) or _OTHER
        metrics = self.metrics
        metrics.requests.labels(method, route, str(status)).inc()
        metrics.seconds.labels(method, route).observe(seconds)
        if status == 201 and logs.current().get("assigned"):
            metrics.dispatch_seconds.observe(seconds)


@router.get("/metrics", include_in_schema=False)
def metrics(request: Request) -> Response:
    """Answer all figures as Prometheus reads them."""
    found: Metrics = request.app.state.metrics
    return Response(generate_latest(found.registry), media_type=CONTENT_TYPE_LATEST)
