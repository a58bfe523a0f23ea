"""How long somebody needs to get somewhere: one protocol, whatever it is reckoned on."""

from enum import StrEnum
from typing import Protocol

import numpy as np
import numpy.typing as npt

from gridsvc.domain.force import Vehicle
from gridsvc.domain.geo import Floats
from gridsvc.domain.words import Text

VEHICLES: tuple[Vehicle, ...] = tuple(Vehicle)
"""A vehicle's place here is its number in arrays."""

VehicleNumbers = npt.NDArray[np.int8]


class Basis(StrEnum):
    """What a travel time is reckoned on."""

    STRAIGHT_LINE = "straight_line"
    ROAD = "road"


class TravelTimes(Protocol):
    """Travel times. ``note`` says to a user what they are worth."""

    @property
    def basis(self) -> Basis:
        """What they are reckoned on."""

    @property
    def note(self) -> Text:
        """What every answer that holds such a time must say."""

    def seconds(self, *, to: tuple[float, float], start: Floats, vehicle: VehicleNumbers) -> Floats:
        """Seconds from each start to one place, shape (n,); NaN where a start is NaN.

        Parameters
        ----------
        to
            x, y in the county's metres.
        start
            The same, shape (n, 2).
        vehicle
            Places in ``VEHICLES``, shape (n,).
        """

    def nearest(
        self, *, to: Floats, start: Floats, vehicle: VehicleNumbers
    ) -> tuple[Floats, npt.NDArray[np.intp]]:
        """Seconds until the first of all is at each of many places, and who that is.

        The same as the least of `seconds` for each place.

        Parameters
        ----------
        to
            x, y in the county's metres, shape (m, 2).
        start, vehicle
            As of `seconds`; a start that is NaN is nowhere the first.

        Returns
        -------
        tuple of arrays
            Seconds, infinite where nobody is, and places in ``start``, -1 where nobody is; both of
            shape (m,).
        """
