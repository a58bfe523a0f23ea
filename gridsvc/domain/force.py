"""The people who can be sent: who they are, what they can do, where they are."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gridsvc.domain.errors import Fault, NotFoundError
from gridsvc.domain.geo import LngLat
from gridsvc.domain.words import Text


class Role(StrEnum):
    """What a responder is. Lay people are neighbours without training or means of force."""

    SENTINEL = "sentinel"
    GRID_WORKER = "grid_worker"
    MEDIATOR = "mediator"
    DOCTOR = "doctor"
    TOWNSHIP_TEAM = "township_team"
    AMBULANCE = "ambulance"
    FIRE_CREW = "fire_crew"
    DEPARTMENT = "department"

    @property
    def lay(self) -> bool:
        """Whether this is a neighbour, whom a card's lay rule protects."""
        return self in (Role.SENTINEL, Role.GRID_WORKER, Role.MEDIATOR)

    @property
    def exclusive(self) -> bool:
        """Whether it can be at one case only. A department is an office with many hands."""
        return self is not Role.DEPARTMENT


ROLE_NAMES: dict[Role, Text] = {
    Role.SENTINEL: Text("吹哨人", "sentinel"),
    Role.GRID_WORKER: Text("网格员", "grid worker"),
    Role.MEDIATOR: Text("调解员", "mediator"),
    Role.DOCTOR: Text("村医", "village doctor"),
    Role.TOWNSHIP_TEAM: Text("乡镇处置队", "township team"),
    Role.AMBULANCE: Text("乡镇救护车", "township ambulance"),
    Role.FIRE_CREW: Text("乡镇专职消防队", "township fire brigade"),
    Role.DEPARTMENT: Text("县直部门", "county department"),
}


class Capability(StrEnum):
    """What a kind of incident may ask for."""

    FIRST_ON_SCENE = "first_on_scene"
    GRID_DUTY = "grid_duty"
    MEDIATION = "mediation"
    FIRST_AID = "first_aid"
    AMBULANCE = "ambulance"
    ORDER = "order"
    FIRE = "fire"
    FOREST_FIRE = "forest_fire"
    TRADE = "trade"


CAPABILITY_NAMES: dict[Capability, Text] = {
    Capability.FIRST_ON_SCENE: Text("先到现场", "first on the scene"),
    Capability.GRID_DUTY: Text("网格处置", "grid duty"),
    Capability.MEDIATION: Text("矛盾调解", "mediation"),
    Capability.FIRST_AID: Text("急救", "first aid"),
    Capability.AMBULANCE: Text("救护转运", "ambulance"),
    Capability.ORDER: Text("维持秩序", "keeping order"),
    Capability.FIRE: Text("灭火", "fire fighting"),
    Capability.FOREST_FIRE: Text("森林扑火", "forest fire fighting"),
    Capability.TRADE: Text("部门专业处置", "departmental trade"),
}


class Vehicle(StrEnum):
    """How a responder moves."""

    FOOT = "foot"
    MOTORCYCLE = "motorcycle"
    CAR = "car"


VEHICLE_NAMES: dict[Vehicle, Text] = {
    Vehicle.FOOT: Text("步行", "on foot"),
    Vehicle.MOTORCYCLE: Text("摩托车", "motorbike"),
    Vehicle.CAR: Text("汽车", "car"),
}
"""What each vehicle is called on screen."""


@dataclass(frozen=True, slots=True)
class LivePosition:
    """Where a responder's device last said it was, and when (aware datetime)."""

    at: LngLat
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Responder:
    """One person or crew. ``area`` is the code of the unit, grid, village, township or county
    it answers for. ``app`` False means by telephone only; ``night`` says whether it can be
    reached from 22:00 to 06:00. ``by_area``: nobody knows where it lives, ``home`` is the middle of
    its own unit or grid; never stored."""

    id: str
    name: str
    role: Role
    area: str
    home: LngLat | None
    phone: str = ""
    capabilities: frozenset[Capability] = frozenset()
    app: bool = False
    night: bool = False
    on_duty: bool = True
    vehicle: Vehicle = Vehicle.FOOT
    live: LivePosition | None = None
    by_area: bool = False


def unknown_responder(id: str) -> NotFoundError:  # noqa: A002
    """The error that nobody is known under ``id``."""
    return NotFoundError(
        Fault(
            "unknown_responder",
            Text(f"没有编号为“{id}”的力量人员", f"no responder is known under {id!r}"),
            id,
        )
    )
