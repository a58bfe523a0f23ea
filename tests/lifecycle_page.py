"""Draws docs/lifecycle.md from the tables: ``python -m tests.lifecycle_page`` writes it anew."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from gridsvc.domain.lifecycle import (
    ASSIGNMENT,
    ASSIGNMENT_STATE_NAMES,
    ASSIGNMENT_STEP_NAMES,
    CASE,
    STAGE_NAMES,
    STEP_NAMES,
    URGENT_CASE,
)
from gridsvc.domain.words import Text

PAGE = Path(__file__).parents[1] / "docs" / "lifecycle.md"

HEAD = """# The life of a case and of an assignment

Drawn from the tables in `gridsvc/domain/lifecycle.py`, which are the only place where a step is
allowed; a test keeps this page true. Every step that is not listed is answered 409 and changes
nothing.

A case of urgency 1 or 2, in any category, begins at `paperwork_owed`: people are sent first, and
what is owed has a clock and a list (`GET /api/v1/incidents?stage=paperwork_owed`).
Every other one begins at `registered`. Supervision orders and reminders are flags over any open
stage, not stages. Who is at the end of an assignment is free to be sent again; when a case needs
nobody any more, those still sent to it are stood down.

A case of urgency 1 or 2 that was left and is opened again begins anew: people are sent at once,
unless some are at work, and its paperwork is owed, with a clock of its own from now. Whoever opens
it again decides that; nobody confirms it besides. Where its place is not known, it waits for that.
A reply, a rating or an archive that is opened again goes back to handling, for whoever gave it.

A supervision order is owed until it is answered. A step that ends a case (`rate`, `archive`,
`refuse`, `transfer`, `false_alarm`, `withdraw`) is answered 409 while one is, and names it; answer
it first. A merge takes its orders into the case that goes on.
An offer is called 已指派·未通知 until a channel confirms that the person was told (`notify`, which
is a mark and no state), then 已通知·待接单. `expire` is what the clock does. Who accepts after
their offer has ended gets the place only while it is open: [dispatch.md](dispatch.md) has the rule.
"""


def page() -> str:
    """The page as it must be."""
    case = _table("Case", CASE, STAGE_NAMES, STEP_NAMES)
    urgent = _table("Case of urgency 1 or 2, instead", URGENT_CASE, STAGE_NAMES, STEP_NAMES)
    sent = _table("Assignment", ASSIGNMENT, ASSIGNMENT_STATE_NAMES, ASSIGNMENT_STEP_NAMES)
    return f"{HEAD}\n{case}\n{urgent}\n{sent}"


S = TypeVar("S", bound=StrEnum)
D = TypeVar("D", bound=StrEnum)


def _table(
    title: str,
    table: Mapping[S, Mapping[D, S]],
    states: Mapping[S, Text],
    steps: Mapping[D, Text],
) -> str:
    rows = [
        f"| {_cell(state, states)} | {_cell(step, steps)} | {_cell(after, states)} |"
        for state, allowed in table.items()
        for step, after in allowed.items()
    ]
    last = [state for state, allowed in table.items() if not allowed]
    ends = "、".join(_cell(state, states) for state in last)
    lines = [f"## {title}", "", "| from | step | to |", "|---|---|---|", *rows]
    lines += ["", f"No step leads on from {ends}."] if ends else []
    return "\n".join(lines) + "\n"


def _cell(code: S, names: Mapping[S, Text]) -> str:
    return f"`{code}` {names[code].zh}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
