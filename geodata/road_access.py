"""Who may go where, as OpenStreetMap's tags say it: the documented hierarchy of access.

For each vehicle the most specific tag counts: ``motorcar`` before ``motor_vehicle`` before
``vehicle`` before ``access``; a tag for one direction (``vehicle:backward``) before the same tag
for both. What the law leaves to some alone (``private``, ``agricultural``, ``permit``, ...) is
closed; conditions by the hour (``:conditional``) are not read.
"""

from collections.abc import Mapping

from geodata.road_classes import EVERYBODY, ON_FOOT, mask_of, usual_access
from gridsvc.domain.force import Vehicle

Tags = Mapping[str, str]

HIERARCHY: dict[Vehicle, tuple[str, ...]] = {
    Vehicle.FOOT: ("foot", "access"),
    Vehicle.MOTORCYCLE: ("motorcycle", "motor_vehicle", "vehicle", "access"),
    Vehicle.CAR: ("motorcar", "motor_vehicle", "vehicle", "access"),
}
"""The tags that count for a vehicle, the most specific first."""

_CLOSED = "no private military restricted permit agricultural forestry emergency psv bus hov"
CLOSED = frozenset(f"{_CLOSED} use_sidepath".split())
"""Values that keep out who has no right of their own; every other value lets in."""

_OPEN = "gate lift_gate swing_gate hampshire_gate sliding_gate toll_booth border_control"
_LOW = "cattle_grid entrance height_restrictor kerb no sally_port checkpoint"
OPEN_BARRIERS = frozenset(f"{_OPEN} {_LOW}".split())
"""Barriers that everybody passes unless a tag says otherwise."""

_SOLID = "wall fence hedge city_wall retaining_wall ditch guard_rail"
SOLID_BARRIERS = frozenset(_SOLID.split())
"""Barriers that nobody passes; every other one lets people through on foot."""

_ONE_WAY = {"yes": 1, "true": 1, "1": 1, "-1": -1, "reverse": -1, "no": 0, "false": 0, "0": 0}
_VEHICLE_KEYS = {
    Vehicle.MOTORCYCLE: ("oneway:motorcycle", "oneway:motor_vehicle", "oneway:vehicle", "oneway"),
    Vehicle.CAR: ("oneway:motorcar", "oneway:motor_vehicle", "oneway:vehicle", "oneway"),
}


def way_access(tags: Tags, road_class: str) -> tuple[int, int]:
    """Who may go along a way and against it, as masks."""
    usual = usual_access(road_class)
    if tags.get("motorroad") == "yes":
        usual &= ~ON_FOOT
    along = _allowed(tags, usual, ":forward")
    against = _allowed(tags, usual, ":backward")
    for vehicle in Vehicle:
        bit = mask_of([vehicle])
        one_way = _one_way(tags, vehicle, road_class)
        if one_way == 1 or one_way is None:
            against &= ~bit
        if one_way == -1 or one_way is None:
            along &= ~bit
    return along, against


def barrier_access(tags: Tags) -> int:
    """Who passes a node with that ``barrier``, as a mask."""
    barrier = tags["barrier"]
    usual = EVERYBODY if barrier in OPEN_BARRIERS else ON_FOOT
    if barrier in SOLID_BARRIERS:
        usual = 0
    if tags.get("locked") == "yes":
        usual &= ON_FOOT
    return _allowed(tags, usual, "")


def _allowed(tags: Tags, usual: int, direction: str) -> int:
    mask = usual
    for vehicle, keys in HIERARCHY.items():
        bit = mask_of([vehicle])
        said = next(
            (
                tags[name]
                for key in keys
                for name in dict.fromkeys((key + direction, key))
                if name in tags
            ),
            None,
        )
        if said is not None:
            mask = mask & ~bit if _is_closed(said) else mask | bit
    return mask


def _is_closed(value: str) -> bool:
    """Of several values (``agricultural;destination``) one that lets in is enough."""
    return all(part.strip() in CLOSED for part in value.split(";"))


def _one_way(tags: Tags, vehicle: Vehicle, road_class: str) -> int | None:
    """1: as drawn; -1: against; 0: both; None: neither, since it changes with the hour.

    A one-way street is one for vehicles; on foot only where ``oneway:foot`` says so.
    """
    if vehicle is Vehicle.FOOT:
        return _ONE_WAY.get(tags.get("oneway:foot", "no"), 0)
    for key in _VEHICLE_KEYS[vehicle]:
        if key in tags:
            return None if tags[key] == "reversible" else _ONE_WAY.get(tags[key], 0)
    circle = tags.get("junction") in ("roundabout", "circular")
    return 1 if circle or road_class == "motorway" else 0
