"""How far the calling of an alert has come, as a caller may see it: counts, shares, minutes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from gridsvc.dispatch.calling import Parents, touched
from gridsvc.domain.alerts import (
    Alert,
    Call,
    CallState,
    Gap,
    Place,
    Tally,
    tally,
    unknown_alert,
)
from gridsvc.domain.area import EndUnit, Grid
from gridsvc.domain.rights import Caller, within
from gridsvc.locating import GridMap
from gridsvc.store import CallFilter, Reading, Store


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an alert has come, as one caller sees it: in all and by (township, village); people
    of a township itself stand under no village. ``gaps`` and ``calls`` are those of the caller's
    area."""

    alert: Alert
    calls: tuple[Call, ...]
    gaps: tuple[Gap, ...]
    total: Tally
    places: Mapping[Place, Tally]

    def townships(self) -> dict[str, Tally]:
        """The same by township."""
        groups: dict[str, list[Call]] = {township: [] for township, _ in self.places}
        for call in self.calls:
            groups[call.township].append(call)
        return {code: _tally(group, self.alert) for code, group in sorted(groups.items())}


@dataclass(frozen=True, slots=True)
class Page:
    """Alerts with how many of their calls are in each state, the number to go on ``before`` (None:
    there are no more), and how many alerts of the county are on, drills left out."""

    alerts: list[tuple[Alert, dict[CallState, int]]]
    next: str | None
    on: int


def progress(key: str, *, store: Store, caller: Caller) -> Progress:
    """How far an alert has come, counted by village and township.

    Raises
    ------
    NotFoundError
        No such alert that touches the caller's area.
    """
    with store.read() as reading:
        alert = _seen(reading, key, caller)
        calls = reading.alerts.calls(alert.id, CallFilter(within=caller.area))
    return Progress(
        alert=alert,
        calls=tuple(calls),
        gaps=tuple(gap for gap in alert.gaps if within(caller.area, gap.place)),
        total=_tally(calls, alert),
        places=_by_place(calls, alert, caller),
    )


def page(
    *, limit: int, before: str | None, is_on: bool | None, store: Store, caller: Caller
) -> Page:
    """Alerts that touch the caller's area, the last first."""
    with store.read() as reading:
        found = reading.alerts.page(limit=limit, before=before, is_on=is_on)
        seen = [alert for alert in found if within(caller.area, alert.areas)]
        counts = reading.alerts.counts([alert.id for alert in seen], within=caller.area)
        on = reading.alerts.open_count()
    more = found[-1].number if len(found) == limit else None
    return Page([(alert, counts[alert.id]) for alert in seen], more, on)


def calls(
    key: str, which: CallFilter, *, after: str, limit: int, store: Store, caller: Caller
) -> tuple[list[Call], bool]:
    """A page of the calls of an alert, by the id of the responder, and whether more follow.

    Raises
    ------
    NotFoundError
        No such alert that touches the caller's area.
    """
    with store.read() as reading:
        alert = _seen(reading, key, caller)
        chosen = replace(which, within=caller.area)
        found = reading.alerts.calls(alert.id, chosen, after=after, limit=limit + 1)
    return found[:limit], len(found) > limit


def leaves(grid_map: GridMap, alert: Alert) -> tuple[EndUnit | Grid, ...]:
    """The finest areas that an alert touches on a map: units, and grids without units inside."""
    found = touched(grid_map.published, alert.polygon, Parents(grid_map.published))
    divided = {unit.grid for unit in found.units}
    return (*found.units, *(grid for grid in found.grids if grid.code not in divided))


def _seen(reading: Reading, key: str, caller: Caller) -> Alert:
    alert = reading.alerts.known(key)
    if not within(caller.area, alert.areas):
        raise unknown_alert(key)
    return alert


def _tally(found: Iterable[Call], alert: Alert) -> Tally:
    return tally(((call.state, call.at) for call in found), since=alert.issued_at)


def _by_place(found: Iterable[Call], alert: Alert, caller: Caller) -> dict[Place, Tally]:
    """Tallies by place, those without anybody among them."""
    groups: dict[Place, list[Call]] = {
        place: [] for place in alert.places if within(caller.area, place)
    }
    for call in found:
        groups.setdefault(call.place, []).append(call)
    return {place: _tally(group, alert) for place, group in sorted(groups.items())}
