"""Run cards are read, changed and kept with their history."""

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from gridsvc.dispatch import CardSet, default_cards
from gridsvc.dispatch.card_reading import read_card
from gridsvc.domain.card_events import CardChanged
from gridsvc.domain.cards import RunCard
from gridsvc.domain.errors import ConflictError, Fault, InputError, NotFoundError
from gridsvc.domain.kinds import KINDS_BY_CODE
from gridsvc.domain.rights import Caller
from gridsvc.domain.words import Text
from gridsvc.flows.patience import patiently
from gridsvc.store import Reading, Store, UnitOfWork
from gridsvc.store.run_cards import KeptCard

log = logging.getLogger(__name__)


def cards_in_force(kept: Iterable[KeptCard]) -> CardSet:
    """The shipped set with a county's own cards in it.

    A stored card that a later program finds at fault (its floor may have become stricter) does not
    count; the shipped one of its kind does, and the log says so.
    """
    changed = []
    for one in kept:
        try:
            changed.append(read_card(one.kind, one.data, version=one.version))
        except InputError as error:
            log.warning(
                "run card %s, version %d, is refused, the shipped one holds: %s",
                one.kind,
                one.version,
                error,
            )
    return default_cards().with_cards(changed) if changed else default_cards()


def put(
    kind: str,
    data: Any,
    *,
    version: int,
    reason: str,
    store: Store,
    now: datetime,
    caller: Caller,
) -> RunCard:
    """Let ``data`` be the card of ``kind``.

    Parameters
    ----------
    version
        The version that was read and is changed: another one in force means that somebody else
        has changed it meanwhile.

    Raises
    ------
    NotFoundError
        No such kind.
    InputError
        Every fault of the card, and a missing reason; nothing is changed.
    ConflictError
        Another version is in force; nothing is changed.
    """
    must_be_kind(kind)
    faults = [] if reason.strip() else [_NO_REASON]
    try:
        card = read_card(kind, data, version=version + 1)
    except InputError as error:
        raise InputError([*faults, *error.faults]) from error
    if faults:
        raise InputError(faults)

    def once(work: UnitOfWork) -> RunCard:
        now_in_force = work.run_cards.version(kind)
        if now_in_force != version:
            raise ConflictError(_changed_meanwhile(version, now_in_force))
        kept = KeptCard(kind, card.version, _plain(data), caller.id, now, reason)
        work.run_cards.keep(kept)
        work.events.record(CardChanged(kind, card.version, caller.id))
        return card

    return patiently(store, once)


def history(kind: str, reading: Reading) -> tuple[KeptCard, ...]:
    """Every version that a county has made of a kind's card, the first one first.

    Raises
    ------
    NotFoundError
        No such kind.
    """
    must_be_kind(kind)
    return reading.run_cards.history(kind)


def import_cards(
    cards: CardSet, *, reason: str, store: Store, now: datetime, caller: Caller
) -> tuple[str, ...]:
    """Make every card of ``cards`` that differs from the one in force the next version of its kind,
    all in one transaction; return the kinds that changed."""

    def once(work: UnitOfWork) -> tuple[str, ...]:
        present = cards_in_force(work.run_cards.in_force())
        changed = [
            kind for kind in KINDS_BY_CODE if _plain(cards[kind].data) != _plain(present[kind].data)
        ]
        for kind in changed:
            version = work.run_cards.version(kind) + 1
            data = _plain(cards[kind].data)
            work.run_cards.keep(KeptCard(kind, version, data, caller.id, now, reason))
            work.events.record(CardChanged(kind, version, caller.id))
        return tuple(changed)

    return patiently(store, once)


def must_be_kind(kind: str) -> None:
    """Refuse a kind that does not exist.

    Raises
    ------
    NotFoundError
        It does not.
    """
    if kind not in KINDS_BY_CODE:
        text = Text(f"没有事件类型“{kind}”", f"no kind {kind!r}: see GET /api/v1/cards")
        raise NotFoundError(Fault("unknown_kind", text, "kind"))


def _plain(data: Any) -> Any:
    """``data`` as JSON holds it: keys are text."""
    if isinstance(data, dict):
        return {str(key): _plain(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_plain(value) for value in data]
    return data


def _changed_meanwhile(given: int, present: int) -> Fault:
    return Fault(
        "card_changed",
        Text(
            f"预案已被他人改过（您依据的是第 {given} 版，现为第 {present} 版），未作任何更改："
            "请读取最新版后再改",
            f"the card was changed meanwhile (you read version {given}, in force is {present}); "
            "nothing was changed: read it again and change that",
        ),
        "If-Match",
    )


_NO_REASON = Fault("missing_reason", Text("请写明修改理由", "say why it is changed"), "reason")
