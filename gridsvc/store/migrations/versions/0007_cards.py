"""Run cards with history, hand-overs, duty rosters, exclusions, recusals, doubtful places."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from gridsvc.store.geometry import Moment

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    """Give incidents an alarm level and a doubt, and make the tables beside them."""
    op.execute(
        "ALTER TABLE incident ADD COLUMN alarm_level INTEGER DEFAULT 1 NOT NULL "
        "CONSTRAINT ck_incident_alarm_level CHECK (alarm_level BETWEEN 1 AND 5)"
    )
    op.add_column("incident", sa.Column("doubt", JSON, comment="Why the place is not sure"))
    op.add_column("incident", sa.Column("handover_due_at", Moment()))
    _cards()
    _handovers()
    _rosters()
    _kept_out()
    _timers()


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _whole(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), autoincrement=False, nullable=False)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, Moment(), nullable=nullable)


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint("county", *columns, name=f"pk_{table}")


def _refers(table: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["county", target], [f"{target}.county", f"{target}.id"], name=f"fk_{table}_{target}"
    )


def _check(table: str, name: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))


def _cards() -> None:
    op.create_table(
        "run_card",
        _text("county"),
        _text("kind"),
        _whole("version"),
        sa.Column("data", JSON, nullable=False),
        _text("by"),
        _moment("at"),
        _text("reason"),
        _key("run_card", "kind", "version"),
        _check("run_card", "version", "version >= 1"),
        comment=(
            "Every version of a kind's run card; the highest is in force, none: the shipped one"
        ),
    )


def _handovers() -> None:
    op.create_table(
        "handover",
        _text("county"),
        _text("incident"),
        _text("service"),
        _moment("asked_at"),
        _text("asked_by"),
        _moment("answered_at", nullable=True),
        _text("operator"),
        _text("their_number"),
        _key("handover", "incident", "service"),
        _refers("handover", "incident"),
        _check("handover", "service", "service IN ('110', '119', '120', '122')"),
    )


def _rosters() -> None:
    op.create_table(
        "roster",
        _text("county"),
        _text("responder"),
        _whole("weekday"),
        _whole("starts"),
        sa.Column("ends", sa.Integer(), nullable=False),
        _key("roster", "responder", "weekday", "starts"),
        _refers("roster", "responder"),
        _check("roster", "weekday", "weekday BETWEEN 0 AND 6"),
        _check("roster", "starts", "starts BETWEEN 0 AND 1439"),
        _check("roster", "ends", "ends > starts AND ends <= starts + 1440"),
        comment=(
            "On duty each week: weekday from Monday 0, minutes of its day; ends may reach the next"
        ),
    )
    op.create_table(
        "roster_exception",
        _text("county"),
        _text("id"),
        _text("responder"),
        _moment("starts_at"),
        _moment("ends_at"),
        sa.Column("on_duty", sa.Boolean(), nullable=False),
        _text("reason"),
        _text("by"),
        _moment("at"),
        _key("roster_exception", "id"),
        _refers("roster_exception", "responder"),
        _check("roster_exception", "ends_at", "starts_at < ends_at"),
    )


def _kept_out() -> None:
    op.create_table(
        "exclusion",
        _text("county"),
        _text("id"),
        _text("responder"),
        _text("incident", nullable=True),
        _moment("until", nullable=True),
        _text("reason"),
        _text("by"),
        _moment("at"),
        _moment("lifted_at", nullable=True),
        _key("exclusion", "id"),
        _refers("exclusion", "responder"),
        _refers("exclusion", "incident"),
        comment="Who is not to be sent, by an officer's hand: to one incident, or (null) to any",
    )
    op.create_index("ix_exclusion_lifted", "exclusion", ["county", "lifted_at"])
    op.create_table(
        "recusal",
        _text("county"),
        _text("incident"),
        _text("responder"),
        _text("by"),
        _moment("at"),
        _key("recusal", "incident", "responder"),
        _refers("recusal", "incident"),
        _refers("recusal", "responder"),
        comment="Who is party to an incident or a relative of a party, and is never offered it",
    )


_KINDS = "kind IN ('offers', 'silence', 'recall', 'place', 'handovers')"


def _timers() -> None:
    """Let timers be of the new kinds, too."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(op.f("ck_timer_kind"), "timer", type_="check")
        op.create_check_constraint(op.f("ck_timer_kind"), "timer", _KINDS)
        return
    # SQLite cannot change a constraint: the table is made anew.
    for index in ("ix_timer_due", "ix_timer_incident"):
        op.drop_index(index, "timer")
    op.rename_table("timer", "timer_before")
    op.create_table(
        "timer",
        _text("county"),
        _text("id"),
        _text("incident"),
        _text("assignment", nullable=True),
        _text("kind"),
        _moment("due_at"),
        sa.Column("payload", JSON, nullable=False),
        _key("timer", "id"),
        _refers("timer", "incident"),
        _check("timer", "kind", _KINDS),
        comment="What is to happen at a moment to come; whoever deletes the row does it",
    )
    kept = "county, id, incident, assignment, kind, due_at, payload"
    op.execute(f"INSERT INTO timer ({kept}) SELECT {kept} FROM timer_before")
    op.drop_table("timer_before")
    op.create_index("ix_timer_due", "timer", ["county", "due_at"])
    op.create_index("ix_timer_incident", "timer", ["county", "incident"])
