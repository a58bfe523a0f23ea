"""What the maps show, put together from the rooms that know it."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import shapely

from geodata.datum import from_cgcs2000
from gridsvc.coverage.demand import Demand
from gridsvc.coverage.groups import GROUP_ROLES, Group, State
from gridsvc.coverage.reach import ROLES, Coverage, Reach, Supply
from gridsvc.dispatch.eligibility import LIVE_MAX_AGE, held_by, is_night, reachable
from gridsvc.domain.area import PublishedMap
from gridsvc.domain.geo import Floats
from gridsvc.domain.roads import RoadNetwork
from gridsvc.domain.travel import VEHICLES
from gridsvc.flows.closures import Closed
from gridsvc.flows.scene import Scene
from maps.closures import DrawnClosure
from maps.shapes import MapShapes, map_shapes
from maps.tiles import Tiles

_VEHICLE = {vehicle: number for number, vehicle in enumerate(VEHICLES)}
_ROLE = {role: number for number, role in enumerate(ROLES)}


def drawn_shapes(published: PublishedMap, tiles: Tiles | None = None) -> MapShapes:
    """The shapes of a map as they are drawn on a base map: all shifted where it is in GCJ-02."""
    if tiles is None or not tiles.shifted:
        return map_shapes(published, tiles=tiles)

    def shifted(lng_lat: Floats) -> Floats:
        return np.column_stack(from_cgcs2000(lng_lat[:, 0], lng_lat[:, 1], tiles.datum))

    return map_shapes(published, tiles=tiles, move=shifted)


def drawn_closures(
    found: Sequence[Closed], network: RoadNetwork | None, at: datetime
) -> list[DrawnClosure]:
    """The closures in force at ``at`` (aware) as the pages draw them: the roads that are closed,
    or what was drawn where these are no more."""
    drawn = []
    for one in found:
        closure = one.closure
        if not closure.holds(at):
            continue
        shape = closure.geometry
        if network is not None and len(one.edges):
            start = network.shape_start
            lines = [network.shape[start[edge] : start[edge + 1]] for edge in one.edges.tolist()]
            shape = shapely.MultiLineString(lines)
        if shape is not None:
            drawn.append(
                DrawnClosure(
                    shape, closure.vehicles, closure.starts_at, closure.ends_at, closure.reason
                )
            )
    return drawn


def coverage(scene: Scene, demand: Demand, *, group: Group, at: datetime) -> Coverage:
    """Whom a group reaches, and how soon: with everybody on the list, and with whom it has now.

    Parameters
    ----------
    scene
        The county with a map, its force and who is taken.
    demand
        The points of its map.
    group
        Whose coverage.
    at
        The aware moment. Staffed are those on duty who can be called out at that hour and are
        held by no case, from where they are (`gridsvc.dispatch`); nominal is everybody of the
        group with a place, from the home place where there is one.
    """
    night = is_night(at)
    members = [
        (number, one)
        for number, one in enumerate(scene.force.responders)
        if one.role in GROUP_ROLES[group]
    ]
    numbers = np.array([number for number, _ in members], dtype=np.intp)
    vehicle = np.array([_VEHICLE[one.vehicle] for _, one in members], dtype=np.int8)
    role = np.array([_ROLE[one.role] for _, one in members], dtype=np.int8)
    ready = np.array(
        [reachable(one, night=night) and held_by(one, scene.busy) is None for _, one in members],
        dtype=np.bool_,
    )

    def reach(start: Floats, wanted: np.ndarray) -> Reach:
        there = wanted & np.isfinite(start).all(axis=1)
        supply = Supply(start[there], vehicle[there], role[there])
        return Reach.of(demand, supply, scene.travel)

    now = scene.force.places(at).start[numbers]
    home = scene.force.homes[numbers]
    listed = np.where(np.isnan(home), now, home)
    return Coverage(
        group=group,
        at=at,
        night=night,
        reaches={
            State.STAFFED: reach(now, ready),
            State.NOMINAL: reach(listed, np.ones(len(ready), dtype=np.bool_)),
        },
        travel=scene.travel,
        live_for=LIVE_MAX_AGE,
    )
