"""What the dispatch of an incident uncovers, and which standby move restores most: advice."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from gridsvc.coverage.advice import BUSY_FRACTION, Advice, Standby, Table, advise
from gridsvc.coverage.groups import GROUP_ROLES, Group
from gridsvc.coverage.reach import ROLES, Supply
from gridsvc.coverage.villages import Villages
from gridsvc.dispatch.eligibility import held_by, is_night, reachable
from gridsvc.domain.force import Responder
from gridsvc.domain.incident import Incident
from gridsvc.domain.lifecycle import ENDED
from gridsvc.domain.rights import Caller
from gridsvc.domain.travel import VEHICLES, Basis
from gridsvc.domain.words import Text
from gridsvc.flows.reading import show
from gridsvc.flows.scene import Scene
from gridsvc.store import Store

ADVISED = (Group.MEDICAL, Group.ORDER, Group.FIRE)
"""The groups that can stand in for one another across villages. A unit's sentinel, a grid's worker
and a village's mediator are not moved elsewhere."""


@dataclass(frozen=True, slots=True)
class GroupAdvice:
    """What an incident takes from one group.

    ``taken`` are ids; ``mover`` is who would go on standby, None where no move helps.
    """

    group: Group
    taken: tuple[str, ...]
    advice: Advice
    mover: Responder | None

    @property
    def standby(self) -> Standby | None:
        """The move."""
        return self.advice.standby


@dataclass(frozen=True, slots=True)
class Advised:
    """The advice for one incident, group by group; what its times rest on."""

    incident: Incident
    villages: Villages
    groups: tuple[GroupAdvice, ...]
    busy_fraction: float
    basis: Basis
    travel_note: Text


def coverage_advice(
    key: str,
    *,
    villages: Villages,
    scene: Scene,
    store: Store,
    now: datetime,
    caller: Caller,
    busy_fraction: float = BUSY_FRACTION,
) -> Advised:
    """Say which villages lose their last responder to an incident, as things are now.

    Nothing is stored and nobody is held back: it is advice for whoever looks at the incident.

    Parameters
    ----------
    key
        Id or number of the incident.
    villages
        Of the scene's map.
    busy_fraction
        The part of the time that a responder is busy, from 0 to below 1.

    Raises
    ------
    NotFoundError
        No such incident in the caller's area.
    """
    file = show(key, store=store, caller=caller).file
    with store.read() as reading:
        busy = reading.cases.taken()
    here = {one.responder for one in file.assignments if one.state not in ENDED}
    groups = []
    for group in ADVISED:
        taken = sorted(key for key in here if _is_of(scene.force.get(key), group))
        if taken:
            groups.append(_of_group(group, taken, busy, villages, scene, now, busy_fraction))
    return Advised(
        file.incident,
        villages,
        tuple(groups),
        busy_fraction,
        scene.travel.basis,
        scene.travel.note,
    )


def _is_of(one: Responder | None, group: Group) -> bool:
    return one is not None and one.role in GROUP_ROLES[group]


def _of_group(
    group: Group,
    taken: list[str],
    busy: dict[str, str],
    villages: Villages,
    scene: Scene,
    now: datetime,
    busy_fraction: float,
) -> GroupAdvice:
    start, night = scene.force.places(now).start, is_night(now)
    numbers = [
        number
        for number, one in enumerate(scene.force.responders)
        if _is_of(one, group)
        and np.isfinite(start[number]).all()
        and (one.id in taken or (reachable(one, night=night) and held_by(one, busy) is None))
    ]
    people = [scene.force.responders[number] for number in numbers]
    supply = Supply(
        start[numbers],
        np.array([VEHICLES.index(one.vehicle) for one in people], dtype=np.int8),
        np.array([ROLES.index(one.role) for one in people], dtype=np.int8),
    )
    gone = np.array([one.id in taken for one in people], dtype=np.bool_)
    found = advise(
        Table.of(villages, supply, scene.travel),
        supply,
        free=np.flatnonzero(~gone),
        taken=np.flatnonzero(gone),
        busy_fraction=busy_fraction,
    )
    mover = None if found.standby is None else people[found.standby.who]
    return GroupAdvice(group, tuple(taken), found, mover)
