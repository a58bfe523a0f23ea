"""A case goes up an alarm level: what is added is dispatched and asked, and nothing twice."""

import pytest

from gridsvc.domain.errors import ConflictError, InputError
from gridsvc.domain.lifecycle import Step
from gridsvc.flows.casework import Action
from gridsvc.runtime import Runtime
from tests.card_county import named, nowhere, report, sent


def test_what_the_level_adds_is_sent_and_asked(carded: Runtime) -> None:
    number = carded.receive(report("missing_person")).incident.number
    before = sent(carded, number)
    assert set(before) == {"S1", "W1", "T1"}
    raised = carded.raise_level(number, 2, caller=carded.local)
    assert raised.decision is not None
    added = {one.responder: one.capability for one in raised.decision.assignments}
    # Three more grid workers are asked for and there are three; the only team is here already.
    assert added == {"W2": "grid_duty", "W4": "grid_duty", "R0003": "grid_duty"}
    short = {str(one.capability): (one.wanted, one.found) for one in raised.decision.shortfalls}
    assert short["order"] == (1, 0)
    assert [one.service for one in raised.handovers] == ["110"]
    assert sent(carded, number) == before | added
    file = carded.show(number, by=carded.local).file
    assert file.incident.alarm_level == 2
    assert named(carded, number, "alarm_level_raised")[0]["level"] == 2


def test_who_is_there_is_told_apart_from_who_is_elsewhere(carded: Runtime) -> None:
    number = carded.receive(report("missing_person")).incident.number
    carded.raise_level(number, 2, caller=carded.local)
    kept = carded.show(number, by=carded.local).file.decision
    assert kept is not None
    told = {one["responder"]: [why["zh"] for why in one["reasons"]] for one in kept["refused"]}
    assert "已在本案" in told["W1"]


def test_a_level_that_is_skipped_adds_both(carded: Runtime) -> None:
    number = carded.receive(report("missing_person")).incident.number
    raised = carded.raise_level(number, 3, caller=carded.local)
    assert [one.service for one in raised.handovers] == ["110", "119"]
    assert raised.decision is not None
    wanted = {one.capability: one.wanted for one in raised.decision.shortfalls}
    # On top of the team that the rule for urgent cases sent at the first level.
    assert wanted == {"grid_duty": 9, "order": 2, "fire": 1}


def test_levels_only_go_up_and_only_as_far_as_the_card(carded: Runtime) -> None:
    number = carded.receive(report("missing_person")).incident.number
    carded.raise_level(number, 2, caller=carded.local)
    with pytest.raises(ConflictError, match="only go up"):
        carded.raise_level(number, 2, caller=carded.local)
    for level in (0, 1, 4, 99):
        with pytest.raises((InputError, ConflictError)):
            carded.raise_level(number, level, caller=carded.local)
    carded.step(number, Action(Step.FALSE_ALARM), caller=carded.local)
    with pytest.raises(ConflictError, match="closed"):
        carded.raise_level(number, 3, caller=carded.local)


def test_a_level_never_sends_anybody_to_a_knife(carded: Runtime) -> None:
    number = carded.receive(report("missing_person", text="他手持砍刀")).incident.number
    raised = carded.raise_level(number, 3, caller=carded.local)
    assert raised.decision is not None
    assert raised.decision.assignments == ()
    assert sent(carded, number) == {}
    assert "110" in [one.service for one in raised.handovers]


def test_without_a_place_services_are_asked_and_nobody_is_sent(carded: Runtime) -> None:
    number = carded.receive(nowhere("missing_person", text="走失")).incident.number
    raised = carded.raise_level(number, 2, caller=carded.local)
    assert raised.decision is None
    assert [one.service for one in raised.handovers] == ["110"]
    carded.place(number, report("missing_person"), caller=carded.local)
    assert {"W1", "W2", "W4", "R0003"} <= set(sent(carded, number)), "the level counts later too"
