"""Classes, surfaces, limits and defaults of access: every table that roads are understood with.

One vocabulary, whatever the source says: the values of OpenStreetMap's ``highway`` with the links
folded into their class, and ``ferry``. Survey classes are mapped on the way in.
"""

import math
import re
import unicodedata
from collections.abc import Iterable

from gridsvc.domain.force import Vehicle
from gridsvc.domain.travel import VEHICLES

CLASSES = (
    *("motorway", "trunk", "primary", "secondary", "tertiary", "unclassified", "residential"),
    *("living_street", "service", "track", "path", "footway", "steps", "cycleway", "ferry"),
)
"""What a road can be, from the widest to the narrowest."""

SURFACES = ("asphalt", "concrete", "paved", "gravel", "unpaved", "dirt")
"""What it can be covered with; an empty string where nobody said."""


def mask_of(vehicles: Iterable[Vehicle]) -> int:
    """The bits of ``vehicles``: bit ``i`` stands for place ``i`` in ``VEHICLES``."""
    return sum(1 << VEHICLES.index(vehicle) for vehicle in set(vehicles))


EVERYBODY = mask_of(VEHICLES)
ON_FOOT = mask_of([Vehicle.FOOT])
MOTORS = EVERYBODY & ~ON_FOOT

WALKED = frozenset({"path", "footway", "steps", "cycleway"})
"""Classes that nobody drives on unless a tag says so."""


def usual_access(road_class: str) -> int:
    """Who may go on a road of that class where nothing else is said."""
    if road_class in WALKED:
        return ON_FOOT
    return MOTORS if road_class == "motorway" else EVERYBODY


_OSM_FOLDED = {
    **{f"{name}_link": name for name in CLASSES[:5]},
    "road": "unclassified",
    "pedestrian": "footway",
    "corridor": "footway",
    "bridleway": "path",
    "minor": "unclassified",
}
OSM_CLASSES: dict[str, str] = {name: name for name in CLASSES if name != "ferry"} | _OSM_FOLDED
"""OSM ``highway`` -> class."""

NOT_BUILT = frozenset(
    {"construction", "proposed", "planned", "abandoned", "disused", "razed", "demolished"}
)
"""Values of ``highway`` for what is not there to be used."""


def _words(table: dict[str, str]) -> dict[str, str]:
    return {word: name for name, words in table.items() for word in words.split()}


SURVEY_CLASSES: dict[str, str] = _words(
    {
        "motorway": "高速 高速公路 高速路 expressway",
        "trunk": "快速路 城市快速路 一级公路",
        "primary": "国道 普通国道 主干路 主干道 城市主干路 national 国家级 g",
        "secondary": "省道 普通省道 次干路 次干道 城市次干路 provincial 省级 s",
        "tertiary": "县道 县级 county x",
        "unclassified": "乡道 乡级 乡镇道路 乡村道路 乡村公路 农村公路 township y",
        "residential": "村道 村级 通村公路 通组公路 组道 village c 支路 街道 街巷 城市支路 "
        "居民区道路",
        "service": "专用公路 专用道路 专用道 内部道路 厂区道路 special z",
        "track": "机耕路 机耕道 田间道 生产路 林道 林区道路 大车路",
        "path": "小路 乡间小路 山路 羊肠小道 驮道 人行小路",
        "footway": "人行道 步道 步行街 人行路",
        "steps": "台阶 梯道 阶梯路",
        "cycleway": "自行车道 非机动车道",
        "ferry": "渡口 轮渡 渡船 渡运航线",
    }
)
"""What surveyors and road authorities call a road -> class. One letter is that of GB/T 917."""

SURFACE_WORDS: dict[str, str] = _words(
    {
        "asphalt": "asphalt chipseal 沥青 沥青路 沥青混凝土 沥青路面 柏油 柏油路 油路",
        "concrete": "concrete concrete:plates concrete:lanes 水泥 水泥路 水泥混凝土 混凝土 "
        "水泥路面",
        "paved": "paved paving_stones sett cobblestone unhewn_cobblestone bricks metal wood "
        "grass_paver 硬化 已硬化 硬化路面 铺装 石板 块石 弹石 弹石路 砖 砖铺",
        "gravel": "gravel fine_gravel compacted pebblestone 砂石 砂石路 碎石 砾石 泥结碎石 石子",
        "unpaved": "unpaved 未硬化 未铺装 无铺装 无路面 简易路面",
        "dirt": "dirt earth ground mud sand grass clay soil rock 土 土路 泥土 泥路 土质 自然土",
    }
)
"""OSM ``surface`` and Chinese words -> surface."""


