"""Who is not offered a case though they could go, always with the reason."""

from datetime import timedelta
from pathlib import Path

import pytest

from gridsvc.domain.errors import InputError, NotFoundError
from gridsvc.domain.force import Role
from gridsvc.domain.lifecycle import AssignmentStep
from gridsvc.domain.rights import Caller, Right
from gridsvc.domain.standing import Exclusion, Standing
from gridsvc.runtime import Runtime
from tests.card_county import START, Hands, named, open_on, report, sent


def reasons(runtime: Runtime, kind: str = "sudden_illness") -> dict[str, list[str]]:
    """Why people are passed over at a new case of ``kind``, as it was kept."""
    number = runtime.receive(report(kind, drill=True)).incident.number
    kept = runtime.show(number, by=runtime.local).file.decision
    assert kept is not None
    return {one["responder"]: [why["zh"] for why in one["reasons"]] for one in kept["refused"]}


def test_who_is_excluded_from_everything_goes_nowhere_until_then(
    carded: Runtime, hands: Hands
) -> None:
    until = START + timedelta(hours=1)
    carded.exclude("S1", key=None, until=until, reason="醉酒，邻居张三所说", caller=carded.local)
    told = reasons(carded)
    assert told["S1"] == ["值班员已将其排除（全部案件，至 11-23 12:00）"]
    hands.forward(hours=1)
    assert "S1" in sent(carded, carded.receive(report()).incident.number)


def test_who_is_excluded_from_one_case_may_go_to_others(carded: Runtime) -> None:
    first = carded.receive(report(radius_m=600.0)).incident
    carded.exclude("S1", key=first.number, until=None, reason="不合适", caller=carded.local)
    with pytest.raises(InputError, match="excluded by an officer from this case"):
        carded.assign(first.number, ["S1"], caller=carded.local)
    assert "S1" in sent(carded, carded.receive(report()).incident.number)


def test_an_exclusion_is_lifted(carded: Runtime) -> None:
    one = carded.exclude("S1", key=None, until=None, reason="联系不上", caller=carded.local)
    assert "S1" in reasons(carded)
    carded.lift_exclusion(one.id, caller=carded.local)
    assert "S1" in sent(carded, carded.receive(report()).incident.number)
    with pytest.raises(NotFoundError):
        carded.lift_exclusion(one.id, caller=carded.local)


def test_reasons_of_people_stand_in_no_event_and_no_decision(carded: Runtime) -> None:
    carded.exclude("S1", key=None, until=None, reason="秘密理由", caller=carded.local)
    number = carded.receive(report()).incident.number
    with carded.store.read() as reading:
        events = reading.events.after(0)
        assert "responder_excluded" in {event.name for event in events}
        assert "秘密理由" not in str(events)
        assert "秘密理由" not in str(reading.cases.decision(number))


def test_what_cannot_be_meant_is_refused(carded: Runtime) -> None:
    with pytest.raises(InputError) as refused:
        carded.exclude("S1", key=None, until=START, reason=" ", caller=carded.local)
    assert {fault.code for fault in refused.value.faults} == {"missing_reason", "bad_until"}
    with pytest.raises(NotFoundError):
        carded.exclude("nobody", key=None, until=None, reason="x", caller=carded.local)
    with pytest.raises(NotFoundError):
        carded.recuse(carded.receive(report()).incident.number, ["nobody"], caller=carded.local)


def test_a_party_given_at_intake_is_never_offered_the_case(carded: Runtime) -> None:
    receipt = carded.receive(report(recused=("S1", "W1", "ghost")))
    number = receipt.incident.number
    assert not {"S1", "W1"} & set(sent(carded, number))
    assert {"R0001", "R0003"} <= set(sent(carded, number)), "the nearest others go instead"
    assert any("ghost" in note.zh for note in receipt.notes)
    kept = carded.show(number, by=carded.local).file.decision
    assert kept is not None
    told = {one["responder"]: one["reasons"] for one in kept["refused"]}
    assert told["S1"] == [
        {"zh": "回避：与本案有利害关系", "en": "recused: party to this case or related to one"}
    ]
    assert {one["responder"] for one in named(carded, number, "responder_recused")} == {"S1", "W1"}
    with pytest.raises(InputError, match="recused"):
        carded.assign(number, ["S1"], caller=carded.local)


