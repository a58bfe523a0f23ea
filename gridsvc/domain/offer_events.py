"""What happens to offers, as facts. Whoever tells people follows these and `ResponderAssigned`
(somebody is offered a case) and `AssignmentStepped` (its ``reason`` says what to tell them)."""

from dataclasses import dataclass
from typing import ClassVar

from gridsvc.domain.events import CaseEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveOffered(CaseEvent):
    """A wave after the first went out, to these assignments."""

    name: ClassVar[str] = "wave_offered"
    wave: int
    assignments: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondChannelAsked(CaseEvent):
    """These have not answered: ring them (voice)."""

    name: ClassVar[str] = "second_channel_asked"
    assignments: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TownshipAlarmed(CaseEvent):
    """Too few have accepted ``after_s`` seconds on: the township is called."""

    name: ClassVar[str] = "township_alarmed"
    after_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaderAlarmed(CaseEvent):
    """Too few have accepted ``after_s`` seconds on: the county's leader on duty is called."""

    name: ClassVar[str] = "leader_alarmed"
    after_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NobodyLeft(CaseEvent):
    """Nobody more can be asked for these: a person must act."""

    name: ClassVar[str] = "nobody_left"
    capabilities: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OffersSettled(CaseEvent):
    """Enough have accepted, ``after_s`` seconds after the first offer or the last drop-out."""

    name: ClassVar[str] = "offers_settled"
    after_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OffersReopened(CaseEvent):
    """Somebody dropped out who had accepted: these are asked for again."""

    name: ClassVar[str] = "offers_reopened"
    capabilities: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptanceRefused(CaseEvent):
    """Somebody accepted too late: the places are held by these assignments (``reason`` enough),
    or the person is at another case (``elsewhere``)."""

    name: ClassVar[str] = "acceptance_refused"
    assignment: str
    responder: str
    reason: str
    holders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentOnScene(CaseEvent):
    """Somebody on the scene was not heard of for too long: ring them."""

    name: ClassVar[str] = "silent_on_scene"
    assignment: str
    responder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchRecalled(CaseEvent):
    """A person called the dispatch off; the case stays open. These were stood down."""

    name: ClassVar[str] = "dispatch_recalled"
    assignments: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponderRedirected(CaseEvent):
    """Somebody was taken from this case for a more urgent one, ``into``."""

    name: ClassVar[str] = "responder_redirected"
    assignment: str
    responder: str
    into: str
    into_number: str
