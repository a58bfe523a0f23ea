"""When things happen: weights of days and hours for each kind of incident."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from gridsvc.domain.geo import Floats
from gridsvc.domain.kinds import Category, Kind

_SPRING_FESTIVAL = {
    2023: "2023-01-22", 2024: "2024-02-10", 2025: "2025-01-29", 2026: "2026-02-17",
    2027: "2027-02-06", 2028: "2028-01-26", 2029: "2029-02-13", 2030: "2030-02-03",
}  # fmt: skip
MARKET_EVERY = 6
"""Days from one market day to the next."""


def _hours(*spans: tuple[int, int, float], base: float = 0.3) -> Floats:
    weight = np.full(24, base)
    for first, last, extra in spans:
        weight[first:last] += extra
    return weight


_OFFICE = _hours((8, 12, 3.0), (14, 18, 2.6), (18, 21, 0.8), base=0.15)
_EVENING = _hours((9, 18, 0.8), (18, 23, 3.0), base=0.25)
_DAY = _hours((7, 20, 2.0), base=0.4)
_NIGHT = _hours((20, 24, 2.6), (0, 4, 1.6), base=0.5)
_AFTERNOON = _hours((11, 19, 3.0), base=0.3)

_BY_HOUR = {
    "neighbour_quarrel": _EVENING, "family_dispute": _EVENING, "domestic_violence": _NIGHT,
    "fight": _NIGHT, "noise_obstruction": _EVENING, "theft_gambling_tip": _NIGHT,
    "illegal_burning": _AFTERNOON, "forest_fire": _AFTERNOON, "house_fire": _EVENING,
    "road_accident": _DAY, "missing_person": _DAY, "self_harm_drowning": _AFTERNOON,
    "sudden_illness": _hours((5, 9, 1.2), (18, 22, 0.8), base=1.0),
    "flood_landslide": _hours((0, 6, 1.5), (16, 24, 1.5), base=0.7),
    "armed_gas_hazmat": _EVENING, "utility_outage": _hours((6, 9, 2), (17, 22, 3), base=0.4),
}  # fmt: skip

_FIRE = frozenset({"illegal_burning", "forest_fire"})
_RAIN = frozenset({"flood_landslide"})
_MARKET = frozenset({"noise_obstruction", "road_accident", "fight", "theft_gambling_tip"})
_TOURIST = frozenset(
    {"road_accident", "noise_obstruction", "missing_person", "waste_sewage", "sudden_illness"}
)
_SUMMER_WATER = frozenset({"self_harm_drowning"})


@dataclass(frozen=True)
class Calendar:
    """The days of the demo's twelve months and how heavy each is for a kind of incident."""

    end: pd.Timestamp
    rng: np.random.Generator
    days: pd.DatetimeIndex = field(init=False)
    weather: Floats = field(init=False)

    def __post_init__(self) -> None:
        last = self.end.normalize()
        first = last - pd.DateOffset(years=1) + pd.Timedelta(days=1)
        object.__setattr__(self, "days", pd.date_range(first, last, freq="D"))
        # Some days are busy for everybody: storms, heat, festivals.
        object.__setattr__(self, "weather", self.rng.gamma(12.0, 1 / 12.0, len(self.days)))

    def day_weights(self, kind: Kind) -> Floats:
        """One weight a day, positive."""
        month = self.days.month.to_numpy()
        weight = self.weather * np.where(self.days.day_of_week >= 5, 0.9, 1.0)
        code = kind.code
        if code in _FIRE:
            dry = (month == 12) | (month <= 5) | ((month == 6) & (self.days.day <= 15))
            weight = weight * np.where(dry, 8.0, 0.6) * np.where(month == 4, 1.6, 1.0)
        if code in _RAIN:
            wet = (month >= 5) & (month <= 10)
            weight = (
                weight**4 * np.where(wet, 12.0, 0.3) * np.where((month >= 6) & (month <= 8), 2, 1)
            )
        if code in _TOURIST:
            weight = weight * np.where((month == 2) | (month == 3), 1.9, 1.0)
        if code in _SUMMER_WATER:
            weight = weight * np.where((month >= 6) & (month <= 9), 2.5, 1.0)
        if code in _MARKET:
            weight = weight * np.where(self.market_days(), 1.7, 0.9)
        if code == "unpaid_wages":
            weight = weight * self._before_spring_festival()
        if kind.category is Category.LIVELIHOOD and code != "utility_outage":
            weight = weight * np.where(self.days.day_of_week >= 5, 0.6, 1.0)
        return np.asarray(weight)

    def hour_weights(self, kind: Kind) -> Floats:
        """One weight for each of 24 hours."""
        return _BY_HOUR.get(kind.code, _OFFICE)

    def market_days(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which days are market days."""
        ordinal = (self.days.tz_localize(None) - pd.Timestamp("2020-01-01")).days.to_numpy()
        return np.asarray(ordinal % MARKET_EVERY == 0)

    def _before_spring_festival(self) -> Floats:
        weight = np.ones(len(self.days))
        for day in _SPRING_FESTIVAL.values():
            ahead = (pd.Timestamp(day) - self.days.tz_localize(None)).days.to_numpy()
            weight += np.where((ahead >= 0) & (ahead <= 50), 7.0, 0.0)
        return weight
