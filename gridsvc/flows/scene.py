"""What a decision about an incident is made with: one consistent view of the county."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gridsvc.casework.clocks import Calendar
from gridsvc.dispatch import Card, ForceIndex, View, card_for
from gridsvc.domain.incident import Incident
from gridsvc.domain.kinds import KINDS_BY_CODE
from gridsvc.domain.travel import TravelTimes
from gridsvc.locating import GridMap


@dataclass(frozen=True, slots=True)
class Scene:
    """The map (None before the first import), the force, how long it travels, the working days,
    and who is taken so far as this process knows (responder id -> case number)."""

    grid_map: GridMap | None
    force: ForceIndex
    travel: TravelTimes
    calendar: Calendar
    busy: Mapping[str, str]

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


def card_of(incident: Incident) -> Card:
    """What an incident asks for."""
    kind = KINDS_BY_CODE[incident.kind]
    return card_for(kind, urgency=incident.urgency, text=incident.text)
