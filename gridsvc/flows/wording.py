"""The words of messages: what, where, what to do, how to answer. Short enough for one SMS.

Of a sensitive kind neither the kind nor the place is said: telephones lie about, and groups read.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gridsvc.domain.case import Assignment
from gridsvc.domain.force import ROLE_NAMES, Responder
from gridsvc.domain.incident import Incident
from gridsvc.domain.kinds import KINDS_BY_CODE, URGENCY_NAMES
from gridsvc.domain.messages import OFFERS, MessageKind
from gridsvc.domain.words import Lang, Text
from gridsvc.locating import GridMap

LONGEST: dict[Lang, int] = {"zh": 70, "en": 160}
"""Letters of one SMS in each alphabet; a link comes on top."""

DRILL = Text("【演练】", "[DRILL] ")
_LEAST_ADDRESS = 6


@dataclass(frozen=True, slots=True)
class About:
    """What a message is about. ``link`` opens the assignment (empty: there is none), ``centre`` is
    the command centre's telephone (empty: not said)."""

    incident: Incident
    assignment: Assignment
    grid_map: GridMap | None
    lang: Lang
    link: str = ""
    centre: str = ""


def words(kind: MessageKind, about: About, *, to: Responder | None = None) -> str:
    """What a message of ``kind`` says; ``to``: named first, because others read it too."""
    mark = DRILL.pick(about.lang) if about.incident.drill else ""
    name = "" if to is None else _called(to).pick(about.lang)
    link = about.link and Text(f"\n接单：{about.link}", f"\nAnswer: {about.link}").pick(about.lang)

    def said(place: str) -> str:
        return mark + name + _SAY[kind](about, place).pick(about.lang)

    return _fitting(said, about) + link


def heading(kind: MessageKind, about: About) -> str:
    """A title, for channels that have one: nothing of what happened."""
    mark = DRILL.pick(about.lang) if about.incident.drill else ""
    words = Text("派单通知", "Assignment") if kind in OFFERS else Text("任务通知", "Notice")
    return f"{mark}{words.pick(about.lang)} {about.incident.number}"


def sensitive(incident: Incident) -> bool:
    """Whether nothing of ``incident`` may be said in a message."""
    kind = KINDS_BY_CODE.get(incident.kind)
    return kind is None or kind.sensitive


def _fitting(said: Callable[[str], str], about: About) -> str:
    """The words with the fullest place that an SMS has room for."""
    longest = LONGEST[about.lang]
    for place in _places(about, longest - len(said(""))):
        found = said(place)
        if len(found) <= longest:
            return found
    return said("")


def _places(about: About, room: int) -> Iterator[str]:
    """Where it is, the fullest first."""
    placement, grid_map = about.incident.placement, about.grid_map
    if sensitive(about.incident) or placement is None or grid_map is None:
        return
    township, village, grid, unit = (
        grid_map.name_of(code)
        for code in (placement.township, placement.village, placement.grid, placement.unit)
    )
    gap = "" if about.lang == "zh" else " "
    here = f"{village}{gap}{grid}".strip()
    address = " ".join(about.incident.address.split())
    if address:
        yield f"{township}{gap}{here} {address}"
        yield f"{here} {address}"
        left = room - len(here) - 2
        if left >= _LEAST_ADDRESS:
            yield f"{here} {address[:left]}…"
    else:
        yield f"{township}{gap}{here}{gap}{unit}".strip()
        yield f"{here}{gap}{unit}".strip()
    yield here
    yield grid


def _called(who: Responder) -> Text:
    role = ROLE_NAMES[who.role]
    return Text(f"{role.zh}{who.name}：", f"{role.en} {who.name}: ")


def _centre(about: About) -> Text:
    number = f" {about.centre}" if about.centre else ""
    return Text(f"指挥中心{number}", f"the command centre{number}")


def _offer(about: About, place: str) -> Text:
    urgency = URGENCY_NAMES[about.incident.urgency]
    centre, number = _centre(about), about.incident.number
    if sensitive(about.incident):
        return Text(
            f"【{urgency.zh}】有任务，详情请致电{centre.zh}。{number}",
            f"[{urgency.en}] You are needed: call {centre.en} for what and where. {number}",
        )
    kind = KINDS_BY_CODE[about.incident.kind].name
    do = _STAND_OFF if about.assignment.stand_off else _APPROACH
    answer = (
        Text("", "") if about.link else Text(f"接单请回复{centre.zh}。", f"Answer {centre.en}. ")
    )
    return Text(
        f"【{urgency.zh}】{kind.zh}，{place}。{do.zh}{answer.zh}{number}",
        f"[{urgency.en}] {kind.en}, {place}. {do.en} {answer.en}{number}",
    )


def _stood_down(about: About, _: str) -> Text:
    number = about.incident.number
    return Text(
        f"【撤回】{number} 请勿前往，谢谢。", f"[Stood down] {number}: do not go, thank you."
    )


def _thanked(about: About, _: str) -> Text:
    number = about.incident.number
    return Text(
        f"【不必前往】{number} 人手已够，谢谢您。",
        f"[Not needed] {number}: enough people are going, thank you.",
    )


def _redirected(about: About, _: str) -> Text:
    number = about.incident.number
    return Text(
        f"【改派】{number} 不必再去，另有更急案件，请看新的派单。",
        f"[Redirected] {number}: go there no more, a more urgent case follows in a new message.",
    )


def _check(about: About, _: str) -> Text:
    number, centre = about.incident.number, _centre(about)
    return Text(
        f"【平安确认】{number} 久未收到您的消息，请报平安；需要支援请致电{centre.zh}。",
        f"[Are you safe?] {number}: nothing was heard of you, tell us; for help call {centre.en}.",
    )


_SAY: dict[MessageKind, Callable[[About, str], Text]] = {
    MessageKind.ASSIGNED: _offer,
    MessageKind.CALL: _offer,
    MessageKind.STOOD_DOWN: _stood_down,
    MessageKind.THANKED: _thanked,
    MessageKind.REDIRECTED: _redirected,
    MessageKind.CHECK: _check,
}
_APPROACH = Text("请赶往现场。", "Go to the scene.")
_STAND_OFF = Text("只在外围，不得靠近。", "Stand off, do not approach.")
