"""What a ranking says to a caller, and what is left of it once somebody was erased."""

import json
from dataclasses import replace

from api.nearest import nearest_answer, stored_answer
from gridsvc.dispatch import Ranking, card_for, rank
from gridsvc.domain.force import Capability, Role
from gridsvc.domain.kinds import KINDS_BY_CODE
from tests.dispatch_people import CASE, TRAVEL, crew, person, sentinel, view_of

FORCE = [
    replace(sentinel("S1", 104.303), name="赵春", phone="00012345678"),
    replace(person("V1", 104.31, on_duty=False), name="孙秋"),
    replace(crew("F1", Role.FIRE_CREW, Capability.FIRE), name="罗雄街道专职消防队"),
    crew("F2", Role.FIRE_CREW, Capability.FIRE, phone="", app=False),
]


def _ranking(text: str = "") -> Ranking:
    card = card_for(KINDS_BY_CODE["house_fire"], urgency=1, text=text)
    return rank(view_of(FORCE), card, travel=TRAVEL, busy={"F1": CASE})


def test_every_time_says_what_it_is_reckoned_on() -> None:
    answer = nearest_answer(_ranking(), "zh")
    assert answer.basis == "straight_line"
    assert "直线距离" in answer.note
    everybody = [*answer.chosen, *answer.refused]
    assert {one.id for one in everybody} == {"S1", "V1", "F1", "F2"}
    for one in everybody:
        assert one.eta_basis == "straight_line"
        assert "非道路行车时间" in one.eta_note
        assert sum(term.seconds for term in one.terms) == one.score_s
        assert one.terms[0].code == "travel"
        assert one.terms[0].seconds == one.eta_s


def test_names_reasons_and_shortfalls_are_told_in_both_languages() -> None:
    zh, en = nearest_answer(_ranking(), "zh"), nearest_answer(_ranking(), "en")
    (sent,) = zh.chosen
    assert (sent.name, sent.phone, sent.role_name) == ("赵春", "00012345678", "吹哨人")
    assert (sent.own, sent.measured_from) == (True, "home")
    assert [c.code for c in zh.missing] == ["fire", "grid_duty"]
    fire = zh.shortfalls[0]
    assert (fire.code, fire.name, fire.wanted, fire.found) == ("fire", "灭火", 1, 0)
    assert "已指派 1 人" in fire.reason
    assert fire.nearest_busy is not None
    assert (fire.nearest_busy.id, fire.nearest_busy.case) == ("F1", CASE)
    assert fire.nearest_busy.name == "罗雄街道专职消防队"
    assert en.shortfalls[0].reason.startswith("1 wanted, 0 can go")
    assert "straight lines" in en.note
    assert [one.id for one in zh.chosen] == [one.id for one in en.chosen]
    assert {one.id: one.reasons for one in en.refused}["F1"] == [f"assigned to {CASE}"]


def test_a_stricter_card_says_why() -> None:
    answer = nearest_answer(_ranking("厨房煤气泄漏"), "zh")
    assert answer.lay.code == "none"
    assert answer.chosen == []
    assert answer.hand_over == ["119"]
    assert any("煤气泄漏" in note for note in answer.notes)


def test_what_was_kept_reads_the_same_and_the_erased_have_no_name() -> None:
    ranking = _ranking()
    kept = json.loads(json.dumps(ranking.as_json()))
    people = {one.id: one for one in FORCE}
    hints = ranking.card.hints
    assert hints.do
    assert stored_answer(kept, people.get, "en", hints) == nearest_answer(ranking, "en")
    bare = stored_answer(kept, lambda _: None, "zh", hints)
    known = nearest_answer(ranking, "zh")
    assert {one.name + one.phone for one in (*bare.chosen, *bare.refused)} == {""}
    assert bare.shortfalls[0].nearest_busy is not None
    assert bare.shortfalls[0].nearest_busy.name == ""
    for now, then in zip(bare.chosen + bare.refused, known.chosen + known.refused, strict=True):
        assert now == then.model_copy(update={"name": "", "phone": ""})
