"""The words of messages: short, marked where they are a drill, silent where they must be."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gridsvc.domain.case import Assignment
from gridsvc.domain.force import Capability
from gridsvc.domain.geo import Datum, LngLat
from gridsvc.domain.incident import Incident, Placement, Position
from gridsvc.domain.kinds import KINDS
from gridsvc.domain.lifecycle import AssignmentState
from gridsvc.domain.messages import MessageKind
from gridsvc.domain.words import Lang
from gridsvc.flows.wording import LONGEST, About, heading, words
from gridsvc.runtime import Runtime
from tests.api_county import FORCE, G1, U1

NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)
ADDRESS = "东关街十二号老供销社后院第三排平房靠水井一侧往里走二十米红色铁门院内北屋门口大槐树下"
INCIDENT = Incident(
    id="i1",
    number="罗平-20261123-0042",
    received_at=NOW,
    category=KINDS[0].category,
    kind="sudden_illness",
    urgency=1,
    text="老人胸痛",
    position=Position(LngLat(104.305, 24.885), Datum.CGCS2000),
    address="东关街12号",
    placement=Placement(U1, G1, "530324001001", "530324001"),
)
SENT = Assignment(
    *("a1", "i1", "R0001", Capability.FIRST_AID, AssignmentState.OFFERED, False, 300.0, 900.0),
    *("straight", NOW, NOW),
)


@pytest.fixture
def about(api_runtime: Runtime) -> About:
    return About(INCIDENT, SENT, api_runtime.map(), "zh")


def test_what_where_what_to_do_and_how_to_answer(about: About) -> None:
    told = replace(about, link="https://g.example/a/x")
    assert words(MessageKind.ASSIGNED, told) == (
        "【特急】突发疾病，罗雄街道甲社区甲一网格 东关街12号。请赶往现场。罗平-20261123-0042"
        "\n接单：https://g.example/a/x"
    )
    outside = replace(about, assignment=replace(SENT, stand_off=True), centre="0874-8212345")
    said = words(MessageKind.ASSIGNED, outside)
    assert "只在外围，不得靠近" in said
    assert "接单请回复指挥中心 0874-8212345" in said
    english = words(MessageKind.ASSIGNED, replace(told, lang="en"))
    assert english.startswith("[critical] ")
    assert "Go to the scene." in english


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("kind", MessageKind)
@pytest.mark.parametrize("address", ["", "东关街12号", ADDRESS, "  a\n\tb  "])
def test_everything_fits_one_sms(about: About, lang: Lang, kind: MessageKind, address: str) -> None:
    for case in KINDS:
        for drill in (False, True):
            for stand_off in (False, True):
                incident = replace(INCIDENT, kind=case.code, address=address, drill=drill)
                one = replace(SENT, stand_off=stand_off)
                told = replace(about, incident=incident, assignment=one, lang=lang)
                said = words(kind, told)
                assert len(said) <= LONGEST[lang], said
                assert INCIDENT.number in said
                assert "\n" not in said
                mark = "【演练】" if lang == "zh" else "[DRILL]"
                assert said.startswith(mark) is drill
                assert heading(kind, told).startswith(mark) is drill


def test_a_long_address_is_cut_and_never_the_number(about: About) -> None:
    said = words(MessageKind.ASSIGNED, replace(about, incident=replace(INCIDENT, address=ADDRESS)))
    assert "东关街" in said
    assert "…" in said
    assert said.endswith(INCIDENT.number)


@pytest.mark.parametrize("case", [kind for kind in KINDS if kind.sensitive], ids=lambda k: k.code)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_of_sensitive_kinds_nothing_is_said(about: About, case: object, lang: Lang) -> None:
    assert isinstance(case, type(KINDS[0]))
    told = replace(about, incident=replace(INCIDENT, kind=case.code), lang=lang)
    names = ("甲社区", "甲一网格", "甲一单元", "罗雄街道", "东关街", INCIDENT.text)
    for kind in MessageKind:
        said = words(kind, told) + heading(kind, told)
        for hidden in (case.name.zh, case.name.en, *names):
            assert hidden not in said
    offer = words(MessageKind.ASSIGNED, told)
    assert ("请致电指挥中心" if lang == "zh" else "call the command centre") in offer


def test_an_unknown_kind_is_sensitive_and_a_group_is_told_whom(about: About) -> None:
    told = replace(about, incident=replace(INCIDENT, kind="gone"))
    assert "甲社区" not in words(MessageKind.ASSIGNED, told)
    assert words(MessageKind.ASSIGNED, about, to=FORCE[0]).startswith("吹哨人甲吹哨人：【特急】")


def test_every_kind_of_message_has_words(about: About, tmp_path: Path) -> None:
    said = {words(kind, about) for kind in MessageKind}
    assert len(said) == len(MessageKind) - 1, "a call says what the offer said"
