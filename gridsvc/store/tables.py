"""The schema, one for both stores. The county code leads every key, so tables can be sharded on it.

Rows of the map are never changed in place: a row holds from ``from_version`` up to, not including,
``to_version`` (null while it is current). People (name, telephone) sit in ``person`` alone.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.schema import SchemaItem

from gridsvc.domain.area import GridKind, Level
from gridsvc.domain.force import Role, Vehicle
from gridsvc.domain.geo import Datum
from gridsvc.domain.kinds import Category
from gridsvc.domain.lifecycle import AssignmentState, Stage
from gridsvc.domain.timers import TimerKind
from gridsvc.store.geometry import GeometryColumn, Moment, Shape

Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_1_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _county() -> Column[Any]:
    return Column("county", Text, primary_key=True)


def _one_of(column: str, values: Iterable[str]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def _refers(columns: str, table: str, targets: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["county", columns], [f"{table}.county", f"{table}.{targets}"])


def _gist(table: str, column: str) -> Index:
    """Name the one spatial index of a geometry column; SQLite has none."""
    return Index(f"ix_{table}_{column}_gist", column, postgresql_using="gist").ddl_if(
        dialect="postgresql"
    )


def _point(table: str, name: str, lng: str, lat: str) -> list[SchemaItem]:
    """Give a position twice: as numbers that both stores can check, as a geometry for QGIS."""
    return [
        Column(lng, Double),
        Column(lat, Double),
        Column(name, GeometryColumn("POINT")),
        CheckConstraint(f"{lng} BETWEEN -180 AND 180", name=lng),
        CheckConstraint(f"{lat} BETWEEN -90 AND 90", name=lat),
        CheckConstraint(
            f"({lng} IS NULL) = ({lat} IS NULL) AND ({lng} IS NULL) = ({name} IS NULL)",
            name=f"{name}_whole",
        ),
        CheckConstraint(
            f"ST_X({name}) = {lng} AND ST_Y({name}) = {lat}", name=f"{name}_same"
        ).ddl_if(dialect="postgresql"),
        _gist(table, name),
    ]


def _versioned(name: str, *items: SchemaItem, shape: Shape = "MULTIPOLYGON", drawn: bool) -> Table:
    """Make a table of areas; ``drawn`` says that a geometry is required."""
    table = Table(
        name,
        metadata,
        _county(),
        Column("code", Text, primary_key=True),
        Column("from_version", Integer, primary_key=True),
        Column("to_version", Integer),
        Column("name", Text, nullable=False),
        *items,
        Column("geometry", GeometryColumn(shape), nullable=not drawn),
        _refers("code", "area_code", "code"),
        _refers("from_version", "map_version", "version"),
        _refers("to_version", "map_version", "version"),
        CheckConstraint("from_version < to_version", name="versions"),
        _gist(name, "geometry"),
    )
    current = table.c.to_version.is_(None)
    Index(
        f"uq_{name}_current",
        table.c.county,
        table.c.code,
        unique=True,
        sqlite_where=current,
        postgresql_where=current,
    )
    return table


counter = Table(
    "counter",
    metadata,
    _county(),
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
    CheckConstraint("value >= 0", name="value"),
    comment="What is counted without gaps: map versions, event positions, case numbers",
)

map_version = Table(
    "map_version",
    metadata,
    _county(),
    Column("version", Integer, primary_key=True),
    Column("layer", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("clean", Boolean, nullable=False),
    Column("demo", Boolean, nullable=False),
    Column("accepted_faults", Json, nullable=False),
    Column("published_at", Moment, nullable=False),
    Column("added", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("removed", Integer, nullable=False),
    CheckConstraint("version >= 1", name="version"),
)

area_code = Table(
    "area_code",
    metadata,
    _county(),
    Column("code", Text, primary_key=True),
    Column("first_version", Integer, nullable=False),
    _refers("first_version", "map_version", "version"),
    comment="Every code an area ever had: a code is not given to another area again",
)

division = _versioned(
    "division",
    Column("level", Text, nullable=False),
    Column("parent", Text),
    _one_of("level", (Level.COUNTY, Level.TOWNSHIP, Level.VILLAGE)),
    drawn=False,
)

grid = _versioned(
    "grid",
    Column("village", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("residents", Integer),
    _one_of("kind", GridKind),
    CheckConstraint("residents >= 0", name="residents"),
    drawn=True,
)

unit = _versioned(
    "unit",
    Column("grid", Text, nullable=False),
    Column("residents", Integer),
    _refers("grid", "area_code", "code"),
    CheckConstraint("residents >= 0", name="residents"),
    drawn=True,
)

person = Table(
    "person",
    metadata,
    _county(),
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("erased_at", Moment),
    comment="The one table with names and telephone numbers; a row can be blanked",
)

responder = Table(
    "responder",
    metadata,
    _county(),
    Column("id", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("area", Text, nullable=False),
    Column("capabilities", Json, nullable=False),
    Column("app", Boolean, nullable=False),
    Column("night", Boolean, nullable=False),
    Column("on_duty", Boolean, nullable=False),
    Column("vehicle", Text, nullable=False),
    *_point("responder", "home", "home_lng", "home_lat"),
    *_point("responder", "live", "live_lng", "live_lat"),
    Column("live_at", Moment),
    Column("moved", BigInteger, comment="The count of the counter 'moves' at the last move"),
    _refers("id", "person", "id"),
    _one_of("role", Role),
    _one_of("vehicle", Vehicle),
    CheckConstraint("(live_lng IS NULL) = (live_at IS NULL)", name="live_at"),
    Index("ix_responder_moved", "county", "moved"),
)

incident = Table(
    "incident",
    metadata,
    _county(),
    Column("id", Text, primary_key=True),
    Column("number", Text, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("category", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("urgency", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("drill", Boolean, nullable=False),
    Column("source", Text, nullable=False),
    *_point("incident", "position", "lng", "lat"),
    Column("given_datum", Text),
    Column("position_source", Text),
    Column("radius_m", Double),
    Column("map_version", Integer),
    Column("unit", Text),
    Column("grid", Text),
    Column("village", Text),
    Column("township", Text),
    Column("outside_m", Double),
    Column("bearing_deg", Double),
    Column("neighbours", Json, comment="[level, code, distance in metres] each, nearest first"),
    Column("reporter", Text, comment="Id of a person"),
    Column("confidential", Boolean, nullable=False),
    Column("unplaced", Json, comment="Why the place is not known: [zh, en] each"),
    Column("given", Text, nullable=False),
    Column("alarm_level", Integer, nullable=False),
    Column("doubt", Json, comment="Why the place is not sure"),
    Column("stage", Text, nullable=False),
    Column("first_contact", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("due_at", Moment),
    Column("paperwork_due_at", Moment),
    Column("closed_at", Moment),
    Column("handover_due_at", Moment),
    Column("merged_into", Text),
    Column("supervised", Boolean, nullable=False),
    Column("reminders", Integer, nullable=False),
    Column("rating", Text, nullable=False, server_default=""),
    Column("unanswered_since", Moment, comment="Too few have accepted since then"),
    Column("nobody_left", Boolean, nullable=False),
    Column("escalation", Integer, nullable=False),
    Column("escalated_at", Moment),
    Column("silent", Integer, nullable=False),
    Column("by_hand", Boolean, nullable=False),
    UniqueConstraint("county", "number"),
    _refers("map_version", "map_version", "version"),
    _refers("unit", "area_code", "code"),
    _refers("grid", "area_code", "code"),
    _one_of("category", Category),
    _one_of("given_datum", Datum),
    CheckConstraint("urgency BETWEEN 1 AND 4", name="urgency"),
    CheckConstraint("alarm_level BETWEEN 1 AND 5", name="alarm_level"),
    CheckConstraint("radius_m >= 0", name="radius_m"),
    CheckConstraint("outside_m >= 0", name="outside_m"),
    CheckConstraint("bearing_deg >= 0 AND bearing_deg < 360", name="bearing_deg"),
    CheckConstraint(
        "(grid IS NULL) = (outside_m IS NULL) AND (grid IS NULL) = (neighbours IS NULL)",
        name="placement_whole",
    ),
    Index("ix_incident_received", "county", "received_at", "id"),
    Index("ix_incident_grid", "county", "grid", "received_at"),
    _one_of("stage", Stage),
    Index("ix_incident_stage", "county", "stage", "received_at", "id"),
    Index("ix_incident_kind", "county", "kind", "lng"),
)

assignment = Table(
    "assignment",
    metadata,
    _county(),
    Column("id", Text, primary_key=True),
    Column("incident", Text, nullable=False),
    Column("responder", Text, nullable=False),
    Column("capability", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("stand_off", Boolean, nullable=False),
    Column("eta_s", Double, nullable=False),
    Column("distance_m", Double, nullable=False),
    Column("basis", Text, nullable=False),
    Column("assigned_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("wave", Integer, nullable=False),
    Column("reserve", Boolean, nullable=False),
    Column("also", Json, nullable=False),
    Column("why", Json, comment="Why this one is asked for the incident's own people: [zh, en]"),
    Column("answer_by", Moment),
    Column("notified_at", Moment),
    Column("rung_at", Moment),
    Column("silent_since", Moment),
    Column("reason", Text, nullable=False, comment="A code"),
    Column("on_behalf", Boolean, nullable=False),
    _refers("incident", "incident", "id"),
    _refers("responder", "responder", "id"),
    _one_of("state", AssignmentState),
    Index("ix_assignment_incident", "county", "incident"),
    Index("ix_assignment_responder", "county", "responder"),
)

claim = Table(
    "claim",
    metadata,
    _county(),
    Column("responder", Text, primary_key=True),
    Column("assignment", Text, nullable=False),
    Column("number", Text, nullable=False),
    comment="Who is taken, and by which case: a row that only one transaction can insert",
)

timer = Table(
    "timer",
    metadata,
    _county(),
    Column("id", Text, primary_key=True),
    Column("incident", Text, nullable=False),
    Column("assignment", Text),
    Column("kind", Text, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("payload", Json, nullable=False),
    _refers("incident", "incident", "id"),
    _one_of("kind", TimerKind),
    Index("ix_timer_due", "county", "due_at"),
    Index("ix_timer_incident", "county", "incident"),
    comment="What is to happen at a moment to come; whoever deletes the row does it",
)

supervision = Table(
    "supervision",
    metadata,
    _county(),
    Column("id", Text, primary_key=True),
    Column("incident", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("supervisor", Text, nullable=False),
    Column("reply_by", Moment, nullable=False),
    Column("note", Text, nullable=False),
    Column("ordered_at", Moment, nullable=False),
    Column("replied_at", Moment),
    _refers("incident", "incident", "id"),
    Index("ix_supervision_incident", "county", "incident"),
)

decision = Table(
    "decision",
    metadata,
    _county(),
    Column("incident", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("made_at", Moment, nullable=False),
    Column("payload", Json, nullable=False),
    _refers("incident", "incident", "id"),
    comment="Who could go, why, and who could not: ids, numbers and sentences, no personal data",
)

receipt = Table(
    "receipt",
    metadata,
    _county(),
    Column("caller", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("incident", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("at", Moment, nullable=False),
    _refers("incident", "incident", "id"),
    comment="What was answered to an Idempotency-Key, without personal data",
)

note = Table(
    "note",
    metadata,
    _county(),
    Column("incident", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("by", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("text", Text, nullable=False),
    _refers("incident", "incident", "id"),
    comment="What was written at a step: words may name people, so events have none of it",
)

event = Table(
    "event",
    metadata,
    _county(),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("name", Text, nullable=False),
    Column("payload", Json, nullable=False),
    Column("incident", Text),
    Index("ix_event_incident", "county", "incident", "position"),
    CheckConstraint("position >= 1", name="position"),
    comment="Append-only, one order without holes: triggers of both stores see to it",
)

api_key = Table(
    "api_key",
    metadata,
    _county(),
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("roles", Json, nullable=False),
    Column("area", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("revoked_at", Moment),
    Column("responder", Text, comment="Whose own key it is"),
    CheckConstraint("length(hash) = 64", name="hash"),
    comment="API keys; of a secret only its SHA-256 is kept",
)

road_version = Table(
    "road_version",
    metadata,
    _county(),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("source", Text, nullable=False),
    Column("digest", Text, nullable=False, comment="The same for the same roads"),
    Column("nodes", Integer, nullable=False),
    Column("edges", Integer, nullable=False),
    Column("demo", Boolean, nullable=False),
    Column("published_at", Moment, nullable=False),
    CheckConstraint("version >= 1", name="version"),
    comment="Every import of roads; the edges are those of the last one alone",
)

road_edge = Table(
    "road_edge",
    metadata,
    _county(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
    Column("edge", Text, nullable=False),
    Column("tail", Integer, nullable=False, comment="Number of the node where it begins"),
    Column("head", Integer, nullable=False),
    Column("along", Integer, nullable=False, comment="Who may: 1 on foot, 2 motorcycles, 4 cars"),
    Column("against", Integer, nullable=False),
    Column("length_m", Double, nullable=False),
    Column("limit_kmh", Double),
    Column("road_class", Text, nullable=False),
    Column("surface", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("geometry", GeometryColumn("LINESTRING"), nullable=False),
    _refers("version", "road_version", "version"),
    UniqueConstraint("county", "edge"),
    CheckConstraint("length_m >= 0", name="length_m"),
    _gist("road_edge", "geometry"),
)

closure = Table(
    "closure",
    metadata,
    _county(),
    Column("id", Text, primary_key=True),
    Column("geometry", GeometryColumn("GEOMETRY")),
    Column("edges", Json, nullable=False, comment="Edges that are named, whatever their place"),
    Column("vehicles", Json, nullable=False),
    Column("starts_at", Moment, nullable=False),
    Column("ends_at", Moment),
    Column("reason", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("lifted_at", Moment),
    CheckConstraint("ends_at > starts_at", name="ends_at"),
    Index("ix_closure_starts_at", "county", "starts_at"),
    _gist("closure", "geometry"),
    comment="Roads that cannot be used for a time; what it says may name people, events do not",
)
