"""Foundation: the map and its versions, people, incidents, events, counters."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from gridsvc.store.geometry import GeometryColumn, Moment

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
GEOMETRIES = {
    "division": ["geometry"],
    "grid": ["geometry"],
    "unit": ["geometry"],
    "responder": ["home", "live"],
    "incident": ["position"],
}


def upgrade() -> None:
    """Create everything."""
    if _postgresql():
        op.execute("CREATE EXTENSION IF NOT EXISTS postgis")
    _counters()
    _map()
    _people()
    _incidents()
    _events()
    if _postgresql():
        for table, columns in GEOMETRIES.items():
            for column in columns:
                op.create_index(
                    f"ix_{table}_{column}_gist", table, [column], postgresql_using="gist"
                )


def _postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=nullable)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint("county", *columns, name=f"pk_{table}")


def _refers(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    parent, key = target.split(".")
    return sa.ForeignKeyConstraint(
        ["county", column], [f"{parent}.county", f"{parent}.{key}"], name=f"fk_{table}_{column}"
    )


def _check(table: str, name: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))


def _point(table: str, name: str, lng: str, lat: str) -> list[sa.schema.SchemaItem]:
    items: list[sa.schema.SchemaItem] = [
        sa.Column(lng, sa.Double()),
        sa.Column(lat, sa.Double()),
        sa.Column(name, GeometryColumn("POINT")),
        _check(table, lng, f"{lng} BETWEEN -180 AND 180"),
        _check(table, lat, f"{lat} BETWEEN -90 AND 90"),
        _check(
            table,
            f"{name}_whole",
            f"({lng} IS NULL) = ({lat} IS NULL) AND ({lng} IS NULL) = ({name} IS NULL)",
        ),
    ]
    if _postgresql():
        items.append(
            _check(table, f"{name}_same", f"ST_X({name}) = {lng} AND ST_Y({name}) = {lat}")
        )
    return items


def _counters() -> None:
    op.create_table(
        "counter",
        _text("county"),
        _text("name"),
        sa.Column("value", sa.BigInteger(), nullable=False),
        _key("counter", "name"),
        _check("counter", "value", "value >= 0"),
        comment="What is counted without gaps: map versions, event positions, case numbers",
    )


def _map() -> None:
    op.create_table(
        "map_version",
        _text("county"),
        _number("version"),
        _text("layer"),
        _text("source"),
        _flag("clean"),
        _flag("demo"),
        sa.Column("accepted_faults", JSON, nullable=False),
        sa.Column("published_at", Moment(), nullable=False),
        _number("added"),
        _number("changed"),
        _number("removed"),
        _key("map_version", "version"),
        _check("map_version", "version", "version >= 1"),
    )
    op.create_table(
        "area_code",
        _text("county"),
        _text("code"),
        _number("first_version"),
        _key("area_code", "code"),
        _refers("area_code", "first_version", "map_version.version"),
        comment="Every code an area ever had: a code is not given to another area again",
    )
    _areas(
        "division",
        _text("level"),
        _text("parent", nullable=True),
        _check("division", "level", "level IN ('county', 'township', 'village')"),
        drawn=False,
    )
    _areas(
        "grid",
        _text("village"),
        _text("kind"),
        _number("residents", nullable=True),
        _check("grid", "kind", "kind IN ('general', 'dedicated')"),
        _check("grid", "residents", "residents >= 0"),
    )
    _areas(
        "unit",
        _text("grid"),
        _number("residents", nullable=True),
        _refers("unit", "grid", "area_code.code"),
        _check("unit", "residents", "residents >= 0"),
    )


def _areas(table: str, *items: sa.schema.SchemaItem, drawn: bool = True) -> None:
    op.create_table(
        table,
        _text("county"),
        _text("code"),
        _number("from_version"),
        _number("to_version", nullable=True),
        _text("name"),
        *items,
        sa.Column("geometry", GeometryColumn("MULTIPOLYGON"), nullable=not drawn),
        _key(table, "code", "from_version"),
        _refers(table, "code", "area_code.code"),
        _refers(table, "from_version", "map_version.version"),
        _refers(table, "to_version", "map_version.version"),
        _check(table, "versions", "from_version < to_version"),
    )
    op.create_index(
        f"uq_{table}_current",
        table,
        ["county", "code"],
        unique=True,
        sqlite_where=sa.text("to_version IS NULL"),
        postgresql_where=sa.text("to_version IS NULL"),
    )


def _people() -> None:
    op.create_table(
        "person",
        _text("county"),
        _text("id"),
        _text("name"),
        _text("phone"),
        sa.Column("erased_at", Moment()),
        _key("person", "id"),
        comment="The one table with names and telephone numbers; a row can be blanked",
    )
    op.create_table(
        "responder",
        _text("county"),
        _text("id"),
        _text("role"),
        _text("area"),
        sa.Column("capabilities", JSON, nullable=False),
        _flag("app"),
        _flag("night"),
        _flag("on_duty"),
        _text("vehicle"),
        *_point("responder", "home", "home_lng", "home_lat"),
        *_point("responder", "live", "live_lng", "live_lat"),
        sa.Column("live_at", Moment()),
        _key("responder", "id"),
        _refers("responder", "id", "person.id"),
        _check(
            "responder",
            "role",
            "role IN ('sentinel', 'grid_worker', 'mediator', 'doctor', 'township_team',"
            " 'ambulance', 'fire_crew', 'department')",
        ),
        _check("responder", "vehicle", "vehicle IN ('foot', 'motorcycle', 'car')"),
        _check("responder", "live_at", "(live_lng IS NULL) = (live_at IS NULL)"),
    )


def _incidents() -> None:
    table = "incident"
    op.create_table(
        table,
        _text("county"),
        _text("id"),
        _text("number"),
        sa.Column("received_at", Moment(), nullable=False),
        _text("category"),
        _text("kind"),
        _number("urgency"),
        _text("text"),
        _text("address"),
        _flag("drill"),
        _text("source"),
        *_point(table, "position", "lng", "lat"),
        _text("given_datum", nullable=True),
        _text("position_source", nullable=True),
        sa.Column("radius_m", sa.Double()),
        _number("map_version", nullable=True),
        _text("unit", nullable=True),
        _text("grid", nullable=True),
        _text("village", nullable=True),
        _text("township", nullable=True),
        sa.Column("outside_m", sa.Double()),
        sa.Column("bearing_deg", sa.Double()),
        sa.Column(
            "neighbours", JSON, comment="[level, code, distance in metres] each, nearest first"
        ),
        _key(table, "id"),
        sa.UniqueConstraint("county", "number", name="uq_incident_county_number"),
        _refers(table, "map_version", "map_version.version"),
        _refers(table, "unit", "area_code.code"),
        _refers(table, "grid", "area_code.code"),
        _check(
            table, "category", "category IN ('livelihood', 'dispute', 'violation', 'emergency')"
        ),
        _check(
            table, "given_datum", "given_datum IN ('wgs84', 'cgcs2000', 'gcj02', 'bd09', 'unknown')"
        ),
        _check(table, "urgency", "urgency BETWEEN 1 AND 4"),
        _check(table, "radius_m", "radius_m >= 0"),
        _check(table, "outside_m", "outside_m >= 0"),
        _check(table, "bearing_deg", "bearing_deg >= 0 AND bearing_deg < 360"),
        _check(
            table,
            "placement_whole",
            "(grid IS NULL) = (outside_m IS NULL) AND (grid IS NULL) = (neighbours IS NULL)",
        ),
    )
    op.create_index("ix_incident_received", table, ["county", "received_at", "id"])
    op.create_index("ix_incident_grid", table, ["county", "grid", "received_at"])


def _events() -> None:
    op.create_table(
        "event",
        _text("county"),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        _text("name"),
        sa.Column("payload", JSON, nullable=False),
        _key("event", "position"),
        _check("event", "position", "position >= 1"),
        comment="Append-only, one order without holes: triggers of both stores see to it",
    )
    for statement in _POSTGRESQL_TRIGGERS if _postgresql() else _SQLITE_TRIGGERS:
        op.execute(statement)


_SQLITE_TRIGGERS = (
    "CREATE TRIGGER event_no_update BEFORE UPDATE ON event"
    " BEGIN SELECT RAISE(ABORT, 'events are append-only'); END",
    "CREATE TRIGGER event_no_delete BEFORE DELETE ON event"
    " BEGIN SELECT RAISE(ABORT, 'events are append-only'); END",
    "CREATE TRIGGER event_no_hole BEFORE INSERT ON event"
    " WHEN NEW.position <> 1 + coalesce("
    "(SELECT max(position) FROM event WHERE county = NEW.county), 0)"
    " BEGIN SELECT RAISE(ABORT, 'event positions have no holes'); END",
)

_POSTGRESQL_TRIGGERS = (
    """
    CREATE FUNCTION event_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'events are append-only'; END $$
    """,
    """
    CREATE TRIGGER event_no_change BEFORE UPDATE OR DELETE ON event
    FOR EACH ROW EXECUTE FUNCTION event_append_only()
    """,
    """
    CREATE TRIGGER event_no_truncate BEFORE TRUNCATE ON event
    FOR EACH STATEMENT EXECUTE FUNCTION event_append_only()
    """,
    """
    CREATE FUNCTION event_no_hole() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.position <> 1 + coalesce(
            (SELECT max(position) FROM event WHERE county = NEW.county), 0
        ) THEN
            RAISE EXCEPTION 'event positions have no holes';
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER event_no_hole BEFORE INSERT ON event
    FOR EACH ROW EXECUTE FUNCTION event_no_hole()
    """,
)
