"""Past-tense facts. They are the audit trail and the outbox: ids only, never personal data."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Event:
    """A fact to be recorded in the transaction that makes it true."""

    name: ClassVar[str] = ""

    def payload(self) -> dict[str, Any]:
        """The fact as plain JSON values."""
        return asdict(self)


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
    """A responder's device reported where it is."""

    name: ClassVar[str] = "responder_moved"
    responder: str


@dataclass(frozen=True, slots=True)
class ResponderErased(Event):
    """A person was blanked: name, telephone, home and device position."""

    name: ClassVar[str] = "responder_erased"
    responder: str


@dataclass(frozen=True, slots=True)
class IncidentReceived(Event):
    """A report was taken, numbered and placed."""

    name: ClassVar[str] = "incident_received"
    incident: str
    number: str
    category: str
    kind: str
    urgency: int
    grid: str | None
    unit: str | None
    nearest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as read back: ``position`` is its place in the one order, without holes; ``at`` is
    aware, in the county's time."""

    position: int
    at: datetime
    name: str
    payload: dict[str, Any]
