"""Travel times by the straight line, lengthened by a detour factor: an estimate, and it says so."""

import math
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import shapely

from gridsvc.domain.force import Vehicle
from gridsvc.domain.geo import Floats
from gridsvc.domain.travel import (
    BASES,
    VEHICLES,
    Basis,
    BasisNumbers,
    First,
    Numbers,
    Route,
    Times,
    VehicleNumbers,
)
from gridsvc.domain.words import Text

DETOUR = 2.0
"""In karst hills the road is two or three times as long as the straight line; the lower one,
because the slow speeds below stand for the worst of the bends already."""

SPEEDS_KMH: Mapping[Vehicle, float] = MappingProxyType(
    {
        Vehicle.FOOT: 4.5,  # a brisk walk, up and down
        Vehicle.MOTORCYCLE: 30.0,  # village roads of four metres, with bends and people on them
        Vehicle.CAR: 40.0,  # township roads; county roads are faster, the last kilometre slower
    }
)
"""Plausible for a county in the hills, not measured there."""


_STRAIGHT = np.int8(BASES.index(Basis.STRAIGHT_LINE))


class StraightLine:
    """The straight line times ``detour``, at the speed of the vehicle in km/h."""

    basis = Basis.STRAIGHT_LINE

    def __init__(
        self, detour: float = DETOUR, speeds: Mapping[Vehicle, float] = SPEEDS_KMH
    ) -> None:
        self.detour = detour
        self.note = Text(
            f"到场时间按直线距离×{detour:.1f}估算，非道路行车时间；山区道路可能是直线的两三倍",
            f"times are estimated from straight lines times {detour:.1f}, not by road; in the "
            "hills the road can be two or three times as long as the straight line",
        )
        self._s_per_m = np.array([detour * 3.6 / speeds[one] for one in VEHICLES])

    def seconds(self, *, to: tuple[float, float], start: Floats, vehicle: VehicleNumbers) -> Floats:
        """Seconds to one place; see `gridsvc.domain.travel.TravelTimes`."""
        # A root of squares: three times as fast as hypot, which minds numbers no county has.
        east, north = start[:, 0] - to[0], start[:, 1] - to[1]
        east *= east
        north *= north
        east += north
        return np.asarray(np.sqrt(east, out=east) * self._s_per_m[vehicle], dtype=np.float64)

    def note_of(self, basis: Basis) -> Text:  # noqa: ARG002
        """Say what a time is worth; all are reckoned alike."""
        return self.note

    def settle(self, start: Floats, vehicle: VehicleNumbers) -> "StraightSettled":
        """Put people where they are; see `gridsvc.domain.travel.TravelTimes`."""
        return StraightSettled(self, start, vehicle)

    def nearest(self, *, to: Floats, start: Floats, vehicle: VehicleNumbers) -> First:
        """Find who is first; see `gridsvc.domain.travel.TravelTimes`.

        At one speed the nearest is the first, so each vehicle has a tree of its own.
        """
        # Half a second to load, and only maps ask for it: a start must not wait for it.
        from scipy.spatial import cKDTree

        seconds = np.full(len(to), np.inf)
        first = np.full(len(to), -1, dtype=np.intp)
        placed = np.isfinite(start).all(axis=1)
        for number, s_per_m in enumerate(self._s_per_m):
            own = np.flatnonzero(placed & (vehicle == number))
            if not len(own):
                continue
            found = cKDTree(start[own]).query(to)
            metres, near = np.asarray(found[0]), np.asarray(found[1])
            sooner = metres * s_per_m < seconds
            seconds[sooner] = metres[sooner] * s_per_m
            first[sooner] = own[near[sooner]]
        return First(seconds, first, _straight(len(to)))

    def route(
        self, *, start: tuple[float, float], to: tuple[float, float], vehicle: Vehicle
    ) -> Route:
        """Draw the straight line; see `gridsvc.domain.travel.TravelTimes`."""
        number = np.array([VEHICLES.index(vehicle)], dtype=np.int8)
        seconds = float(self.seconds(to=to, start=np.array([start]), vehicle=number)[0])
        metres = self.detour * math.hypot(start[0] - to[0], start[1] - to[1])
        line = shapely.LineString([start, to])
        return Route(Basis.STRAIGHT_LINE, seconds, metres, 0.0, line, ())


class StraightSettled:
    """People where they are; see `gridsvc.domain.travel.Settled`."""

    def __init__(self, travel: StraightLine, start: Floats, vehicle: VehicleNumbers) -> None:
        self._travel, self._start, self._vehicle = travel, start, vehicle

    def search(self, to: tuple[float, float]) -> "StraightSearch":
        """Reckon all their times at once, which is quicker than to choose."""
        return StraightSearch(self._travel.seconds(to=to, start=self._start, vehicle=self._vehicle))


class StraightSearch:
    """Everybody's time; see `gridsvc.domain.travel.Search`."""

    def __init__(self, seconds: Floats) -> None:
        self._seconds = seconds

    def within(self, limit_s: float, who: Numbers | None = None) -> Times:  # noqa: ARG002
        """Exact times, whatever the limit."""
        found = self._seconds.copy() if who is None else self._seconds[who]
        return Times(found, _straight(len(found)))

    def exactly(self, who: Numbers) -> Times:
        """Exact times."""
        return self.within(np.inf, who)

    def estimated(self, who: Numbers) -> Times:
        """The same times."""
        return self.within(np.inf, who)


def _straight(count: int) -> BasisNumbers:
    return np.full(count, _STRAIGHT, dtype=np.int8)
