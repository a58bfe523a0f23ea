"""Run cards as values: who is sent, who is asked, and what to do and not to do, by kind.

What a card may never loosen stands in the table of kinds (`gridsvc.domain.kinds.Kind`): the lay
rule and the services that are asked. A card is data and may only be stricter.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gridsvc.domain.force import Capability
from gridsvc.domain.kinds import Lay
from gridsvc.domain.words import Text

SERVICES: dict[str, Text] = {
    "110": Text("公安 110", "police 110"),
    "119": Text("消防 119", "fire 119"),
    "120": Text("急救 120", "ambulance 120"),
    "122": Text("交警 122", "traffic police 122"),
}
"""Whom a card may ask: they are asked, never ordered."""

HIGHEST_LEVEL = 5
"""The highest alarm level a card may describe."""

STRICTNESS: dict[Lay, int] = {
    Lay.APPROACH: 0,
    Lay.NOT_NEEDED: 0,
    Lay.STAND_OFF: 1,
    Lay.NONE: 2,
}
"""How strict a lay rule is; a card may not be below its kind."""


@dataclass(frozen=True, slots=True)
class Send:
    """``count`` people who can do ``capability``, the last of them within ``latest_eta_min``
    minutes; None: whenever they can."""

    capability: Capability
    count: int = 1
    latest_eta_min: int | None = None


@dataclass(frozen=True, slots=True)
class Hints:
    """What to do and what not to do at such an incident (处置提示), the weightiest first."""

    do: tuple[Text, ...] = ()
    dont: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class Asking:
    """Who is sent, who is asked, and the lay rule; ``waves`` are changes of
    `gridsvc.domain.waves.WAVES` by field."""

    sends: tuple[Send, ...] = ()
    asks: tuple[str, ...] = ()
    lay: Lay = Lay.APPROACH
    waves: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Addition:
    """What an alarm level adds to the one below it."""

    sends: tuple[Send, ...] = ()
    asks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunCard:
    """The card of one kind.

    ``usual`` holds at every urgency that ``urgencies`` does not name. ``levels`` are the alarm
    levels from the second on. ``next_grids``: the workers of the neighbouring grids are told too.
    ``lasts_min``: for how many minutes such a case usually holds people. ``version`` 0 is the card
    this program ships; ``data`` is the card as it was written.
    """

    kind: str
    usual: Asking
    hints: Hints
    urgencies: Mapping[int, Asking]
    levels: tuple[Addition, ...]
    next_grids: bool
    lasts_min: int
    version: int
    data: Mapping[str, Any]

    @property
    def highest(self) -> int:
        """The highest alarm level it describes."""
        return 1 + len(self.levels)

    def at(self, urgency: int) -> Asking:
        """What it asks for at ``urgency``, at the first alarm level."""
        return self.urgencies.get(urgency, self.usual)
