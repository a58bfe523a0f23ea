"""The set of run cards: complete, careful, and read with every fault at once."""

from copy import deepcopy
from importlib.resources import files
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsvc.dispatch import card_for, default_cards
from gridsvc.dispatch.card_reading import read_card
from gridsvc.dispatch.cards import card_set, parse, written
from gridsvc.domain.cards import SERVICES, STRICTNESS, Send
from gridsvc.domain.errors import InputError
from gridsvc.domain.force import LAY_CAPABILITIES, Role
from gridsvc.domain.force import Capability as C
from gridsvc.domain.kinds import KINDS, KINDS_BY_CODE, NO_SENTINEL, SENDS_NOBODY, Kind, Lay
from gridsvc.domain.waves import CRITICAL, URGENT

KIND_CODES = [kind.code for kind in KINDS]


def shipped() -> dict[str, Any]:
    """The shipped cards as plain values, to be changed."""
    return deepcopy(default_cards().as_data())


def faults_of(data: object) -> dict[str, str]:
    with pytest.raises(InputError) as refused:
        card_set(data)
    return {fault.where: fault.code for fault in refused.value.faults}


def test_every_kind_has_a_card_and_hints_in_both_languages() -> None:
    cards = default_cards()
    assert sorted(cards.cards) == sorted(KIND_CODES)
    for kind in KINDS:
        hints = cards[kind.code].hints
        assert hints.do, kind.code
        assert hints.dont, kind.code
        for one in (*hints.do, *hints.dont):
            assert any("\u4e00" <= c <= "\u9fff" for c in one.zh)
            assert one.en.isascii(), one.en
            assert one.zh.endswith("。"), one.zh
            assert one.en.endswith("."), one.en


# KINDS.md, by hand: who is sent and who is asked.
SENT = {
    "utility_outage": [C.TRADE],
    "old_and_young": [C.GRID_DUTY],
    "land_dispute": [C.MEDIATION, C.ORDER, C.TRADE],
    "theft_gambling_tip": [],
    "sudden_illness": [C.FIRST_ON_SCENE, C.FIRST_AID, C.AMBULANCE],
    "road_accident": [C.GRID_DUTY, C.FIRST_AID],
    "fight": [C.ORDER, C.GRID_DUTY],
    "missing_person": [C.FIRST_ON_SCENE, C.GRID_DUTY],
    "house_fire": [C.FIRE, C.FIRST_ON_SCENE, C.GRID_DUTY],
    "forest_fire": [C.FOREST_FIRE],
    "domestic_violence": [C.ORDER],
    "flood_landslide": [C.FIRST_ON_SCENE, C.GRID_DUTY, C.ORDER],
    "self_harm_drowning": [C.FIRST_AID, C.AMBULANCE],
    "armed_gas_hazmat": [],
}
ASKED = {
    "theft_gambling_tip": ("110",),
    "sudden_illness": ("120",),
    "road_accident": ("122", "120"),
    "fight": ("110",),
    "house_fire": ("119",),
    "forest_fire": ("119",),
    "domestic_violence": ("110",),
    "self_harm_drowning": ("110", "119", "120"),
    "armed_gas_hazmat": ("110", "119"),
}


@pytest.mark.parametrize("kind", SENT)
def test_the_default_set_is_the_county_table(kind: str) -> None:
    usual = default_cards()[kind].usual
    assert [one.capability for one in usual.sends] == SENT[kind]
    assert usual.asks == ASKED.get(kind, ())
    assert usual.lay is KINDS_BY_CODE[kind].lay


def test_the_neighbouring_grids_help_to_search() -> None:
    assert [code for code in KIND_CODES if default_cards()[code].next_grids] == ["missing_person"]
    assert card_for(KINDS_BY_CODE["missing_person"], urgency=2).next_grids


def test_levels_add_to_each_other() -> None:
    fire = KINDS_BY_CODE["house_fire"]
    first, second, third = (card_for(fire, urgency=1, level=n) for n in (1, 2, 3))
    assert [card.wanted(C.FIRE) for card in (first, second, third)] == [1, 2, 4]
    assert [card.hand_over for card in (first, second, third)] == [
        ("119",),
        ("119", "120"),
        ("119", "120", "110"),
    ]
    assert C.AMBULANCE not in first.required
    assert C.AMBULANCE in second.required
    assert second.latest[C.FIRE] == 40 * 60
    assert first.latest[C.FIRE] == 20 * 60


