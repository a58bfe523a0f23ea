"""Which column of a file is which: the usual Chinese and English names, kind by kind.

Names are compared without case, spaces, underscores, hyphens and bracketed remarks, full-width
letters as half-width ones. Within a kind no name stands for two columns. Where a canonical column
has ``second`` names, these count only if none of its first ones is there: a code is preferred to
the name of the same thing, the time of the report to the time of the event.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from geodata.layer import KIND_NAMES, LayerKind
from geodata.raw import fault
from gridsvc.domain.errors import Fault

Type = Literal[
    "code", "text", "int", "float", "bool", "time", "level", "grid_kind", "urgency", "datum", "wkt"
]


@dataclass(frozen=True)
class Field:
    """One canonical column: its type and the names it goes by."""

    name: str
    type: Type
    names: str
    second: str = ""
    required: bool = False
    filled: bool = False
    """Whether a cell of it may not be empty (codes of areas are checked with the geometry)."""


_WKT = Field("wkt", "wkt", "wkt geometry geom the_geom 几何 图形 空间数据 边界坐标")
_DATUM = Field(
    "datum", "datum", "datum 坐标系 坐标系统 坐标类型 基准面 坐标基准 coordsys coord_type"
)
_LNG = Field("lng", "float", "lng lon long longitude x 经度 东经 x坐标 坐标x lng_wgs84 点位经度")
_LAT = Field("lat", "float", "lat latitude y 纬度 北纬 y坐标 坐标y lat_wgs84 点位纬度")
_RESIDENTS = Field(
    "residents",
    "int",
    "residents population pop people 户籍人口 常住人口 人口 人口数 居民数 总人口 人数 户籍人口数 "
    "常住人口数 实有人口 服务人口 辖区人口",
)
_PHONE = Field(
    "phone",
    "text",
    "phone mobile tel telephone phone_number 电话 联系电话 手机 手机号 手机号码 电话号码 联系方式 "
    "联系手机 网格员电话 网格员联系电话 吹哨人电话 吹哨人联系电话",
)
_GRID_CODES = "网格编码 网格编号 网格代码 网格号 网格code wgbm wgbh grid_code grid_id"

FIELDS: dict[LayerKind, tuple[Field, ...]] = {
    LayerKind.DIVISIONS: (
        Field(
            "code",
            "code",
            "code adcode division_code 区划编码 区划代码 行政区划代码 行政区划编码 "
            "统计用区划代码 代码 编码 编号 xzqdm xzqhdm",
            required=True,
        ),
        Field(
            "name",
            "text",
            "name 名称 区划名称 行政区划名称 行政区名称 地名 xzqmc",
            required=True,
            filled=True,
        ),
        Field("level", "level", "level 级别 层级 区划级别 行政级别"),
        Field(
            "parent",
            "code",
            "parent parent_code 上级 上级编码 上级代码 上级区划 上级区划代码 父级编码",
        ),
        _DATUM,
        _WKT,
    ),
    LayerKind.GRIDS: (
        Field("code", "code", f"code 编码 编号 代码 {_GRID_CODES}", required=True),
        Field("name", "text", "name grid_name 名称 网格名称 网格名 wgmc"),
        Field(
            "village",
            "code",
            "village_code 社区编码 社区代码 村编码 村代码 村居编码 所属村编码 所属社区编码 "
            "所属村居编码 所属村代码 所属社区代码 village",
            second="所属社区 所属村 所属村居 所属村社区 所属村委会 所属居委会 村居 村社区 "
            "社区 村 社区名称 村名称 村名 village_name community",
        ),
        Field("kind", "grid_kind", "kind type 类型 网格类型 网格类别 网格性质"),
        _RESIDENTS,
        Field(
            "worker", "text", "worker grid_worker 网格员 网格员姓名 专职网格员 网格长 网格管理员"
        ),
        _PHONE,
        _DATUM,
        _WKT,
    ),
    LayerKind.UNITS: (
        Field(
            "code",
            "code",
            "code unit_code unit_id 编码 编号 代码 单元编码 单元编号 单元代码 末端单元编码 "
            "末端防处单元编码 防处单元编码 dybm",
            required=True,
        ),
        Field("name", "text", "name unit_name 名称 单元名称 单元名 末端单元名称 末端防处单元名称"),
        Field(
            "grid", "code", f"grid 所属网格 所属网格编码 所属网格编号 所属网格代码 {_GRID_CODES}"
        ),
        _RESIDENTS,
        Field("sentinel", "text", "sentinel 吹哨人 吹哨人姓名 吹哨员"),
        _PHONE,
        _DATUM,
        _WKT,
    ),
    LayerKind.RESPONDERS: (
        Field(
            "id",
            "code",
            "id responder_id person_id 编号 人员编号 人员编码 工号 序号",
            required=True,
            filled=True,
        ),
        Field("name", "text", "name 姓名 名称 人员姓名", required=True, filled=True),
        Field(
            "role", "text", "role 角色 岗位 人员类型 人员类别 力量类型", required=True, filled=True
        ),
        Field(
            "area",
            "code",
            "area area_code 责任区 责任区编码 责任区域 区域编码 负责区域 所属区域 辖区编码 "
            "所属网格 "
            f"所属网格编码 所属单元 所属单元编码 单元编码 {_GRID_CODES}",
            required=True,
            filled=True,
        ),
        _PHONE,
        Field("capabilities", "text", "capabilities capabs skills 能力 技能 处置能力"),
        Field("app", "bool", "app has_app 使用应用 使用app 安装app 是否使用app 有无app"),
        Field("night", "bool", "night 夜间可达 夜间 夜间联系 夜间可联系"),
        Field("on_duty", "bool", "on_duty 在岗 是否在岗 值班 在班"),
        Field("vehicle", "text", "vehicle 交通工具 交通方式 车辆"),
        Field("live_lng", "float", "live_lng live_lon 实时经度 当前经度"),
        Field("live_lat", "float", "live_lat 实时纬度 当前纬度"),
        Field("live_at", "time", "live_at 定位时间 实时时间 位置时间"),
        _DATUM,
        _WKT,
        _LNG,
        _LAT,
    ),
    LayerKind.INCIDENTS: (
        Field(
            "number",
            "code",
            "number case_number incident_number 事件编号 案件编号 工单编号 工单号 编号 "
            "案件号 诉求编号",
            second="id",
        ),
        Field(
            "received_at",
            "time",
            "received_at recv_at 接报时间 受理时间 上报时间 登记时间 接警时间 报警时间 来电时间",
            second="time datetime occurred_at 时间 发生时间 事发时间 日期",
            required=True,
            filled=True,
        ),
        Field("category", "text", "category 事件类别 类别 大类 事件大类 诉求类别"),
        Field(
            "kind",
            "text",
            "kind type 事件类型 类型 小类 事件小类 诉求类型 事件种类",
            required=True,
            filled=True,
        ),
        Field("urgency", "urgency", "urgency priority 紧急程度 紧急等级 紧急级别 优先级"),
        Field(
            "text", "text", "text description content 事件内容 内容 描述 事件描述 诉求内容 简要描述"
        ),
        Field("address", "text", "address location 地址 地点 事发地址 事发地点 发生地点 详细地址"),
        Field("radius_m", "float", "radius_m accuracy_m accuracy 误差半径 定位精度 定位误差"),
        Field("drill", "bool", "drill 演练 是否演练"),
        _DATUM,
        _WKT,
        _LNG,
        _LAT,
    ),
    LayerKind.ROADS: (
        Field(
            "id",
            "code",
            "id road_id osm_id edge_id 编号 编码 代码 道路编号 道路编码 路段编号 路段编码 路段代码",
            second="fid objectid 序号",
        ),
        Field(
            "class",
            "text",
            "class road_class highway fclass 等级 道路等级 道路类型 道路类别 公路等级 路线等级 "
            "公路行政等级 行政等级 路网等级",
            second="type kind 类型 类别 技术等级 公路技术等级",
            required=True,
        ),
        Field("name", "text", "name 名称 道路名称 道路名 路名 路线名称", second="ref 路线编号"),
        Field(
            "speed",
            "text",
            "speed speed_kmh maxspeed max_speed limit speed_limit 限速 限速值 最高限速 道路限速",
            second="设计速度 设计时速 时速 车速 速度",
        ),
        Field(
            "oneway",
            "text",
            "oneway one_way 单行 单行道 是否单行 是否单行道 单向 通行方向 行车方向",
            second="方向 direction",
        ),
        Field("surface", "text", "surface 路面 路面类型 路面材质 路面材料 路面铺装 铺装类型 铺装"),
        _DATUM,
        _WKT,
    ),
}


@dataclass(frozen=True)
class Resolved:
    """Canonical column -> position in the file, and what could not be told."""

    positions: dict[str, int]
    faults: tuple[Fault, ...]


def fold(name: str) -> str:
    """Reduce a column name to what is compared."""
    text = unicodedata.normalize("NFKC", name).casefold()
    text = re.sub(r"[(\[{【〔〈<].*?[)\]}】〕〉>]", "", text) or text
    return re.sub(r"[\s_\-./:*'\"。、,·﹡\ufeff\u200b]+", "", text)


def field_of(kind: LayerKind, canonical: str) -> Field | None:
    """Give the canonical column of that name, None where ``kind`` has none."""
    return next((field for field in FIELDS[kind] if field.name == canonical), None)


def resolve(
    names: Sequence[str],
    kind: LayerKind,
    *,
    override: Mapping[str, str] | None = None,
    skip: frozenset[int] = frozenset(),
) -> Resolved:
    """Find the canonical columns of ``kind`` among a file's columns.

    Parameters
    ----------
    names
        The file's column names, in order.
    kind
        What the rows are.
    override
        Canonical -> file column, as the user gave it; it wins over the dictionary.
    skip
        Positions of sensitive columns, which may not be used.

    Returns
    -------
    Resolved
        The mapping and all faults: overrides that lead nowhere, ambiguous and missing columns.
    """
    override = override or {}
    faults: list[Fault] = []
    positions: dict[str, int] = {}
    for canonical, wanted in override.items():
        found = _override(canonical, wanted, names, kind, faults)
        if found is not None and found in skip:
            faults.append(_never_stored(canonical, wanted))
        elif found is not None:
            positions[canonical] = found
    taken = set(positions.values())
    folded = [None if i in skip or i in taken else fold(name) for i, name in enumerate(names)]
    missing: list[str] = []
    for field in FIELDS[kind]:
        if field.name in override:
            continue
        hits = _hits(field.names, folded) or _hits(field.second, folded)
        if len(hits) > 1:
            faults.append(_ambiguous(field.name, [names[i] for i in hits]))
        elif hits:
            positions[field.name] = hits[0]
        elif field.required:
            missing.append(field.name)
    if missing:
        faults.append(_missing(missing, names, kind))
    return Resolved(positions, tuple(faults))


def _hits(aliases: str, folded: Sequence[str | None]) -> list[int]:
    known = {fold(alias) for alias in aliases.split()}
    return [i for i, name in enumerate(folded) if name is not None and name in known]


def _override(
    canonical: str, wanted: str, names: Sequence[str], kind: LayerKind, faults: list[Fault]
) -> int | None:
    if field_of(kind, canonical) is None:
        known = ", ".join(field.name for field in FIELDS[kind])
        faults.append(
            fault(
                "unknown_column",
                f"{KIND_NAMES[kind].zh}没有名为 {canonical} 的标准列：可用的有 {known}",
                f"{KIND_NAMES[kind].en} have no column {canonical!r}: there are {known}",
                f"--map {canonical}={wanted}",
            )
        )
        return None
    exact = [i for i, name in enumerate(names) if name == wanted]
    hits = exact or [i for i, name in enumerate(names) if fold(name) == fold(wanted)]
    if len(hits) == 1:
        return hits[0]
    zh, en = (
        ("有多个同名列", "several columns of that name")
        if hits
        else ("没有这一列", "no such column")
    )
    faults.append(
        fault(
            "mapped_column_missing",
            f"文件中{zh}“{wanted}”；{_found(names)[0]}",
            f"the file has {en} ({wanted!r}); {_found(names)[1]}",
            f"--map {canonical}={wanted}",
        )
    )
    return None


def _never_stored(canonical: str, wanted: str) -> Fault:
    return fault(
        "sensitive_column",
        f"“{wanted}”含敏感个人信息，任何情况下都不入库，不能用作 {canonical}",
        f"{wanted!r} holds sensitive personal information, is never stored and cannot be "
        f"{canonical}",
        f"--map {canonical}={wanted}",
    )


def _ambiguous(canonical: str, hits: Sequence[str]) -> Fault:
    listed = "、".join(hits)
    return fault(
        "ambiguous_column",
        f"有 {len(hits)} 列都可能是 {canonical}：{listed}；"
        f"请指明其一，例如 --map {canonical}={hits[0]}",
        f"{len(hits)} columns may be {canonical}: {', '.join(hits)}; choose one, e.g. "
        f"--map {canonical}={hits[0]}",
        canonical,
    )


def _missing(missing: Sequence[str], names: Sequence[str], kind: LayerKind) -> Fault:
    listed = ", ".join(missing)
    usual = "; ".join(f"{name}: {_usual(kind, name)}" for name in missing)
    zh, en = _found(names)
    return fault(
        "missing_column",
        f"{KIND_NAMES[kind].zh}缺少必需的列 {listed}（{usual}）；{zh}；"
        f"请用 --map {missing[0]}=列名 指明",
        f"{KIND_NAMES[kind].en} need the columns {listed} ({usual}); {en}; "
        f"name it with --map {missing[0]}=COLUMN",
        listed,
    )


def _usual(kind: LayerKind, canonical: str) -> str:
    field = field_of(kind, canonical)
    chinese = [name for name in (field.names if field else "").split() if not name.isascii()]
    return "/".join(chinese[:3])


def _found(names: Sequence[str]) -> tuple[str, str]:
    shown = [name if len(name) <= 40 else name[:37] + "..." for name in names[:60]]
    if not shown:
        return "文件中没有任何列", "the file has no columns"
    more = len(names) - len(shown)
    tail_zh, tail_en = (f" 等 {len(names)} 列", f" and {more} more") if more else ("", "")
    return f"文件中的列：{'、'.join(shown)}{tail_zh}", f"found: {', '.join(shown)}{tail_en}"
