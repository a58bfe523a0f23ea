"""A county with something in every table, and what is in every table."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import shapely
from fastapi.testclient import TestClient
from sqlalchemy import inspect, select

from api.app import create_app
from gridsvc.domain.codes import CodeScheme
from gridsvc.domain.duty import Shift
from gridsvc.domain.force import Role, Vehicle
from gridsvc.domain.messages import Link, MessageKind, new_token
from gridsvc.flows.closures import Order
from gridsvc.flows.keys import add_key
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings
from gridsvc.store import Store
from gridsvc.store.messages import new_message
from gridsvc.store.tables import metadata
from tests.alert_samples import somebody
from tests.api_county import REPORT, U1, client_of, publish_county
from tests.road_samples import crossing
from tests.store_samples import publish_sample

NOW = datetime(2026, 11, 24, 1, 2, 3, 456789, tzinfo=UTC)
_AROUND = [[104.3, 24.7], [104.34, 24.7], [104.34, 24.9], [104.3, 24.9]]
ODD_TEXT = "换行\n“引号”\\ \U00020bb7野家 é"


def fill(url: str, folder: Path) -> None:
    """Put two versions of a map, people, cases in hand, keys and their events into a store."""
    store = Store.open(url)
    publish_county(store)
    publish_sample(store)
    with store.write() as work:
        work.areas.publish(
            layer="grids", source="again", clean=False, demo=True, at=NOW, grids=(), units=()
        )
    publish_county(store)
    with store.write() as work:
        work.force.upsert([somebody("S1", Role.SENTINEL, U1)])
    add_key(store, name="值班", roles=["officer"], scheme=CodeScheme(), now=NOW)
    with store.write() as work:
        work.roads.publish(crossing(), source="roads.gpkg", at=NOW)
    store.close()
    runtime = Runtime.open(Settings.read(data=folder, database_url=url))
    try:
        client = client_of(create_app(runtime))
        _take_reports(client)
        _rule(client)
        with runtime.store.write() as work:
            work.standing.replace_shifts(["R0003"], [Shift("R0003", 6, 1320, 1800)])
        _tell(runtime)
        _close_roads(runtime)
        polygon = {"type": "Polygon", "coordinates": [[*_AROUND, _AROUND[0]]]}
        told = {"hazard": "flood", "level": "red", "text": ODD_TEXT, "polygon": polygon}
        assert client.post("/api/v1/alerts", json=told).json()["total"]["called"]
    finally:
        runtime.close()


def _tell(runtime: Runtime) -> None:
    """A message on its way, and a link in it."""
    with runtime.store.write() as work:
        one = work.cases.assignments_of("R0001", limit=1)[0]
        kind = MessageKind.ASSIGNED
        work.messages.add([new_message(one.id, one.responder, "sms", kind, event=1, now=NOW)])
        work.messages.add_link(Link(new_token()[1], one.id, NOW))


def _take_reports(client: TestClient) -> None:
    reporter = {"name": "张三", "phone": "13800001234", "confidential": True}
    body = {**REPORT, "text": ODD_TEXT, "reporter": reporter}
    key = _post(client, "", body, headers={"Idempotency-Key": "key-1"})["id"]
    _post(client, "", {**REPORT, "drill": True})
    _post(client, "", {**REPORT, "position": {"lng": 1, "lat": 2}, "address": "东关"})
    order = {"level": "县级", "supervisor": "李四", "reply_by": "2026-12-01T09:00:00+08:00"}
    _post(client, f"/{key}/supervision", order)
    _post(client, f"/{key}/steps", {"step": "complete_paperwork", "note": "补录"})
    _post(client, f"/{key}/reminders", None)


def _rule(client: TestClient) -> None:
    """A changed card, and people kept out."""
    card = client.get("/api/v1/cards/fight").json()["card"]
    put = {"card": card, "reason": ODD_TEXT}
    changed = client.put("/api/v1/cards/fight", json=put, headers={"If-Match": '"0"'})
    assert changed.status_code == 200, changed.text
    out = {"responder": "R0004", "reason": ODD_TEXT, "until": None}
    leave = {
        "starts_at": datetime.now(UTC).isoformat(),
        "ends_at": (datetime.now(UTC) + timedelta(days=1)).isoformat(),
        "on_duty": False,
        "reason": ODD_TEXT,
    }
    for path, body in (
        ("exclusions", out),
        ("responders/R0003/roster/exceptions", leave),
    ):
        answer = client.post(f"/api/v1/{path}", json=body)
        assert answer.status_code == 201, answer.text
    _post(client, "", {**REPORT, "recused": ["R0001"]})


def _close_roads(runtime: Runtime) -> None:
    line = shapely.LineString([(104.303, 24.885), (104.311, 24.885 + 1e-9)])
    box = shapely.box(104.3059, 24.882, 104.3061, 24.1 + 0.7 + 1 / 12)
    for shape, edges, end in ((line, ("2:0",), None), (box, (), NOW), (None, ("1:0",), None)):
        ends_at = None if end is None else end + timedelta(days=9999)
        order = Order(shape, edges, frozenset({Vehicle.CAR}), NOW, ends_at, ODD_TEXT)
        runtime.close_road(order, caller=runtime.local)


def _post(client: TestClient, path: str, body: object, **given: Any) -> Any:
    answer = client.post(f"/api/v1/incidents{path}", json=body, **given)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


def rows(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, read past our own readers; geometries as their exact bytes."""
    store = Store.open(url)
    try:
        with store._engine.connect() as connection:
            return {
                table.name: [
                    tuple(_plain(value) for value in row)
                    for row in connection.execute(select(table).order_by(*table.primary_key))
                ]
                for table in metadata.sorted_tables
            }
    finally:
        store.close()


def _plain(value: Any) -> Any:
    if isinstance(value, shapely.Geometry):
        return shapely.to_wkb(value, include_srid=False, byte_order=1)
    return value


def tables_of(url: str) -> list[str]:
    """The tables that a database has."""
    store = Store.open(url)
    try:
        with store._engine.connect() as connection:
            names = inspect(connection).get_table_names()
        return [name for name in names if name != "spatial_ref_sys"]
    finally:
        store.close()
