"""Near an edge both grids' people are told, and one owner is named: the grid it lies in."""

from datetime import datetime

import shapely

from gridsvc.dispatch import Card
from gridsvc.dispatch.eligibility import is_night, reachable
from gridsvc.domain.card_events import NeighbourGridTold
from gridsvc.domain.force import Role
from gridsvc.domain.incident import Incident
from gridsvc.flows.dispatching import about
from gridsvc.flows.scene import Scene
from gridsvc.locating import GridMap
from gridsvc.store import UnitOfWork


def tell(work: UnitOfWork, incident: Incident, card: Card, *, scene: Scene, by: str) -> None:
    """Tell the people across the nearby edges of an incident: they are told, not assigned.

    Edges are near within 30 m or the position's own radius. Where the place is in doubt its
    candidates' people are forewarned instead. A card that asks for the next grids has the workers
    of all grids around told.
    """
    placement = incident.placement
    if placement is None or incident.doubt is not None:
        return
    grids = [one.code for one in placement.neighbours if one.level == "grid"]
    units = [one.code for one in placement.neighbours if one.level == "unit"]
    if card.next_grids and scene.grid_map is not None:
        grids = list(dict.fromkeys((*grids, *_around(placement.grid, scene.grid_map))))
    # Inside one grid there is nobody to be surprised by a neighbour.
    if not grids:
        return
    posts = [(Role.GRID_WORKER, code) for code in grids] + [(Role.SENTINEL, one) for one in units]
    people = _callable(posts, card, scene, incident.received_at)
    work.events.record(
        NeighbourGridTold(
            **about(incident, work.cases.county, by),
            responders=people,
            grids=tuple(grids),
            owner=placement.grid,
        )
    )


def _callable(
    posts: list[tuple[Role, str]], card: Card, scene: Scene, at: datetime
) -> tuple[str, ...]:
    force, night = scene.force, is_night(at)
    people = [
        force.responders[number]
        for role, area in posts
        if role not in card.excluded
        for number in force.answering(role, area)
    ]
    return tuple(
        one.id for one in people if reachable(one, night=night) and one.id not in card.kept_out
    )


def _around(code: str, grid_map: GridMap) -> list[str]:
    """The grids that share an edge or a corner with the grid ``code``."""
    grid = grid_map.grid(code)
    if grid is None:
        return []
    west, south, east, north = shapely.bounds(grid.geometry).tolist()
    near = grid_map.grids_in(west=west, south=south, east=east, north=north)
    return [
        one.code
        for one in near
        if one.code != code and shapely.intersects(one.geometry, grid.geometry)
    ]
