"""Messages and links, the own keys of responders, and positions out of the event log."""

import sqlalchemy as sa
from alembic import op

from gridsvc.store.geometry import Moment

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_KINDS = "'assigned', 'call', 'stood_down', 'thanked', 'redirected', 'check'"
_EVENT = "Position of the event it tells of"
_STATES = "'queued', 'sent', 'failed', 'given_up', 'dropped'"


def upgrade() -> None:
    """Make the two tables, and two columns more."""
    moved = "The count of the counter 'moves' at the last move"
    op.add_column("responder", sa.Column("moved", sa.BigInteger(), comment=moved))
    op.create_index("ix_responder_moved", "responder", ["county", "moved"])
    op.add_column("api_key", sa.Column("responder", sa.Text(), comment="Whose own key it is"))
    op.create_table(
        "message",
        *(_text(name) for name in ("county", "id", "assignment", "responder", "channel", "kind")),
        sa.Column("event", sa.BigInteger(), nullable=False, comment=_EVENT),
        _text("state"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("next_at", Moment(), nullable=False),
        sa.Column("sent_at", Moment()),
        _text("error"),
        sa.PrimaryKeyConstraint("county", "id", name="pk_message"),
        sa.UniqueConstraint(
            "county", "assignment", "event", "channel", name="uq_message_assignment"
        ),
        _of_assignment("message"),
        sa.CheckConstraint(f"kind IN ({_KINDS})", name=op.f("ck_message_kind")),
        sa.CheckConstraint(f"state IN ({_STATES})", name=op.f("ck_message_state")),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_message_attempts")),
        comment="The outbox: ids alone; words and addresses are made when one is sent",
    )
    op.create_index("ix_message_due", "message", ["county", "channel", "state", "next_at"])
    op.create_table(
        "link",
        _text("county"),
        _text("hash"),
        _text("assignment"),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("county", "hash", name="pk_link"),
        _of_assignment("link"),
        sa.CheckConstraint("length(hash) = 64", name=op.f("ck_link_hash")),
        comment="Links that open one assignment; of a token only its SHA-256 is kept",
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _of_assignment(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["county", "assignment"],
        ["assignment.county", "assignment.id"],
        name=f"fk_{table}_assignment",
    )
