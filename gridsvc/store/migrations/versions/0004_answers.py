"""What was answered to a key as the text that it was: JSONB kept no order of its fields."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003b"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Turn the stored answers into text."""
    with op.batch_alter_table("receipt") as table:
        table.alter_column(
            "answer", type_=sa.Text(), existing_nullable=False, postgresql_using="answer::text"
        )
