"""Where a place is poorly known: people are forewarned, the officer is asked, and nobody waits for
ever. Never silently: the case says 位置不准 until somebody confirms its place."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import shapely

from gridsvc.dispatch import Card
from gridsvc.dispatch.eligibility import is_night, reachable
from gridsvc.domain.area import Grid
from gridsvc.domain.card_events import Forewarned, PlaceAsked, PlaceGuessed
from gridsvc.domain.case import Case, urgent
from gridsvc.domain.events import IncidentPlaced
from gridsvc.domain.force import Role
from gridsvc.domain.geo import Datum, LngLat
from gridsvc.domain.incident import Incident, PlaceDoubt, Placement, Position
from gridsvc.domain.lifecycle import ENDED
from gridsvc.domain.timers import Timer, TimerKind, place_timer
from gridsvc.domain.words import Text
from gridsvc.flows.dispatching import about, decide, keep, weigh
from gridsvc.flows.offering import CLOCK, settle, start_offers
from gridsvc.flows.scene import Scene
from gridsvc.locating import GridMap
from gridsvc.locating.named_places import places_named
from gridsvc.store import UnitOfWork

POOR_RADIUS_M = 300.0
"""A position that may be off by more is poor."""

ASKED_FOR = timedelta(seconds=60)
"""So long the officer is asked; then people go to the best candidate."""

MOST_FOREWARNED = 300
"""A whole township is not woken for a vague word: the people of the best candidates are."""


def doubted(draft: Incident, *, scene: Scene, now: datetime) -> Incident:
    """``draft`` with the doubt about its place, if there is one.

    A grid that was named is sure enough to send its people, but the spot in it is not known: that
    is marked, and nobody waits.
    """
    grid_map, position = scene.grid_map, draft.position
    if draft.placement is None:
        named = () if grid_map is None else _named(draft, grid_map)
        why = _named_only(named, grid_map) if named and grid_map is not None else _NOWHERE
        doubt = PlaceDoubt((*draft.unplaced, why), named, _until(draft, now))
    elif position is not None and position.radius_m > POOR_RADIUS_M:
        radius = round(position.radius_m)
        if position.source == "grid":
            return replace(draft, doubt=PlaceDoubt((_in_grid(radius),), (draft.placement.grid,)))
        near = [one.code for one in draft.placement.neighbours if one.level == "grid"]
        candidates = (draft.placement.grid, *near)
        doubt = PlaceDoubt((_rough(radius),), candidates, _until(draft, now))
    else:
        return draft
    return replace(draft, doubt=doubt)


def tell(work: UnitOfWork, incident: Incident, card: Card, *, scene: Scene, by: str) -> None:
    """Ask the officer, and forewarn the candidates' people of an urgent incident: they are told,
    not claimed. Nothing is read."""
    doubt = incident.doubt
    if doubt is None:
        return
    await_place(work, incident)
    fields = about(incident, work.cases.county, by)
    work.events.record(PlaceAsked(**fields, candidates=doubt.candidates))
    if doubt.asked_until is None or scene.grid_map is None:
        return
    people = _people(incident, doubt, card, scene)
    if people:
        work.events.record(Forewarned(**fields, responders=people, candidates=doubt.candidates))


def await_place(work: UnitOfWork, incident: Incident) -> None:
    """Set the timer that ends the wait for the officer's answer, where there is one."""
    if incident.doubt is not None and incident.doubt.asked_until is not None:
        due = incident.doubt.asked_until
        work.timers.set(Timer(place_timer(incident.id), incident.id, TimerKind.PLACE, due))


def dispatch_unplaced(
    work: UnitOfWork, incident: Incident, case: Case, *, scene: Scene, now: datetime
) -> None:
    """Send people to the best candidate of an incident once the officer has not answered in time:
    what the timer does. The place stays marked 位置不准 until it is confirmed.

    Where no candidate is known the officer is asked again, each minute anew. The incident is
    locked.
    """
    doubt = incident.doubt
    if doubt is None or doubt.asked_until is None or not _at_work(case):
        return
    fields = about(incident, work.cases.county, CLOCK)
    placed = _at_best(incident, doubt, scene.grid_map)
    if placed is None:
        again = replace(incident, doubt=replace(doubt, asked_until=now + ASKED_FOR))
        work.incidents.place(again)
        work.events.record(PlaceAsked(**fields, candidates=()))
        await_place(work, again)
        return
    work.incidents.place(placed)
    fields = about(placed, work.cases.county, CLOCK)
    if incident.placement is None:
        work.events.record(IncidentPlaced(**fields, corrected=False))
    work.events.record(PlaceGuessed(**fields, candidate=doubt.candidates[0]))
    sent = any(one.state not in ENDED for one in work.cases.assignments(incident.id))
    claim = not sent and not case.by_hand
    # What the process has heard of who is taken may be a moment old.
    scene = replace(scene, busy=work.cases.taken())
    decision = decide(
        work,
        placed,
        weigh(placed, scene=scene, now=now),
        scene=scene,
        now=now,
        by=CLOCK,
        claim=claim,
    )
    number = work.cases.decisions(incident.id) + 1
    keep(work, placed, decision, now=now, by=CLOCK, number=number)
    if claim:
        start_offers(work, placed, case, decision, scene=scene, now=now)
    else:
        settle(work, placed, case, scene=scene, now=now)


