"""The past of a store replayed."""

from collections.abc import Sequence
from datetime import datetime

from gridsvc.coverage.demand import Demand
from gridsvc.coverage.villages import Villages
from gridsvc.dispatch import ForceIndex
from gridsvc.domain.roads import RoadNetwork
from gridsvc.flows.replay import Policy, Run, World, calls_of, professionals, replay
from gridsvc.locating import GridMap
from gridsvc.store import Store
from gridsvc.travel.speeds import Speeds
from gridsvc.travel.times import road_times


def replayed(
    store: Store,
    grid_map: GridMap,
    force: ForceIndex,
    roads: RoadNetwork,
    *,
    speeds: Speeds,
    since: datetime,
    until: datetime,
    policies: Sequence[str],
    seed: int,
    busy_fraction: float,
) -> list[Run]:
    """Replay the urgent reports from ``since`` to before ``until`` (aware) under each policy, with
    the force and the roads of today and nothing closed."""
    with store.read() as reading:
        calls = calls_of(reading, since=since, until=until)
    demand = Demand.of(grid_map.published, grid_map.frame)
    world = World(
        professionals(force.responders),
        grid_map.frame,
        road_times(roads, frame=grid_map.frame, speeds=speeds),
        Villages.of(demand, grid_map.published),
        busy_fraction,
    )
    return [replay(calls, world, Policy(one), seed=seed) for one in policies]
