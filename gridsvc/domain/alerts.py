"""叫应: an alert polygon, everybody who is called because of it, and whether each was reached."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import ceil

from gridsvc.domain.area import Area
from gridsvc.domain.errors import ConflictError, Fault, NotFoundError
from gridsvc.domain.force import Role
from gridsvc.domain.words import Text


class Hazard(StrEnum):
    """What is coming."""

    FLOOD = "flood"
    LANDSLIDE = "landslide"
    OTHER = "other"


class AlertLevel(StrEnum):
    """The four colours of a warning, the gravest first."""

    RED = "red"
    ORANGE = "orange"
    YELLOW = "yellow"
    BLUE = "blue"


class CallState(StrEnum):
    """Whether one person was reached. Everybody begins as called, or as unreached where there is
    no telephone to call."""

    CALLED = "called"
    ANSWERED = "answered"
    TOLD_IN_PERSON = "told_in_person"
    UNREACHED = "unreached"


class CallStep(StrEnum):
    """What is recorded of a call."""

    ANSWER = "answer"
    TELL_IN_PERSON = "tell_in_person"
    GIVE_UP = "give_up"


class Why(StrEnum):
    """Why somebody is called: for the area they answer for, or because they are inside now."""

    AREA = "area"
    POSITION = "position"


HAZARD_NAMES: dict[Hazard, Text] = {
    Hazard.FLOOD: Text("山洪洪涝", "flood"),
    Hazard.LANDSLIDE: Text("滑坡泥石流", "landslide"),
    Hazard.OTHER: Text("其他灾害", "other hazard"),
}
LEVEL_NAMES: dict[AlertLevel, Text] = {
    AlertLevel.RED: Text("红色", "red"),
    AlertLevel.ORANGE: Text("橙色", "orange"),
    AlertLevel.YELLOW: Text("黄色", "yellow"),
    AlertLevel.BLUE: Text("蓝色", "blue"),
}
CALL_STATE_NAMES: dict[CallState, Text] = {
    CallState.CALLED: Text("已呼叫·未应答", "called, no answer yet"),
    CallState.ANSWERED: Text("已应答", "answered"),
    CallState.TOLD_IN_PERSON: Text("已当面告知", "told in person"),
    CallState.UNREACHED: Text("联系不上", "unreached"),
}
CALL_STEP_NAMES: dict[CallStep, Text] = {
    CallStep.ANSWER: Text("记录应答", "record an answer"),
    CallStep.TELL_IN_PERSON: Text("记录当面告知", "record that they were told in person"),
    CallStep.GIVE_UP: Text("记录联系不上", "record that they cannot be reached"),
}
DRILL = Text("【演练】", "[DRILL] ")
"""Stands before everything that is said of a drill."""

CALLS: dict[CallState, dict[CallStep, CallState]] = {
    CallState.CALLED: {
        CallStep.ANSWER: CallState.ANSWERED,
        CallStep.TELL_IN_PERSON: CallState.TOLD_IN_PERSON,
        CallStep.GIVE_UP: CallState.UNREACHED,
    },
    CallState.UNREACHED: {
        CallStep.ANSWER: CallState.ANSWERED,
        CallStep.TELL_IN_PERSON: CallState.TOLD_IN_PERSON,
    },
    CallState.ANSWERED: {CallStep.GIVE_UP: CallState.UNREACHED},
    CallState.TOLD_IN_PERSON: {CallStep.GIVE_UP: CallState.UNREACHED},
}
"""The only (state, step) -> state table of a call. Whoever was recorded as reached by mistake goes
back to unreached: nobody may stay counted as warned who was not."""

REACHED = frozenset({CallState.ANSWERED, CallState.TOLD_IN_PERSON})
"""They know."""


Place = tuple[str, str]
"""Codes of a township and a village of it, either empty where there is none."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A unit or grid inside that nobody answers for. ``others`` is how many are called next to it:
    of a unit those of its grid, of a grid those of its units inside; 0: nobody at all."""

    code: str
    township: str
    village: str
    others: int

    @property
    def place(self) -> Place:
        """Where it is counted."""
        return self.township, self.village


@dataclass(frozen=True, slots=True)
class Alert:
    """One warning. ``number`` can be read aloud; ``polygon`` is CGCS2000 lng, lat; moments are
    aware; ``issued_at`` is when people were called, ``by`` the id of who raised it. ``places`` are
    the codes (township, village) of the villages it touches on ``map_version``."""

    id: str
    number: str
    hazard: Hazard
    level: AlertLevel
    text: str
    polygon: Area
    issued_at: datetime
    expires_at: datetime
    by: str
    drill: bool
    map_version: int
    places: tuple[Place, ...]
    gaps: tuple[Gap, ...]
    ended_at: datetime | None = None
    ended_by: str = ""

    @property
    def areas(self) -> tuple[str, ...]:
        """Codes of the townships and villages it touches."""
        return tuple(sorted({code for place in self.places for code in place if code}))


@dataclass(frozen=True, slots=True)
class Call:
    """The calling of one person. ``area`` is what they answer for, ``township`` and ``village``
    where they are counted (no village for people of a township); ``at`` when the state began;
    ``told_by`` the id of who told them, ``by`` that of who recorded it."""

    alert: str
    responder: str
    role: Role
    area: str
    township: str
    village: str
    why: Why
    state: CallState
    at: datetime
    told_by: str = ""
    by: str = ""

    @property
    def place(self) -> Place:
        """Where it is counted, and whose business it is."""
        return self.township, self.village


@dataclass(frozen=True, slots=True)
class Tally:
    """How far the calling of some people has come. ``half_min`` and ``most_min`` are the minutes
    from the call until 50 % and 90 % of them were reached, None while they are not."""

    called: int
    answered: int
    in_person: int
    unreached: int
    half_min: float | None
    most_min: float | None

    @property
    def waiting(self) -> int:
        """How many were called and have not answered."""
        return self.called - self.answered - self.in_person - self.unreached

    @property
    def share(self) -> float | None:
        """Share of those reached, 0 to 1; None where nobody was called."""
        return (self.answered + self.in_person) / self.called if self.called else None


def next_call_state(state: CallState, step: CallStep) -> CallState:
    """State of a call after ``step``.

    Raises
    ------
    ConflictError
        The table has no such step, with those it has.
    """
    allowed = CALLS[state]
    if step in allowed:
        return allowed[step]
    now, wanted = CALL_STATE_NAMES[state], CALL_STEP_NAMES[step]
    text = Text(
        f"当前为“{now.zh}”，不能{wanted.zh}；现在可执行："
        f"{'、'.join(CALL_STEP_NAMES[one].zh for one in allowed)}。未作任何更改",
        f"it is {now.en} ({state}), {step} is not possible; possible now: {', '.join(allowed)}. "
        "Nothing was changed",
    )
    raise ConflictError(Fault("illegal_step", text, "step"))


def tally(found: Iterable[tuple[CallState, datetime]], *, since: datetime) -> Tally:
    """Count calls by (state, since when), for people who were called at ``since``."""
    every = list(found)
    reached = sorted(at for state, at in every if state in REACHED)
    states = [state for state, _ in every]
    return Tally(
        called=len(every),
        answered=states.count(CallState.ANSWERED),
        in_person=states.count(CallState.TOLD_IN_PERSON),
        unreached=states.count(CallState.UNREACHED),
        half_min=_minutes_until(0.5, reached, len(every), since),
        most_min=_minutes_until(0.9, reached, len(every), since),
    )


def _minutes_until(
    share: float, reached: Sequence[datetime], called: int, since: datetime
) -> float | None:
    # Rounded first: 0.9 * 10 is a hair over 9 for some counts, and nobody is a hair.
    needed = ceil(round(share * called, 6))
    if not called or len(reached) < needed:
        return None
    return (reached[needed - 1] - since).total_seconds() / 60


def unknown_alert(given: str) -> NotFoundError:
    """The error that no alert has that id or number."""
    text = Text(
        f"没有编号为“{given}”的预警：请核对编号", f"no alert {given!r} is known: check its number"
    )
    return NotFoundError(Fault("unknown_alert", text, "alert"))


def unknown_calls(alert: Alert, responders: Collection[str]) -> NotFoundError:
    """The error that some people are not called by ``alert``."""
    shown = sorted(responders)[:20]
    text = Text(
        f"{alert.number} 没有呼叫 {'、'.join(shown)}，未作任何更改：请核对人员编号",
        f"{alert.number} does not call {', '.join(shown)}; nothing was changed: check the ids",
    )
    return NotFoundError(Fault("unknown_call", text, "responder"))
