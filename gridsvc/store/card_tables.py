"""Tables of run cards, hand-overs, duty rosters, exclusions and recusals."""

from sqlalchemy import Boolean, CheckConstraint, Column, Index, Integer, Table, Text

from gridsvc.domain.cards import SERVICES
from gridsvc.store.geometry import Moment
from gridsvc.store.tables import Json, _county, _one_of, _refers, metadata

run_card = Table(
    "run_card",
    metadata,
    _county(),
    Column("kind", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("data", Json, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("reason", Text, nullable=False),
    CheckConstraint("version >= 1", name="version"),
    comment="Every version of a kind's run card; the highest is in force, none: the shipped one",
)

handover = Table(
    "handover",
    metadata,
    _county(),
    Column("incident", Text, primary_key=True),
    Column("service", Text, primary_key=True),
    Column("asked_at", Moment, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("answered_at", Moment),
    Column("operator", Text, nullable=False),
    Column("their_number", Text, nullable=False),
    _refers("incident", "incident", "id"),
    _one_of("service", SERVICES),
)

roster = Table(
    "roster",
    metadata,
    _county(),
    Column("responder", Text, primary_key=True),
    Column("weekday", Integer, primary_key=True, autoincrement=False),
    Column("starts", Integer, primary_key=True, autoincrement=False),
    Column("ends", Integer, nullable=False),
    _refers("responder", "responder", "id"),
    CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
    CheckConstraint("starts BETWEEN 0 AND 1439", name="starts"),
    CheckConstraint("ends > starts AND ends <= starts + 1440", name="ends"),
    comment="On duty each week: weekday from Monday 0, minutes of its day; ends may reach the next",
)

roster_exception = Table(
    "roster_exception",
    metadata,
    _county(),
    Column("id", Text, primary_key=True),
    Column("responder", Text, nullable=False),
    Column("starts_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("on_duty", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Moment, nullable=False),
    _refers("responder", "responder", "id"),
    CheckConstraint("starts_at < ends_at", name="ends_at"),
)

exclusion = Table(
    "exclusion",
    metadata,
    _county(),
    Column("id", Text, primary_key=True),
    Column("responder", Text, nullable=False),
    Column("incident", Text),
    Column("until", Moment),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("lifted_at", Moment),
    _refers("responder", "responder", "id"),
    _refers("incident", "incident", "id"),
    Index("ix_exclusion_lifted", "county", "lifted_at"),
    comment="Who is not to be sent, by an officer's hand: to one incident, or (null) to any",
)

recusal = Table(
    "recusal",
    metadata,
    _county(),
    Column("incident", Text, primary_key=True),
    Column("responder", Text, primary_key=True),
    Column("by", Text, nullable=False),
    Column("at", Moment, nullable=False),
    _refers("incident", "incident", "id"),
    _refers("responder", "responder", "id"),
    comment="Who is party to an incident or a relative of a party, and is never offered it",
)
