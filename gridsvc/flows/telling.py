"""People are told: events become messages, messages are taken, sent by others, and recorded.

Nothing here waits for a channel: what is sent is sent between two transactions, and an
assignment is never part of one that does.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from gridsvc.channels import Channel, Channels, Outgoing
from gridsvc.domain.case import Assignment
from gridsvc.domain.events import MessageFailed, MessageSent, StoredEvent
from gridsvc.domain.force import Responder
from gridsvc.domain.lifecycle import ASSIGNMENT, ENDED, AssignmentState, AssignmentStep
from gridsvc.domain.messages import (
    LINK_FOR,
    OFFERS,
    TOO_LATE,
    Link,
    Message,
    MessageKind,
    MessageState,
    new_token,
    told_by,
)
from gridsvc.domain.rights import Caller
from gridsvc.domain.words import Lang
from gridsvc.flows.dispatching import about, move, reached
from gridsvc.flows.patience import patiently
from gridsvc.flows.wording import About, heading, words
from gridsvc.locating import GridMap
from gridsvc.store import Reading, Store, UnitOfWork
from gridsvc.store.messages import new_message

NO_CHANNEL = "-"
"""The channel of messages for which there is none: they are given up at once."""

LOST_AFTER = timedelta(seconds=10)
"""A sender that says nothing for so long, beyond the time its channel has to answer, is dead."""

FALL_OVER = 2
"""After so many failures the next channel is tried beside the first."""

_FIRST_S, _FACTOR, _LONGEST_S, _JITTER = 5.0, 3.0, 600.0, 0.2
_BATCH = 500
_DROPS_AT_ONCE = 50
_WITH_LINK = OFFERS | {MessageKind.CHECK}

Find = Callable[[str], Responder | None]
"""Gives a responder by id."""


@dataclass(frozen=True, slots=True)
class Speech:
    """What words are made with: the map, the language, where this service is reached (empty: no
    links), and the channels with the centre's number."""

    channels: Channels
    grid_map: GridMap | None
    lang: Lang
    public_url: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that this process alone may send now; ``wrong`` instead of words: a code."""

    message: Message
    outgoing: Outgoing | None
    wrong: str = ""


def begin(store: Store, *, first: int | None = None) -> int:
    """The position behind which events become messages: where it was left; the first time of all
    it is ``first``, None for the head of the log."""
    with store.read() as reading:
        cursor = reading.messages.cursor()
        start = reading.events.head() if first is None else first
    if cursor is not None:
        return cursor
    with store.write() as work:
        work.messages.follow_to(start)
    return start


def enqueue(store: Store, channels: Channels, *, find: Find, after: int, now: datetime) -> int:
    """Make messages of the events behind ``after``, each once whoever else does so too.

    Returns
    -------
    int
        The position of the last event that was looked at.
    """
    while True:
        with store.read() as reading:
            events = reading.events.after(after, _BATCH)
            made = _messages(reading, events, channels, find, now)
        if not events:
            return after
        after = events[-1].position
        if made or len(events) == _BATCH:
            with store.write() as work:
                work.messages.add(made)
                work.messages.follow_to(after)


def _messages(
    reading: Reading, events: Sequence[StoredEvent], channels: Channels, find: Find, now: datetime
) -> list[Message]:
    made: list[Message] = []
    for event in events:
        told = told_by(event.name, event.payload)
        if told is None or now - event.at > TOO_LATE:
            continue
        kind, assignments = told
        for id_ in assignments:
            one = reading.cases.assignment(id_)
            if one is not None and (channel := _first(channels, kind, find(one.responder))):
                at = event.position
                made.append(new_message(one.id, one.responder, channel, kind, event=at, now=now))
    return made


def _first(channels: Channels, kind: MessageKind, who: Responder | None) -> str | None:
    name = None if who is None else next(channels.of(kind, who), None)
    if name is None and kind is MessageKind.ASSIGNED:
        return NO_CHANNEL
    return name


def due(store: Store) -> dict[str, datetime]:
    """The channels that messages wait for, and when the next of each is due."""
    with store.read() as reading:
        return reading.messages.due()


def take(store: Store, name: str, speech: Speech, *, now: datetime) -> Taken | None:
    """Take the next message of the channel ``name``, with its words; None where none is due.

    What has become wrong meanwhile is dropped. Nobody else takes it before its sender is given up.
    """
    channel = speech.channels.by_name.get(name)
    wait = LOST_AFTER + timedelta(seconds=0 if channel is None else 2 * channel.timeout_s)

    def once(work: UnitOfWork) -> Taken | None:
        for _ in range(_DROPS_AT_ONCE):
            one = work.messages.take(name, now=now, until=now + wait)
            if one is None:
                return None
            assignment = work.cases.assignment(one.assignment)
            why = "gone" if assignment is None else _needless(work, one, assignment)
            if assignment is not None and not why:
                return _worded(work, one, assignment, channel, speech, now)
            work.messages.finish(replace(one, state=MessageState.DROPPED, error=why))
        return None

    return patiently(store, once)


def _needless(work: UnitOfWork, one: Message, assignment: Assignment) -> str:
    """Why what a message says is not so any more, empty where it is."""
    state = assignment.state
    others = [each for each in work.messages.of([assignment.id]) if each.id != one.id]
    if any(
        each.kind is one.kind and each.event >= one.event and each.state is MessageState.SENT
        for each in others
    ):
        return "told_otherwise"
    if one.kind in OFFERS:
        waiting = state not in ENDED and AssignmentStep.ACCEPT in ASSIGNMENT[state]
        return "" if waiting else "answered"
    if one.kind is MessageKind.CHECK:
        return "" if state is AssignmentState.ARRIVED else "answered"
    if state not in ENDED:
        return "answered"
    return "" if any(each.kind in OFFERS and _begun(each) for each in others) else "never_told"


def _begun(one: Message) -> bool:
    """Whether the person may have been reached: what was dropped was taken once without a try."""
    return one.attempts > (1 if one.state is MessageState.DROPPED else 0)


def _worded(
    work: UnitOfWork,
    one: Message,
    assignment: Assignment,
    channel: Channel | None,
    speech: Speech,
    now: datetime,
) -> Taken:
    if channel is None:
        return Taken(one, None, "no_channel" if one.channel == NO_CHANNEL else "channel_gone")
    who = work.force.get(one.responder)
    if who is None or (channel.asks_for("phone") and not who.phone):
        return Taken(one, None, "no_phone")
    if now - one.created_at > TOO_LATE:
        return Taken(one, None, "too_late")
    incident, _ = work.cases.known(assignment.incident)
    link = ""
    if channel.link and speech.public_url and one.kind in _WITH_LINK:
        token, hash_ = new_token()
        work.messages.add_link(Link(hash_, one.assignment, now + LINK_FOR))
        link = f"{speech.public_url}/a/{token}"
    centre = speech.channels.centre
    told = About(incident, assignment, speech.grid_map, speech.lang, link, centre)
    personal = channel.asks_for("phone") or channel.asks_for("responder")
    return Taken(
        one,
        Outgoing(
            one.id,
            one.responder,
            title=heading(one.kind, told),
            text=words(one.kind, told, to=None if personal else who),
            phone=who.phone,
            name=who.name,
        ),
    )


def sent(store: Store, one: Message, *, now: datetime) -> None:
    """Record that a channel took a message: whoever was not told before is told now."""

    def once(work: UnitOfWork) -> None:
        after = replace(one, state=MessageState.SENT, sent_at=now, next_at=now, error="")
        if not work.messages.finish(after):
            return
        assignment, fields = _of(work, one)
        work.events.record(MessageSent(**fields))
        told = assignment.notified_at is not None or one.kind not in OFFERS
        if not told and AssignmentStep.NOTIFY in ASSIGNMENT[assignment.state]:
            incident, _ = work.cases.known(assignment.incident)
            move(work, assignment, incident, AssignmentStep.NOTIFY, now=now, by=one.channel)

    patiently(store, once)


def failed(
    store: Store, one: Message, code: str, channels: Channels, *, now: datetime
) -> MessageState:
    """Record that a channel did not take a message: it is tried again later, or given up; soon the
    next channel is tried beside it."""

    def once(work: UnitOfWork) -> MessageState:
        channel = channels.by_name.get(one.channel)
        over = channel is None or code in _FOR_GOOD or one.attempts >= channel.tries
        state = MessageState.GIVEN_UP if over else MessageState.FAILED
        pause = timedelta(seconds=backoff_s(one.attempts))
        after = replace(one, state=state, error=code, next_at=now if over else now + pause)
        if not work.messages.finish(after):
            return state
        if over or one.attempts == FALL_OVER:
            _fall_over(work, one, channels, now)
        _, fields = _of(work, one)
        work.events.record(MessageFailed(**fields, error=code, given_up=over))
        return state

    return patiently(store, once)


def backoff_s(attempts: int) -> float:
    """Seconds until the next try after so many: 5, 15, 45 ... at most 600, each a fifth more or
    less, so that messages that failed together do not come together again."""
    pause = min(_FIRST_S * _FACTOR ** (attempts - 1), _LONGEST_S)
    return pause * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 nobody's secret


def _fall_over(work: UnitOfWork, one: Message, channels: Channels, now: datetime) -> None:
    who = work.force.get(one.responder)
    if who is None:
        return
    tried = {each.channel for each in work.messages.of([one.assignment]) if each.event == one.event}
    left = [name for name in channels.of(one.kind, who) if name not in tried]
    if left:
        next_ = new_message(
            one.assignment, one.responder, left[0], one.kind, event=one.event, now=now
        )
        work.messages.add([next_])


def _of(work: UnitOfWork, one: Message) -> tuple[Assignment, dict[str, Any]]:
    """The assignment of a message, locked behind its case, and the fields of its events."""
    by = Caller(one.channel, one.channel, frozenset(), work.cases.county)
    found = work.cases.assignment(one.assignment)
    assert found is not None, "an assignment is never removed"
    incident, _ = reached(work, found.incident, by)
    assignment = work.cases.assignment(one.assignment, lock=True) or found
    return assignment, {
        **about(incident, work.cases.county, one.channel),
        "assignment": one.assignment,
        "responder": one.responder,
        "channel": one.channel,
        "message": one.kind,
        "attempt": one.attempts,
    }


_FOR_GOOD = frozenset({"no_phone", "bad_address", "too_late"})
"""What no further try would mend."""
