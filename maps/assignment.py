"""The phone page of one assignment: what, where, what to do, and buttons that need no script."""

from collections.abc import Collection, Sequence
from typing import Any

from gridsvc.domain.case import Assignment
from gridsvc.domain.clock import COUNTY_TIME
from gridsvc.domain.force import CAPABILITY_NAMES
from gridsvc.domain.incident import Incident
from gridsvc.domain.kinds import KINDS_BY_CODE, URGENCY_NAMES
from gridsvc.domain.lifecycle import (
    ASSIGNMENT_STATE_NAMES,
    ASSIGNMENT_STEP_NAMES,
    ENDED,
    LATE,
    AssignmentStep,
)
from gridsvc.domain.reasons import DECLINED_FOR
from gridsvc.domain.words import Lang, Text
from maps.assets import AssetMode
from maps.page import render_page

_WORDS_ON_BUTTONS: dict[AssignmentStep, Text] = {
    **ASSIGNMENT_STEP_NAMES,
    AssignmentStep.ACCEPT: Text("接单", "Accept"),
    AssignmentStep.DEPART: Text("我已出发", "I have set out"),
    AssignmentStep.ARRIVE: Text("我已到场", "I am there"),
    AssignmentStep.CHECK_IN: Text("报平安", "I am safe"),
    AssignmentStep.FINISH: Text("任务完成", "It is done"),
}


def assignment_page(
    one: Assignment,
    incident: Incident,
    *,
    places: Sequence[str],
    steps: Collection[AssignmentStep],
    withheld: bool,
    centre: str = "",
    notice: str = "",
    lang: Lang = "zh",
) -> str:
    """The page as HTML, its style linked at ``/static``; of an ended assignment without a word of
    what it was about.

    Parameters
    ----------
    one, incident
        What is shown; of a sensitive kind without its particulars.
    places
        Names of township, village, grid and unit, so far as known.
    steps
        What the person may do now.
    withheld
        The kind is sensitive: nothing but the number is shown.
    centre
        Telephone of the command centre, empty where it is not said.
    notice
        What is wrong with what was just sent.
    """
    kind = KINDS_BY_CODE.get(incident.kind)
    ended = one.state in ENDED and not steps
    hidden = withheld or ended
    return _page(
        lang,
        title=Text("任务", "Assignment").pick(lang),
        centre=centre,
        notice=notice,
        number=incident.number,
        drill=incident.drill,
        ended=ended,
        withheld=withheld,
        state=_state(one, steps).pick(lang),
        urgency=incident.urgency,
        urgency_name=URGENCY_NAMES[incident.urgency].pick(lang),
        kind="" if hidden or kind is None else kind.name.pick(lang),
        places=() if hidden else places,
        address="" if hidden else incident.address,
        text="" if hidden else incident.text,
        capability=CAPABILITY_NAMES[one.capability].pick(lang),
        stand_off=one.stand_off,
        minutes=max(1, round(one.eta_s / 60)),
        assigned=f"{one.assigned_at.astimezone(COUNTY_TIME):%H:%M}",
        buttons=[
            (step.value, _WORDS_ON_BUTTONS[step].pick(lang))
            for step in steps
            if step is not AssignmentStep.DECLINE
        ],
        reasons=[(code, words.pick(lang)) for code, words in DECLINED_FOR.items()]
        if AssignmentStep.DECLINE in steps
        else [],
    )


def no_assignment_page(notice: str, *, centre: str = "", lang: Lang = "zh") -> str:
    """The page of a link that opens nothing, or nothing any more."""
    title = Text("链接无法打开", "This link opens nothing").pick(lang)
    return _page(lang, title=title, notice=notice, centre=centre, number="")


def _state(one: Assignment, steps: Collection[AssignmentStep]) -> Text:
    """What the state is to the person: that they look at this page says that they were told."""
    name = ASSIGNMENT_STATE_NAMES[one.state]
    if AssignmentStep.ACCEPT not in steps:
        return name
    if one.state in LATE:
        return Text(f"{name.zh}，仍可接单", f"{name.en}; you can still accept")
    return Text("待您接单", "waiting for your answer")


def _page(lang: Lang, *, title: str, **context: Any) -> str:
    return render_page(
        "assignment.html",
        title=title,
        lang=lang,
        mode=AssetMode.LINKED,
        styles=["page.css", "assignment.css"],
        scripts=[],
        inline="",
        data={},
        **context,
    )
