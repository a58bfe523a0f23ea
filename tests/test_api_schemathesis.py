"""Schemathesis asks the API what its own description allows, and much that it forbids.

The event stream is left out: an answer to it never ends; `tests/test_stream.py` reads it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.types import Receive, Scope, Send

from api.app import create_app
from api.auth import RIGHTS
from gridsvc.runtime import Runtime
from tests.alert_samples import ALL, body
from tests.api_county import REPORT, client_of, county_in
from tests.road_samples import crossing

HERE = "http://127.0.0.1:8000"
ENDLESS = "/api/v1/stream"
UNDESCRIBED = {"/", "/maps/risk", "/maps/coverage", "/alerts/{alert}", "/metrics"}
UNDESCRIBED |= {"/static/{path:path}", "/a/{token}"}
OPERATIONS = sorted(
    (method, path)
    for method, path in RIGHTS
    if path not in UNDESCRIBED | {ENDLESS, "/api/v1/openapi.json"}
)
REFUSALS = {"checks": {"negative_data_rejection": {"expected-statuses": ["4xx"]}}}
FEW = settings(
    max_examples=15,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@dataclass(frozen=True)
class Described:
    """The description as it is served, and what its paths can name."""

    schema: BaseSchema
    known: dict[str, str]

    def operation(self, method: str, path: str) -> Any:
        return self.schema[path][method.lower()]


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Described]:
    """The description, bound to the application on one small county: what an example stores, the
    next one finds."""
    bare = county_in(tmp_path_factory.mktemp("described"))
    with bare.store.write() as work:
        work.roads.publish(crossing(), source="roads.gpkg", at=datetime.now(UTC))
    runtime = Runtime.open(bare.settings)
    bare.close()
    app = create_app(runtime)
    here = client_of(app)

    async def local(scope: Scope, receive: Receive, send: Send) -> None:
        """The application as this machine's own user reaches it, its threads never started."""
        assert scope["type"] == "http"
        await app({**scope, "client": ("127.0.0.1", 50000)}, receive, send)

    schema = schemathesis.openapi.from_dict(
        here.get("/api/v1/openapi.json").json(), config=schemathesis.Config.from_dict(REFUSALS)
    )
    schema.app = local
    taken = here.post("/api/v1/incidents", json=REPORT).json()
    alert = here.post("/api/v1/alerts", json=body(ALL)).json()["id"]
    known = {"key": taken["id"], "id": taken["assignments"][0]["id"], "responder": "R0001"}
    known["alert"] = alert
    yield Described(schema, known)
    runtime.close()


def test_nothing_that_is_described_is_left_out(described: Described) -> None:
    paths = described.schema.raw_schema["paths"]
    every = {(method.upper(), path) for path, item in paths.items() for method in item}
    assert every == {*OPERATIONS, ("GET", ENDLESS)}


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_what_is_answered_is_what_is_described(
    described: Described, method: str, path: str, mode: GenerationMode
) -> None:
    operation = described.operation(method, path)
    named = {name: told for name, told in described.known.items() if f"{{{name}}}" in path}

    def answers(path_parameters: dict[str, str] | None) -> None:
        @FEW
        @given(case=operation.as_strategy(mode, path_parameters=path_parameters))
        def ask(case: Any) -> None:
            # What is on the map, whom the county has and how far a case has come no description
            # can say: an answer of 404, 409 or 422 to what it allows is no fault.
            case.call_and_validate(base_url=HERE, excluded_checks=[positive_data_acceptance])

        ask()

    sound = mode is GenerationMode.POSITIVE
    # What asks for nothing cannot be asked wrongly.
    if sound or operation.path_parameters or operation.query or operation.body:
        answers(None)
    if named and (sound or operation.body):
        answers(named)
