"""The nearest able people to an incident, and why the nearer ones were passed over."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from gridsvc.dispatch.eligibility import refusals
from gridsvc.dispatch.force_index import Nearby
from gridsvc.domain.force import CAPABILITY_NAMES, Capability, Responder
from gridsvc.domain.kinds import Kind, Lay
from gridsvc.domain.words import Text

CHOSEN = 5
REFUSED_SHOWN = 10
SEARCH_LIMIT_M = 60_000.0
"""Beyond this the straight line says nothing useful any more."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An eligible responder at ``distance_m`` metres by the straight line, with what speaks for
    it. ``from_live`` False: measured from the home place."""

    responder: Responder
    distance_m: float
    from_live: bool
    reasons: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Somebody near who is not sent, with every reason."""

    responder: Responder
    distance_m: float
    from_live: bool
    reasons: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Ranking:
    """The answer to "who can be there first?". ``required`` is what the card asks for,
    ``missing`` what nobody within reach can do, ``hand_over`` the services to be asked."""

    required: tuple[Capability, ...]
    chosen: tuple[Candidate, ...]
    refused: tuple[Refusal, ...]
    missing: tuple[Capability, ...]
    lay: Lay
    hand_over: tuple[str, ...]


def rank(nearby: Iterable[Nearby], *, kind: Kind, at: datetime) -> Ranking:
    """Choose the nearest eligible responders, and the nearest for every capability asked for.

    Parameters
    ----------
    nearby
        Everybody with a place, the nearest first; read only as far as needed.
    kind
        The incident's kind with its card.
    at
        Aware datetime of the decision.

    Returns
    -------
    Ranking
        ``chosen`` holds the ``CHOSEN`` nearest and, behind them, the nearest one for each
        capability that none of those has; ``refused`` those passed over on the way, the nearest
        ``REFUSED_SHOWN`` of them.
    """
    chosen: list[Candidate] = []
    refused: list[Refusal] = []
    wanted = set(kind.sends)
    for near in nearby:
        if near.distance_m > SEARCH_LIMIT_M or (len(chosen) >= CHOSEN and not wanted):
            break
        if not kind.sends and len(refused) >= REFUSED_SHOWN:
            break
        reasons = refusals(near.responder, kind=kind, at=at)
        if reasons:
            if len(refused) < REFUSED_SHOWN:
                refused.append(Refusal(near.responder, near.distance_m, near.from_live, reasons))
            continue
        brings = near.responder.capabilities.intersection(wanted)
        if len(chosen) < CHOSEN or brings:
            chosen.append(_candidate(near, kind, at))
            wanted -= brings
    missing = tuple(c for c in kind.sends if c in wanted)
    return Ranking(kind.sends, tuple(chosen), tuple(refused), missing, kind.lay, kind.hand_over)


def _candidate(near: Nearby, kind: Kind, at: datetime) -> Candidate:
    able = [c for c in kind.sends if c in near.responder.capabilities]
    reasons = [
        Text(
            "能力：" + "、".join(CAPABILITY_NAMES[c].zh for c in able),
            "able: " + ", ".join(CAPABILITY_NAMES[c].en for c in able),
        )
    ]
    live = near.responder.live
    if near.from_live and live is not None:
        minutes = max(0, int((at - live.seen_at).total_seconds() // 60))
        reasons.append(Text(f"实时位置，{minutes} 分钟前", f"live position, {minutes} minutes ago"))
    else:
        reasons.append(Text("按住所位置计算", "measured from the home place"))
    if not near.responder.app:
        reasons.append(Text("仅电话通知", "by telephone only"))
    if kind.lay is Lay.STAND_OFF and near.responder.role.lay:
        reasons.append(Text("只在外围警戒疏散", "to stand off and evacuate only"))
    return Candidate(near.responder, near.distance_m, near.from_live, tuple(reasons))