def test_a_party_found_out_later_is_not_offered_it_any_more(carded: Runtime) -> None:
    number = carded.receive(report("old_and_young")).incident.number
    assert carded.recuse(number, ["W1"], caller=carded.local) == {"W1"}
    assert carded.recuse(number, ["W1", "R0003"], caller=carded.local) == {"W1", "R0003"}
    with pytest.raises(InputError):
        carded.assign(number, ["W1"], caller=carded.local)
    carded.assign(number, ["W2"], caller=carded.local)


def test_another_process_learns_of_it_and_so_does_the_next_start(
    carded: Runtime, store_url: str, tmp_path: Path, hands: Hands
) -> None:
    number = carded.receive(report("old_and_young")).incident.number
    other = open_on(store_url, tmp_path, hands)
    carded.exclude("S1", key=None, until=None, reason="x", caller=carded.local)
    carded.recuse(number, ["W1"], caller=carded.local)
    other._catch_up()
    later = open_on(store_url, tmp_path, hands)
    for runtime in (other, later):
        assert "S1" in runtime.scene().standing.kept_out("any", hands.at)
        with pytest.raises(InputError, match="recused"):
            runtime.assign(number, ["W1"], caller=runtime.local)
        runtime.close()


def test_an_officer_of_another_township_cannot_exclude_from_our_case(carded: Runtime) -> None:
    number = carded.receive(report()).incident.number
    stranger = Caller("k", "k", frozenset(Right), "530324102")
    for key in (number, None):
        with pytest.raises(NotFoundError):
            carded.exclude("S1", key=key, until=None, reason="x", caller=stranger)
    with pytest.raises(NotFoundError):
        carded.roster_of("S1", caller=stranger)
    one = carded.exclude("S1", key=None, until=None, reason="x", caller=carded.local)
    assert carded.exclusions(caller=stranger) == ()
    with pytest.raises(NotFoundError):
        carded.lift_exclusion(one.id, caller=stranger)
    assert carded.exclusions(caller=carded.local) == (one,)


def test_who_has_finished_rests_as_long_as_their_role_does(
    carded: Runtime, store_url: str, tmp_path: Path, hands: Hands
) -> None:
    resting = open_on(store_url, tmp_path, hands, rest={Role.AMBULANCE: timedelta(minutes=15)})
    number = resting.receive(report()).incident.number
    for one in resting.show(number, by=resting.local).file.assignments:
        if one.reserve:
            continue  # thanked when the first has accepted
        for step in ("notify", "accept", "depart", "arrive", "finish"):
            resting.step_assignment(
                one.id, AssignmentStep(step), on_behalf=True, caller=resting.local
            )
    resting._catch_up()
    with resting.store.read() as reading:
        ended = next(e.at for e in reading.events.after(0) if e.payload.get("after") == "done")
    hands.at = ended  # the log has a clock of its own
    second = resting.receive(report()).incident.number
    assert "R0005" not in sent(resting, second)
    assert "R0004" in sent(resting, second), "the doctor has no rest set"
    with pytest.raises(InputError, match="resting after a task until"):
        resting.assign(second, ["R0005"], caller=resting.local)
    later = open_on(store_url, tmp_path, Hands(), rest=resting.settings.rest)
    assert set(later.scene().standing.free_since) >= {"R0005"}
    later.close()
    hands.forward(minutes=16)
    assert "R0005" in sent(resting, resting.receive(report()).incident.number)
    resting.close()


def test_standing_is_exact_at_its_moments() -> None:
    until = START + timedelta(hours=1)
    one = Exclusion("x", "A", None, until, "r", "b", START)
    other = Exclusion("y", "B", "case", None, "r", "b", START, lifted_at=START)
    standing = Standing(
        (one, other),
        recused={"case": frozenset({"C"})},
        rest={Role.AMBULANCE: timedelta(minutes=10)},
    ).freed("D", Role.AMBULANCE, START)
    standing = standing.freed("E", Role.DOCTOR, START)
    assert set(standing.kept_out("case", START)) == {"A", "C", "D"}
    assert set(standing.kept_out("other", START)) == {"A", "D"}
    assert set(standing.kept_out("case", START + timedelta(minutes=10))) == {"A", "C"}
    assert set(standing.kept_out("case", until)) == {"C"}
    assert Standing().kept_out("case", START) == {}
