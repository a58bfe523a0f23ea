"""A case goes up an alarm level: what the level adds is dispatched and asked."""

from dataclasses import dataclass, replace
from datetime import datetime

from gridsvc.dispatch import Card
from gridsvc.domain.card_events import AlarmLevelRaised
from gridsvc.domain.errors import ConflictError, Fault, InputError
from gridsvc.domain.handover import Handover
from gridsvc.domain.incident import Incident
from gridsvc.domain.lifecycle import ENDED
from gridsvc.domain.rights import Caller
from gridsvc.domain.words import Text
from gridsvc.flows import handovers
from gridsvc.flows.dispatching import (
    Decision,
    Lost,
    about,
    decide,
    keep,
    must_be_at_work,
    reached,
    weigh,
)
from gridsvc.flows.offering import settle
from gridsvc.flows.patience import patiently
from gridsvc.flows.scene import Scene
from gridsvc.store import Store, UnitOfWork


@dataclass(frozen=True, slots=True)
class Raised:
    """The case at its new level, what was decided about what the level adds (None while its place
    is not known), and every service asked by now."""

    incident: Incident
    decision: Decision | None
    handovers: tuple[Handover, ...]


def raise_level(
    key: str, level: int, *, scene: Scene, store: Store, now: datetime, caller: Caller
) -> Raised:
    """Take a case up to ``level`` and dispatch what is added; at urgency 3 and 4 it is recommended.

    Raises
    ------
    NotFoundError
        No such case in the caller's area.
    InputError
        Its card has no such level.
    ConflictError
        It is closed or handled, or at that level already; nothing is changed.
    """
    lost: Lost = {}

    def once(work: UnitOfWork) -> Raised:
        before, case = reached(work, key, caller)
        must_be_at_work(case)
        _must_be_higher(before, level, scene)
        incident = replace(before, alarm_level=level)
        work.incidents.raise_level(incident.id, level)
        fields = about(incident, store.county, caller.id)
        work.events.record(AlarmLevelRaised(**fields, level=level, before_level=before.alarm_level))
        whole = scene.card(incident, at=now)
        case = handovers.ask_more(work, incident, case, whole.hand_over, now=now, by=caller.id)
        sent = work.cases.assignments(incident.id)
        there = [one.responder for one in sent if one.state not in ENDED]
        card = added_to(scene.card(before, at=now), whole, there)
        weighed = weigh(incident, scene=scene, now=now, card=card, lost=lost)
        # Whom to ask is reckoned from all that is wanted and all who were asked.
        decision = decide(
            work,
            incident,
            weighed and replace(weighed, card=whole),
            scene=scene,
            now=now,
            by=caller.id,
            claim=not incident.place_awaited and not case.by_hand,
            sent=sent,
        )
        number = work.cases.decisions(incident.id) + 1
        keep(work, incident, decision, now=now, by=caller.id, number=number)
        settle(work, incident, case, scene=scene, now=now)
        return Raised(incident, decision, work.handovers.of_incident(incident.id))

    return patiently(store, once)


def added_to(before: Card, after: Card, there: list[str]) -> Card:
    """A card that asks only for what ``after`` asks for beyond ``before``, of others than those who
    are ``there`` already."""
    counts = {
        capability: after.wanted(capability)
        - (before.wanted(capability) if capability in before.required else 0)
        for capability in after.required
    }
    return replace(
        after,
        required=tuple(capability for capability, count in counts.items() if count > 0),
        counts={capability: count for capability, count in counts.items() if count > 1},
        kept_out={**after.kept_out, **dict.fromkeys(there, _THERE)},
    )


def _must_be_higher(incident: Incident, level: int, scene: Scene) -> None:
    highest = scene.cards[incident.kind].highest
    if not 1 < level <= highest:
        text = Text(
            f"没有 {level} 级：此类预案最高 {highest} 级",
            f"there is no level {level}: the card of this kind has {highest}",
        )
        raise InputError(Fault("unknown_level", text, "level"))
    if level <= incident.alarm_level:
        text = Text(
            f"已是 {incident.alarm_level} 级，未作任何更改：警级只升不降",
            f"it is at level {incident.alarm_level} already; nothing was changed: they only go up",
        )
        raise ConflictError(Fault("level_not_higher", text, "level"))


_THERE = Text("已在本案", "is at this case already")
