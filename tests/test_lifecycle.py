"""The tables of steps: the page drawn from them, and what must hold of any such table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsvc.domain.errors import ConflictError
from gridsvc.domain.lifecycle import (
    ASSIGNMENT,
    ASSIGNMENT_STATE_NAMES,
    ASSIGNMENT_STEP_NAMES,
    CASE,
    ENDED,
    GOING,
    LATE,
    OPEN_STAGES,
    STAGE_NAMES,
    STEP_NAMES,
    AssignmentState,
    AssignmentStep,
    Stage,
    Step,
    next_stage,
    next_state,
)
from tests.lifecycle_page import PAGE, page


def test_the_page_is_drawn_from_the_tables() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tests.lifecycle_page"


def test_every_state_and_step_is_in_the_tables_and_has_a_name() -> None:
    assert set(CASE) == set(Stage) == set(STAGE_NAMES)
    assert set(ASSIGNMENT) == set(AssignmentState) == set(ASSIGNMENT_STATE_NAMES)
    assert {step for steps in CASE.values() for step in steps} == set(Step) == set(STEP_NAMES)
    used = {step for steps in ASSIGNMENT.values() for step in steps}
    assert used == set(AssignmentStep) == set(ASSIGNMENT_STEP_NAMES)


def test_every_stage_can_be_reached_and_every_open_one_can_be_archived() -> None:
    reached = {Stage.REGISTERED, Stage.PAPERWORK_OWED}
    while more := {after for stage in reached for after in CASE[stage].values()} - reached:
        reached |= more
    assert reached == set(Stage)
    for stage in OPEN_STAGES:
        seen = {stage}
        while more := {after for one in seen for after in CASE[one].values()} - seen:
            seen |= more
        assert Stage.ARCHIVED in seen


def test_paperwork_owed_is_left_by_paperwork_or_by_an_exit_alone() -> None:
    entered = [stage for stage, steps in CASE.items() if Stage.PAPERWORK_OWED in steps.values()]
    assert entered == []
    assert set(CASE[Stage.PAPERWORK_OWED].values()) == {
        Stage.HANDLING,
        Stage.MERGED,
        Stage.FALSE_ALARM,
        Stage.WITHDRAWN,
    }


@given(st.sampled_from(Stage), st.sampled_from(Step))
def test_law_a_step_is_of_the_table_or_a_conflict(stage: Stage, step: Step) -> None:
    if step in CASE[stage]:
        assert next_stage(stage, step) is CASE[stage][step]
    else:
        with pytest.raises(ConflictError) as caught:
            next_stage(stage, step)
        (fault,) = caught.value.faults
        assert STAGE_NAMES[stage].zh in fault.text.zh
        assert all(one in fault.text.en for one in CASE[stage])


@given(st.lists(st.sampled_from(AssignmentStep), max_size=12))
def test_law_who_is_free_again_comes_back_by_a_late_acceptance_alone(
    steps: list[AssignmentStep],
) -> None:
    state = AssignmentState.OFFERED
    for step in steps:
        before = state
        try:
            state = next_state(state, step)
        except ConflictError:
            continue
        if before in ENDED:
            assert (before in LATE, step, state) == (True, "accept", "accepted")


def test_nothing_leads_back_to_an_offer_and_only_the_late_leave_an_end() -> None:
    for state, steps in ASSIGNMENT.items():
        assert AssignmentState.OFFERED not in steps.values() or state is AssignmentState.OFFERED
    assert {state for state in ENDED if ASSIGNMENT[state]} == LATE
    assert GOING.isdisjoint(ENDED)