@given(st.sampled_from(KINDS), st.integers(1, 4), st.sampled_from(["", "有人持刀", "煤气泄漏"]))
def test_law_a_higher_level_asks_for_no_less_and_loosens_nothing(
    kind: Kind, urgency: int, text: str
) -> None:
    cards = [card_for(kind, urgency=urgency, text=text, level=level) for level in (1, 2, 3, 4, 5)]
    for lower, higher in pairwise(cards):
        assert set(lower.hand_over) <= set(higher.hand_over)
        assert all(higher.wanted(c) >= lower.wanted(c) for c in lower.required)
        assert higher.lay is lower.lay
        assert higher.armed is lower.armed
    for card in cards:
        if card.armed or kind.code in SENDS_NOBODY:
            assert card.required == ()
        if card.lay is Lay.NONE:
            assert not LAY_CAPABILITIES.intersection(card.required)


def test_words_of_a_weapon_or_gas_bring_their_own_hints() -> None:
    danger = default_cards()["armed_gas_hazmat"].hints
    quarrel = KINDS_BY_CODE["neighbour_quarrel"]
    assert card_for(quarrel, urgency=3, text="他动刀了").hints == danger
    assert card_for(quarrel, urgency=3, text="厨房煤气泄漏").hints == danger
    assert card_for(quarrel, urgency=3, text="吵架").hints == default_cards()[quarrel.code].hints


def test_waves_are_the_urgency_s_but_for_what_the_card_says() -> None:
    data = shipped()
    data["sudden_illness"]["waves"] = {"answer_s": 30, "leader_s": None}
    data["sudden_illness"]["urgencies"] = {2: {"waves": {"answer_s": 90}}}
    cards, kind = card_set(data), KINDS_BY_CODE["sudden_illness"]
    critical = card_for(kind, urgency=1, cards=cards).waves
    urgent = card_for(kind, urgency=2, cards=cards).waves
    assert critical is not None
    assert urgent is not None
    assert (critical.answer_s, critical.leader_s, critical.reserves) == (30, None, 1)
    assert (urgent.answer_s, urgent.second_channel_s) == (90, URGENT.second_channel_s)
    assert card_for(kind, urgency=3, cards=cards).waves is None
    assert card_for(kind, urgency=1).waves == CRITICAL


def test_an_urgency_may_ask_for_something_else() -> None:
    data = shipped()
    data["old_and_young"]["urgencies"] = {
        "4": {"sends": [{"capability": "mediation"}], "lay": "stand_off"}
    }
    cards, kind = card_set(data), KINDS_BY_CODE["old_and_young"]
    other = card_for(kind, urgency=4, cards=cards)
    assert (other.required, other.lay) == ((C.MEDIATION,), Lay.STAND_OFF)
    assert card_for(kind, urgency=3, cards=cards).required == (C.GRID_DUTY,)


def test_every_fault_of_every_card_is_said_at_once() -> None:
    data = shipped()
    data["earthquake"] = {}
    data["fight"]["sends"].append({"capability": "magic"})
    data["fight"]["sends"][0]["count"] = 0
    data["fight"]["sends"][1]["latest_eta_min"] = -5
    data["fight"]["lay"] = "approach"
    data["fight"]["asks"] = []
    data["house_fire"]["asks"].append("911")
    data["house_fire"]["colour"] = "red"
    data["house_fire"]["alarm_levels"] = {2: {}, 4: {}, 9: {}}
    data["forest_fire"]["sends"].append({"capability": "grid_duty"})
    data["family_dispute"]["sends"].append({"capability": "first_on_scene"})
    data["armed_gas_hazmat"]["sends"] = [{"capability": "order"}]
    data["armed_gas_hazmat"]["alarm_levels"] = {2: {"sends": [{"capability": "order"}]}}
    data["sudden_illness"]["hints"]["do"].append({"zh": "只有中文"})
    data["sudden_illness"]["waves"] = {"answer_s": 0, "speed": 9, "together": "yes"}
    data["missing_person"]["next_grids"] = "maybe"
    data["road_light"]["sends"] = "everybody"
    data["waste_sewage"]["urgencies"] = {7: {}}
    data["policy_advice"] = ["nothing"]
    del data["utility_outage"]["lay"]
    found = faults_of(data)
    wanted = {
        "earthquake": "unknown_kind",
        "fight.sends[2].capability": "unknown_capability",
        "fight.sends[0].count": "bad_number",
        "fight.sends[1].latest_eta_min": "bad_number",
        "fight.lay": "lay_too_lax",
        "fight.asks": "service_not_asked",
        "house_fire.asks[1]": "unknown_service",
        "house_fire.colour": "unknown_field",
        "house_fire.alarm_levels.4": "level_missing",
        "house_fire.alarm_levels.9": "bad_number",
        "forest_fire.sends[1].capability": "lay_people_sent",
        "family_dispute.sends[1].capability": "sentinel_sent",
        "armed_gas_hazmat.sends[0].capability": "nobody_may_be_sent",
        "armed_gas_hazmat.alarm_levels.2.sends[0].capability": "nobody_may_be_sent",
        "sudden_illness.hints.do[7]": "bad_hint",
        "sudden_illness.waves.answer_s": "bad_number",
        "sudden_illness.waves.speed": "unknown_field",
        "sudden_illness.waves.together": "bad_flag",
        "missing_person.next_grids": "bad_flag",
        "road_light.sends": "not_a_list",
        "waste_sewage.urgencies.7": "bad_number",
        "utility_outage": "missing_lay",
    }
    shown = len(default_cards()["sudden_illness"].hints.do)
    wanted[f"sudden_illness.hints.do[{shown}]"] = wanted.pop("sudden_illness.hints.do[7]")
    assert wanted.items() <= found.items()


