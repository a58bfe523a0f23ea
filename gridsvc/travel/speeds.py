"""How fast one moves on which road: one table, which a county may change."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from gridsvc.domain.errors import Fault, SettingsError
from gridsvc.domain.force import Vehicle
from gridsvc.domain.geo import Floats
from gridsvc.domain.roads import RoadNetwork
from gridsvc.domain.travel import VEHICLES
from gridsvc.domain.words import Text

FERRY = "ferry"
"""Takes everybody at one speed, its posted one, waiting included."""

OTHER = "other"
"""Stands for every class that the table does not have."""

# km/h of a car and a motorcycle, as driven end to end: bends, junctions and people on the road are
# in it. The design speeds of JTG B01 (20 and 30 for class 4 and 3 roads in mountains, 40 for class
# 2, 80 for expressways there) are what a driver holds on a straight; township and village roads in
# karst hills are single-lane, 3.5 to 4.5 m, with passing bays, and are driven at 20 to 30. None of
# it was measured in this county.
_CLASSES: dict[str, tuple[float, float]] = {
    # Names of the state's classes (国省县乡村道), as survey layers have them.
    "expressway": (90.0, 40.0),
    "national": (55.0, 45.0),
    "provincial": (50.0, 45.0),
    "county": (40.0, 38.0),
    "township": (30.0, 30.0),
    "village": (20.0, 25.0),
    "street": (25.0, 25.0),
    # Names of OpenStreetMap.
    "motorway": (90.0, 40.0),
    "motorway_link": (40.0, 35.0),
    "trunk": (60.0, 45.0),
    "trunk_link": (35.0, 35.0),
    "primary": (50.0, 45.0),
    "primary_link": (35.0, 35.0),
    "secondary": (42.0, 40.0),
    "secondary_link": (30.0, 30.0),
    "tertiary": (35.0, 33.0),
    "tertiary_link": (25.0, 25.0),
    "unclassified": (28.0, 28.0),
    "residential": (22.0, 24.0),
    "living_street": (12.0, 12.0),
    "pedestrian": (8.0, 8.0),
    "service": (15.0, 16.0),
    "road": (20.0, 22.0),
    "track": (12.0, 18.0),
    "path": (5.0, 10.0),
    "footway": (5.0, 8.0),
    "cycleway": (8.0, 12.0),
    "bridleway": (5.0, 10.0),
    "steps": (5.0, 5.0),
    FERRY: (8.0, 8.0),
    OTHER: (20.0, 22.0),
}
_SURFACES: dict[str, float] = {
    "asphalt": 1.0,
    "concrete": 1.0,
    "paved": 1.0,
    "": 1.0,
    "paving_stones": 0.85,
    "sett": 0.75,
    "cobblestone": 0.7,
    "compacted": 0.85,
    "fine_gravel": 0.8,
    "gravel": 0.7,
    "unpaved": 0.65,
    "ground": 0.55,
    "dirt": 0.55,
    "earth": 0.55,
    "grass": 0.4,
    "sand": 0.4,
    "mud": 0.3,
}
_FOOT_KMH = 4.5
_MOST_KMH = 150.0


@dataclass(frozen=True)
class Speeds:
    """The table of speeds.

    Attributes
    ----------
    classes
        Road class -> km/h of a car and of a motorcycle on a good surface; ``other`` stands for
        every class that is not named.
    surfaces
        Surface -> factor on those, above 0 and at most 1; 1 for a surface that is not named.
    foot_kmh
        On foot, on every road and off it.
    """

    classes: Mapping[str, tuple[float, float]] = field(
        default_factory=lambda: MappingProxyType(_CLASSES)
    )
    surfaces: Mapping[str, float] = field(default_factory=lambda: MappingProxyType(_SURFACES))
    foot_kmh: float = _FOOT_KMH

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read a YAML file with any of ``classes`` (name: {car: km/h, motorcycle: km/h}),
        ``surfaces`` (name: factor) and ``foot_kmh``; what it does not name stays as it is.

        Raises
        ------
        SettingsError
            With everything that is wrong in it.
        """
        # Only whoever has such a file pays for loading this.
        import yaml

        try:
            said = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            text = Text(f"速度表读不出来：{error}", f"the table of speeds cannot be read: {error}")
            raise SettingsError(Fault("speeds_unreadable", text, str(path))) from error
        faults: list[Fault] = []
        table = _table({} if said is None else said, faults)
        if faults:
            raise SettingsError(faults)
        return cls(
            classes=MappingProxyType(_CLASSES | table["classes"]),
            surfaces=MappingProxyType(_SURFACES | table["surfaces"]),
            foot_kmh=table["foot_kmh"],
        )

    @property
    def foot_m_per_s(self) -> float:
        """Metres a second on foot."""
        return self.foot_kmh / 3.6

    def seconds(self, network: RoadNetwork, vehicle: Vehicle) -> tuple[Floats, Floats]:
        """Seconds over each edge, along and against, shape (m,); infinite where not allowed.

        A posted limit caps a speed and never raises it; of a ferry it is the speed itself.
        """
        kmh = self.kmh(network, vehicle)
        with np.errstate(divide="ignore"):
            whole = network.length_m * 3.6 / kmh
        bit = np.uint8(1 << VEHICLES.index(vehicle))
        return (
            np.where(network.along & bit, whole, np.inf),
            np.where(network.against & bit, whole, np.inf),
        )

    def kmh(self, network: RoadNetwork, vehicle: Vehicle) -> Floats:
        """Kilometres an hour on each edge, shape (m,), whether allowed or not."""
        limit = np.where(network.limit_kmh > 0, network.limit_kmh, np.inf)
        ferry = network.road_class == FERRY
        slow = self.classes.get(FERRY, _CLASSES[FERRY])[0]
        if vehicle is Vehicle.FOOT:
            kmh = np.full(network.edges, self.foot_kmh)
        else:
            place = 0 if vehicle is Vehicle.CAR else 1
            other = self.classes.get(OTHER, _CLASSES[OTHER])
            kmh = _by_name(
                network.road_class, lambda name: self.classes.get(name, other)[place]
            ) * _by_name(network.surface, lambda name: self.surfaces.get(name, 1.0))
            kmh = np.minimum(kmh, limit)
        return np.where(ferry, np.where(np.isfinite(limit), limit, slow), kmh)


