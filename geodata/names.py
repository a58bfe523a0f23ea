"""Column names on export: Chinese ones, and the short ones of shapefiles.

Every name here is in the import's dictionary, so that a file that was written is read back
without ``--map``.
"""

from collections.abc import Iterable

from geodata.layer import LayerKind
from gridsvc.domain.words import Lang

CHINESE: dict[LayerKind, dict[str, str]] = {
    LayerKind.DIVISIONS: {
        "code": "区划编码",
        "name": "区划名称",
        "level": "级别",
        "parent": "上级编码",
    },
    LayerKind.GRIDS: {
        "code": "网格编码",
        "name": "网格名称",
        "village": "所属村编码",
        "kind": "网格类型",
        "residents": "常住人口",
        "worker": "网格员",
        "phone": "联系电话",
    },
    LayerKind.UNITS: {
        "code": "单元编码",
        "name": "单元名称",
        "grid": "所属网格编码",
        "residents": "常住人口",
        "sentinel": "吹哨人",
        "phone": "联系电话",
    },
    LayerKind.RESPONDERS: {
        "id": "人员编号",
        "name": "姓名",
        "role": "角色",
        "area": "责任区编码",
        "phone": "联系电话",
        "capabilities": "能力",
        "app": "使用应用",
        "night": "夜间可达",
        "on_duty": "在岗",
        "vehicle": "交通工具",
        "live_lng": "实时经度",
        "live_lat": "实时纬度",
        "live_at": "定位时间",
        "lng": "经度",
        "lat": "纬度",
    },
    LayerKind.INCIDENTS: {
        "number": "事件编号",
        "received_at": "接报时间",
        "category": "事件类别",
        "kind": "事件类型",
        "urgency": "紧急程度",
        "text": "事件内容",
        "address": "地址",
        "radius_m": "误差半径",
        "drill": "演练",
        "lng": "经度",
        "lat": "纬度",
    },
    LayerKind.ROADS: {
        "id": "道路编号",
        "class": "道路等级",
        "name": "道路名称",
        "speed": "限速",
        "oneway": "单行",
        "surface": "路面",
    },
}

SHAPEFILE: dict[str, str] = {
    "capabilities": "capabs",
    "received_at": "recv_at",
    "所属网格编码": "所属网格",
}
"""Standard names longer than the 10 bytes of a shapefile, and what is written for them."""


def out_names(columns: Iterable[str], kind: LayerKind, lang: Lang) -> tuple[str, ...]:
    """The written name of each canonical column; a column that is not canonical keeps its own."""
    chinese = CHINESE[kind] if lang == "zh" else {}
    return tuple(chinese.get(column, column) for column in columns)
