"""Whose coverage is asked for."""

from enum import StrEnum

from gridsvc.domain.force import Role
from gridsvc.domain.words import Text


class Group(StrEnum):
    """Responders who can stand in for one another."""

    SENTINELS = "sentinels"
    GRID_WORKERS = "grid_workers"
    MEDIATORS = "mediators"
    MEDICAL = "medical"
    ORDER = "order"
    FIRE = "fire"


GROUP_ROLES: dict[Group, frozenset[Role]] = {
    Group.SENTINELS: frozenset({Role.SENTINEL}),
    Group.GRID_WORKERS: frozenset({Role.GRID_WORKER}),
    Group.MEDIATORS: frozenset({Role.MEDIATOR}),
    Group.MEDICAL: frozenset({Role.DOCTOR, Role.AMBULANCE}),
    Group.ORDER: frozenset({Role.TOWNSHIP_TEAM}),
    Group.FIRE: frozenset({Role.FIRE_CREW}),
}

GROUP_NAMES: dict[Group, Text] = {
    Group.SENTINELS: Text("吹哨人", "sentinels"),
    Group.GRID_WORKERS: Text("网格员", "grid workers"),
    Group.MEDIATORS: Text("调解员", "mediators"),
    Group.MEDICAL: Text("村医和救护车", "medical crews"),
    Group.ORDER: Text("乡镇处置队", "township teams"),
    Group.FIRE: Text("乡镇消防队", "fire brigades"),
}


class State(StrEnum):
    """Whether everybody on the list counts, or those who could be sent at this moment."""

    STAFFED = "staffed"
    NOMINAL = "nominal"


STATE_NAMES: dict[State, Text] = {
    State.STAFFED: Text("此刻可派", "Staffed now"),
    State.NOMINAL: Text("名册全员", "Nominal"),
}