def _at_work(case: Case) -> bool:
    return case.open and case.closed_at is None


def _until(draft: Incident, now: datetime) -> datetime | None:
    return now + ASKED_FOR if urgent(draft.urgency) else None


def _named(draft: Incident, grid_map: GridMap) -> tuple[str, ...]:
    published = grid_map.published
    return places_named(published, draft.address) or places_named(published, draft.text)


def _people(incident: Incident, doubt: PlaceDoubt, card: Card, scene: Scene) -> tuple[str, ...]:
    """Whom to forewarn: the workers and sentinels of the candidates who could be called out, in
    the order of the candidates. Where lay people must stay away they are not called near."""
    grid_map, force = scene.grid_map, scene.force
    if grid_map is None:
        return ()
    night = is_night(incident.received_at)
    found: dict[str, None] = {}
    for role, area in _posts(incident, doubt, grid_map):
        for number in force.answering(role, area):
            one = force.responders[number]
            barred = role in card.excluded or one.id in card.kept_out
            if not barred and reachable(one, night=night):
                found[one.id] = None
        if len(found) >= MOST_FOREWARNED:
            break
    return tuple(found)[:MOST_FOREWARNED]


def _posts(incident: Incident, doubt: PlaceDoubt, grid_map: GridMap) -> Iterator[tuple[Role, str]]:
    """The grids and units of the candidates, by who answers for them."""
    placement = incident.placement
    if placement is not None:
        near = [one.code for one in placement.neighbours if one.level == "unit"]
        units = [code for code in (placement.unit, *near) if code]
        yield from ((Role.SENTINEL, code) for code in units)
        yield from ((Role.GRID_WORKER, code) for code in doubt.candidates)
        return
    for code in doubt.candidates:
        grids = {one.code for one in _grids_of(code, grid_map)}
        yield from ((Role.GRID_WORKER, grid) for grid in sorted(grids))
        if len(grids) <= MOST_FOREWARNED:
            yield from (
                (Role.SENTINEL, unit.code)
                for unit in grid_map.published.units
                if unit.grid in grids
            )


def _grids_of(code: str, grid_map: GridMap) -> list[Grid]:
    """The grids of a township or village, or the grid itself."""
    villages = {one.code for one in grid_map.published.divisions if code in (one.code, one.parent)}
    return [one for one in grid_map.published.grids if one.code == code or one.village in villages]


def _at_best(incident: Incident, doubt: PlaceDoubt, grid_map: GridMap | None) -> Incident | None:
    """``incident`` at its best candidate, None where there is none."""
    settled = replace(doubt, asked_until=None, guessed=True)
    if incident.placement is not None:
        return replace(incident, doubt=settled)
    grids = _grids_of(doubt.candidates[0], grid_map) if doubt.candidates and grid_map else []
    if not grids or grid_map is None:
        return None
    # Where most people live; the radius reaches to the end of the whole candidate.
    home = max(grids, key=lambda one: (one.residents or 0, -grids.index(one)))
    lng, lat = grid_map.centre_of(home.code)
    village = grid_map.division(home.village)
    return replace(
        incident,
        position=Position(
            LngLat(lng, lat), Datum.CGCS2000, "candidate", _reach(grids, lng, lat, grid_map)
        ),
        placement=Placement(
            unit=None,
            grid=home.code,
            village=home.village,
            township=(village.parent if village is not None else None) or "",
        ),
        map_version=grid_map.published.version,
        unplaced=(),
        doubt=settled,
    )


def _reach(grids: Iterable[Grid], lng: float, lat: float, grid_map: GridMap) -> float:
    """Metres from a position to the farthest corner of ``grids``."""
    x, y = grid_map.frame.point(lng=lng, lat=lat)
    shapes = grid_map.frame.geometries([one.geometry for one in grids])
    corners = shapely.get_coordinates(shapes)
    return round(float(((corners - (x, y)) ** 2).sum(axis=1).max() ** 0.5), 1)


def _named_only(candidates: tuple[str, ...], grid_map: GridMap) -> Text:
    names = "、".join(grid_map.name_of(code) for code in candidates[:5])
    return Text(
        f"位置不准：只有地名，可能在 {names}，请尽快核实",
        f"the place is not sure: by its name alone it may be in {names}; find out quickly",
    )


def _rough(radius: int) -> Text:
    return Text(
        f"位置不准：坐标误差 {radius} 米，超过 {POOR_RADIUS_M:.0f} 米，请尽快核实",
        f"the place is not sure: the position may be {radius} m off, more than "
        f"{POOR_RADIUS_M:.0f} m; find out quickly",
    )


def _in_grid(radius: int) -> Text:
    return Text(
        f"位置不准：只知网格，距网格中心可达 {radius} 米，请核实",
        f"the place is not sure: only the grid is known, up to {radius} m from its middle",
    )


_NOWHERE = Text(
    "位置不准：报警内容中没有认得出的地名，请尽快问清",
    "the place is not sure: no place that is known is named; ask at once",
)
