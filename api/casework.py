"""The handling of cases: steps, people, orders, reminders, and two that become one."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field

from api.auth import TheCaller
from api.case_answers import (
    AssignmentAnswer,
    SupervisionAnswer,
    assignment_answer,
    supervision_answer,
)
from api.language import Speech
from api.runtime import TheRuntime
from api.shapes import Answer, Body, Moment, Readable, county_time
from gridsvc.domain.case import Case
from gridsvc.domain.lifecycle import CASE, STAGE_NAMES, AssignmentStep, Step
from gridsvc.domain.words import Lang
from gridsvc.flows.casework import Action

router = APIRouter(prefix="/api/v1", tags=["casework"])

Which = Annotated[str, Path(max_length=64), Readable]
Words = Annotated[str, Field(max_length=2000), Readable]
Name = Annotated[str, Field(max_length=100), Readable]


class StepBody(Body):
    """A step of the case table. ``route`` needs an ``owner``, ``refuse`` and ``transfer`` a
    ``note``, ``rate`` a ``rating`` (satisfied, fairly_satisfied, dissatisfied)."""

    step: Annotated[Step, Field(strict=False)]
    owner: Name = ""
    note: Words = ""
    rating: Name = ""


class StageAnswer(Answer):
    """Where the case stands now, and the ``steps`` possible from here."""

    stage: str
    stage_name: str
    owner: str
    closed_at: str | None
    merged_into: str | None
    supervised: bool
    reminders: int
    steps: list[str]


class SteppedAnswer(StageAnswer):
    """A case after a step. ``assignments`` are those whom the step has sent: an urgent case that is
    opened again is dispatched at once, and owes its paperwork by ``paperwork_due_at``."""

    paperwork_due_at: str | None
    assignments: list[AssignmentAnswer]


class MergeBody(Body):
    """The case (id or number) that this one becomes part of."""

    into: Annotated[str, Field(max_length=64), Readable]


class AssignBody(Body):
    """Whom a person has chosen, by id: all of them are assigned or nobody."""

    responders: Annotated[
        list[Annotated[str, Field(max_length=64), Readable]], Field(max_length=50)
    ]


class AssignmentsAnswer(Answer):
    """Who was just assigned."""

    assignments: list[AssignmentAnswer]


class AssignmentStepBody(Body):
    """A step of the assignment table; ``on_behalf``: recorded by telephone (代接单). Who declines
    may give a ``reason``: declined, busy, too_far, unwell, no_transport, unsafe, other."""

    step: Annotated[AssignmentStep, Field(strict=False)]
    on_behalf: bool = False
    reason: Name = ""
    note: Words = ""


class RecallBody(Body):
    """Without a ``token``: only say what a recall would do. With the token of that answer and a
    ``reason``: do it."""

    token: Annotated[str, Field(max_length=64), Readable] = ""
    reason: Words = ""


class RecallAnswer(Answer):
    """``done`` False: nothing is changed yet, ``token`` confirms until ``confirm_by``, and these
    people would be stood down. True: they are."""

    done: bool
    token: str
    confirm_by: str | None
    assignments: list[AssignmentAnswer]


class SupervisionBody(Body):
    """A supervision order (督办): who orders it at which level, and by when a reply is due."""

    level: Name
    supervisor: Name
    reply_by: Moment
    note: Words = ""


@router.post("/incidents/{key}/steps")
def step(
    key: Which, body: StepBody, runtime: TheRuntime, caller: TheCaller, lang: Speech
) -> SteppedAnswer:
    """Take a step; one that the table does not have is a 409 that changes nothing."""
    action = Action(body.step, body.owner, body.note, body.rating)
    done = runtime.step(key, action, caller=caller)
    due, find = done.case.paperwork_due_at, runtime.force().get
    return SteppedAnswer(
        **dict(_stage(done.case, lang)),
        paperwork_due_at=None if due is None else county_time(due),
        assignments=[assignment_answer(one, find, lang) for one in done.assignments],
    )


@router.post("/incidents/{key}/merge")
def merge(
    key: Which, body: MergeBody, runtime: TheRuntime, caller: TheCaller, lang: Speech
) -> StageAnswer:
    """Make this case part of another one; those sent to it stay sent, to the other."""
    return _stage(runtime.merge(key, body.into, caller=caller), lang)


@router.post("/incidents/{key}/assignments", status_code=201)
def assign(
    key: Which, body: AssignBody, runtime: TheRuntime, caller: TheCaller, lang: Speech
) -> AssignmentsAnswer:
    """Confirm a recommendation: assign the people named."""
    made = runtime.assign(key, body.responders, caller=caller)
    find = runtime.force().get
    return AssignmentsAnswer(assignments=[assignment_answer(one, find, lang) for one in made])


@router.post("/assignments/{id}/steps")
def step_assignment(
    id: Which,  # noqa: A002
    body: AssignmentStepBody,
    runtime: TheRuntime,
    caller: TheCaller,
    lang: Speech,
) -> AssignmentAnswer:
    """Take a step of an assignment; one that the table does not have is a 409."""
    one = runtime.step_assignment(
        id,
        body.step,
        on_behalf=body.on_behalf,
        caller=caller,
        reason=body.reason,
        note=body.note,
    )
    return assignment_answer(one, runtime.force().get, lang)


@router.post("/incidents/{key}/recall")
def recall(
    key: Which, body: RecallBody, runtime: TheRuntime, caller: TheCaller, lang: Speech
) -> RecallAnswer:
    """Call a dispatch off in two steps: everybody is stood down and told, the case stays open."""
    find = runtime.force().get
    if not body.token:
        prepared = runtime.prepare_recall(key, caller=caller)
        return RecallAnswer(
            done=False,
            token=prepared.token,
            confirm_by=county_time(prepared.confirm_by),
            assignments=[assignment_answer(one, find, lang) for one in prepared.assignments],
        )
    _, gone = runtime.recall(key, body.token, body.reason, caller=caller)
    told = [assignment_answer(one, find, lang) for one in gone]
    return RecallAnswer(done=True, token="", confirm_by=None, assignments=told)


@router.post("/incidents/{key}/supervision", status_code=201)
def supervise(
    key: Which, body: SupervisionBody, runtime: TheRuntime, caller: TheCaller
) -> SupervisionAnswer:
    """Put a supervision order over an open case."""
    order = runtime.supervise(
        key,
        level=body.level,
        supervisor=body.supervisor,
        reply_by=body.reply_by,
        note=body.note,
        caller=caller,
    )
    return supervision_answer(order)


@router.post("/incidents/{key}/supervision/reply")
def reply(key: Which, runtime: TheRuntime, caller: TheCaller, lang: Speech) -> StageAnswer:
    """Record that the supervision orders over a case are answered."""
    return _stage(runtime.reply_to_supervision(key, caller=caller), lang)


@router.post("/incidents/{key}/reminders")
def remind(key: Which, runtime: TheRuntime, caller: TheCaller, lang: Speech) -> StageAnswer:
    """Remind whoever answers for an open case."""
    return _stage(runtime.remind(key, caller=caller), lang)


def _stage(case: Case, lang: Lang) -> StageAnswer:
    return StageAnswer(
        stage=case.stage,
        stage_name=STAGE_NAMES[case.stage].pick(lang),
        owner=case.owner,
        closed_at=None if case.closed_at is None else county_time(case.closed_at),
        merged_into=case.merged_into,
        supervised=case.supervised,
        reminders=case.reminders,
        steps=[*CASE[case.stage]],
    )