def test_a_kind_without_a_card_is_told() -> None:
    data = shipped()
    del data["fight"], data["house_fire"]
    assert faults_of(data) == {"fight": "missing_card", "house_fire": "missing_card"}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if STRICTNESS[kind.lay]])
def test_no_card_may_be_laxer_than_its_kind_at_any_urgency(kind: Kind) -> None:
    for place in ("", "urgencies"):
        data = shipped()
        if place:
            data[kind.code]["urgencies"] = {1: {"lay": "approach"}}
        else:
            data[kind.code]["lay"] = "approach"
        assert "lay_too_lax" in faults_of(data).values()


@given(
    st.sampled_from(KINDS),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(max_size=5)
        | st.sampled_from([*C, *SERVICES]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "sends",
                        "asks",
                        "lay",
                        "hints",
                        "do",
                        "capability",
                        "count",
                        "urgencies",
                        "waves",
                    ]
                )
                | st.integers(0, 6),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    ),
)
def test_law_whatever_is_given_is_read_or_refused_and_never_loosens(kind: Kind, data: Any) -> None:
    try:
        one = read_card(kind.code, data, version=1)
    except InputError:
        return
    for urgency in (1, 2, 3, 4):
        asking = one.at(urgency)
        assert STRICTNESS[asking.lay] >= STRICTNESS[kind.lay]
        assert set(kind.hand_over) <= set(asking.asks)
        able = {send.capability for send in asking.sends}
        if asking.lay is Lay.NONE:
            assert not able & LAY_CAPABILITIES
        if kind.code in NO_SENTINEL:
            assert C.FIRST_ON_SCENE not in able
        if kind.code in SENDS_NOBODY:
            assert not able


def test_cards_written_out_are_read_back_the_same() -> None:
    again = card_set(parse(written(default_cards().as_data())))
    assert again.cards == default_cards().cards


@pytest.mark.parametrize(
    ("said", "line"),
    [("fight:\n  lay: [", "line"), ("a: 1\nb: 2\na: 3\n", "line 3"), ("\t", "line")],
)
def test_bad_yaml_names_its_line(said: str, line: str) -> None:
    with pytest.raises(InputError) as refused:
        parse(said)
    assert refused.value.faults[0].code == "bad_yaml"
    assert refused.value.faults[0].where.startswith(line)


def test_yaml_makes_no_objects() -> None:
    with pytest.raises(InputError):
        parse("!!python/object/apply:os.system ['true']")


def test_the_shipped_file_is_part_of_the_package() -> None:
    assert (files("gridsvc.dispatch") / "cards.yaml").is_file()


def test_the_same_card_is_made_once() -> None:
    kind = KINDS_BY_CODE["fight"]
    assert card_for(kind, urgency=1) is card_for(kind, urgency=1)
    assert card_for(kind, urgency=1, text="两人扭打") is card_for(kind, urgency=1)
    assert Send(C.ORDER, 1, 20) in default_cards()["fight"].usual.sends
    assert Role.SENTINEL not in card_for(kind, urgency=1).barred