def class_of(word: str) -> str | None:
    """The class that a survey or OSM calls ``word``; None where nobody knows it."""
    folded = _folded(word)
    folded = re.sub(r"^track_grade\d$", "track", folded)
    return OSM_CLASSES.get(folded) or ("ferry" if folded == "ferry" else SURVEY_CLASSES.get(folded))


def surface_of(word: str) -> str:
    """The surface called ``word``, an empty string where nobody knows it."""
    return SURFACE_WORDS.get(_folded(word), "")


def _folded(word: str) -> str:
    return unicodedata.normalize("NFKC", word).strip().casefold()


MPH = 1.609344
WALK_KMH = 6.0
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)\s*(km/h|kmh|kph|公里/小时|公里|千米/小时|mph|knots)?")
_UNITS = {"mph": MPH, "knots": 1.852}
_ZONES = {
    "cn:urban": 50.0,
    "cn:rural": 70.0,
    "cn:motorway": 120.0,
    "cn:expressway": 100.0,
    "de:urban": 50.0,
    "de:rural": 100.0,
    "at:urban": 50.0,
    "at:rural": 100.0,
    "at:motorway": 130.0,
    "ch:urban": 50.0,
    "ch:rural": 80.0,
    "ch:motorway": 120.0,
    "fr:urban": 50.0,
    "fr:rural": 80.0,
    "fr:motorway": 130.0,
}
_ZONE = re.compile(r"[a-z]{2}:zone:?(\d+)|[a-z]{2}:(\d+)")
_LIVING = re.compile(r"walk|[a-z]{2}:(?:living_street|walk|pedestrian_zone)")


def limit_of(text: str) -> float:
    """Km/h that a posted limit stands for, NaN where it is none that can be known.

    Numbers are km/h unless they say mph; ``walk`` and living streets are walking pace; zones such
    as ``CN:urban`` have their country's general limit. Of several limits the least counts.
    """
    found = [_one_limit(part) for part in _folded(text).replace(",", ";").split(";")]
    known = [one for one in found if math.isfinite(one)]
    return min(known, default=math.nan)


def _one_limit(text: str) -> float:
    text = text.strip()
    number = _NUMBER.fullmatch(text)
    if number is not None:
        kmh = float(number[1]) * _UNITS.get(number[2] or "", 1.0)
        return kmh if 0 < kmh <= 300 else math.nan
    if _LIVING.fullmatch(text):
        return WALK_KMH
    zone = _ZONE.fullmatch(text)
    if zone is not None:
        return float(zone[1] or zone[2])
    return _ZONES.get(text, math.nan)


_AS_DRAWN = "yes true t 1 1.0 ft 是 有 单向 单行 单行道 正向 顺向 forward one_way oneway"
_AGAINST = "-1 -1.0 reverse tf 逆向 反向 逆行 backward"
_BOTH = "no false f n 0 0.0 b both 否 无 双向 双行 双向通行 two_way"
ONE_WAY: dict[str, int] = {
    word: way
    for way, words in ((1, _AS_DRAWN), (-1, _AGAINST), (0, _BOTH))
    for word in words.split()
}
"""What a column of one-way streets says -> 1 as drawn, -1 against, 0 both ways."""


def one_way_of(word: str) -> int | None:
    """1: as drawn; -1: against; 0: both ways; None where nobody knows the word."""
    return ONE_WAY.get(_folded(word))


def letter_of(word: str) -> int | None:
    """The same in a column that has B for both ways, and so F for forward and T for its reverse;
    in other columns these two are false and true."""
    return {"b": 0, "f": 1, "t": -1}.get(_folded(word), one_way_of(word))
