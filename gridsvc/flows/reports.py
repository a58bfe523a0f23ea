"""What somebody reports, and everything that is wrong with what it means."""

from collections.abc import Collection
from dataclasses import dataclass

from gridsvc.domain.errors import Fault
from gridsvc.domain.geo import Datum
from gridsvc.domain.incident import Reporter
from gridsvc.domain.kinds import KINDS_BY_CODE, URGENCY_NAMES, Category
from gridsvc.domain.words import Text


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody reports: a position (``lng``, ``lat`` in ``datum``) or the code of a grid; of
    both the position counts. ``urgency`` None means the usual one of the kind. A position that
    could not even be read is told by ``bad_position``, with the position as it was ``given``;
    ``doubts`` are no reason not to use it. ``recused`` are the ids of responders who are party to
    it or relatives of a party: they are never offered it."""

    category: str
    kind: str
    text: str = ""
    urgency: int | None = None
    lng: float | None = None
    lat: float | None = None
    datum: Datum = Datum.CGCS2000
    radius_m: float | None = None
    source: str = ""
    grid: str | None = None
    address: str = ""
    drill: bool = False
    reporter: Reporter | None = None
    given: str = ""
    bad_position: tuple[Text, ...] = ()
    doubts: tuple[Text, ...] = ()
    recused: tuple[str, ...] = ()


def faults(report: Report, *, unread: Collection[str] = frozenset()) -> list[Fault]:
    """Find every fault of what ``report`` means; its position is never one.

    Parameters
    ----------
    unread
        Fields that could not even be read: whoever read the report has said so, and nothing more
        is said of them.
    """
    return [
        *_kind_faults(report, unread),
        *_urgency_faults(report),
        *_nothing_faults(report, unread),
    ]


def _nothing_faults(report: Report, unread: Collection[str]) -> list[Fault]:
    told = report.text.strip() or report.address.strip() or report.grid or report.given
    placed = report.lng is not None and report.lat is not None
    return [] if told or placed or unread else [_NOTHING]


_NOTHING = Fault(
    "nothing_to_act_on",
    Text(
        "没有可处置的内容：请至少给出位置、网格、地址或文字说明之一",
        "there is nothing to act on: give a position, a grid, an address or some text",
    ),
    "text",
)


def _kind_faults(report: Report, unread: Collection[str]) -> list[Fault]:
    kind = KINDS_BY_CODE.get(report.kind)
    known = report.category in [str(category) for category in Category]
    faults = []
    if not known and "category" not in unread:
        faults.append(_unknown_category(report.category))
    if kind is None and "kind" not in unread:
        faults.append(_unknown_kind(report))
    elif kind and known and kind.category != report.category:
        text = Text(
            f"“{kind.name.zh}”（{kind.code}）属于 {kind.category}，不属于 {report.category}",
            f"{kind.code} belongs to {kind.category}, not to {report.category}",
        )
        faults.append(Fault("kind_of_other_category", text, "kind"))
    return faults


def _unknown_category(said: str) -> Fault:
    allowed = ", ".join(Category)
    text = Text(f"没有类别“{said}”：可用 {allowed}", f"no category {said!r}: use one of {allowed}")
    return Fault("unknown_category", text, "category")


def _unknown_kind(report: Report) -> Fault:
    alike = [k.code for k in KINDS_BY_CODE.values() if report.category in (k.category, "")]
    allowed = ", ".join(alike or KINDS_BY_CODE)
    text = Text(
        f"没有事件类型“{report.kind}”：可用 {allowed}",
        f"no kind {report.kind!r}: use one of {allowed}",
    )
    return Fault("unknown_kind", text, "kind")


def _urgency_faults(report: Report) -> list[Fault]:
    if report.urgency is None or report.urgency in URGENCY_NAMES:
        return []
    return [
        Fault(
            "bad_urgency",
            Text(
                f"紧急程度 {report.urgency} 无效：1 特急、2 紧急、3 较急、4 一般",
                f"urgency {report.urgency} is not valid: 1 (critical) to 4 (ordinary)",
            ),
            "urgency",
        )
    ]
