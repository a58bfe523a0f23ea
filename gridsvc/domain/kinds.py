"""Kinds of incident: category, usual urgency, time limit, and what no run card may loosen.

Who is sent stands in the run cards (`gridsvc.dispatch.cards`), which are data. The lay rule and
the services asked stand here too, as the floor under every card: a file can be edited by mistake,
and neighbours must not be sent into a knife fight by a slip of the keyboard.

The table is the county's default configuration and is plausible, not measured.
"""

from dataclasses import dataclass
from enum import StrEnum

from gridsvc.domain.words import Text


class Category(StrEnum):
    """The four classes of a request."""

    LIVELIHOOD = "livelihood"
    DISPUTE = "dispute"
    VIOLATION = "violation"
    EMERGENCY = "emergency"


class Lay(StrEnum):
    """Whether lay people may approach, should stand off, or must stay away."""

    APPROACH = "approach"
    STAND_OFF = "stand_off"
    NONE = "none"
    NOT_NEEDED = "not_needed"


CATEGORY_NAMES: dict[Category, Text] = {
    Category.LIVELIHOOD: Text("民生服务", "livelihood"),
    Category.DISPUTE: Text("矛盾纠纷", "dispute"),
    Category.VIOLATION: Text("违法违规", "violation"),
    Category.EMERGENCY: Text("应急处置", "emergency"),
}

URGENCY_NAMES: dict[int, Text] = {
    1: Text("特急", "critical"),
    2: Text("紧急", "urgent"),
    3: Text("较急", "pressing"),
    4: Text("一般", "ordinary"),
}


class Clock(StrEnum):
    """What a time limit runs on."""

    CONTINUOUS = "continuous"
    WORKING_HOURS = "working_hours"
    WORKING_DAYS = "working_days"
    CALENDAR_DAYS = "calendar_days"


