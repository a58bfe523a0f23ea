"""Facts about run cards, hand-overs, doubtful places and who may be offered a case: ids only."""

from dataclasses import dataclass
from typing import ClassVar

from gridsvc.domain.events import CaseEvent, Event


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverAsked(CaseEvent):
    """Services were asked about a case."""

    name: ClassVar[str] = "handover_asked"
    services: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverAnswered(CaseEvent):
    """A service answered; who and under which number stands with the case."""

    name: ClassVar[str] = "handover_answered"
    service: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverOverdue(CaseEvent):
    """A service was asked and is silent."""

    name: ClassVar[str] = "handover_overdue"
    services: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmLevelRaised(CaseEvent):
    """A case went up to a higher alarm level."""

    name: ClassVar[str] = "alarm_level_raised"
    level: int
    before_level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Forewarned(CaseEvent):
    """People of the places where a case may be were told before the place is sure (预通知); nobody
    is claimed. ``candidates`` are area codes, the best first."""

    name: ClassVar[str] = "forewarned"
    responders: tuple[str, ...]
    candidates: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceAsked(CaseEvent):
    """The officer is asked where it is."""

    name: ClassVar[str] = "place_asked"
    candidates: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceGuessed(CaseEvent):
    """Nobody said where it is: people were sent to the best candidate (位置不准)."""

    name: ClassVar[str] = "place_guessed"
    candidate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourGridTold(CaseEvent):
    """People across a nearby edge were told (推送知会); ``owner`` is the one grid that answers."""

    name: ClassVar[str] = "neighbour_grid_told"
    responders: tuple[str, ...]
    grids: tuple[str, ...]
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourCountyTold(CaseEvent):
    """The officer told the neighbouring county of a case outside our own."""

    name: ClassVar[str] = "neighbour_county_told"
    county: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponderRecused(CaseEvent):
    """Somebody is not offered a case they are party to (回避)."""

    name: ClassVar[str] = "responder_recused"
    responder: str


@dataclass(frozen=True, slots=True)
class ResponderExcluded(Event):
    """Somebody was excluded by hand, from one case or from all; the reason stands elsewhere."""

    name: ClassVar[str] = "responder_excluded"
    exclusion: str
    responder: str


@dataclass(frozen=True, slots=True)
class ExclusionLifted(Event):
    """Somebody who was excluded may be sent again."""

    name: ClassVar[str] = "exclusion_lifted"
    exclusion: str
    responder: str


@dataclass(frozen=True, slots=True)
class RosterChanged(Event):
    """The duty roster, or an exception from it, changed."""

    name: ClassVar[str] = "roster_changed"
    responders: int


@dataclass(frozen=True, slots=True)
class CardChanged(Event):
    """The run card of a kind became another."""

    name: ClassVar[str] = "card_changed"
    card: str
    version: int
    by: str
