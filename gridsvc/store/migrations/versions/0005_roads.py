"""Roads and what closes them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from gridsvc.store.geometry import GeometryColumn, Moment

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    """Make the tables of roads and of closures."""
    _versions()
    _edges()
    _closures()


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _whole(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer(), nullable=False) for name in names]


def _versions() -> None:
    op.create_table(
        "road_version",
        *_texts("county"),
        sa.Column("version", sa.Integer(), nullable=False, autoincrement=False),
        *_texts("source"),
        sa.Column(
            "digest",
            sa.Text(),
            nullable=False,
            comment="The same for the same roads",
        ),
        *_whole("nodes", "edges"),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("published_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("county", "version", name="pk_road_version"),
        sa.CheckConstraint("version >= 1", name=op.f("ck_road_version_version")),
        comment="Every import of roads; the edges are those of the last one alone",
    )


def _edges() -> None:
    op.create_table(
        "road_edge",
        *_texts("county"),
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        *_whole("version"),
        *_texts("edge"),
        sa.Column(
            "tail", sa.Integer(), nullable=False, comment="Number of the node where it begins"
        ),
        *_whole("head"),
        sa.Column(
            "along",
            sa.Integer(),
            nullable=False,
            comment="Who may: 1 on foot, 2 motorcycles, 4 cars",
        ),
        *_whole("against"),
        sa.Column("length_m", sa.Double(), nullable=False),
        sa.Column("limit_kmh", sa.Double()),
        *_texts("road_class", "surface", "name"),
        sa.Column("geometry", GeometryColumn("LINESTRING"), nullable=False),
        sa.PrimaryKeyConstraint("county", "number", name="pk_road_edge"),
        sa.UniqueConstraint("county", "edge", name="uq_road_edge_county_edge"),
        sa.ForeignKeyConstraint(
            ["county", "version"],
            ["road_version.county", "road_version.version"],
            name="fk_road_edge_version",
        ),
        sa.CheckConstraint("length_m >= 0", name=op.f("ck_road_edge_length_m")),
    )
    _gist("road_edge")


def _closures() -> None:
    op.create_table(
        "closure",
        *_texts("county", "id"),
        sa.Column("geometry", GeometryColumn("GEOMETRY")),
        sa.Column(
            "edges", JSON, nullable=False, comment="Edges that are named, whatever their place"
        ),
        sa.Column("vehicles", JSON, nullable=False),
        sa.Column("starts_at", Moment(), nullable=False),
        sa.Column("ends_at", Moment()),
        *_texts("reason", "made_by"),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column("lifted_at", Moment()),
        sa.PrimaryKeyConstraint("county", "id", name="pk_closure"),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_closure_ends_at")),
        comment="Roads that cannot be used for a time; what it says may name people, events do not",
    )
    op.create_index("ix_closure_starts_at", "closure", ["county", "starts_at"])
    _gist("closure")


def _gist(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.create_index(f"ix_{table}_geometry_gist", table, ["geometry"], postgresql_using="gist")