def _by_name(names: npt.NDArray[np.str_], number: Callable[[str], float]) -> Floats:
    known, which = np.unique(names, return_inverse=True)
    return np.array([number(str(name)) for name in known], dtype=np.float64)[which]


def _table(said: Any, faults: list[Fault]) -> dict[str, Any]:
    """The parts of a file, with what is wrong put into ``faults``."""
    parts = ("classes", "surfaces", "foot_kmh")
    if not isinstance(said, dict):
        said, shown = {}, repr(said)[:80]
        text = Text(
            f"速度表应为映射（现为 {shown}）：可用 {'、'.join(parts)}",
            f"the table must be a mapping (now {shown}): with {', '.join(parts)}",
        )
        faults.append(Fault("bad_speeds", text))
    for name in said:
        if name not in parts:
            text = Text(
                f"没有“{name}”：可用 {'、'.join(parts)}",
                f"no such part {name!r}: use {', '.join(parts)}",
            )
            faults.append(Fault("unknown_speeds", text, str(name)))
    classes: dict[str, tuple[float, float]] = {}
    for name, both in _items(said, "classes", faults):
        known = _CLASSES.get(name, _CLASSES[OTHER])
        where = f"classes.{name}"
        if not isinstance(both, dict) or not both or set(both) - {"car", "motorcycle"}:
            text = Text(
                f"应写成 {{car: 公里/小时, motorcycle: 公里/小时}}（现为 {both!r}）",
                f"must be {{car: km/h, motorcycle: km/h}} (now {both!r})",
            )
            faults.append(Fault("bad_speeds", text, where))
            continue
        classes[name] = (
            _number(both.get("car", known[0]), 1.0, _MOST_KMH, f"{where}.car", faults),
            _number(
                both.get("motorcycle", known[1]), 1.0, _MOST_KMH, f"{where}.motorcycle", faults
            ),
        )
    surfaces = {
        name: _number(factor, 0.05, 1.0, f"surfaces.{name}", faults)
        for name, factor in _items(said, "surfaces", faults)
    }
    foot = _number(said.get("foot_kmh", _FOOT_KMH), 1.0, 10.0, "foot_kmh", faults)
    return {"classes": classes, "surfaces": surfaces, "foot_kmh": foot}


def _items(said: dict[str, Any], part: str, faults: list[Fault]) -> list[tuple[str, Any]]:
    found = said.get(part) or {}
    if isinstance(found, dict):
        return [(str(name), value) for name, value in found.items()]
    text = Text(f"应为映射（现为 {found!r}）", f"must be a mapping (now {found!r})")
    faults.append(Fault("bad_speeds", text, part))
    return []


def _number(value: Any, least: float, most: float, where: str, faults: list[Fault]) -> float:
    """``value`` where it is a number from ``least`` to ``most``."""
    if isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most:
        return float(value)
    text = Text(
        f"应为 {least:g} 到 {most:g} 之间的数（现为 {value!r}）",
        f"must be a number from {least:g} to {most:g} (now {value!r})",
    )
    faults.append(Fault("bad_speeds", text, where))
    return least
