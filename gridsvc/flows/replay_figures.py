"""What the policies of a replay came to, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gridsvc.domain.geo import Floats
from gridsvc.domain.kinds import URGENCY_NAMES
from gridsvc.domain.words import Lang, Text
from gridsvc.flows.replay import POLICY_NAMES, Policy, Run

AMBULANCE_S, LIMIT_S = 480.0, 900.0
"""8 and 15 minutes."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The response times of some calls of one run.

    Attributes
    ----------
    policy
        Which.
    urgency
        Of the calls, None for all.
    calls, unanswered
        How many, and to how many nobody came.
    median_s, late_s
        Half, and nine of ten, were answered at most so late: a time that occurred, None where
        nobody came.
    within_8, within_15
        The share answered in 8 and 15 minutes.
    """

    policy: Policy
    urgency: int | None
    calls: int
    unanswered: int
    median_s: float | None
    late_s: float | None
    within_8: float
    within_15: float


def figures(run: Run) -> list[Figures]:
    """All calls of a run first, then those of each urgency where several occur."""
    urgencies = np.array([call.urgency for call in run.calls], dtype=np.int64)
    each = np.unique(urgencies).tolist()
    each = each if len(each) > 1 else []
    return [
        _of(run, None, run.seconds),
        *(_of(run, urgency, run.seconds[urgencies == urgency]) for urgency in each),
    ]


def _of(run: Run, urgency: int | None, seconds: Floats) -> Figures:
    return Figures(
        policy=run.policy,
        urgency=urgency,
        calls=len(seconds),
        unanswered=int(np.isinf(seconds).sum()),
        median_s=_at(seconds, 0.5),
        late_s=_at(seconds, 0.9),
        within_8=_share(seconds, AMBULANCE_S),
        within_15=_share(seconds, LIMIT_S),
    )


def _at(seconds: Floats, share: float) -> float | None:
    """The least time within which at least ``share`` of the calls were answered."""
    if not len(seconds):
        return None
    found = float(np.sort(seconds)[int(np.ceil(share * len(seconds))) - 1])
    return found if np.isfinite(found) else None


def _share(seconds: Floats, limit_s: float) -> float:
    return float((seconds <= limit_s).mean()) if len(seconds) else 0.0


def as_json(runs: Sequence[Run], *, seed: int) -> dict[str, Any]:
    """The figures for programs; times in seconds, None where nobody came."""
    return {
        "seed": seed,
        "truth": "road",
        "policies": [
            {
                "policy": run.policy,
                "sent": run.sent,
                "standby_moves": run.moves,
                "figures": [
                    {
                        "urgency": one.urgency,
                        "calls": one.calls,
                        "unanswered": one.unanswered,
                        "median_s": _rounded(one.median_s),
                        "p90_s": _rounded(one.late_s),
                        "within_8_min": round(one.within_8, 4),
                        "within_15_min": round(one.within_15, 4),
                    }
                    for one in figures(run)
                ],
            }
            for run in runs
        ],
    }


def table(runs: Sequence[Run], lang: Lang) -> str:
    """The figures as a table: for each urgency the policies beside each other, times in minutes."""
    lines = [_HEAD.pick(lang), "|---" * 9 + "|"]
    moves = {run.policy: run.moves for run in runs}
    rows = [each for run in runs for each in figures(run)]
    for urgency in dict.fromkeys(one.urgency for one in rows):
        alike = [one for one in rows if one.urgency == urgency]
        lines += [_line(one, moves[one.policy], lang) for one in alike]
    return "\n".join(lines)


def _line(one: Figures, moves: int, lang: Lang) -> str:
    which = _ALL if one.urgency is None else URGENCY_NAMES[one.urgency]
    return (
        f"| {which.pick(lang)} | {POLICY_NAMES[one.policy].pick(lang)} | {one.calls} "
        f"| {_minutes(one.median_s)} | {_minutes(one.late_s)} | {one.within_8:.1%} "
        f"| {one.within_15:.1%} | {one.unanswered} | {moves if one.urgency is None else ''} |"
    )


def _minutes(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds / 60:.1f}"


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


_ALL = Text("全部", "all")
_HEAD = Text(
    "| 紧急程度 | 派谁 | 警情数 | 中位数（分） | 90 %（分） | 8 分钟内 | 15 分钟内 | 无人可派 "
    "| 备勤调动 |",
    "| urgency | who is sent | calls | median, min | 90 %, min | within 8 min | within 15 min "
    "| nobody came | standby moves |",
)
