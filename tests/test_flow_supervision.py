"""A supervision order is owed until it is answered, whatever becomes of its case."""

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from gridsvc.domain.errors import ConflictError
from gridsvc.domain.lifecycle import Step
from gridsvc.flows.casework import Action
from gridsvc.flows.reports import Report
from gridsvc.runtime import Runtime
from tests.api_county import IN_U1, REPORT, client_of

ENDS = (
    Action(Step.FALSE_ALARM),
    Action(Step.WITHDRAW),
    Action(Step.REFUSE, note="不属本县"),
    Action(Step.TRANSFER, note="转师宗县"),
)


def ordinary(runtime: Runtime) -> str:
    given = {"category": "livelihood", "kind": "old_and_young", "lng": IN_U1[0], "lat": IN_U1[1]}
    return runtime.receive(Report(**given)).incident.number  # type: ignore[arg-type]


def order(runtime: Runtime, number: str) -> str:
    made = runtime.supervise(
        number,
        level="县级",
        supervisor="县委政法委",
        reply_by=runtime.clock() + timedelta(days=3),
        note="",
        caller=runtime.local,
    )
    return made.id


def test_a_case_is_not_closed_over_an_order(county_runtime: Runtime) -> None:
    runtime = county_runtime
    number = ordinary(runtime)
    for action in ENDS:
        order(runtime, number)
        before = runtime.show(number, by=runtime.local)
        with pytest.raises(ConflictError) as refused:
            runtime.step(number, action, caller=runtime.local)
        (fault,) = refused.value.faults
        assert fault.code == "supervision_owed"
        assert all(word in fault.text.zh for word in ("县级", "县委政法委", "/supervision/reply"))
        assert runtime.show(number, by=runtime.local) == before
        runtime.reply_to_supervision(number, caller=runtime.local)
        runtime.step(number, action, caller=runtime.local)
        assert not runtime.show(number, by=runtime.local).file.case.open
        runtime.step(number, Action(Step.REOPEN), caller=runtime.local)


@pytest.mark.parametrize("last", [Action(Step.RATE, rating="satisfied"), Action(Step.ARCHIVE)])
def test_an_answered_case_keeps_its_order_until_that_is_answered_too(
    county_runtime: Runtime, last: Action
) -> None:
    runtime = county_runtime
    number = ordinary(runtime)
    order(runtime, number)
    for step in (Step.START, Step.REPLY):
        runtime.step(number, Action(step), caller=runtime.local)
    with pytest.raises(ConflictError):
        runtime.step(number, last, caller=runtime.local)
    assert runtime.open_cases()["supervised"] == 1
    runtime.reply_to_supervision(number, caller=runtime.local)
    runtime.step(number, last, caller=runtime.local)


def test_an_order_goes_with_its_case_into_another(county_runtime: Runtime) -> None:
    runtime = county_runtime
    gone, stays = ordinary(runtime), ordinary(runtime)
    answered, owed = order(runtime, gone), order(runtime, stays)
    runtime.reply_to_supervision(gone, caller=runtime.local)
    moving = order(runtime, gone)
    runtime.merge(gone, stays, caller=runtime.local)
    merged = runtime.show(gone, by=runtime.local).file
    assert not merged.case.supervised
    assert [one.id for one in merged.supervisions] == [answered]
    survivor = runtime.show(stays, by=runtime.local)
    assert survivor.file.case.supervised
    assert {one.id for one in survivor.file.supervisions} == {owed, moving}
    told = [e.payload for e in survivor.events if e.name == "case_supervised"]
    assert [(e["order"], e["replied"]) for e in told] == [(owed, False), (moving, False)]
    with pytest.raises(ConflictError):
        runtime.step(stays, Action(Step.WITHDRAW), caller=runtime.local)
    runtime.reply_to_supervision(stays, caller=runtime.local)
    file = runtime.show(stays, by=runtime.local).file
    assert all(one.replied_at is not None for one in file.supervisions)


def test_merging_without_an_order_puts_none_over_the_other(county_runtime: Runtime) -> None:
    runtime = county_runtime
    gone, stays = ordinary(runtime), ordinary(runtime)
    runtime.merge(gone, stays, caller=runtime.local)
    assert not runtime.show(stays, by=runtime.local).file.case.supervised


def test_the_refusal_over_http(api_runtime: Runtime) -> None:
    api: TestClient = client_of(create_app(api_runtime))
    case = f"/api/v1/incidents/{api.post('/api/v1/incidents', json=REPORT).json()['id']}"
    until = (api_runtime.clock() + timedelta(days=1)).isoformat()
    body = {"level": "省级", "supervisor": "省委政法委", "reply_by": until}
    assert api.post(f"{case}/supervision", json=body).status_code == 201
    answer = api.post(f"{case}/steps", json={"step": "false_alarm"})
    assert (answer.status_code, answer.json()["faults"][0]["code"]) == (409, "supervision_owed")
    assert api.post(f"{case}/supervision/reply").status_code == 200
    assert api.post(f"{case}/steps", json={"step": "false_alarm"}).status_code == 200
