"""The nearest able people to an incident, and why the nearer ones were passed over."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice

from gridsvc.dispatch.eligibility import eligible, refusals
from gridsvc.dispatch.force_index import ForceIndex, Nearby
from gridsvc.domain.force import CAPABILITY_NAMES, Capability, Responder
from gridsvc.domain.kinds import Kind, Lay
from gridsvc.domain.words import Text

CHOSEN = 5
REFUSED_SHOWN = 10
EVERYBODY = 64
"""So many are looked at whatever they can do, so that the refusals tell of the nearest."""

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


def rank(force: ForceIndex, *, lng: float, lat: float, kind: Kind, at: datetime) -> Ranking:
    """Choose the nearest eligible responders, and the nearest for every capability asked for.

    Parameters
    ----------
    force
        Everybody who can be sent.
    lng, lat
        Of the incident, CGCS2000 degrees.
    kind
        The incident's kind with its card.
    at
        Aware datetime of the decision.

    Returns
    -------
    Ranking
        ``chosen`` holds the ``CHOSEN`` nearest and, behind them, the nearest one for each
        capability that none of those has; ``refused`` those passed over on the way, the nearest
        ``REFUSED_SHOWN`` of them. Beyond the ``EVERYBODY`` nearest only people are looked at who
        can be reached and can do something that is still wanted.
    """
    choice = _Choice(kind, at)
    everybody = force.nearest(lng=lng, lat=lat, at=at)
    choice.walk(islice(everybody, EVERYBODY), lambda: choice.full and not choice.wanted)
    choice.walk(force.nearest(lng=lng, lat=lat, at=at, able=kind.sends), lambda: choice.full)
    while choice.wanted:
        wanted = frozenset(choice.wanted)
        able = force.nearest(lng=lng, lat=lat, at=at, able=wanted)
        choice.walk(able, partial(choice.has_some_of, wanted))
        if choice.wanted == wanted:
            break
    missing = tuple(c for c in kind.sends if c in choice.wanted)
    return Ranking(
        kind.sends, tuple(choice.chosen), tuple(choice.refused), missing, kind.lay, kind.hand_over
    )


class _Choice:
    """Who has been chosen and refused so far, and which capabilities are still wanted."""

    def __init__(self, kind: Kind, at: datetime) -> None:
        self.kind, self.at = kind, at
        self.chosen: list[Candidate] = []
        self.refused: list[Refusal] = []
        self.wanted = set(kind.sends)
        self._seen: set[str] = set()

    @property
    def full(self) -> bool:
        """Whether as many are chosen as are asked for, whatever they can do."""
        return len(self.chosen) >= CHOSEN

    def has_some_of(self, capabilities: frozenset[Capability]) -> bool:
        """Whether not all of ``capabilities`` are wanted any more."""
        return not capabilities <= self.wanted

    def walk(self, nearby: Iterable[Nearby], done: Callable[[], bool]) -> None:
        """Look at people, the nearest first, until it is ``done``; at nobody twice."""
        for near in nearby:
            if near.distance_m > SEARCH_LIMIT_M or done():
                break
            if near.responder.id not in self._seen:
                self._seen.add(near.responder.id)
                self._look_at(near)

    def _look_at(self, near: Nearby) -> None:
        if not eligible(near.responder, kind=self.kind, at=self.at):
            if len(self.refused) < REFUSED_SHOWN:
                reasons = refusals(near.responder, kind=self.kind, at=self.at)
                self.refused.append(
                    Refusal(near.responder, near.distance_m, near.from_live, reasons)
                )
            return
        brings = near.responder.capabilities.intersection(self.wanted)
        if not self.full or brings:
            self.chosen.append(_candidate(near, self.kind, self.at))
            self.wanted -= brings


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
