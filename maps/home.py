"""The start page: what is loaded, where to go, and a first incident to try."""

from collections.abc import Mapping, Sequence

from gridsvc.domain.area import PublishedMap
from gridsvc.domain.kinds import CATEGORY_NAMES, KINDS, URGENCY_NAMES, Category
from gridsvc.domain.words import Lang, Text
from maps.assets import LEAFLET_CSS, LEAFLET_JS, AssetMode, to_json
from maps.closures import DrawnClosure, closure_block
from maps.page import folium_map, render_page
from maps.shapes import MapShapes, area_block, map_shapes


def home_page(
    published: PublishedMap | None,
    counts: Mapping[str, int],
    *,
    lang: Lang = "zh",
    shapes: MapShapes | None = None,
    closures: Sequence[DrawnClosure] = (),
) -> str:
    """The page as HTML, its scripts linked at ``/static``.

    Parameters
    ----------
    published
        The current map; without one, or without grids, the page says how to import.
    counts
        ``responders`` and ``incidents``: how many there are.
    shapes
        `maps.shapes.map_shapes` of ``published`` where it is kept; made here otherwise. Not
        shifted: positions that are picked are sent as CGCS2000.
    closures
        Roads that are closed now, drawn on the map.
    """
    ready = published is not None and bool(published.grids)
    name = "" if published is None else published.county_name
    scripts, styles, script = ["base.js"], ["page.css", "home.css"], ""
    element: str = ""
    data: dict[str, bytes] = {}
    sample = (0.0, 0.0)
    tiles = None
    if published is not None and ready:
        drawn = map_shapes(published) if shapes is None else shapes
        tiles = drawn.tiles
        west, south, east, north = drawn.bounds
        sample = drawn.labels[0] if drawn.labels else ((west + east) / 2, (south + north) / 2)
        element, script = folium_map("home", drawn.bounds)
        scripts = [LEAFLET_JS, "base.js", "home.js"]
        styles = [LEAFLET_CSS, *styles]
        data = {
            "area-data": area_block(drawn),
            "home-data": _choices(lang),
            "closure-data": closure_block(closures, lang, drawn.move),
        }
    return render_page(
        "home.html",
        title=Text(f"{name}综治中心网格平台", f"{name} grid governance".strip()).pick(lang),
        lang=lang,
        mode=AssetMode.LINKED,
        styles=styles,
        scripts=scripts,
        inline=script,
        data=data,
        tiles=tiles,
        ready=ready,
        demo=published is not None and published.demo,
        version=0 if published is None else published.version,
        numbers=_numbers(published, counts, lang),
        categories=[(c.value, CATEGORY_NAMES[c].pick(lang)) for c in Category],
        urgencies=[(level, words.pick(lang)) for level, words in URGENCY_NAMES.items()],
        map=element,
        sample=sample,
    )


def _numbers(
    published: PublishedMap | None, counts: Mapping[str, int], lang: Lang
) -> list[tuple[str, str, int]]:
    grids = 0 if published is None else len(published.grids)
    units = 0 if published is None else len(published.units)
    figures = (
        ("grids", Text("网格", "Grids"), grids),
        ("units", Text("末端防处单元", "End units"), units),
        ("responders", Text("处置力量（人、队）", "Responders"), counts.get("responders", 0)),
        ("incidents", Text("累计上报（件）", "Reports so far"), counts.get("incidents", 0)),
    )
    return [(name, words.pick(lang), number) for name, words, number in figures]


def _choices(lang: Lang) -> bytes:
    """Kinds by category, each with its usual urgency, and the words of the script."""
    kinds: dict[str, list[dict[str, object]]] = {category.value: [] for category in Category}
    for kind in KINDS:
        kinds[kind.category].append(
            {"code": kind.code, "name": kind.name.pick(lang), "urgency": kind.urgency}
        )
    return to_json(
        {"lang": lang, "kinds": kinds, "words": {k: w.pick(lang) for k, w in _WORDS.items()}}
    )


_WORDS: dict[str, Text] = {
    "sending": Text("正在上报…", "Reporting…"),
    "taken": Text("已受理", "Taken"),
    "outside": Text(
        "在县界以外，按最近网格登记，相距 {}：", "outside the county; nearest grid, at {}: "
    ),
    "unlocated": Text("待定位：已受理，位置待核实", "Unlocated: taken, find out where it is"),
    "assigned": Text("已指派力量", "Assigned"),
    "minutes": Text("约 {} 分钟", "about {} min"),
    "stand_off": Text("只在外围，不得靠近", "stand off"),
    "chosen": Text("就近力量（直线距离）", "Nearest people (straight line)"),
    "nobody": Text("附近没有可派力量", "nobody near can be sent"),
    "not_needed": Text(
        "此类事项不派员到场，转窗口或部门办理", "this kind sends nobody: a window handles it"
    ),
    "hand_over": Text("请联系", "hand over to"),
    "missing": Text("尚缺", "still missing"),
    "refused": Text("未派人员及原因（{}）", "passed over, and why ({})"),
    "metres": Text("{} 米", "{} m"),
    "kilometres": Text("{} 公里", "{} km"),
    "offline": Text("无法连接服务器，请稍后重试", "the server cannot be reached: try again"),
    "pick": Text("请先在地图上点选位置", "click a position on the map first"),
}
