"""Coverage in figures: what a group reaches in 5, 10 and 15 minutes, and what nobody reaches."""

from math import ceil, isfinite
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Request
from fastapi import Query as QueryOf
from pydantic import Field

from api.language import Speech
from api.runtime import TheRuntime
from api.shapes import Answer, Query, county_time
from gridsvc.coverage.groups import GROUP_NAMES, STATE_NAMES, Group, State
from gridsvc.coverage.reach import LIMITS_S, ROLES, Coverage, Figures, Reach, whole
from gridsvc.domain.area import Level, PublishedMap
from gridsvc.domain.force import ROLE_NAMES
from gridsvc.domain.travel import Basis
from gridsvc.domain.words import Lang

router = APIRouter(prefix="/api/v1", tags=["coverage"])


class CoverageQuery(Query):
    """Whose coverage; the uncovered grids are those beyond ``minutes`` in ``state``, the worst
    first, at most ``limit`` of them."""

    group: Group = Group.MEDICAL
    state: State = State.STAFFED
    minutes: Literal["5", "10", "15"] = "15"
    limit: Annotated[int, Field(ge=0, le=20_000)] = 200


class FiguresAnswer(Answer):
    """Grids (all of each), residents that are known, and square kilometres."""

    grids: int
    residents: int
    area_km2: float


class WithinAnswer(FiguresAnswer):
    """What is reached within so many minutes."""

    minutes: int


class ReachAnswer(Answer):
    """One state (staffed now or nominal) on one basis. ``estimated`` points of ``points`` are on
    no road and reckoned by straight lines."""

    state: str
    state_name: str
    basis: str
    people: int
    points: int
    estimated: int
    within: list[WithinAnswer]


class StandbyAnswer(Answer):
    """The nearest standby place of a grid, ``eta_s`` seconds until all of the grid is reached from
    there, and whether that is soon enough."""

    village: str
    village_name: str
    vehicle: str
    eta_s: int
    covers: bool


class UncoveredAnswer(Answer):
    """A grid that is not reached in time: seconds until its slowest point is, null for never, and
    the role that would be first there."""

    grid: str
    name: str
    village: str
    village_name: str
    eta_s: int | None
    role: str | None
    role_name: str | None
    standby: StandbyAnswer | None


class CoverageAnswer(Answer):
    """``denominators`` are the whole county. ``reaches`` has staffed and nominal by ``basis`` and,
    where that is by road, again by straight lines for comparison. ``uncovered`` lists the first of
    ``uncovered_total`` grids."""

    group: str
    group_name: str
    at: str
    night: bool
    basis: str
    note: str
    denominators: FiguresAnswer
    reaches: list[ReachAnswer]
    state: str
    minutes: int
    uncovered_total: int
    uncovered: list[UncoveredAnswer]


@router.get("/coverage")
def coverage(
    request: Request,
    query: Annotated[CoverageQuery, QueryOf()],
    runtime: TheRuntime,
    lang: Speech,
) -> CoverageAnswer:
    """Give what a group reaches in 5, 10 and 15 minutes, and the grids that it does not."""
    from gridsvc.flows import mapping

    grid_map, state = runtime.map(), request.app.state
    found = mapping.coverage(
        runtime.scene(),
        state.demand.of(grid_map),
        group=query.group,
        at=runtime.clock(),
        places=state.standby.of(grid_map),
    )
    return coverage_answer(
        found,
        grid_map.published,
        state=query.state,
        minutes=int(query.minutes),
        limit=query.limit,
        lang=lang,
    )


def coverage_answer(
    found: Coverage,
    published: PublishedMap,
    *,
    state: State,
    minutes: int,
    limit: int,
    lang: Lang,
) -> CoverageAnswer:
    """Say ``found`` in ``lang``."""
    basis = found.travel.basis
    reaches = [_reach(found.reaches[each], each, basis, lang) for each in State]
    if found.straight is not None:
        straight = Basis.STRAIGHT_LINE
        reaches += [_reach(found.straight[each], each, straight, lang) for each in State]
    beyond = found.reaches[state].beyond(minutes * 60.0)
    names = {one.code: one.name for one in published.divisions if one.level is Level.VILLAGE}
    return CoverageAnswer(
        group=found.group,
        group_name=GROUP_NAMES[found.group].pick(lang),
        at=county_time(found.at),
        night=found.night,
        basis=basis,
        note=found.note.pick(lang),
        denominators=_figures(whole(found.demand)),
        reaches=reaches,
        state=state,
        minutes=minutes,
        uncovered_total=len(beyond),
        uncovered=[
            _uncovered(grid, found, published, names, state, minutes * 60.0, lang)
            for grid in beyond[:limit].tolist()
        ],
    )


def _figures(part: Figures) -> FiguresAnswer:
    return FiguresAnswer(
        grids=part.grids,
        residents=round(part.residents),
        area_km2=round(part.area_m2 / 1e6, 2),
    )


def _reach(reach: Reach, state: State, basis: Basis, lang: Lang) -> ReachAnswer:
    return ReachAnswer(
        state=state,
        state_name=STATE_NAMES[state].pick(lang),
        basis=basis,
        people=reach.people,
        points=len(reach.seconds),
        estimated=0 if basis is Basis.STRAIGHT_LINE else reach.estimated,
        within=[
            WithinAnswer(minutes=round(limit / 60), **dict(_figures(reach.within(limit))))
            for limit in LIMITS_S
        ],
    )


def _uncovered(
    grid: int,
    found: Coverage,
    published: PublishedMap,
    names: dict[str, str],
    state: State,
    limit_s: float,
    lang: Lang,
) -> UncoveredAnswer:
    reach, area = found.reaches[state], published.grids[grid]
    seconds = float(reach.grid_seconds[grid])
    role = ROLES[reach.grid_role[grid]] if isfinite(seconds) else None
    return UncoveredAnswer(
        grid=area.code,
        name=area.name,
        village=area.village,
        village_name=names.get(area.village, area.village),
        eta_s=ceil(seconds) if isfinite(seconds) else None,
        role=role,
        role_name=None if role is None else ROLE_NAMES[role].pick(lang),
        standby=_standby(grid, found, limit_s),
    )


def _standby(grid: int, found: Coverage, limit_s: float) -> StandbyAnswer | None:
    standbys = found.standbys
    if standbys is None or not np.isfinite(standbys.seconds[grid]):
        return None
    place, seconds = int(standbys.place[grid]), float(standbys.seconds[grid])
    return StandbyAnswer(
        village=standbys.villages.codes[place],
        village_name=standbys.villages.names[place],
        vehicle=standbys.vehicle,
        eta_s=ceil(seconds),
        covers=seconds <= limit_s,
    )
