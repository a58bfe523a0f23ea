"""Cases: stages and clocks, assignments, claims, supervision, decisions, stored answers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from gridsvc.store.geometry import Moment

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")

_STAGES = (
    "'paperwork_owed', 'registered', 'routed', 'handling', 'replied', 'rated', 'archived', "
    "'refused', 'transferred', 'merged', 'false_alarm', 'withdrawn'"
)
_STATES = (
    "'assigned', 'notified', 'accepted', 'en_route', 'arrived', 'done', 'declined', "
    "'stood_down', 'released'"
)


def upgrade() -> None:
    """Give incidents their handling, and make the tables beside it."""
    _incidents()
    _events()
    _assignments()
    _supervisions()
    _decisions()
    _notes()


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, Moment(), nullable=nullable)


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint("county", *columns, name=f"pk_{table}")


def _refers(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["county", column], [f"{target}.county", f"{target}.id"], name=f"fk_{table}_{column}"
    )


def _incidents() -> None:
    # Reports taken before there were cases have been dealt with: they are archived.
    for column in (
        sa.Column("reporter", sa.Text(), comment="Id of a person"),
        sa.Column("unplaced", JSON, comment="Why the place is not known: [zh, en] each"),
        _moment("due_at", nullable=True),
        _moment("paperwork_due_at", nullable=True),
        _moment("closed_at", nullable=True),
        _text("merged_into", nullable=True),
    ):
        op.add_column("incident", column)
    for name, kind, default in (
        ("confidential", sa.Boolean(), sa.false()),
        ("given", sa.Text(), ""),
        ("first_contact", sa.Text(), ""),
        ("owner", sa.Text(), ""),
        ("supervised", sa.Boolean(), sa.false()),
        ("reminders", sa.Integer(), "0"),
    ):
        op.add_column("incident", sa.Column(name, kind, nullable=False, server_default=default))
    op.execute(
        "ALTER TABLE incident ADD COLUMN stage TEXT DEFAULT 'archived' NOT NULL "
        f"CONSTRAINT ck_incident_stage CHECK (stage IN ({_STAGES}))"
    )
    op.create_index("ix_incident_stage", "incident", ["county", "stage", "received_at", "id"])
    op.create_index("ix_incident_kind", "incident", ["county", "kind", "lng"])


def _events() -> None:
    op.add_column("event", _text("incident", nullable=True))
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE event DISABLE TRIGGER event_no_change")
        op.execute("UPDATE event SET incident = payload ->> 'incident' WHERE payload ? 'incident'")
        op.execute("ALTER TABLE event ENABLE TRIGGER event_no_change")
    else:
        op.execute("DROP TRIGGER event_no_update")
        op.execute("UPDATE event SET incident = json_extract(payload, '$.incident')")
        op.execute(
            "CREATE TRIGGER event_no_update BEFORE UPDATE ON event"
            " BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
        )
    op.create_index("ix_event_incident", "event", ["county", "incident", "position"])


def _assignments() -> None:
    op.create_table(
        "assignment",
        _text("county"),
        _text("id"),
        _text("incident"),
        _text("responder"),
        _text("capability"),
        _text("state"),
        sa.Column("stand_off", sa.Boolean(), nullable=False),
        sa.Column("eta_s", sa.Double(), nullable=False),
        sa.Column("distance_m", sa.Double(), nullable=False),
        _text("basis"),
        _moment("assigned_at"),
        _moment("changed_at"),
        _text("changed_by"),
        _key("assignment", "id"),
        _refers("assignment", "incident", "incident"),
        _refers("assignment", "responder", "responder"),
        sa.CheckConstraint(f"state IN ({_STATES})", name=op.f("ck_assignment_state")),
    )
    op.create_index("ix_assignment_incident", "assignment", ["county", "incident"])
    op.create_index("ix_assignment_responder", "assignment", ["county", "responder"])
    op.create_table(
        "claim",
        _text("county"),
        _text("responder"),
        _text("assignment"),
        _text("number"),
        _key("claim", "responder"),
        comment="Who is taken, and by which case: a row that only one transaction can insert",
    )


def _supervisions() -> None:
    op.create_table(
        "supervision",
        _text("county"),
        _text("id"),
        _text("incident"),
        _text("level"),
        _text("supervisor"),
        _moment("reply_by"),
        _text("note"),
        _moment("ordered_at"),
        _moment("replied_at", nullable=True),
        _key("supervision", "id"),
        _refers("supervision", "incident", "incident"),
    )
    op.create_index("ix_supervision_incident", "supervision", ["county", "incident"])


def _decisions() -> None:
    op.create_table(
        "decision",
        _text("county"),
        _text("incident"),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        _moment("made_at"),
        sa.Column("payload", JSON, nullable=False),
        _key("decision", "incident", "number"),
        _refers("decision", "incident", "incident"),
        comment=(
            "Who could go, why, and who could not: ids, numbers and sentences, no personal data"
        ),
    )
    op.create_table(
        "receipt",
        _text("county"),
        _text("caller"),
        _text("key"),
        _text("digest"),
        _text("incident"),
        sa.Column("answer", JSON, nullable=False),
        _moment("at"),
        _key("receipt", "caller", "key"),
        _refers("receipt", "incident", "incident"),
        comment="What was answered to an Idempotency-Key, without personal data",
    )


def _notes() -> None:
    op.create_table(
        "note",
        _text("county"),
        _text("incident"),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        _moment("at"),
        _text("by"),
        _text("step"),
        _text("text"),
        _key("note", "incident", "number"),
        _refers("note", "incident", "incident"),
        comment="What was written at a step: words may name people, so events have none of it",
    )
