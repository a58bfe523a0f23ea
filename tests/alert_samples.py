"""Alerts for the tests: people who answer for the small county, orders, and bodies."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import shapely

from gridsvc.domain.alerts import AlertLevel, Hazard
from gridsvc.domain.area import as_multipolygon
from gridsvc.domain.force import Capability, LivePosition, Responder, Role
from gridsvc.domain.geo import LngLat
from gridsvc.flows.alerts import Order
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings
from gridsvc.store import Store
from tests.api_county import G1, G4, U1, U2

NOW = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
A, B = "530324001001", "530324102001"
WEST = (104.302, 24.882, 104.315, 24.888)
"""Touches U1 of G1, and G2: nobody answers for G2."""

ALL = (104.30, 24.88, 104.34, 24.90)


def somebody(key: str, role: Role, area: str, **given: Any) -> Responder:
    told = {"phone": f"1380000{len(key):04d}", "home": None, **given}
    return Responder(
        id=key,
        name=f"演示{key}",
        role=role,
        area=area,
        capabilities=frozenset({Capability.GRID_DUTY}),
        **told,
    )


PEOPLE = (
    somebody("S1", Role.SENTINEL, U1),
    somebody("S1b", Role.SENTINEL, U1, phone="", app=False),
    somebody("S2", Role.SENTINEL, U2),
    somebody("W1", Role.GRID_WORKER, G1, on_duty=False),
    somebody("W4", Role.GRID_WORKER, G4),
    somebody("M1", Role.MEDIATOR, A),
    somebody("T1", Role.TOWNSHIP_TEAM, A[:9]),
    somebody("T2", Role.TOWNSHIP_TEAM, B[:9]),
    somebody("D1", Role.DEPARTMENT, "530324"),
    somebody(
        *("P1", Role.DOCTOR, B),
        live=LivePosition(LngLat(104.312, 24.885), NOW - timedelta(minutes=2)),
    ),
    somebody(
        *("P2", Role.DOCTOR, B),
        live=LivePosition(LngLat(104.312, 24.885), NOW - timedelta(minutes=40)),
    ),
)
"""P1 is passing through G2 now, P2 was 40 minutes ago."""


def staffed(store: Store) -> None:
    """Put them on the list of the small county."""
    with store.write() as work:
        work.force.upsert(PEOPLE)


def again(runtime: Runtime, store_url: str) -> Runtime:
    """A runtime that has read the list anew, at the moment of the tests."""
    return Runtime.open(
        Settings.read(data=runtime.settings.data, database_url=store_url), clock=lambda: NOW
    )


def order(box: tuple[float, float, float, float] = WEST, **given: Any) -> Order:
    made = Order(
        hazard=Hazard.FLOOD,
        level=AlertLevel.RED,
        text="山洪红色预警",
        polygon=as_multipolygon(shapely.box(*box)),
        expires_at=NOW + timedelta(hours=6),
    )
    return replace(made, **given)


def body(box: tuple[float, float, float, float] = WEST, **given: Any) -> dict[str, Any]:
    ring = shapely.get_coordinates(shapely.box(*box)).tolist()
    return {
        "hazard": "flood",
        "level": "red",
        "text": "山洪红色预警",
        "polygon": {"type": "Polygon", "coordinates": [ring]},
        **given,
    }


RING = "24.882,104.302 24.882,104.315 24.888,104.315 24.888,104.302 24.882,104.302"
"""WEST as CAP writes it: latitude first."""


def cap(polygon: str = RING, **given: str) -> bytes:
    said = {
        "status": "Actual",
        "kind": "Alert",
        "severity": "Severe",
        "event": "山洪灾害",
        "headline": "罗平县发布山洪灾害红色预警",
        "expires": "2026-11-23T18:00:00+08:00",
        "area": f"<polygon>{polygon}</polygon>",
        "identifier": "53032441600000_20261123093000",
        **given,
    }
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
<identifier>{said["identifier"]}</identifier><sender>罗平县气象台</sender>
<sent>2026-11-23T09:30:00+08:00</sent><status>{said["status"]}</status>
<msgType>{said["kind"]}</msgType><scope>Public</scope>
<info><language>zh-CN</language><category>Met</category><event>{said["event"]}</event>
<urgency>Immediate</urgency><severity>{said["severity"]}</severity><certainty>Likely</certainty>
<expires>{said["expires"]}</expires><headline>{said["headline"]}</headline>
<description>未来三小时雨量将超过 100 毫米</description>
<area><areaDesc>罗平县</areaDesc>{said["area"]}</area></info></alert>""".encode()
