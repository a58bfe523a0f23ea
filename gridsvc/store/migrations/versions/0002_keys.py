"""API keys: names, roles and areas, and the hash of each secret."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from gridsvc.store.geometry import Moment

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    """Make the table of keys."""
    op.create_table(
        "api_key",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("county", "id", "name", "hash")),
        sa.Column("roles", JSON, nullable=False),
        sa.Column("area", sa.Text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("revoked_at", Moment()),
        sa.PrimaryKeyConstraint("county", "id", name="pk_api_key"),
        sa.CheckConstraint("length(hash) = 64", name=op.f("ck_api_key_hash")),
        comment="API keys; of a secret only its SHA-256 is kept",
    )
