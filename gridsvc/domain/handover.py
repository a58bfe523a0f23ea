"""Hand-overs (移交): a service is asked, never ordered, and says who has taken it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from gridsvc.domain.words import Text

ANSWERED_WITHIN = timedelta(seconds=60)
"""Who was asked and has not answered for so long is an alarm."""

HANDOVER_STATE_NAMES: dict[str, Text] = {
    "asked": Text("已请求·待应答", "asked, not answered yet"),
    "overdue": Text("超时未应答", "not answered in time"),
    "answered": Text("已应答", "answered"),
}


@dataclass(frozen=True, slots=True)
class Handover:
    """One service asked about one incident. ``operator`` and ``their_number`` are what the service
    said: its operator's name or number, and its own number of the case."""

    incident: str
    service: str
    asked_at: datetime
    asked_by: str
    answered_at: datetime | None = None
    operator: str = ""
    their_number: str = ""

    @property
    def due_at(self) -> datetime:
        """When its silence becomes an alarm."""
        return self.asked_at + ANSWERED_WITHIN

    def state(self, at: datetime) -> str:
        """``asked``, ``overdue`` or ``answered`` at an aware moment."""
        if self.answered_at is not None:
            return "answered"
        return "overdue" if self.due_at < at else "asked"
