"""Offers: waves, answers in time, alarms of a case, and timers that survive restarts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from gridsvc.store.geometry import Moment

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")

_STATES = (
    "'offered', 'accepted', 'declined', 'expired', 'en_route', 'arrived', 'done', 'stood_down', "
    "'released'"
)
_KEPT = (
    *("county", "id", "incident", "responder", "capability", "stand_off", "eta_s", "distance_m"),
    *("basis", "assigned_at", "changed_at", "changed_by"),
)
_TOLD = "CASE WHEN state = 'notified' THEN changed_at END"
_STATE = "CASE WHEN state IN ('assigned', 'notified') THEN 'offered' ELSE state END"


def upgrade() -> None:
    """Give cases their alarms and assignments their offers, and make the table of timers."""
    _incidents()
    if op.get_bind().dialect.name == "postgresql":
        _assignments_in_place()
    else:
        _assignments_anew()
    _timers()


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, Moment(), nullable=nullable)


def _refers(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["county", column], [f"{target}.county", f"{target}.id"], name=f"fk_{table}_{column}"
    )


def _incidents() -> None:
    op.add_column(
        "incident",
        sa.Column("unanswered_since", Moment(), comment="Too few have accepted since then"),
    )
    op.add_column("incident", _moment("escalated_at", nullable=True))
    for name, kind, default in (
        ("nobody_left", sa.Boolean(), sa.false()),
        ("escalation", sa.Integer(), "0"),
        ("silent", sa.Integer(), "0"),
        ("by_hand", sa.Boolean(), sa.false()),
    ):
        op.add_column("incident", sa.Column(name, kind, nullable=False, server_default=default))


def _offer_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("wave", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("reserve", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("also", JSON, nullable=False, server_default="[]"),
        sa.Column(
            "why", JSON, comment="Why this one is asked for the incident's own people: [zh, en]"
        ),
        _moment("answer_by", nullable=True),
        _moment("notified_at", nullable=True),
        _moment("rung_at", nullable=True),
        _moment("silent_since", nullable=True),
        sa.Column("reason", sa.Text(), nullable=False, server_default="", comment="A code"),
        sa.Column("on_behalf", sa.Boolean(), nullable=False, server_default=sa.false()),
    ]


def _assignments_in_place() -> None:
    for column in _offer_columns():
        op.add_column("assignment", column)
    op.drop_constraint(op.f("ck_assignment_state"), "assignment", type_="check")
    op.execute(f"UPDATE assignment SET notified_at = {_TOLD}, state = {_STATE}")
    op.create_check_constraint(op.f("ck_assignment_state"), "assignment", f"state IN ({_STATES})")


def _assignments_anew() -> None:
    """SQLite cannot change a constraint: the table is made anew."""
    for index in ("ix_assignment_incident", "ix_assignment_responder"):
        op.drop_index(index, "assignment")
    op.rename_table("assignment", "assignment_before")
    op.create_table(
        "assignment",
        *(_text(name) for name in ("county", "id", "incident", "responder", "capability")),
        _text("state"),
        sa.Column("stand_off", sa.Boolean(), nullable=False),
        sa.Column("eta_s", sa.Double(), nullable=False),
        sa.Column("distance_m", sa.Double(), nullable=False),
        _text("basis"),
        _moment("assigned_at"),
        _moment("changed_at"),
        _text("changed_by"),
        *_offer_columns(),
        sa.PrimaryKeyConstraint("county", "id", name="pk_assignment"),
        _refers("assignment", "incident", "incident"),
        _refers("assignment", "responder", "responder"),
        sa.CheckConstraint(f"state IN ({_STATES})", name=op.f("ck_assignment_state")),
    )
    kept = ", ".join(_KEPT)
    op.execute(
        f"INSERT INTO assignment ({kept}, state, notified_at) "
        f"SELECT {kept}, {_STATE}, {_TOLD} FROM assignment_before"
    )
    op.drop_table("assignment_before")
    op.create_index("ix_assignment_incident", "assignment", ["county", "incident"])
    op.create_index("ix_assignment_responder", "assignment", ["county", "responder"])


def _timers() -> None:
    op.create_table(
        "timer",
        _text("county"),
        _text("id"),
        _text("incident"),
        _text("assignment", nullable=True),
        _text("kind"),
        _moment("due_at"),
        sa.Column("payload", JSON, nullable=False),
        sa.PrimaryKeyConstraint("county", "id", name="pk_timer"),
        _refers("timer", "incident", "incident"),
        sa.CheckConstraint("kind IN ('offers', 'silence', 'recall')", name=op.f("ck_timer_kind")),
        comment="What is to happen at a moment to come; whoever deletes the row does it",
    )
    op.create_index("ix_timer_due", "timer", ["county", "due_at"])
    op.create_index("ix_timer_incident", "timer", ["county", "incident"])