@dataclass(frozen=True, slots=True)
class Limit:
    """A time limit: ``amount`` minutes, hours or days of ``clock``; None: it has no end."""

    text: Text
    clock: Clock
    amount: int | None


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. ``share`` is its part of all reports in per cent; ``limit`` the time it may take;
    ``lay`` is the laxest rule that its card may have; ``hand_over`` are the services (110, 119,
    120, 122) that it must ask; ``sensitive`` kinds are never drawn or counted on a map, and a list
    withholds their particulars (`gridsvc.domain.incident.for_list`)."""

    code: str
    name: Text
    category: Category
    share: float
    urgency: int
    limit: Limit
    lay: Lay
    hand_over: tuple[str, ...] = ()
    sensitive: bool = False


def _days(days: int, kind: str = "working") -> Limit:
    if kind == "working":
        text = Text(f"{days} 个工作日", f"{days} working days")
        return Limit(text, Clock.WORKING_DAYS, days)
    return Limit(Text(f"{days} 天", f"{days} days"), Clock.CALENDAR_DAYS, days)


_CONTINUOUS = Limit(Text("连续处置", "continuous"), Clock.CONTINUOUS, None)
_SAME_DAY = Limit(Text("当日", "same day"), Clock.CALENDAR_DAYS, 0)
_HALF_AN_HOUR = Limit(Text("30 分钟", "30 minutes"), Clock.CONTINUOUS, 30)
_AT_ONCE = Limit(Text("立即", "at once"), Clock.CONTINUOUS, 0)
_L, _D, _V, _E = Category.LIVELIHOOD, Category.DISPUTE, Category.VIOLATION, Category.EMERGENCY

KINDS: tuple[Kind, ...] = (
    Kind(
        "utility_outage",
        Text("停水停电", "water or power cut"),
        _L,
        10,
        3,
        _days(1),
        Lay.APPROACH,
    ),
    Kind(
        "road_light",
        Text("道路路灯", "roads and street lights"),
        _L,
        10,
        4,
        _days(5),
        Lay.APPROACH,
    ),
    Kind(
        "waste_sewage",
        Text("垃圾污水", "waste and sewage"),
        _L,
        9,
        4,
        _days(3),
        Lay.APPROACH,
    ),
    Kind("policy_advice", Text("政策咨询", "policy advice"), _L, 11, 4, _days(1), Lay.NOT_NEEDED),
    Kind(
        "old_and_young",
        Text("一老一小求助", "help for the old and the young"),
        _L,
        6,
        3,
        _SAME_DAY,
        Lay.APPROACH,
    ),
    Kind(
        "neighbour_quarrel",
        Text("邻里纠纷", "neighbours' quarrel"),
        _D,
        10,
        4,
        _days(7, "calendar"),
        Lay.APPROACH,
    ),
    Kind(
        "land_dispute",
        Text("土地山林水权", "land, forest and water rights"),
        _D,
        8,
        4,
        _days(30, "calendar"),
        Lay.APPROACH,
    ),
    Kind(
        "family_dispute",
        Text("婚姻家庭", "marriage and family"),
        _D,
        6,
        3,
        _days(7, "calendar"),
        Lay.APPROACH,
    ),
    Kind(
        "unpaid_wages",
        Text("欠薪", "unpaid wages"),
        _D,
        4,
        3,
        _days(30, "calendar"),
        Lay.NOT_NEEDED,
    ),
    Kind(
        "housing_dispute",
        Text("交房办证物业", "housing and property"),
        _D,
        2,
        4,
        _days(60, "calendar"),
        Lay.NOT_NEEDED,
    ),
    Kind(
        "noise_obstruction",
        Text("噪音占道", "noise and obstruction"),
        _V,
        6,
        4,
        _days(3),
        Lay.APPROACH,
    ),
    Kind(
        "illegal_building",
        Text("违建", "illegal building"),
        _V,
        3,
        4,
        _days(15),
        Lay.NOT_NEEDED,
    ),
    Kind(
        "illegal_burning",
        Text("违规用火", "illegal burning"),
        _V,
        3,
        2,
        _HALF_AN_HOUR,
        Lay.APPROACH,
    ),
    Kind(
        "theft_gambling_tip",
        Text("盗窃赌博线索", "theft or gambling tip"),
        _V,
        2,
        2,
        _AT_ONCE,
        Lay.NONE,
        ("110",),
        True,
    ),
    Kind(
        "sudden_illness",
        Text("突发疾病", "sudden illness"),
        _E,
        2.5,
        1,
        _CONTINUOUS,
        Lay.APPROACH,
        ("120",),
    ),
    Kind(
        "road_accident",
        Text("交通事故伤人", "road accident with injuries"),
        _E,
        2.5,
        1,
        _CONTINUOUS,
        Lay.APPROACH,
        ("122", "120"),
    ),
    Kind(
        "fight",
        Text("打架斗殴", "fight"),
        _E,
        1.3,
        1,
        _CONTINUOUS,
        Lay.STAND_OFF,
        ("110",),
    ),
    Kind(
        "missing_person",
        Text("人员走失", "missing person"),
        _E,
        1,
        2,
        _CONTINUOUS,
        Lay.APPROACH,
    ),
    Kind(
        "house_fire",
        Text("房屋火灾", "house fire"),
        _E,
        0.8,
        1,
        _CONTINUOUS,
        Lay.STAND_OFF,
        ("119",),
    ),
    Kind(
        "forest_fire",
        Text("森林火情", "forest fire"),
        _E,
        0.7,
        1,
        _CONTINUOUS,
        Lay.NONE,
        ("119",),
    ),
    Kind(
        "domestic_violence",
        Text("家庭暴力", "domestic violence"),
        _E,
        0.5,
        1,
        _CONTINUOUS,
        Lay.NONE,
        ("110",),
        True,
    ),
    Kind(
        "flood_landslide",
        Text("山洪滑坡", "flash flood or landslide"),
        _E,
        0.3,
        1,
        _CONTINUOUS,
        Lay.STAND_OFF,
    ),
    Kind(
        "self_harm_drowning",
        Text("轻生溺水", "self-harm or drowning"),
        _E,
        0.2,
        1,
        _CONTINUOUS,
        Lay.APPROACH,
        ("110", "119", "120"),
        True,
    ),
    Kind(
        "armed_gas_hazmat",
        Text("持械、燃气危化", "weapon, gas or hazardous goods"),
        _E,
        0.2,
        1,
        _CONTINUOUS,
        Lay.NONE,
        ("110", "119"),
    ),
)

KINDS_BY_CODE: dict[str, Kind] = {kind.code: kind for kind in KINDS}

NO_SENTINEL = frozenset({"family_dispute", "domestic_violence"})
"""The neighbour next door is not sent into a family's quarrel."""

SENDS_NOBODY = frozenset({"armed_gas_hazmat", "theft_gambling_tip"})
"""Handed over alone: nobody unarmed goes to arms, and nobody checks on a tip."""
