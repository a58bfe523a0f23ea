"""Whom to assign at once, against brute force; nobody twice, nobody unarmed to a knife."""

from dataclasses import replace
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from gridsvc.dispatch import Pick, card_for, picks
from gridsvc.dispatch.eligibility import Busy, eligible
from gridsvc.domain.force import LAY_CAPABILITIES, Capability, Responder, Role
from gridsvc.domain.kinds import KINDS, KINDS_BY_CODE, Kind, Lay
from tests.dispatch_people import (
    CASE,
    GRID,
    NIGHT,
    NOON,
    UNIT,
    busy_of,
    counts_for,
    crew,
    free,
    people,
    person,
    score,
    sentinel,
    view_of,
    worker,
)

C = Capability
TEAM = crew("T", Role.TOWNSHIP_TEAM, C.ORDER, lng=104.4)
AMBULANCE = crew("A", Role.AMBULANCE, C.AMBULANCE, C.FIRST_AID, lng=104.4)
DOCTOR = person("V", 104.301)


def picked(
    force: list[Responder],
    kind: str = "sudden_illness",
    urgency: int = 1,
    text: str = "",
    *,
    at: datetime = NOON,
    busy: Busy | None = None,
) -> tuple[Pick, ...]:
    card = card_for(KINDS_BY_CODE[kind], urgency=urgency, text=text)
    return picks(view_of(force, at), card, unit=UNIT, grid=GRID, busy=busy or {})[0]


def served(found: tuple[Pick, ...]) -> dict[str, list[Capability]]:
    return {one.responder.id: [one.capability, *one.also] for one in found}


def test_the_own_people_and_the_nearest_professionals_go() -> None:
    force = [
        sentinel("own", 104.301),
        sentinel("near", area="another"),
        worker("own worker", 104.301),
        DOCTOR,
        AMBULANCE,
    ]
    found = picked(force)
    assert served(found) == {
        "own": [C.FIRST_ON_SCENE],
        "own worker": [C.GRID_DUTY],
        "V": [C.FIRST_AID],
        "A": [C.AMBULANCE],
    }
    assert not any(one.stand_off or one.reason for one in found)


def test_one_professional_may_serve_twice_where_it_is_the_nearest_for_both() -> None:
    assert served(picked([AMBULANCE])) == {"A": [C.FIRST_AID, C.AMBULANCE]}


def test_why_somebody_else_goes_is_said() -> None:
    near = sentinel("near", 104.31, area="another")
    for own, why in (
        (sentinel("own", on_duty=False), "off duty"),
        (sentinel("own", 105.3), "no place is known, or it is too far away"),
        (replace(sentinel("own"), home=None), "no place is known, or it is too far away"),
        (sentinel("busy"), f"assigned to {CASE}"),
        (sentinel("another", on_duty=False, area="another"), f"nobody is registered for {UNIT}"),
    ):
        (one,) = picked([own, near], busy={"busy": CASE})
        assert one.responder.id == "near"
        assert one.reason is not None
        assert one.reason.en == f"the unit's own sentinel cannot go ({why}): " + (
            "the nearest who can goes instead"
        )
    card = card_for(KINDS_BY_CODE["sudden_illness"], urgency=1)
    (nowhere,) = picks(view_of([near]), card, unit=None, grid=GRID)[0]
    assert nowhere.reason is not None
    assert "no known unit" in nowhere.reason.en


def test_two_grid_workers_go_to_a_fight_and_stand_off() -> None:
    force = [TEAM, worker("own", 104.3115), *(worker(k, 104.31, area="x") for k in "bca")]
    found = picked(force, "fight")
    assert served(found) == {"T": [C.ORDER], "own": [C.GRID_DUTY], "a": [C.GRID_DUTY]}
    assert {one.responder.id: one.stand_off for one in found} == {
        "T": False,
        "own": True,
        "a": True,
    }
    assert [one.reason for one in found] == [None, None, None]
    nearest = picked([worker("own"), *(worker(k, 104.31, area="x") for k in "bca")], "fight")
    assert served(nearest) == {"own": [C.GRID_DUTY], "a": [C.GRID_DUTY]}


def test_the_own_people_go_first_within_their_margin_only() -> None:
    # 1 m east is 2 m of road at 4.5 km/h: 300 s are 187.5 m.
    metre = 1 / 101_000
    force = [sentinel("own", 104.3 + 185 * metre), sentinel("near", 104.3, area="another")]
    (pick,) = picked(force)
    assert (pick.responder.id, pick.reason) == ("own", None)
    force[0] = sentinel("own", 104.3 + 192 * metre)
    (pick,) = picked(force)
    assert pick.responder.id == "near"
    assert pick.reason is not None
    assert "超过优先幅度 5 分钟" in pick.reason.zh


