"""The tables of 叫应; `gridsvc.store.tables` has the others, and what all of them share."""

from sqlalchemy import Boolean, Column, Index, Integer, Table, Text, UniqueConstraint

from gridsvc.domain.alerts import AlertLevel, CallState, Hazard, Why
from gridsvc.store.geometry import GeometryColumn, Moment
from gridsvc.store.tables import Json, _gist, _one_of, _refers, metadata

alert = Table(
    "alert",
    metadata,
    Column("county", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("number", Text, nullable=False),
    Column("key", Text, comment="Whoever sends it again gets the alert that it made"),
    Column("digest", Text, nullable=False),
    Column("hazard", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("polygon", GeometryColumn("MULTIPOLYGON"), nullable=False),
    Column("issued_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("by", Text, nullable=False),
    Column("drill", Boolean, nullable=False),
    Column("map_version", Integer, nullable=False),
    Column("places", Json, nullable=False, comment="[township, village] each"),
    Column("gaps", Json, nullable=False, comment="[code, township, village, others] each"),
    Column("ended_at", Moment),
    Column("ended_by", Text, nullable=False),
    UniqueConstraint("county", "number"),
    UniqueConstraint("county", "key"),
    _refers("map_version", "map_version", "version"),
    _one_of("hazard", Hazard),
    _one_of("level", AlertLevel),
    _gist("alert", "polygon"),
    Index("ix_alert_issued", "county", "issued_at", "id"),
)

alert_call = Table(
    "alert_call",
    metadata,
    Column("county", Text, primary_key=True),
    Column("alert", Text, primary_key=True),
    Column("responder", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("area", Text, nullable=False),
    Column("township", Text, nullable=False),
    Column("village", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("told_by", Text, nullable=False),
    Column("by", Text, nullable=False),
    _refers("alert", "alert", "id"),
    _refers("responder", "responder", "id"),
    _one_of("why", Why),
    _one_of("state", CallState),
    comment="Who is called by an alert, and whether they were reached: ids, no personal data",
)
