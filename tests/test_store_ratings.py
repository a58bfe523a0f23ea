"""Ratings given before a case kept them: they are taken from the event log."""

from typing import Any

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import text

from gridsvc.domain.lifecycle import Step
from gridsvc.flows.casework import Action
from gridsvc.flows.reports import Report
from gridsvc.runtime import Runtime
from gridsvc.store import CaseFilter
from gridsvc.store.migrate import alembic_config
from tests.api_county import IN_U1


def migration() -> Any:
    """The migration, wherever it stands among the others."""
    every = ScriptDirectory.from_config(alembic_config()).walk_revisions()
    return next(one.module for one in every if one.path.endswith("_ratings.py"))


def test_the_migration_finds_the_last_rating_of_every_case(county_runtime: Runtime) -> None:
    runtime = county_runtime
    given = {"category": "livelihood", "kind": "old_and_young", "lng": IN_U1[0], "lat": IN_U1[1]}
    numbers = [runtime.receive(Report(**given)).incident.number for _ in range(3)]  # type: ignore[arg-type]
    answer = (Action(Step.START), Action(Step.REPLY))
    again = (Action(Step.REOPEN), Action(Step.REPLY))
    bad, good = (Action(Step.RATE, rating=rating) for rating in ("dissatisfied", "satisfied"))
    for number, actions in zip(
        numbers, ((*answer, bad, *again, good), (*answer, bad), answer), strict=True
    ):
        for action in actions:
            runtime.step(number, action, caller=runtime.local)

    def ratings() -> dict[str, str]:
        page = runtime.page(CaseFilter(), limit=9, before=None, by=runtime.local)
        return {incident.number: case.rating for incident, case in page.cases}

    before = ratings()
    assert [before[number] for number in numbers] == ["satisfied", "dissatisfied", ""]
    with runtime.store._engine.begin() as connection:
        connection.execute(text("ALTER TABLE incident DROP COLUMN rating"))
        with Operations.context(MigrationContext.configure(connection)):
            migration().upgrade()
    assert ratings() == before
