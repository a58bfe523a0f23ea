"""A small made-up county for the tests of the HTTP edge, published through the real store.

Four grids in a row, west to east, 0.01 degree (1,010 m) wide and 0.02 degree (2,215 m) high::

    104.30    104.31    104.32    104.33    104.34 E
      | G1 02   | G2      | G3      | G4 01   |  24.90 N
      |- - - - -|         |  (hole) |         |
      | G1 01   |         |         |         |  24.88 N

G1 has two end units, G4 one, G2 and G3 none. G3 has a hole of its own that nobody fills.
"""

from datetime import UTC, datetime
from pathlib import Path

import shapely
from fastapi import FastAPI
from fastapi.testclient import TestClient

from gridsvc.domain.area import (
    Area,
    Division,
    EndUnit,
    Grid,
    GridKind,
    Level,
    as_multipolygon,
)
from gridsvc.domain.force import Capability, Responder, Role
from gridsvc.domain.geo import LngLat
from gridsvc.domain.topology import derive_divisions, derive_grids, snap
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings
from gridsvc.store import Store

G1, G2, G3, G4 = "530324001001001", "530324001001002", "530324102001001", "530324102001002"
U1, U2, U4 = G1 + "01", G1 + "02", G4 + "01"

IN_U1 = (104.305, 24.885)
IN_G2 = (104.315, 24.895)
EDGE_G1_G2 = (104.31, 24.895)
IN_HOLE = (104.325, 24.89)
WEST_OF_G1 = (104.298, 24.89)

DIVISIONS = (
    Division("530324", "罗平县", Level.COUNTY, None),
    Division("530324001", "罗雄街道", Level.TOWNSHIP, "530324"),
    Division("530324102", "板桥镇", Level.TOWNSHIP, "530324"),
    Division("530324001001", "甲社区", Level.VILLAGE, "530324001"),
    Division("530324102001", "乙村", Level.VILLAGE, "530324102"),
)

REPORT = {
    "position": {"lng": IN_U1[0], "lat": IN_U1[1]},
    "category": "emergency",
    "kind": "sudden_illness",
    "text": "老人胸痛",
}
"""A body that is taken."""


def client_of(app: FastAPI) -> TestClient:
    """A client on this machine."""
    return TestClient(app, base_url="http://127.0.0.1:8000", client=("127.0.0.1", 50000))


def county_in(folder: Path, *, lang: str = "zh") -> Runtime:
    """Open a runtime on a new store in ``folder`` that holds the county."""
    settings = Settings.read(data=folder, lang=lang)
    store = Store.open(settings.url, county=settings.county)
    store.upgrade()
    publish_county(store)
    store.close()
    return Runtime.open(settings)


def publish_county(store: Store) -> None:
    """Publish the map and the force as one version."""
    units = (
        EndUnit(U1, "甲一单元", G1, _box(104.30, 24.88, 104.31, 24.89), residents=40),
        EndUnit(U2, "甲二单元", G1, _box(104.30, 24.89, 104.31, 24.90), residents=30),
        EndUnit(U4, "乙一单元", G4, _box(104.33, 24.88, 104.34, 24.90)),
    )
    hole = shapely.box(104.324, 24.889, 104.326, 24.891)
    holed = as_multipolygon(shapely.difference(_box(104.32, 24.88, 104.33, 24.90), hole))
    grids = derive_grids(
        (
            Grid(G1, "甲一网格", "530324001001", _box(104.30, 24.88, 104.31, 24.90), residents=70),
            Grid(G2, "甲二网格", "530324001001", _box(104.31, 24.88, 104.32, 24.90), residents=60),
            Grid(G3, "乙一网格", "530324102001", _snapped(holed), GridKind.DEDICATED),
            Grid(G4, "乙二网格", "530324102001", _box(104.33, 24.88, 104.34, 24.90), residents=50),
        ),
        units,
    )
    with store.write() as work:
        work.areas.publish(
            divisions=derive_divisions(grids, DIVISIONS),
            grids=grids,
            units=units,
            layer="county",
            source="made up",
            clean=True,
            demo=True,
            at=datetime(2026, 11, 23, tzinfo=UTC),
        )
        work.force.upsert(list(FORCE))


def _box(west: float, south: float, east: float, north: float) -> Area:
    """A box with a vertex half-way up its sides where it is high, so that edges match."""
    middle = [24.89] if south < 24.89 < north else []
    ring = [(west, south), (east, south), *((east, lat) for lat in middle)]
    ring += [(east, north), (west, north), *((west, lat) for lat in middle)]
    return _snapped(as_multipolygon(shapely.Polygon(ring)))


def _snapped(area: Area) -> Area:
    return as_multipolygon(snap([area])[0])


def _person(
    key: str,
    name: str,
    role: Role,
    home: tuple[float, float],
    capability: Capability,
    *,
    on_duty: bool = True,
) -> Responder:
    return Responder(
        id=key,
        name=name,
        role=role,
        area="530324",
        home=LngLat(*home),
        phone=f"1990000{key[-4:]}",
        capabilities=frozenset({capability}),
        night=True,
        on_duty=on_duty,
    )


FORCE = (
    _person("R0001", "甲吹哨人", Role.SENTINEL, (104.3051, 24.885), Capability.FIRST_ON_SCENE),
    _person("R0002", "乙吹哨人", Role.SENTINEL, (104.335, 24.885), Capability.FIRST_ON_SCENE),
    _person("R0003", "丙网格员", Role.GRID_WORKER, (104.306, 24.885), Capability.GRID_DUTY),
    _person("R0004", "丁村医", Role.DOCTOR, (104.31, 24.885), Capability.FIRST_AID),
    _person("R0005", "戊救护车", Role.AMBULANCE, (104.32, 24.885), Capability.AMBULANCE),
    _person(
        *("R0006", "己村医", Role.DOCTOR, (104.3052, 24.885), Capability.FIRST_AID), on_duty=False
    ),
)
