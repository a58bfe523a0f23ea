"""Past-tense facts. They are the audit trail and the outbox: ids only, never personal data."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Event:
    """A fact to be recorded in the transaction that makes it true."""

    name: ClassVar[str] = ""

    def payload(self) -> dict[str, Any]:
        """The fact as plain JSON values: its fields are no more than numbers, codes and tuples
        of these."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


@dataclass(frozen=True, slots=True)
class MapPublished(Event):
    """A version of the map became the current one."""

    name: ClassVar[str] = "map_published"
    version: int
    layer: str
    added: int
    changed: int
    removed: int
    accepted_faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RespondersImported(Event):
    """A list of responders went in as a whole."""

    name: ClassVar[str] = "responders_imported"
    added: int
    changed: int


@dataclass(frozen=True, slots=True)
class IncidentsImported(Event):
    """A file of past incidents went in as a whole."""

    name: ClassVar[str] = "incidents_imported"
    added: int


@dataclass(frozen=True, slots=True)
class ResponderMoved(Event):
    """A responder's device reported where it is: in logs from before positions left the log."""

    name: ClassVar[str] = "responder_moved"
    responder: str


@dataclass(frozen=True, slots=True)
class ResponderErased(Event):
    """A person was blanked: name, telephone, home and device position."""

    name: ClassVar[str] = "responder_erased"
    responder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseEvent(Event):
    """A fact about one case. ``areas`` are the codes of the county, township, village, grid and
    unit so far as known; ``by`` is the id of whoever did it."""

    incident: str
    number: str
    category: str
    kind: str
    urgency: int
    areas: tuple[str, ...]
    drill: bool = False
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentReceived(CaseEvent):
    """A report was taken and numbered; ``located`` says whether its place is known."""

    name: ClassVar[str] = "incident_received"
    stage: str
    located: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentPlaced(CaseEvent):
    """The place of an incident became known, or was corrected."""

    name: ClassVar[str] = "incident_placed"
    corrected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseStepped(CaseEvent):
    """A case took a step of its table."""

    name: ClassVar[str] = "case_stepped"
    step: str
    before: str
    after: str
    rating: str = ""
    into: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSupervised(CaseEvent):
    """A supervision order was put over a case (``replied`` False) or answered."""

    name: ClassVar[str] = "case_supervised"
    order: str
    replied: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseReminded(CaseEvent):
    """Whoever answers for a case was reminded, for the ``times``-th time."""

    name: ClassVar[str] = "case_reminded"
    times: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponderAssigned(CaseEvent):
    """A person was claimed for a case and is offered it; nobody has told them yet. ``wave`` counts
    from 1, 0 for somebody chosen by a person; ``reserve``: besides those the card needs."""

    name: ClassVar[str] = "responder_assigned"
    assignment: str
    responder: str
    capability: str
    stand_off: bool
    eta_s: float
    wave: int = 0
    reserve: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignmentStepped(CaseEvent):
    """An assignment took a step of its table; ``free`` says that the person can be sent again,
    ``on_behalf`` that the officer recorded it by telephone (代接单), ``reason`` why, as a code of
    `gridsvc.domain.reasons`."""

    name: ClassVar[str] = "assignment_stepped"
    assignment: str
    responder: str
    step: str
    before: str
    after: str
    free: bool
    on_behalf: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForceMissing(CaseEvent):
    """What the card asked for and the county could not give."""

    name: ClassVar[str] = "force_missing"
    capabilities: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertEvent(Event):
    """A fact about one alert. ``areas`` are codes of the county, townships and villages."""

    alert: str
    number: str
    areas: tuple[str, ...]
    drill: bool = False
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRaised(AlertEvent):
    """An alert called so many people; ``gaps`` areas inside have nobody to call."""

    name: ClassVar[str] = "alert_raised"
    hazard: str
    level: str
    called: int
    unreached: int
    gaps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertCallsRecorded(AlertEvent):
    """What became of the calls of some people of one village (by id)."""

    name: ClassVar[str] = "alert_calls_recorded"
    step: str
    after: str
    responders: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertEnded(AlertEvent):
    """An alert was called off or is over."""

    name: ClassVar[str] = "alert_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSent(CaseEvent):
    """A channel took a message (``message``: `gridsvc.domain.messages.MessageKind`)."""

    name: ClassVar[str] = "message_sent"
    assignment: str
    responder: str
    channel: str
    message: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFailed(CaseEvent):
    """A channel did not take a message, for the reason ``error`` (a code); ``given_up``: it is not
    tried again."""

    name: ClassVar[str] = "message_failed"
    assignment: str
    responder: str
    channel: str
    message: str
    attempt: int
    error: str
    given_up: bool


@dataclass(frozen=True, slots=True)
class ApiKeyAdded(Event):
    """A key was given out."""

    name: ClassVar[str] = "api_key_added"
    key: str


@dataclass(frozen=True, slots=True)
class ApiKeyRevoked(Event):
    """A key was taken back."""

    name: ClassVar[str] = "api_key_revoked"
    key: str


@dataclass(frozen=True, slots=True)
class RoadsImported(Event):
    """A version of the roads became the current one."""

    name: ClassVar[str] = "roads_imported"
    version: int
    nodes: int
    edges: int


@dataclass(frozen=True, slots=True)
class RoadClosed(Event):
    """Roads were closed for ``vehicles`` from ``starts_at`` to ``ends_at`` (ISO 8601; None: until
    lifted). It expires by itself, without another event."""

    name: ClassVar[str] = "road_closed"
    closure: str
    vehicles: tuple[str, ...]
    starts_at: str
    ends_at: str | None
    edges: int
    by: str


@dataclass(frozen=True, slots=True)
class RoadReopened(Event):
    """A closure was lifted before its end."""

    name: ClassVar[str] = "road_reopened"
    closure: str
    by: str


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as read back: ``position`` is its place in the one order, without holes; ``at`` is
    aware, in the county's time."""

    position: int
    at: datetime
    name: str
    payload: dict[str, Any]
