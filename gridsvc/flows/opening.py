"""What follows from a report besides assignments: services asked, people told, parties kept out."""

from collections.abc import Collection
from datetime import datetime

from gridsvc.dispatch import Card
from gridsvc.domain.card_events import ResponderRecused
from gridsvc.domain.incident import Incident
from gridsvc.domain.kinds import Lay
from gridsvc.flows import doubts, edges, handovers
from gridsvc.flows.dispatching import about
from gridsvc.flows.scene import Scene
from gridsvc.store import UnitOfWork


def services_of(card: Card) -> tuple[str, ...]:
    """The services that are asked the moment a report comes in: those of an urgent card, and of any
    that keeps lay people away, because words that name a knife or gas are urgent whatever the
    report was filed as."""
    return card.hand_over if card.at_once or card.lay is Lay.NONE else ()


def open_up(
    work: UnitOfWork,
    incident: Incident,
    card: Card,
    *,
    scene: Scene,
    now: datetime,
    by: str,
    recused: Collection[str] = (),
) -> None:
    """Do it in the transaction that stores the incident."""
    handovers.ask_at_once(work, incident, services_of(card), now=now, by=by)
    doubts.tell(work, incident, card, scene=scene, by=by)
    edges.tell(work, incident, card, scene=scene, by=by)
    if recused:
        work.standing.recuse(incident.id, recused, by=by, at=now)
        fields = about(incident, work.cases.county, by)
        work.events.record(
            *(ResponderRecused(**fields, responder=one) for one in sorted(set(recused)))
        )
