"""How long somebody needs to get somewhere: one protocol, whatever it is reckoned on."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import shapely

from gridsvc.domain.force import Vehicle
from gridsvc.domain.geo import Floats
from gridsvc.domain.words import Text

VEHICLES: tuple[Vehicle, ...] = tuple(Vehicle)
"""A vehicle's place here is its number in arrays."""

VehicleNumbers = npt.NDArray[np.int8]
BasisNumbers = npt.NDArray[np.int8]
Numbers = npt.NDArray[np.intp]


class Basis(StrEnum):
    """What a travel time is reckoned on: the straight line and a factor, the roads, or walking
    straight across to somebody who is near."""

    STRAIGHT_LINE = "straight_line"
    ROAD = "road"
    ON_FOOT = "on_foot"


BASES: tuple[Basis, ...] = tuple(Basis)
"""A basis' place here is its number in arrays."""


class Times(NamedTuple):
    """Seconds, and what each of them is reckoned on (places in ``BASES``); the same shape."""

    seconds: Floats
    basis: BasisNumbers


class Search(Protocol):
    """The times of settled people to one place, looked for as far as somebody asks."""

    def within(self, limit_s: float, who: Numbers | None = None) -> Times:
        """Everybody's time, or that of the people ``who`` (their numbers).

        Exact where it is at most ``limit_s`` seconds. Whoever needs longer has either their exact
        time or infinity, whoever has no place NaN.
        """

    def exactly(self, who: Numbers) -> Times:
        """The times of the people ``who``, however far they are; infinite for whom nothing leads
        there, NaN for whom no place is known."""

    def estimated(self, who: Numbers) -> Times:
        """What the straight line says of the people ``who``."""


class Settled(Protocol):
    """People put where they are, ready to be searched for."""

    def search(self, to: tuple[float, float]) -> Search:
        """Look for their times to a place: x, y in the county's metres."""


class TravelTimes(Protocol):
    """Travel times. ``note`` says to a user what they are worth."""

    @property
    def basis(self) -> Basis:
        """What they are reckoned on where there is enough to reckon on."""

    @property
    def note(self) -> Text:
        """What every answer that holds such a time must say."""

    def note_of(self, basis: Basis) -> Text:
        """What must be said of a single time that is reckoned on ``basis``."""

    def settle(self, start: Floats, vehicle: VehicleNumbers) -> Settled:
        """Put people where they are, for many searches.

        Parameters
        ----------
        start
            x, y in the county's metres, shape (n, 2); NaN where no place is known.
        vehicle
            Places in ``VEHICLES``, shape (n,).
        """

    def seconds(self, *, to: tuple[float, float], start: Floats, vehicle: VehicleNumbers) -> Floats:
        """Seconds from each start (as of `settle`) to one place, shape (n,); NaN where a start is
        NaN, infinite where nothing leads there."""

    def nearest(self, *, to: Floats, start: Floats, vehicle: VehicleNumbers) -> "First":
        """Who of all is first at each of many places, and when.

        The same as the least of `seconds` for each place.

        Parameters
        ----------
        to
            x, y in the county's metres, shape (m, 2).
        start, vehicle
            As of `settle`; a start that is NaN is nowhere the first.
        """

    def route(
        self, *, start: tuple[float, float], to: tuple[float, float], vehicle: Vehicle
    ) -> "Route | None":
        """The quickest way between two places (x, y in the county's metres), None where nothing
        leads there; its seconds are those of `seconds`."""


@dataclass(frozen=True, slots=True)
class Route:
    """A way.

    Attributes
    ----------
    basis
        What it is: by road, walking straight across, or only an estimate along a straight line.
    seconds, metres
        Of all of it; metres off the road, and those of an estimate, with their detour.
    off_road_m
        How many of the metres lead to the road and from it, on foot.
    line
        From the start to the end, x, y in the county's metres.
    names
        The names of its roads in order.
    """

    basis: Basis
    seconds: float
    metres: float
    off_road_m: float
    line: shapely.LineString
    names: tuple[str, ...]


class First(NamedTuple):
    """Who is first at m places: seconds, infinite where nobody comes; places in the starts, -1
    where nobody comes; and what the seconds are reckoned on (places in ``BASES``)."""

    seconds: Floats
    who: Numbers
    basis: BasisNumbers
