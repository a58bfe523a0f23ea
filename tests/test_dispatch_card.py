"""What a report asks for: the card of its kind, made stricter where people could be hurt."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsvc.dispatch import Card, card_for
from gridsvc.dispatch.runcard import LAY_CAPABILITIES
from gridsvc.domain.force import Capability as C
from gridsvc.domain.force import Role
from gridsvc.domain.kinds import KINDS, KINDS_BY_CODE, Category, Kind, Lay

STRICTNESS = {Lay.APPROACH: 0, Lay.NOT_NEEDED: 0, Lay.STAND_OFF: 1, Lay.NONE: 2}
VIOLENT = [
    kind.code
    for kind in KINDS
    if kind.category in (Category.DISPUTE, Category.VIOLATION)
    or kind.code in ("fight", "domestic_violence")
]
WEAPONS = (
    "他持刀堵在门口",
    "对方动刀了",
    "拿着一把菜刀",
    "手里有刀",
    "手持砍刀追人",
    "砍了他一刀，刀伤",
    "把人砍伤了",
    "要砍我",
    "被捅了两下",
    "掏出匕首",
    "拿斧头砸门",
    "有人带枪",
    "持械斗殴",
    "留下凶器",
    "没有持刀",
    "持 刀",
    "持\u200b刀",
    "抄起锄头打人",
    "he has a Knife",
    "ＫＮＩＦＥ",
    "two armed men",
    "threatens with a machete",
    "was stabbed",
    "他有gun",
)
FIRE = KINDS_BY_CODE["house_fire"]
HARMLESS = (
    "刀具店夜里很吵",
    "砍了我家的树",
    "砍树占道",
    "用水枪冲洗路面",
    "捅马蜂窝",
    "收割油菜的长柄工具",
    "装修钢管占道",
    "请斧正",
    "alarmed neighbours",
    "begun to build",
    "",
)
GAS = (
    "厨房煤气泄漏",
    "燃气管道泄露",
    "液化气罐漏气",
    "闻到一股煤气味",
    "发生爆炸",
    "油罐车侧翻",
    "氨气外泄",
    "一氧化碳",
    "gas leak in the kitchen",
    "an explosion",
)


def card(kind: str, urgency: int, text: str = "") -> Card:
    return card_for(KINDS_BY_CODE[kind], urgency=urgency, text=text)


def test_the_usual_urgency_of_an_ordinary_kind_changes_nothing() -> None:
    for kind in KINDS:
        if kind.urgency > 2:
            found = card_for(kind, urgency=kind.urgency)
            assert (found.required, found.lay, found.hand_over, found.notes) == (
                kind.sends,
                kind.lay,
                kind.hand_over,
                (),
            )
            assert not found.at_once


@pytest.mark.parametrize("text", WEAPONS)
@pytest.mark.parametrize("kind", VIOLENT)
def test_nobody_is_sent_to_a_weapon(kind: str, text: str) -> None:
    for urgency in (1, 2, 3, 4):
        found = card(kind, urgency, text)
        assert found.armed
        assert (found.required, found.lay) == ((), Lay.NONE)
        assert "110" in found.hand_over
        assert any("110" in note.zh and "否定" in note.zh for note in found.notes)


@pytest.mark.parametrize("text", ["有人持刀", "对方持枪", "正在行凶", "a gunman"])
def test_a_weapon_held_against_people_counts_whatever_the_report_was_filed_as(text: str) -> None:
    for kind in KINDS:
        found = card_for(kind, urgency=1, text=text)
        assert (found.required, found.lay, found.armed) == ((), Lay.NONE, True)
        assert set(found.hand_over) == {*kind.hand_over, *found.hand_over, "110"}


@pytest.mark.parametrize("text", HARMLESS)
def test_tools_in_their_harmless_use_are_no_weapons(text: str) -> None:
    for kind in VIOLENT:
        assert card(kind, 4, text).armed is False


@pytest.mark.parametrize("text", ["砍柴砍伤了脚", "菜刀切到手", "stabbing pain", "cut by an axe"])
def test_an_injury_by_a_tool_is_still_helped(text: str) -> None:
    found = card("sudden_illness", 1, text)
    assert C.FIRST_AID in found.required
    assert found.lay is Lay.APPROACH


@pytest.mark.parametrize("text", GAS)
def test_lay_people_stay_away_from_gas_and_professionals_go_as_the_card_says(text: str) -> None:
    for kind in KINDS:
        found = card_for(kind, urgency=kind.urgency, text=text)
        assert found.lay is Lay.NONE
        assert "119" in found.hand_over
        assert found.required == tuple(c for c in kind.sends if c not in LAY_CAPABILITIES)
        assert any("119" in note.zh for note in found.notes)


@pytest.mark.parametrize(
    "text", ["咨询燃气泄漏报警器补贴", "煤气费怎么交", "轮胎漏气", "爆炸性新闻"]
)
def test_words_about_gas_are_not_gas(text: str) -> None:
    assert card("policy_advice", 4, text).lay is Lay.NOT_NEEDED


RAISED = [
    kind
    for kind in KINDS
    if kind.category in (Category.DISPUTE, Category.VIOLATION) and kind.lay is not Lay.NONE
]


@pytest.mark.parametrize("kind", RAISED, ids=lambda kind: kind.code)
def test_a_dispute_made_critical_keeps_lay_people_away_and_the_team_outside(kind: Kind) -> None:
    found = card_for(kind, urgency=1)
    assert (found.lay, found.held_back) == (Lay.NONE, True)
    assert C.ORDER in found.required
    assert C.ORDER in found.stand_off
    assert not LAY_CAPABILITIES.intersection(found.required)
    assert "110" in found.hand_over
    assert "公安" in found.notes[0].zh


@pytest.mark.parametrize(
    "kind", [kind for kind in RAISED if kind.urgency > 2], ids=lambda kind: kind.code
)
def test_a_dispute_made_urgent_has_lay_people_stand_off(kind: Kind) -> None:
    found = card_for(kind, urgency=2)
    assert (found.lay, found.held_back) == (Lay.STAND_OFF, False)
    assert C.ORDER in found.required
    assert "110" in found.hand_over
    assert set(found.required) - {C.ORDER} <= set(kind.sends)
    assert LAY_CAPABILITIES.intersection(found.required) <= found.stand_off
    assert C.ORDER not in found.stand_off


def test_burning_made_critical_asks_the_fire_service_too() -> None:
    assert card("illegal_burning", 1).hand_over == ("110", "119")
    assert card("illegal_burning", 2).hand_over == ()


def test_where_neighbours_may_approach_the_own_people_and_a_professional_go_at_once() -> None:
    assert card("missing_person", 2).required == (C.FIRST_ON_SCENE, C.GRID_DUTY, C.ORDER)
    assert card("old_and_young", 2).required == (C.FIRST_ON_SCENE, C.GRID_DUTY, C.ORDER)
    assert card("policy_advice", 1).required == (C.FIRST_ON_SCENE, C.GRID_DUTY, C.ORDER)
    assert card("utility_outage", 1).required == (C.FIRST_ON_SCENE, C.GRID_DUTY, C.TRADE)
    illness = card("sudden_illness", 1)
    assert illness.required == (C.FIRST_ON_SCENE, C.GRID_DUTY, C.FIRST_AID, C.AMBULANCE)
    assert illness.notes
    assert card("road_accident", 1).required == (C.FIRST_ON_SCENE, C.GRID_DUTY, C.FIRST_AID)


def test_a_fight_asks_for_two_grid_workers_who_stand_off() -> None:
    fight = card("fight", 1)
    assert [(c, fight.wanted(c)) for c in fight.required] == [(C.ORDER, 1), (C.GRID_DUTY, 2)]
    assert C.GRID_DUTY in fight.stand_off
    assert C.ORDER not in fight.stand_off


def test_the_neighbour_is_not_sent_into_a_family() -> None:
    for kind in ("family_dispute", "domestic_violence"):
        for urgency in (1, 2, 3, 4):
            found = card(kind, urgency)
            assert Role.SENTINEL in found.excluded
            assert C.FIRST_ON_SCENE not in found.required


words = st.one_of(st.sampled_from([*WEAPONS, *HARMLESS, *GAS]), st.text(max_size=40))


@given(st.sampled_from(KINDS), st.integers(1, 4), words)
def test_law_no_card_is_laxer_than_that_of_its_kind(kind: Kind, urgency: int, text: str) -> None:
    found = card_for(kind, urgency=urgency, text=text)
    assert STRICTNESS[found.lay] >= STRICTNESS[kind.lay]
    assert set(kind.hand_over) <= set(found.hand_over)
    assert len(set(found.required)) == len(found.required)
    assert found.at_once is (urgency <= 2)
    if found.lay is Lay.NONE:
        assert not LAY_CAPABILITIES.intersection(found.required)
        assert {role for role in Role if role.lay} <= found.excluded
    if found.lay is Lay.STAND_OFF:
        assert LAY_CAPABILITIES.intersection(found.required) <= set(kind.sends)
    if not kind.sends and kind.hand_over:
        assert found.required == ()
    if (found.required, found.lay, found.hand_over) != (kind.sends, kind.lay, kind.hand_over):
        assert found.notes


SPELT = st.text(st.sampled_from("张三李四王五丰住1390zq "), max_size=8)


@given(before=SPELT, between=SPELT, after=SPELT)
def test_a_note_says_the_words_looked_for_and_nothing_of_the_reporters(
    before: str, between: str, after: str
) -> None:
    """Notes are kept with the decision, which holds no personal data."""
    private = set("张三李四王五丰住1390zq")
    for first, last in (("煤气", "泄漏"), ("危化品", "侧翻"), ("gas leak", ""), ("", "explosion")):
        card = card_for(FIRE, urgency=1, text=f"{before}{first}{between}{last}{after}")
        for note in card.notes:
            for said in re.findall(r"“(.*?)”|the report says '(.*?)'", note.zh + note.en):
                assert private.isdisjoint("".join(said)), note


def test_what_stands_between_the_words_is_left_out() -> None:
    def notes(text: str) -> str:
        return "".join(note.zh + note.en for note in card_for(FIRE, urgency=1, text=text).notes)

    assert "“煤气…泄漏”" in notes("煤气张三家泄漏了")
    assert "'gas leak'" in notes("gas leak张三丰139")
    assert "“煤气泄漏”" in notes("煤 气泄漏")
    assert "“煤气味”" in notes("闻到煤气味")
