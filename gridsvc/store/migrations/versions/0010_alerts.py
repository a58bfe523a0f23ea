"""叫应: alerts, and the calls that each of them makes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from gridsvc.store.geometry import GeometryColumn, Moment

revision = "0010"
down_revision = "0008"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "alert",
        _text("county"),
        _text("id"),
        _text("number"),
        sa.Column("key", sa.Text(), comment="Whoever sends it again gets the alert that it made"),
        _text("digest"),
        _text("hazard"),
        _text("level"),
        _text("text"),
        sa.Column("polygon", GeometryColumn("MULTIPOLYGON"), nullable=False),
        sa.Column("issued_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        _text("by"),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("map_version", sa.Integer(), nullable=False),
        sa.Column("places", JSON, nullable=False, comment="[township, village] each"),
        sa.Column("gaps", JSON, nullable=False, comment="[code, township, village, others] each"),
        sa.Column("ended_at", Moment()),
        _text("ended_by"),
        sa.PrimaryKeyConstraint("county", "id", name="pk_alert"),
        sa.UniqueConstraint("county", "number", name="uq_alert_county_number"),
        sa.UniqueConstraint("county", "key", name="uq_alert_county_key"),
        _refers("alert", "map_version", "map_version", "version"),
        _check("alert", "hazard", "'flood', 'landslide', 'other'"),
        _check("alert", "level", "'red', 'orange', 'yellow', 'blue'"),
    )
    op.create_index("ix_alert_issued", "alert", ["county", "issued_at", "id"])
    if op.get_bind().dialect.name == "postgresql":
        op.create_index("ix_alert_polygon_gist", "alert", ["polygon"], postgresql_using="gist")
    op.create_table(
        "alert_call",
        *(_text(name) for name in ("county", "alert", "responder", "role", "area")),
        *(_text(name) for name in ("township", "village", "why", "state")),
        sa.Column("at", Moment(), nullable=False),
        _text("told_by"),
        _text("by"),
        sa.PrimaryKeyConstraint("county", "alert", "responder", name="pk_alert_call"),
        _refers("alert_call", "alert", "alert", "id"),
        _refers("alert_call", "responder", "responder", "id"),
        _check("alert_call", "why", "'area', 'position'"),
        _check("alert_call", "state", "'called', 'answered', 'told_in_person', 'unreached'"),
        comment="Who is called by an alert, and whether they were reached: ids, no personal data",
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _refers(table: str, column: str, target: str, key: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["county", column], [f"{target}.county", f"{target}.{key}"], name=f"fk_{table}_{column}"
    )


def _check(table: str, column: str, values: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} IN ({values})", name=op.f(f"ck_{table}_{column}"))
