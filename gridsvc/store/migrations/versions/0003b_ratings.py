"""The last rating of a case stands on the case, so that lists can ask for it."""

import sqlalchemy as sa
from alembic import op

revision = "0003b"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the rating, and take those given so far from the event log."""
    op.add_column("incident", sa.Column("rating", sa.Text(), nullable=False, server_default=""))
    postgres = op.get_bind().dialect.name == "postgresql"

    def said(name: str) -> str:
        return f"payload ->> '{name}'" if postgres else f"json_extract(payload, '$.{name}')"

    # Only of cases that were rated: the others have nothing to look for.
    op.execute(
        f"UPDATE incident SET rating = coalesce((SELECT {said('rating')} FROM event"
        " WHERE event.county = incident.county AND event.incident = incident.id"
        f" AND event.name = 'case_stepped' AND {said('step')} = 'rate'"
        " ORDER BY event.position DESC LIMIT 1), '')"
        " WHERE EXISTS (SELECT 1 FROM event WHERE event.county = incident.county"
        " AND event.incident = incident.id AND event.name = 'case_stepped'"
        f" AND {said('step')} = 'rate')"
    )
