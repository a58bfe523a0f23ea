"""A county small enough to read, for the tests of the stores."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import shapely

from gridsvc.domain.area import Division, EndUnit, Grid, GridKind, Level
from gridsvc.domain.force import Capability, LivePosition, Responder, Role, Vehicle
from gridsvc.domain.geo import Datum, LngLat
from gridsvc.domain.incident import Incident, Neighbour, Placement, Position
from gridsvc.domain.kinds import Category
from gridsvc.store import MapChange, Store

VILLAGE = "530324001001"
NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


def square(column: int, row: int, size: float = 0.01) -> shapely.MultiPolygon:
    """A square whose corners are doubles with no short decimal form."""
    west, south = 104.1 + column * size, 24.7 + row * size
    return shapely.MultiPolygon([shapely.box(west, south, west + size, south + size)])


RING_WITH_A_HOLE = shapely.MultiPolygon(
    [
        shapely.Polygon(
            shapely.box(104.5, 24.5, 104.6, 24.6).exterior,
            [shapely.box(104.52, 24.52, 104.1 + 1 / 3, 24.55).exterior],
        ),
        shapely.box(104.6, 24.6, 104.60001, 24.60001),  # an exclave that touches it in one corner
    ]
)


def divisions() -> list[Division]:
    return [
        Division("530324", "罗平县", Level.COUNTY, None),
        Division("530324001", "罗雄街道", Level.TOWNSHIP, "530324", square(0, 0, 0.1)),
        Division(VILLAGE, "东关社区", Level.VILLAGE, "530324001", square(0, 0, 0.1)),
    ]


def grids(count: int = 9) -> list[Grid]:
    return [
        Grid(
            f"{VILLAGE}{i + 1:03d}", f"第{i + 1}网格", VILLAGE, square(i % 3, i // 3), residents=60
        )
        for i in range(count)
    ]


def units() -> list[EndUnit]:
    grid = grids()[0].code
    return [
        EndUnit(f"{grid}01", "一单元", grid, square(0, 0, 0.005), residents=0),
        EndUnit(f"{grid}02", "二单元", grid, RING_WITH_A_HOLE),
    ]


def large_county(
    seed: int, *, grid_count: int = 8146, unit_count: int = 14662
) -> list[Sequence[Grid] | Sequence[EndUnit]]:
    """As many polygons as the real county has, with as many vertices; not a coverage."""
    rng = np.random.default_rng(seed)
    count = grid_count + unit_count
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    radius = 0.001 * (1 + 0.3 * rng.random((count, 60)))
    lng = 104 + 0.6 * rng.random((count, 1)) + radius * np.cos(angle)
    lat = 24.6 + 0.6 * rng.random((count, 1)) + radius * np.sin(angle)
    rings = np.stack([lng, lat], axis=-1)
    shapes = [shapely.MultiPolygon([shapely.Polygon(ring)]) for ring in rings]
    made = [
        Grid(f"{VILLAGE}{i:05d}", f"网格{i}", VILLAGE, shapes[i], GridKind.GENERAL, i % 90)
        for i in range(grid_count)
    ]
    return [
        made,
        [
            EndUnit(f"{grid.code}{i:05d}", f"单元{i}", grid.code, shapes[grid_count + i])
            for i in range(unit_count)
            for grid in [made[i % grid_count]]
        ],
    ]


def publish_sample(store: Store) -> MapChange:
    """The small county as the first version."""
    with store.write() as work:
        return work.areas.publish(
            divisions=divisions(),
            grids=grids(),
            units=units(),
            layer="county",
            source="county.gpkg",
            clean=True,
            demo=True,
            at=NOON,
        )


def responder(number: int, /, **given: object) -> Responder:
    values: dict[str, object] = {
        "id": f"R{number:03d}",
        "name": f"演示{number}",
        "role": Role.SENTINEL,
        "area": units()[0].code,
        "home": LngLat(104.1 + number / 3e4, 24.7),
        "phone": f"1380000{number:04d}",
        "capabilities": frozenset({Capability.FIRST_ON_SCENE, Capability.FIRST_AID}),
        "app": True,
        "vehicle": Vehicle.MOTORCYCLE,
        **given,
    }
    return Responder(**values)  # type: ignore[arg-type]


def live(minute: int) -> LivePosition:
    return LivePosition(LngLat(104.1 + minute / 7e3, 24.7 + 1e-9), NOON + timedelta(minutes=minute))


def incident(number: int, /, **given: object) -> Incident:
    values: dict[str, object] = {
        "id": f"I{number:05d}",
        "number": f"罗平-20261123-{number:04d}",
        "received_at": NOON + timedelta(minutes=number, microseconds=number),
        "category": Category.DISPUTE,
        "kind": "neighbour_quarrel",
        "urgency": 4,
        "text": "两家为排水沟争吵",
        "position": Position(LngLat(104.1 + 1 / 300, 24.7 + 1e-9), Datum.GCJ02, "device", 12.5),
        "address": "东关社区 3 号",
        "placement": placement(),
        "map_version": 1,
        **given,
    }
    return Incident(**values)  # type: ignore[arg-type]


def placement(**given: object) -> Placement:
    grid = grids()[0].code
    near = Neighbour("grid", grids()[1].code, 1 / 3), Neighbour("unit", units()[1].code, 0.0)
    values: dict[str, object] = {
        "unit": units()[0].code,
        "grid": grid,
        "village": VILLAGE,
        "township": VILLAGE[:9],
        "neighbours": near,
        **given,
    }
    return Placement(**values)  # type: ignore[arg-type]
