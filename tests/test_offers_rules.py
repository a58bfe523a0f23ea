"""Who is asked next, who is enough and who is thanked, by hand and against any history."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from gridsvc.dispatch import Card, Pick, card_for
from gridsvc.dispatch.offers import (
    lacking,
    next_moment,
    next_wave,
    open_offers,
    short_of_offers,
    surplus,
)
from gridsvc.dispatch.picks import places
from gridsvc.domain.case import Assignment
from gridsvc.domain.force import Capability, Responder, Role
from gridsvc.domain.kinds import KINDS_BY_CODE
from gridsvc.domain.lifecycle import AssignmentState
from gridsvc.domain.waves import CRITICAL, FORGIVEN_S, URGENT, Waves
from tests.dispatch_people import NOON, crew, person, sentinel, view_of, worker

AID, AMBULANCE = Capability.FIRST_AID, Capability.AMBULANCE
ILLNESS: Card = card_for(KINDS_BY_CODE["sudden_illness"], urgency=1)
ONE_BY_ONE: Card = card_for(KINDS_BY_CODE["sudden_illness"], urgency=2)
DOCTORS = [person(f"d{n}", 104.3 + n * 1e-3) for n in range(6)]
FORCE = [
    *DOCTORS,
    *(sentinel(f"s{n}", 104.3 + n * 1e-3) for n in range(4)),
    *(worker(f"w{n}", 104.3 + n * 1e-3) for n in range(4)),
    *(crew(f"a{n}", Role.AMBULANCE, AMBULANCE, lng=104.3 + n * 1e-3) for n in range(4)),
]


def asked(
    pick: Pick,
    state: AssignmentState = AssignmentState.OFFERED,
    *,
    reason: str = "",
    wave: int = 1,
    ago_s: float = 0.0,
) -> Assignment:
    """Somebody who was picked, and where that stands."""
    at = NOON - timedelta(seconds=ago_s)
    return Assignment(
        id=f"{pick.responder.id}-{wave}",
        incident="i",
        responder=pick.responder.id,
        capability=pick.capability,
        state=state,
        stand_off=False,
        eta_s=1.0,
        distance_m=1.0,
        basis="straight_line",
        assigned_at=at,
        changed_at=at,
        wave=wave,
        reserve=pick.reserve,
        also=pick.also,
        answer_by=at + timedelta(seconds=45),
        reason=reason,
    )


def wave(
    sent: Sequence[Assignment] = (), card: Card = ILLNESS, force: Sequence[Responder] = FORCE
) -> tuple[Pick, ...]:
    return next_wave(view_of(force), card, sent)[0]


def ids(picks: Sequence[Pick], capability: Capability | None = None) -> list[str]:
    return [
        one.responder.id
        for one in picks
        if capability is None or capability in (one.capability, *one.also)
    ]


def test_the_first_wave_is_the_card_and_a_reserve_each() -> None:
    first = wave()
    assert ids(first, AID) == ["d0", "d1"]
    assert [one.reserve for one in first] == [False] * 4 + [True] * 4
    assert Counter(one.capability for one in first) == dict.fromkeys(places(ILLNESS), 2)


def test_one_by_one_has_no_reserves() -> None:
    assert ids(wave(card=ONE_BY_ONE), AID) == ["d0"]


def test_the_next_after_a_decline_is_the_next_in_order() -> None:
    first = wave(card=ONE_BY_ONE)
    sent = [
        asked(one, AssignmentState.DECLINED if AID in one.responder.capabilities else _OFFERED)
        for one in first
    ]
    assert ids(wave(sent, ONE_BY_ONE)) == ["d1"]


def test_an_acceptance_leaves_nobody_more_to_ask_for_that_place() -> None:
    first = wave()
    sent = [
        asked(one, AssignmentState.ACCEPTED if one.responder.id == "d1" else _OFFERED)
        for one in first
    ]
    assert AID not in lacking(ILLNESS, sent)
    assert [one.responder for one in surplus(ILLNESS, sent)] == ["d0"]
    assert wave(sent) == ()
    assert not short_of_offers(ILLNESS, sent)


def test_two_wanted_are_two_who_accept() -> None:
    card = replace(ILLNESS, required=(AID,), twice=frozenset({AID}))
    first = wave(card=card)
    assert ids(first) == ["d0", "d1", "d2"]
    sent = [asked(first[0], AssignmentState.EN_ROUTE), asked(first[1]), asked(first[2])]
    assert lacking(card, sent) == {AID: 1}
    assert surplus(card, sent) == []
    sent[2] = asked(first[2], AssignmentState.DONE)
    assert lacking(card, sent) == {}
    assert [one.responder for one in surplus(card, sent)] == ["d1"]


def test_somebody_chosen_by_a_person_is_not_thanked_away() -> None:
    (pick, *_) = wave(card=ONE_BY_ONE)
    sent = [asked(pick, AssignmentState.ACCEPTED), replace(asked(pick), id="x", wave=0)]
    assert surplus(ONE_BY_ONE, sent) == []


def test_one_person_for_two_trades_fills_both_places() -> None:
    both = person("both", capabilities=frozenset({AID, AMBULANCE}), role=Role.AMBULANCE)
    card = replace(ILLNESS, required=(AID, AMBULANCE), waves=URGENT)
    (pick,) = wave(card=card, force=[both])
    assert (pick.capability, pick.also) == (AID, (AMBULANCE,))
    assert lacking(card, [asked(pick)]) == {AID: 1, AMBULANCE: 1}
    assert lacking(card, [asked(pick, AssignmentState.ACCEPTED)]) == {}


def test_who_is_not_asked_again_and_who_is() -> None:
    (pick,) = wave(card=replace(ILLNESS, required=(AID,), waves=URGENT), force=DOCTORS[:1])
    card, only = replace(ILLNESS, required=(AID,), waves=URGENT), DOCTORS[:1]
    gone, soon, late = AssignmentState.EXPIRED, FORGIVEN_S - 1, FORGIVEN_S + 1
    for state, reason, ago_s, again in (
        (AssignmentState.DECLINED, "busy", late, []),
        (AssignmentState.RELEASED, "declined", late, []),
        (AssignmentState.STOOD_DOWN, "recalled", late, []),
        (AssignmentState.STOOD_DOWN, "enough", 0, ["d0"]),
        (gone, "no_answer", soon, []),
        (gone, "no_answer", late, ["d0"]),
    ):
        sent = [asked(pick, state, reason=reason, ago_s=ago_s)]
        assert ids(wave(sent, card, only)) == again, (state, reason)
    silent = [asked(pick, gone, ago_s=late)]
    assert ids(wave(silent, card, DOCTORS[:2])) == ["d1"], "somebody else is left"
    both = [*silent, replace(asked(pick, gone, wave=2), id="again")]
    assert ids(wave(both, card, only)) == [], "asked again just now"


def test_whom_the_officer_told_not_to_go_needs_no_other() -> None:
    (pick,) = wave(card=replace(ILLNESS, required=(AID,), waves=URGENT), force=DOCTORS[:1])
    told = asked(pick, AssignmentState.STOOD_DOWN, reason="not_needed")
    assert lacking(replace(ILLNESS, required=(AID,)), [told]) == {}


def test_the_next_moment_is_the_earliest_of_all() -> None:
    (pick, *_) = wave()
    sent, waves = [asked(pick)], CRITICAL

    def due(sent: Sequence[Assignment], escalation: int = 0) -> float | None:
        at = next_moment(sent, waves, since=NOON, escalation=escalation, look_again_at=None)
        return None if at is None else (at - NOON).total_seconds()

    assert due(sent) == 20
    rung = [replace(sent[0], rung_at=NOON)]
    assert due(rung) == 45
    assert due([]) == 90
    assert due([], 1) == 180
    assert due([], 2) is None
    assert next_moment([], waves, since=None, escalation=0, look_again_at=NOON) == NOON
    never = Waves(together=False, second_channel_s=None)
    open_end = [replace(sent[0], answer_by=None)]
    assert next_moment(open_end, never, since=NOON, escalation=0, look_again_at=None) is None


_OFFERED = AssignmentState.OFFERED
states = st.lists(
    st.sampled_from(
        [
            (AssignmentState.ACCEPTED, ""),
            (AssignmentState.DECLINED, "busy"),
            (AssignmentState.EXPIRED, "no_answer"),
            (AssignmentState.OFFERED, ""),
            (AssignmentState.STOOD_DOWN, "not_needed"),
        ]
    ),
    min_size=40,
    max_size=40,
)


@given(states, st.sampled_from([ILLNESS, ONE_BY_ONE]))
def test_law_any_history_of_answers(answers: list[tuple[AssignmentState, str]], card: Card) -> None:
    """Wave after wave: nobody is asked twice, nobody is asked for a place that is filled, and it
    ends with every place filled, waiting for an answer, or nobody left who could fill it."""
    sent: list[Assignment] = []
    drawn = iter(answers)
    spare = 1 if card is ILLNESS else 0
    for turn in range(1, 9):
        picked = wave(sent, card)
        left, open_now = lacking(card, sent), open_offers(sent)
        names = [one.responder.id for one in picked]
        assert len(set(names)) == len(names)
        assert set(names).isdisjoint(one.responder for one in sent)
        for capability in places(card):
            waiting = sum(capability in one.capabilities for one in open_now)
            more = len(ids(picked, capability))
            if capability not in left:
                assert not more
            else:
                assert waiting + more <= max(left[capability] + spare, waiting)
                able = {one.id for one in FORCE if capability in one.capabilities}
                unasked = able - {one.responder for one in sent}
                assert waiting + more >= min(left[capability] + spare, waiting + len(unasked))
        for pick in picked:
            state, reason = next(drawn, (_OFFERED, ""))
            sent.append(asked(pick, state, reason=reason, wave=turn))
    assert all(count > 0 and one in places(card) for one, count in lacking(card, sent).items())
