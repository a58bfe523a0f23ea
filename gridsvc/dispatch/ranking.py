"""Who could be there first, and why the nearer ones were passed over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

from gridsvc.dispatch.eligibility import NOBODY_BUSY, Busy, refusals
from gridsvc.dispatch.runcard import Card
from gridsvc.dispatch.serving import counts_for, free, free_to_serve, other_office
from gridsvc.dispatch.shortfalls import Shortfall, kept_shortfall, said, shortfall_of
from gridsvc.dispatch.view import HOME_S, OWN_S, TELEPHONE_S, Nearby, View
from gridsvc.domain.force import CAPABILITY_NAMES, Capability, Responder, Role
from gridsvc.domain.kinds import Lay
from gridsvc.domain.trades import TRADE_NAMES, Trade, trades_of
from gridsvc.domain.travel import Basis, TravelTimes
from gridsvc.domain.words import Text

CHOSEN = 5
REFUSED_SHOWN = 10
EVERYBODY = 64
"""So many are looked at whatever they can do, so that the refusals tell of the nearest."""


@dataclass(frozen=True, slots=True)
class Term:
    """One part of a score, in seconds; the lowest sum goes first."""

    code: str
    text: Text
    seconds: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """An eligible responder with the terms of its score and what speaks for it."""

    near: Nearby
    terms: tuple[Term, ...]
    reasons: tuple[Text, ...]

    @property
    def responder(self) -> Responder:
        """Who it is."""
        return self.near.responder


@dataclass(frozen=True, slots=True)
class Refusal:
    """Somebody near who is not sent, with every reason."""

    near: Nearby
    terms: tuple[Term, ...]
    reasons: tuple[Text, ...]

    @property
    def responder(self) -> Responder:
        """Who it is."""
        return self.near.responder


@dataclass(frozen=True, slots=True)
class Ranking:
    """The answer to "who can be there first?": what the ``card`` asks for, the eligible in order,
    those passed over, and what not enough people within reach can do.

    ``basis`` and ``travel_note`` say what the times rest on, ``eta_notes`` what those of each basis
    among them are worth.
    """

    card: Card
    chosen: tuple[Candidate, ...]
    refused: tuple[Refusal, ...]
    shortfalls: tuple[Shortfall, ...]
    basis: Basis
    travel_note: Text
    eta_notes: Mapping[Basis, Text]

    @property
    def required(self) -> tuple[Capability, ...]:
        """What the card asks for."""
        return self.card.required

    @property
    def missing(self) -> tuple[Capability, ...]:
        """What nobody at all can be sent for."""
        return tuple(one.capability for one in self.shortfalls if not one.found)

    @property
    def lay(self) -> Lay:
        """May neighbours approach."""
        return self.card.lay

    @property
    def hand_over(self) -> tuple[str, ...]:
        """The services to be asked."""
        return self.card.hand_over

    @property
    def notes(self) -> tuple[Text, ...]:
        """Why the card differs from that of the kind."""
        return self.card.notes

    def as_json(self) -> dict[str, Any]:
        """What is kept of it: ids, numbers, codes and sentences (``zh`` and ``en``), no personal
        data."""
        return {
            "required": [*self.required],
            "missing": [*self.missing],
            "lay": self.lay,
            "hand_over": [*self.hand_over],
            "notes": [said(note) for note in self.notes],
            "basis": self.basis,
            "travel_note": said(self.travel_note),
            "eta_notes": {basis.value: said(note) for basis, note in self.eta_notes.items()},
            "chosen": [_kept(one) for one in self.chosen],
            "refused": [_kept(one) for one in self.refused],
            "shortfalls": [kept_shortfall(one) for one in self.shortfalls],
        }


def _kept(one: Candidate | Refusal) -> dict[str, Any]:
    near = one.near
    return {
        "responder": near.responder.id,
        "role": near.responder.role,
        "distance_m": round(near.distance_m, 1),
        "from": "live" if near.from_live else "home",
        "eta_s": round(near.eta_s),
        "basis": near.basis,
        "score_s": round(near.score_s),
        "own": near.own,
        "terms": [
            {"code": term.code, "text": said(term.text), "seconds": round(term.seconds)}
            for term in one.terms
        ],
        "reasons": [said(reason) for reason in one.reasons],
    }


def rank(view: View, card: Card, *, travel: TravelTimes, busy: Busy = NOBODY_BUSY) -> Ranking:
    """Order the eligible responders, and find enough for every capability asked for.

    Parameters
    ----------
    view
        The force as seen from the incident.
    card
        What is asked for.
    travel
        What the view's times were reckoned with.
    busy
        Who is taken.

    Returns
    -------
    Ranking
        ``chosen`` holds the ``CHOSEN`` lowest scores and, behind them, the lowest ones for each
        capability that too few of those have; departments for other matters come last.
        ``refused``, at most ``REFUSED_SHOWN``, are the incident's own people who cannot go, and
        those of the ``EVERYBODY`` lowest scores who are passed over on the way to the last of the
        first ``CHOSEN``.
    """
    first: list[int] = []
    if card.required:
        able = free(view, view.walk(card.required, card.excluded), card, busy)
        first = list(islice(able, CHOSEN))
    chosen, shortfalls = _completed(view, card, first, busy)
    refused = _passed_over(view, card, first, busy)
    going = tuple(candidate(view.one(number), view, card) for number in chosen)
    staying = tuple(_refusal(view, number, card, busy) for number in refused)
    bases = [one.near.basis for one in going] + [one.near.basis for one in staying]
    basis, note = _rests_on(travel, bases)
    notes = {one: travel.note_of(one) for one in dict.fromkeys(bases)}
    return Ranking(card, going, staying, tuple(shortfalls), basis, note, notes)


def _rests_on(travel: TravelTimes, bases: Sequence[Basis]) -> tuple[Basis, Text]:
    """What the times of all that are told of rest on, and what must be said of them."""
    guessed = bases.count(Basis.STRAIGHT_LINE)
    if not guessed or travel.basis is Basis.STRAIGHT_LINE:
        return travel.basis, travel.note
    straight = travel.note_of(Basis.STRAIGHT_LINE)
    if guessed == len(bases):
        return Basis.STRAIGHT_LINE, straight
    note = Text(
        f"{travel.note.zh}；其中 {guessed} 人无道路数据，按直线估算",
        f"{travel.note.en}; {guessed} of the people have no road data and are estimated from "
        "straight lines",
    )
    return travel.basis, note


def candidate(near: Nearby, view: View, card: Card) -> Candidate:
    """Somebody eligible, with the terms of the score and what speaks for it."""
    return Candidate(near, _terms(near), _reasons(near, view, card))


def _completed(
    view: View, card: Card, first: list[int], busy: Busy
) -> tuple[list[int], list[Shortfall]]:
    """``first`` and behind them the nearest for what too few of them can do."""
    pool: list[int] = []
    shortfalls = []
    for capability in card.required:
        wanted = card.wanted(capability)
        going = [number for number in first if _serves(view, number, card, capability)][:wanted]
        if len(going) < wanted:
            going = list(islice(free_to_serve(view, card, capability, busy), wanted))
            pool += going
        short = shortfall_of(view, card, capability, going, busy, wanted=wanted)
        if short is not None:
            shortfalls.append(short)
    people = view.index.responders
    chosen = [*first, *view.in_order(set(pool) - set(first))]
    return sorted(chosen, key=lambda number: other_office(people[number], card)), shortfalls


def _serves(view: View, number: int, card: Card, capability: Capability) -> bool:
    return counts_for(view.index.responders[number], card, capability)


def _passed_over(view: View, card: Card, first: list[int], busy: Busy) -> list[int]:
    own = [number for number in view.own if view.within_reach(number)]
    last = first[-1] if len(first) == CHOSEN else None
    passed: list[int] = []
    for number in islice(view.walk_all(), EVERYBODY):
        if number == last:
            break
        passed.append(number)
    people, kept = view.index.responders, set(first)
    refused = [
        number
        for number in dict.fromkeys((*own, *passed))
        if number not in kept and refusals(people[number], card=card, at=view.at, busy=busy)
    ]
    return view.in_order(refused[:REFUSED_SHOWN])


def _refusal(view: View, number: int, card: Card, busy: Busy) -> Refusal:
    near = view.one(number)
    return Refusal(near, _terms(near), refusals(near.responder, card=card, at=view.at, busy=busy))


_TRAVEL = Text("路程用时", "travel time")
_HOME = Text("仅有住所位置", "only the home place is known")
_AREA = Text("住所未登记，仅有辖区位置", "no home is on file, only the own area is known")
_TELEPHONE = Text("仅能电话通知", "by telephone only")
_OWN = Text("本单元吹哨人、本网格网格员优先", "the incident's own sentinel and grid worker first")


def _terms(near: Nearby) -> tuple[Term, ...]:
    """The parts of a score; their sum is the score."""
    terms = [Term("travel", _TRAVEL, near.eta_s)]
    if not near.from_live:
        terms.append(Term("home", _AREA if near.responder.by_area else _HOME, HOME_S))
    if not near.responder.app:
        terms.append(Term("telephone", _TELEPHONE, TELEPHONE_S))
    if near.own:
        terms.append(Term("own", _OWN, -OWN_S))
    return tuple(terms)


def _reasons(near: Nearby, view: View, card: Card) -> tuple[Text, ...]:
    who = near.responder
    reasons = [_able(tuple(c for c in card.required if c in who.capabilities))]
    if near.own:
        reasons.append(Text("负责本单元或本网格", "answers for this unit or grid"))
    if near.from_live and who.live is not None:
        minutes = max(0, int((view.at - who.live.seen_at).total_seconds() // 60))
        reasons.append(Text(f"实时位置，{minutes} 分钟前", f"live position, {minutes} minutes ago"))
    elif who.by_area:
        reasons.append(Text("按辖区位置计算", "measured from the middle of their own area"))
    else:
        reasons.append(Text("按住所位置计算", "measured from the home place"))
    if who.role is Role.DEPARTMENT and card.trades:
        reasons.append(_office(trades_of(who.name) & card.trades, card.trades))
    if not who.app:
        reasons.append(Text("仅电话通知", "by telephone only"))
    if card.held_back:
        reasons.append(Text("公安到场前只在外围等候", "to wait outside until the police are there"))
    elif who.role.lay and card.lay is Lay.STAND_OFF:
        reasons.append(Text("只在外围警戒疏散", "to stand off and evacuate only"))
    return tuple(reasons)


@lru_cache(maxsize=256)
def _able(capabilities: tuple[Capability, ...]) -> Text:
    return Text(
        "能力：" + "、".join(CAPABILITY_NAMES[c].zh for c in capabilities),
        "able: " + ", ".join(CAPABILITY_NAMES[c].en for c in capabilities),
    )


@lru_cache(maxsize=256)
def _office(has: frozenset[Trade], wanted: frozenset[Trade]) -> Text:
    """What a department is to the matter."""
    names = [TRADE_NAMES[trade] for trade in sorted(has or wanted)]
    zh, en = "、".join(name.zh for name in names), ", ".join(name.en for name in names)
    if has:
        return Text(f"主管此类事项：{zh}", f"is for such matters: {en}")
    return Text(
        f"不主管此类事项（应由{zh}部门办理），无主管部门可派时就近派",
        f"is for other matters (this one is for {en}): goes where none that is can",
    )
