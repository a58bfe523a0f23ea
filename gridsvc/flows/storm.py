"""Many incidents open at once: whoever is still missing is sent together, not one by one."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gridsvc.dispatch import Card
from gridsvc.dispatch.eligibility import Busy
from gridsvc.dispatch.offers import fills
from gridsvc.dispatch.serving import counts_for
from gridsvc.dispatch.together import Open, Together, together
from gridsvc.domain.case import URGENT, Assignment
from gridsvc.domain.errors import ConflictError, InputError, NotFoundError
from gridsvc.domain.force import LAY_CAPABILITIES, Capability
from gridsvc.domain.incident import Incident
from gridsvc.domain.lifecycle import ENDED
from gridsvc.domain.rights import Caller
from gridsvc.domain.travel import Basis
from gridsvc.domain.words import Text
from gridsvc.flows.assigning import assign
from gridsvc.flows.scene import Scene
from gridsvc.store import CaseFilter, Reading, Store

AT_ONCE = 200
"""So many incidents are decided together; of more the most urgent, then the oldest."""

ROUNDS = 5
"""How often the whole is decided anew where somebody was taken meanwhile."""

_LOOKED_UP = 5000
_NEIGHBOURS = frozenset({Capability.FIRST_ON_SCENE, Capability.GRID_DUTY})


@dataclass(frozen=True, slots=True)
class Sent:
    """Somebody for an empty place of ``incident``, and the other places that they serve there;
    ``eta_s`` in seconds."""

    incident: Incident
    responder: str
    capability: Capability
    also: tuple[Capability, ...]
    eta_s: float


@dataclass(frozen=True, slots=True)
class Storm:
    """What was decided together.

    Attributes
    ----------
    incidents
        How many incidents had empty places.
    left_over
        How many more there are than are decided at once.
    sent
        Who goes where: assigned already, unless it was only a preview.
    missing
        The places that stay empty, incident by incident.
    basis, travel_note
        What the times rest on.
    """

    incidents: int
    left_over: int
    sent: tuple[Sent, ...]
    missing: tuple[tuple[Incident, tuple[Capability, ...]], ...]
    basis: Basis
    travel_note: Text


@dataclass(frozen=True, slots=True)
class _Lacking:
    """An incident, who was ever sent to it, and the places that nobody fills."""

    incident: Incident
    card: Card
    sent: tuple[Assignment, ...]
    wanted: tuple[Capability, ...]


def assign_together(
    *,
    scene: Scene,
    store: Store,
    now: datetime,
    caller: Caller,
    urgencies: Collection[int] = URGENT,
    dry_run: bool = False,
) -> Storm:
    """Fill the empty places of all open incidents of the caller's area, at the least
    urgency-weighted time.

    Nothing that was decided is undone: whoever was sent stays sent, and only places that nobody
    was sent for, or that were declined, are filled. Each incident is a transaction of its own, the
    most urgent first, under the rules of `gridsvc.flows.assigning.assign`. Where somebody was
    taken meanwhile the rest is decided anew.

    Parameters
    ----------
    urgencies
        Which incidents take part. Drills never do, nor do those whose place is not known.
    dry_run
        True: say what would be done, and do nothing.
    """
    sent: list[Sent] = []
    told = Storm(0, 0, (), (), scene.travel.basis, scene.travel.note)
    for turn in range(ROUNDS):
        with store.read() as reading:
            lacking = _read(reading, caller, urgencies, scene, now)
            busy = {**scene.busy, **reading.cases.taken()}
        now_lacking = lacking[:AT_ONCE]
        plan = _plan(now_lacking, scene, busy, now)
        if not turn:
            told = replace(
                told, incidents=len(now_lacking), left_over=len(lacking) - len(now_lacking)
            )
        planned = _sent(now_lacking, plan)
        told = replace(told, missing=_missing(now_lacking, plan))
        if dry_run:
            sent = planned
            break
        done = _carry_out(now_lacking, planned, scene=scene, store=store, now=now, caller=caller)
        sent += done
        if len(done) == len(planned):
            break
    return replace(told, sent=tuple(sent))


def _read(
    reading: Reading, caller: Caller, urgencies: Collection[int], scene: Scene, now: datetime
) -> list[_Lacking]:
    """Incidents with empty places, the most urgent and then the oldest first."""
    which = CaseFilter(
        open=True, urgencies=urgencies, unlocated=False, drill=False, within=caller.area
    )
    found: list[_Lacking] = []
    cases = reading.cases.page(which, limit=_LOOKED_UP)
    for incident, case in sorted(cases, key=lambda one: (one[0].urgency, one[0].number)):
        if case.closed_at is None:
            sent, card = reading.cases.assignments(incident.id), scene.card(incident, at=now)
            wanted = _empty(card, sent, scene)
            if wanted:
                found.append(_Lacking(incident, card, sent, wanted))
    return found


def _empty(card: Card, sent: Sequence[Assignment], scene: Scene) -> tuple[Capability, ...]:
    """The places of a card that nobody was sent for. Mediators are sent by a person alone."""
    there = [one for one in sent if one.state not in ENDED or fills(one)]
    empty: list[Capability] = []
    for capability in card.required:
        if capability in _NEIGHBOURS or capability not in LAY_CAPABILITIES:
            filled = sum(_serves(one, card, capability, scene) for one in there)
            empty += [capability] * (card.wanted(capability) - filled)
    return tuple(empty)


def _serves(one: Assignment, card: Card, capability: Capability, scene: Scene) -> bool:
    """Whether somebody who was sent fills a place; a professional may fill several."""
    if one.capability is capability or capability in LAY_CAPABILITIES:
        return one.capability is capability
    who = scene.force.get(one.responder)
    return who is not None and counts_for(who, card, capability)


def _plan(lacking: Sequence[_Lacking], scene: Scene, busy: Busy, now: datetime) -> Together:
    opened: list[Open] = []
    for one in lacking:
        view = scene.view(one.incident, at=now)
        if view is None:
            raise AssertionError(f"{one.incident.number} has no place")
        numbers = (scene.force.number(each.responder) for each in one.sent)
        there = frozenset(number for number in numbers if number is not None)
        opened.append(Open(view, one.card, one.incident.urgency, one.wanted, there))
    return together(opened, busy=busy)


def _sent(lacking: Sequence[_Lacking], plan: Together) -> list[Sent]:
    return [
        Sent(one.incident, pick.responder.id, pick.capability, pick.also, pick.near.eta_s)
        for one, picks in zip(lacking, plan.picks, strict=True)
        for pick in picks
    ]


def _missing(
    lacking: Sequence[_Lacking], plan: Together
) -> tuple[tuple[Incident, tuple[Capability, ...]], ...]:
    both = zip(lacking, plan.missing, strict=True)
    return tuple((one.incident, missing) for one, missing in both if missing)


def _carry_out(
    lacking: Sequence[_Lacking],
    planned: Sequence[Sent],
    *,
    scene: Scene,
    store: Store,
    now: datetime,
    caller: Caller,
) -> list[Sent]:
    """Assign what was planned; return what went in."""
    done: list[Sent] = []
    for one in lacking:
        mine = [each for each in planned if each.incident is one.incident]
        if not mine or not _as_it_was(one, store):
            continue
        people = [each.responder for each in mine]
        try:
            assign(one.incident.id, people, scene=scene, store=store, now=now, caller=caller)
        except (ConflictError, InputError, NotFoundError):
            continue  # somebody is taken or gone, or the case is closed: decided anew
        done += mine
    return done


def _as_it_was(one: _Lacking, store: Store) -> bool:
    """Whether nobody else was sent to an incident since it was looked at."""
    with store.read() as reading:
        return len(reading.cases.assignments(one.incident.id)) == len(one.sent)
