"""What a decision about an incident is made with: one consistent view of the county."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from gridsvc.casework.clocks import Calendar
from gridsvc.dispatch import Card, CardSet, ForceIndex, View, card_for, default_cards
from gridsvc.domain.duty import Roster
from gridsvc.domain.incident import Incident
from gridsvc.domain.kinds import KINDS_BY_CODE
from gridsvc.domain.standing import Standing
from gridsvc.domain.travel import TravelTimes
from gridsvc.locating import GridMap


@dataclass(frozen=True, slots=True)
class Scene:
    """The map (None before the first import), the force, how long it travels, the working days,
    and who is taken so far as this process knows (responder id -> case number); the run cards in
    force, who is not offered a case though they could go, the duty roster, and since when those
    who are taken are at a case of which kind (responder id -> kind, aware moment)."""

    grid_map: GridMap | None
    force: ForceIndex
    travel: TravelTimes
    calendar: Calendar
    busy: Mapping[str, str]
    cards: CardSet = field(default_factory=default_cards)
    standing: Standing = field(default_factory=Standing)
    roster: Roster = field(default_factory=Roster)
    held: Mapping[str, tuple[str, datetime]] = field(default_factory=dict)

    def view(self, incident: Incident, *, at: datetime) -> View | None:
        """The force as seen from an incident at a moment (aware), None while it has no place."""
        position, placement = incident.position, incident.placement
        if position is None or placement is None:
            return None
        return self.force.view(
            lng=position.at.lng,
            lat=position.at.lat,
            at=at,
            travel=self.travel,
            unit=placement.unit,
            grid=placement.grid,
        )

    def card(self, incident: Incident, *, at: datetime) -> Card:
        """What an incident asks for at a moment (aware), and who is not offered it."""
        card = card_for(
            KINDS_BY_CODE[incident.kind],
            urgency=incident.urgency,
            text=incident.text,
            cards=self.cards,
            level=incident.alarm_level,
        )
        out = self.standing.kept_out(incident.id, at)
        return replace(card, kept_out=out) if out else card
