"""What a county department is for, told by its name, and which kinds of incident want which."""

from enum import StrEnum
from functools import lru_cache

from gridsvc.domain.words import Text


class Trade(StrEnum):
    """A field of work of county departments and utilities."""

    POWER = "power"
    WATER = "water"
    ROADS = "roads"
    URBAN = "urban"
    ENVIRONMENT = "environment"
    HOUSING = "housing"
    LAND = "land"
    FORESTRY = "forestry"
    LABOUR = "labour"


TRADE_NAMES: dict[Trade, Text] = {
    Trade.POWER: Text("供电", "power supply"),
    Trade.WATER: Text("水务", "water"),
    Trade.ROADS: Text("交通公路", "roads"),
    Trade.URBAN: Text("城市管理", "urban management"),
    Trade.ENVIRONMENT: Text("生态环境", "environment"),
    Trade.HOUSING: Text("住房建设", "housing"),
    Trade.LAND: Text("自然资源", "land"),
    Trade.FORESTRY: Text("林草", "forestry"),
    Trade.LABOUR: Text("人社劳动", "labour"),
}

_SAID: dict[Trade, tuple[str, ...]] = {
    Trade.POWER: ("供电", "电力", "电网", "power"),
    Trade.WATER: ("水务", "水利", "供水", "自来水", "排水", "water"),
    Trade.ROADS: ("交通运输", "公路", "路政", "transport", "road"),
    Trade.URBAN: ("综合行政执法", "城市管理", "城管", "市政", "环卫", "urban", "municipal"),
    Trade.ENVIRONMENT: ("生态环境", "环境保护", "环保", "environment"),
    Trade.HOUSING: ("住房", "住建", "房产", "房管", "housing"),
    Trade.LAND: ("自然资源", "国土", "land"),
    Trade.FORESTRY: ("林业", "林草", "forestry"),
    Trade.LABOUR: ("人力资源", "人社", "劳动", "labour"),
}

TRADES: dict[str, frozenset[Trade]] = {
    "utility_outage": frozenset({Trade.POWER, Trade.WATER}),
    "road_light": frozenset({Trade.ROADS, Trade.URBAN}),
    "waste_sewage": frozenset({Trade.URBAN, Trade.ENVIRONMENT, Trade.WATER}),
    "land_dispute": frozenset({Trade.LAND, Trade.FORESTRY}),
    "unpaid_wages": frozenset({Trade.LABOUR}),
    "housing_dispute": frozenset({Trade.HOUSING}),
    "noise_obstruction": frozenset({Trade.URBAN}),
    "illegal_building": frozenset({Trade.URBAN, Trade.LAND, Trade.HOUSING}),
}
"""Kind -> the trades that its department should have, any of them. Plausible, not a county's own
list of powers and duties."""


@lru_cache(maxsize=1024)
def trades_of(name: str) -> frozenset[Trade]:
    """What a department of that name does, as far as its name says it."""
    said = name.lower()
    return frozenset(trade for trade, words in _SAID.items() if any(word in said for word in words))