def test_who_is_late_is_sent_all_the_same_and_is_told() -> None:
    card = card_for(KINDS_BY_CODE["sudden_illness"], urgency=1)
    doctor = person("V", 104.308)  # 808 m: 21.5 minutes on foot, 15 are asked for
    found, missing = picks(view_of([doctor]), card, unit=UNIT, grid=GRID)
    assert [one.responder.id for one in found] == ["V"]
    short = next(one for one in missing if one.capability is C.FIRST_AID)
    assert (short.wanted, short.found, short.late) == (1, 1, 1)
    assert short.reason.zh == "最近的 22 分钟，超过 15 分钟"
    near = picks(view_of([person("V", 104.305)]), card, unit=UNIT, grid=GRID)[1]
    assert C.FIRST_AID not in {one.capability for one in near}


def test_the_team_alone_goes_to_a_critical_quarrel_and_waits_outside() -> None:
    mediator = person("M", role=Role.MEDIATOR, capabilities=frozenset({C.MEDIATION}))
    force = [TEAM, sentinel("s"), worker("w"), mediator]
    (one,) = picked(force, "neighbour_quarrel", 1)
    assert (one.responder.id, one.capability, one.stand_off) == ("T", C.ORDER, True)
    found = picked(force, "neighbour_quarrel", 2)
    assert {pick.responder.id: pick.stand_off for pick in found} == {"T": False, "w": True}


def test_nobody_is_picked_for_an_ordinary_report_or_a_knife() -> None:
    force = [TEAM, sentinel("s"), worker("w"), DOCTOR, AMBULANCE]
    assert picked(force, "neighbour_quarrel", 3) == ()
    assert picked(force, "neighbour_quarrel", 1, "他拿着菜刀") == ()
    assert picked(force, "theft_gambling_tip", 1) == ()
    assert picked(force, "armed_gas_hazmat", 1) == ()


def test_when_a_claim_fails_the_next_one_is_asked_from_the_same_view() -> None:
    force = [sentinel("own"), *(sentinel(k, 104.31, area="x") for k in "ab")]
    card = card_for(KINDS_BY_CODE["sudden_illness"], urgency=1)
    view, busy, gone = view_of(force), dict[str, str](), []
    for _ in range(3):
        (one,), _ = picks(view, card, unit=UNIT, grid=GRID, busy=busy)
        gone.append(one.responder.id)
        busy[one.responder.id] = CASE
    found, missing = picks(view, card, unit=UNIT, grid=GRID, busy=busy)
    assert gone == ["own", "a", "b"]
    assert found == ()
    first = next(one for one in missing if one.capability is C.FIRST_ON_SCENE)
    assert first.nearest_busy == ("own", CASE)
    assert "3 are assigned" in first.reason.en


texts = st.sampled_from(["", "", "有人持刀", "煤气泄漏", "没有持刀"])


@given(
    people,
    st.sampled_from(KINDS),
    st.integers(1, 4),
    texts,
    st.sampled_from([NOON, NIGHT]),
    st.integers(0, 4),
)
def test_law_of_the_picks(
    force: list[Responder], kind: Kind, urgency: int, text: str, at: datetime, every: int
) -> None:
    card, busy = card_for(kind, urgency=urgency, text=text), busy_of(force, every)
    found, missing = picks(view_of(force, at), card, unit=UNIT, grid=GRID, busy=busy)
    gone = [one.responder for one in found]
    assert len({one.id for one in gone}) == len(gone)
    assert found == () or urgency <= 2
    for pick in found:
        one = pick.responder
        assert eligible(one, card=card, at=at, busy=busy)
        assert all(counts_for(one, c) for c in (pick.capability, *pick.also))
        if card.lay is Lay.STAND_OFF and one.role.lay:
            assert pick.stand_off
    if card.lay is Lay.NONE:
        assert not any(one.role.lay for one in gone)
    if card.armed:
        assert gone == []
    if kind.code in ("family_dispute", "domestic_violence"):
        assert Role.SENTINEL not in {one.role for one in gone}
    if urgency > 2:
        return
    able = free(force, card, at, busy)
    for c in card.required:
        servers = [one for one in able if counts_for(one, c)]
        mine = [pick.responder for pick in found if c in (pick.capability, *pick.also)]
        if c not in LAY_CAPABILITIES:
            assert mine == servers[:1]
        elif c is not C.MEDIATION:
            others = {p.responder.id for p in found if c != p.capability}
            rest = [o for o in servers if o.id not in others]
            assert mine == rest[: card.wanted(c)]
        late = [one for one in mine if score(one)[1] > card.latest.get(c, 1e9)]
        short = [one for one in missing if one.capability is c]
        lacking = len(mine) < card.wanted(c) or bool(late)
        assert len(short) == (c is not C.MEDIATION and lacking)
        assert all(one.late == len(late) for one in short)
        assert all(one.found == len(mine) for one in short)
