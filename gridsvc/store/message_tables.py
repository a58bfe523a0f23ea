"""The tables of messages and links, a part of the one schema."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from gridsvc.domain.messages import MessageKind, MessageState
from gridsvc.store.geometry import Moment
from gridsvc.store.tables import _county, _one_of, _refers, metadata

message = Table(
    "message",
    metadata,
    _county(),
    Column("id", Text, primary_key=True),
    Column("assignment", Text, nullable=False),
    Column("responder", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("event", BigInteger, nullable=False, comment="Position of the event it tells of"),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("next_at", Moment, nullable=False),
    Column("sent_at", Moment),
    Column("error", Text, nullable=False),
    UniqueConstraint("county", "assignment", "event", "channel", name="uq_message_assignment"),
    _refers("assignment", "assignment", "id"),
    _one_of("kind", MessageKind),
    _one_of("state", MessageState),
    CheckConstraint("attempts >= 0", name="attempts"),
    Index("ix_message_due", "county", "channel", "state", "next_at"),
    comment="The outbox: ids alone; words and addresses are made when one is sent",
)

link = Table(
    "link",
    metadata,
    _county(),
    Column("hash", Text, primary_key=True),
    Column("assignment", Text, nullable=False),
    Column("expires_at", Moment, nullable=False),
    _refers("assignment", "assignment", "id"),
    CheckConstraint("length(hash) = 64", name="hash"),
    comment="Links that open one assignment; of a token only its SHA-256 is kept",
)
