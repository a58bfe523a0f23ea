"""The outbox of messages, and the links that open one assignment."""

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Select, func, insert, literal_column, select, update

from gridsvc.domain.lifecycle import AssignmentState
from gridsvc.domain.messages import DUE, OFFERS, Link, Message, MessageKind, MessageState
from gridsvc.store.message_tables import link, message
from gridsvc.store.numbers import Counters
from gridsvc.store.repository import Either, Repository
from gridsvc.store.tables import counter

CURSOR = "told"
"""The counter row that says up to which event messages were made."""

_M = message.c
_ADD = Either(message, lambda insert: insert.on_conflict_do_nothing())


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in sorted(words))


NOT_TOLD: ColumnElement[bool] = literal_column(
    # As text: a statement made of objects takes longer to be looked up than the row to be read.
    f"""EXISTS (
        SELECT 1 FROM assignment AS a
        JOIN message AS m ON m.county = a.county AND m.assignment = a.id
        WHERE a.county = incident.county AND a.incident = incident.id
          AND a.state = '{AssignmentState.OFFERED}' AND a.notified_at IS NULL
          AND m.state = '{MessageState.GIVEN_UP}' AND m.kind IN ({_listed(OFFERS)})
          AND NOT EXISTS (
            SELECT 1 FROM message AS o
            WHERE o.county = a.county AND o.assignment = a.id AND o.kind IN ({_listed(OFFERS)})
              AND o.state IN ({_listed((MessageState.SENT, *DUE))})
          )
    )""",
    Boolean,
)
"""Whether a row of ``incident`` has somebody offered it whom no channel could tell, with nothing
under way to tell them."""


class MessageReader(Repository):
    """Messages and links of the county."""

    def cursor(self) -> int | None:
        """Return the position up to which messages were made, None where that never began."""
        query = select(counter.c.value).where(
            counter.c.county == self.county, counter.c.name == CURSOR
        )
        return self.connection.execute(query).scalar_one_or_none()

    def of(self, assignments: Collection[str]) -> tuple[Message, ...]:
        """Return the messages of ``assignments``, the first made first."""
        query = (
            self._query()
            .where(_M.assignment.in_(sorted(assignments)))
            .order_by(_M.created_at, _M.kind, _M.channel)
        )
        return tuple(_message(row) for row in self.connection.execute(query))

    def due(self) -> dict[str, datetime]:
        """Return the channels that messages wait for, and when the next of each is due (aware)."""
        query = (
            select(_M.channel, func.min(_M.next_at))
            .where(_M.county == self.county, _M.state.in_(DUE))
            .group_by(_M.channel)
        )
        return {row[0]: row[1] for row in self.connection.execute(query)}

    def link(self, hash_: str) -> Link | None:
        """Return the link of that hash, expired or not."""
        c = link.c
        query = select(c.hash, c.assignment, c.expires_at).where(
            c.county == self.county, c.hash == hash_
        )
        row = self.connection.execute(query).first()
        return None if row is None else Link(*row)

    def _query(self) -> Select[Any]:
        return select(*(column for column in _M if column is not _M.county)).where(
            _M.county == self.county
        )


class MessageWriter(MessageReader):
    """Messages and links inside a unit of work."""

    def follow_to(self, position: int) -> None:
        """Let the cursor stand at ``position`` or beyond."""
        Counters(self.connection, self.county).raise_to(CURSOR, position)

    def add(self, messages: Sequence[Message]) -> None:
        """Add messages, but none that its assignment, event and channel have already."""
        if messages:
            self.connection.execute(
                _ADD.of(self.connection),
                [{"county": self.county, **_row(one)} for one in messages],
            )

    def take(self, channel: str, *, now: datetime, until: datetime) -> Message | None:
        """Take the message of ``channel`` that is due the longest, for nobody else to take.

        Parameters
        ----------
        channel
            Its name.
        now
            The present, aware.
        until
            The aware moment from which somebody else may take it: whoever took it is dead then.
        """
        query = (
            self._query()
            .where(_M.channel == channel, _M.state.in_(DUE), _M.next_at <= now)
            .order_by(_M.next_at, _M.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        row = self.connection.execute(query).first()
        if row is None:
            return None
        found = _message(row)
        taken = replace(found, attempts=found.attempts + 1, next_at=until)
        self._update(taken)
        return taken

    def finish(self, one: Message) -> bool:
        """Keep what became of a message that was taken; False where it was taken from its holder
        since, because that took too long."""
        return self._update(one, held=True)

    def add_link(self, one: Link) -> None:
        """Add a link."""
        self.connection.execute(
            insert(link).values(
                county=self.county,
                hash=one.hash,
                assignment=one.assignment,
                expires_at=one.expires_at,
            )
        )

    def extend_links(self, assignment: str, until: datetime) -> None:
        """Let the links of ``assignment`` open it until an aware moment, if they do not longer."""
        c = link.c
        self.connection.execute(
            update(link)
            .where(c.county == self.county, c.assignment == assignment, c.expires_at < until)
            .values(expires_at=until)
        )

    def _update(self, one: Message, *, held: bool = False) -> bool:
        query = update(message).where(_M.county == self.county, _M.id == one.id)
        if held:
            query = query.where(_M.attempts == one.attempts, _M.state.in_(DUE))
        done = self.connection.execute(
            query.values(
                state=one.state,
                attempts=one.attempts,
                next_at=one.next_at,
                sent_at=one.sent_at,
                error=one.error,
            )
        )
        return bool(done.rowcount)


def new_message(
    assignment: str, responder: str, channel: str, kind: MessageKind, *, event: int, now: datetime
) -> Message:
    """A message that is due at once, of the event at a position of the log."""
    return Message(uuid.uuid4().hex, assignment, responder, channel, kind, event, now, now)


def _row(one: Message) -> dict[str, Any]:
    return {name: getattr(one, name) for name in Message.__slots__}


def _message(row: Any) -> Message:
    fields = dict(row._mapping)
    fields["kind"] = MessageKind(fields["kind"])
    fields["state"] = MessageState(fields["state"])
    return Message(**fields)
