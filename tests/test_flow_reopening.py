"""A closed case is opened again: an urgent one as it began, people sent before any paperwork."""

from datetime import UTC, datetime, timedelta

from fastapi.testclient import TestClient

from api.app import create_app
from gridsvc.domain.case import PAPERWORK_WITHIN
from gridsvc.domain.lifecycle import ENDED, Stage, Step
from gridsvc.flows.casework import Action
from gridsvc.flows.reports import Report
from gridsvc.runtime import Runtime
from tests.api_county import IN_U1, REPORT, client_of

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=2)
EVERYBODY = {"R0001", "R0002", "R0003", "R0004", "R0005"}
"""Whom the card asks for, and the one reserve there is."""

BACK_TO_WORK = (Action(Step.COMPLETE_PAPERWORK), Action(Step.SEND_BACK))
LEFT_BY = {
    Stage.FALSE_ALARM: (Action(Step.FALSE_ALARM),),
    Stage.WITHDRAWN: (Action(Step.WITHDRAW),),
    Stage.REFUSED: (*BACK_TO_WORK, Action(Step.REFUSE, note="不属本县")),
    Stage.TRANSFERRED: (*BACK_TO_WORK, Action(Step.TRANSFER, note="转师宗县")),
}


def illness(**given: object) -> Report:
    known = {"category": "emergency", "kind": "sudden_illness", "lng": IN_U1[0], "lat": IN_U1[1]}
    return Report(**{**known, **given})  # type: ignore[arg-type]


def at_work(runtime: Runtime, number: str) -> set[str]:
    file = runtime.show(number, by=runtime.local).file
    return {one.responder for one in file.assignments if one.state not in ENDED}


def take(runtime: Runtime, number: str, *actions: Action) -> None:
    for action in actions:
        runtime.step(number, action, caller=runtime.local)


def test_an_urgent_case_is_reopened_as_it_began(county_runtime: Runtime) -> None:
    runtime = county_runtime
    runtime.clock = lambda: NOW
    number = runtime.receive(illness()).incident.number
    for stage, actions in LEFT_BY.items():
        take(runtime, number, *actions)
        assert runtime.show(number, by=runtime.local).file.case.stage is stage
        assert at_work(runtime, number) == set()
        runtime.clock = lambda: LATER
        done = runtime.step(number, Action(Step.REOPEN), caller=runtime.local)
        case = runtime.show(number, by=runtime.local).file.case
        assert case == done.case
        assert case.stage is Stage.PAPERWORK_OWED
        assert case.paperwork_due_at == LATER + PAPERWORK_WITHIN
        assert case.closed_at is None
        assert {one.responder for one in done.assignments} == at_work(runtime, number) == EVERYBODY
        with runtime.store.read() as reading:
            assert reading.cases.taken() == dict.fromkeys(EVERYBODY, number)


def test_a_case_that_was_merged_is_reopened_with_people_of_its_own(
    county_runtime: Runtime,
) -> None:
    runtime = county_runtime
    first, second = (runtime.receive(illness()).incident.number for _ in range(2))
    runtime.merge(first, second, caller=runtime.local)
    before = at_work(runtime, second)
    done = runtime.step(first, Action(Step.REOPEN), caller=runtime.local)
    assert done.case.stage is Stage.PAPERWORK_OWED
    assert done.case.merged_into is None
    assert at_work(runtime, second) == before, "those who are at the other one stay there"
    assert at_work(runtime, first).isdisjoint(before)


def test_a_reply_that_was_no_good_goes_back_to_who_gave_it(county_runtime: Runtime) -> None:
    runtime = county_runtime
    number = runtime.receive(illness()).incident.number
    take(runtime, number, Action(Step.COMPLETE_PAPERWORK), Action(Step.REPLY), Action(Step.REOPEN))
    file = runtime.show(number, by=runtime.local).file
    assert (file.case.stage, file.case.paperwork_due_at) == (Stage.HANDLING, None)
    assert at_work(runtime, number) == set()


def test_an_ordinary_case_is_reopened_for_routing(county_runtime: Runtime) -> None:
    runtime = county_runtime
    report = illness(kind="old_and_young", category="livelihood")
    number = runtime.receive(report).incident.number
    take(runtime, number, Action(Step.WITHDRAW), Action(Step.REOPEN))
    file = runtime.show(number, by=runtime.local).file
    assert (file.case.stage, file.case.paperwork_due_at) == (Stage.REGISTERED, None)
    assert file.assignments == ()


def test_one_without_a_place_waits_for_it(county_runtime: Runtime) -> None:
    runtime = county_runtime
    number = runtime.receive(illness(lng=None, lat=None, address="老街")).incident.number
    take(runtime, number, Action(Step.FALSE_ALARM), Action(Step.REOPEN))
    assert at_work(runtime, number) == set()
    runtime.place(number, illness(), caller=runtime.local)
    assert at_work(runtime, number) == EVERYBODY


def test_the_answer_says_who_was_sent_anew(api_runtime: Runtime) -> None:
    api: TestClient = client_of(create_app(api_runtime))
    key = api.post("/api/v1/incidents", json=REPORT).json()["id"]
    steps = f"/api/v1/incidents/{key}/steps"
    assert api.post(steps, json={"step": "false_alarm"}).json()["assignments"] == []
    answer = api.post(steps, json={"step": "reopen"}).json()
    assert answer["stage"] == "paperwork_owed"
    assert answer["paperwork_due_at"] is not None
    assert {one["responder"] for one in answer["assignments"]} == EVERYBODY
