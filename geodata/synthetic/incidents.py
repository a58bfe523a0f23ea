"""Twelve months of made-up incidents, with the rhythm and the dirt of real ones."""

import numpy as np
import pandas as pd

from geodata.datum import from_cgcs2000
from geodata.synthetic.county import County
from geodata.synthetic.people import inside
from geodata.synthetic.rhythm import Calendar
from geodata.synthetic.settle import Ground, Ints
from geodata.synthetic.size import Streams
from geodata.synthetic.texts import AGAIN, NEAR, TEXTS
from gridsvc.domain.geo import Datum, Floats
from gridsvc.domain.kinds import KINDS

DUPLICATES, FALSE_ALARMS, ADDRESS_ONLY, SILENT_GCJ = 0.08, 0.03, 0.10, 0.05
"""Shares of the dirt (of all rows)."""

_WILD = frozenset({"forest_fire", "illegal_burning", "flood_landslide"})
_DRILLS_PER_MONTH = 2


def make_incidents(county: County, count: int, end: pd.Timestamp, streams: Streams) -> pd.DataFrame:
    """``count`` reports of the twelve months that end with the day ``end``, in order of time.

    Returns
    -------
    DataFrame
        ``number received_at category kind urgency text address lng lat datum radius_m drill
        false_alarm duplicate_of``. ``received_at`` is aware (+08:00). Of all rows 8 % repeat an
        earlier one (``duplicate_of`` has its number), 10 % have no position but an address, and
        5 % are in GCJ-02 under the datum ``unknown``; the others say ``cgcs2000`` or ``wgs84``.
    """
    repeats = round(DUPLICATES * count)
    table = _originals(county, count - repeats, end, streams)
    table = pd.concat([table, _again(table, repeats, end, streams)], ignore_index=True)
    table = table.sort_values("received_at", kind="stable")
    place = pd.Series(np.arange(count), index=table.index)
    source = table["of"].map(place)
    table = table.reset_index(drop=True)
    table["number"] = _numbers(county.table.short_name, table["received_at"])
    numbers = table["number"].to_numpy()
    known = source.notna().to_numpy()
    table["duplicate_of"] = pd.Series(pd.NA, index=table.index, dtype="string")
    table.loc[known, "duplicate_of"] = numbers[source[known].to_numpy(dtype=np.intp)]
    table = _soiled(table, streams("dirt"))
    return _dressed(county, table, streams("drills"))


def _originals(county: County, count: int, end: pd.Timestamp, streams: Streams) -> pd.DataFrame:
    share = np.array([kind.share for kind in KINDS])
    kind = streams("kinds").choice(len(KINDS), count, p=share / share.sum())
    unit = _places(county, kind, streams("places"))
    at = inside(county.unit_shapes[unit], county.unit_at[unit], streams("points"), 0.8)
    rng = streams("phrases")
    return pd.DataFrame(
        {
            "kind": kind,
            "unit": unit,
            "lng": at[:, 0],
            "lat": at[:, 1],
            "received_at": _times(kind, end, streams),
            "phrase": rng.integers(0, 12, count),
            "again": -1,
            "of": np.full(count, np.nan),
        }
    )


def _places(county: County, kind: Ints, rng: np.random.Generator) -> Ints:
    """A unit for each report: by residents, uneven by kind, wild kinds in the hills."""
    ground = county.unit_ground
    tame = county.unit_residents * np.array([1.35, 1.2, 1.0, 0.85, 0.7])[ground]
    wild = np.where(ground >= Ground.HAMLET, 1.0, 0.02)
    unit = np.empty(len(kind), dtype=np.intp)
    for number, one in enumerate(KINDS):
        own = kind == number
        # Trouble clusters: a few units of each kind have many times the mean.
        heat = rng.lognormal(0, 0.9, len(ground)) * _village_heat(county, rng)
        weight = (wild if one.code in _WILD else tame) * heat
        unit[own] = rng.choice(len(ground), int(own.sum()), p=weight / weight.sum())
    return unit


def _village_heat(county: County, rng: np.random.Generator) -> Floats:
    heat = rng.lognormal(0, 0.4, len(county.village_codes))
    return np.asarray(heat[county.grid_village[county.unit_grid]])


def _times(kind: Ints, end: pd.Timestamp, streams: Streams) -> pd.DatetimeIndex:
    calendar = Calendar(end, streams("weather"))
    rng = streams("times")
    seconds = np.empty(len(kind), dtype=np.int64)
    for number, one in enumerate(KINDS):
        own = np.flatnonzero(kind == number)
        days, hours = calendar.day_weights(one), calendar.hour_weights(one)
        day = rng.choice(len(days), len(own), p=days / days.sum())
        hour = rng.choice(24, len(own), p=hours / hours.sum())
        seconds[own] = day * 86_400 + hour * 3_600 + rng.integers(0, 3_600, len(own))
    return calendar.days[0] + pd.to_timedelta(seconds, unit="s")


def _again(table: pd.DataFrame, count: int, end: pd.Timestamp, streams: Streams) -> pd.DataFrame:
    """Second reports: 2 minutes to 3 hours later, some 60 m off, in other words."""
    rng = streams("duplicates")
    closing = end.normalize() + pd.Timedelta(days=1, seconds=-1)
    early = np.flatnonzero((table["received_at"] < closing - pd.Timedelta(hours=3)).to_numpy())
    source = rng.choice(early, count, replace=False)
    again = table.iloc[source].copy()
    delay = pd.to_timedelta(np.floor(rng.exponential(1500, count)).clip(120, 10_800), unit="s")
    again["received_at"] = again["received_at"] + delay
    again["lng"] = np.round(again["lng"] + rng.normal(0, 0.0004, count), 7)
    again["lat"] = np.round(again["lat"] + rng.normal(0, 0.0004, count), 7)
    again["phrase"] = rng.integers(0, 12, count)
    again["again"] = rng.integers(0, len(AGAIN), count)
    again["of"] = source.astype(np.float64)
    return again


def _numbers(short_name: str, received: "pd.Series[pd.Timestamp]") -> list[str]:
    day = received.dt.strftime("%Y%m%d")
    order = day.groupby(day).cumcount() + 1
    return [f"{short_name}-{d}-{n:04d}" for d, n in zip(day, order, strict=True)]


def _soiled(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """False alarms, missing positions, and GCJ-02 that does not say so; exact shares."""
    count = len(table)
    table["false_alarm"] = False
    table.loc[rng.permutation(count)[: round(FALSE_ALARMS * count)], "false_alarm"] = True
    order = rng.permutation(count)
    nowhere = order[: round(ADDRESS_ONLY * count)]
    silent = order[len(nowhere) : len(nowhere) + round(SILENT_GCJ * count)]
    table["datum"] = np.where(rng.random(count) < 0.5, "cgcs2000", "wgs84").astype(object)
    lng, lat = table["lng"].to_numpy().copy(), table["lat"].to_numpy().copy()
    lng[silent], lat[silent] = from_cgcs2000(lng[silent], lat[silent], Datum.GCJ02)
    lng[nowhere] = lat[nowhere] = np.nan
    table["lng"], table["lat"] = np.round(lng, 7), np.round(lat, 7)
    table.loc[silent, "datum"] = Datum.UNKNOWN.value
    table.loc[nowhere, "datum"] = None
    radius = np.round(rng.lognormal(2.7, 0.7, count).clip(3, 300), 1)
    radius[nowhere] = np.nan
    table["radius_m"] = radius
    spoken = rng.random(count) < 0.6
    spoken[nowhere] = True
    table["spoken"] = spoken
    table["near"] = rng.integers(0, len(NEAR), count)
    return table


def _dressed(county: County, table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Words instead of numbers, drills, and the columns in their order."""
    kinds = table["kind"].to_numpy()
    month = table["received_at"].dt.month
    urgent = np.array([kind.urgency <= 2 for kind in KINDS])[kinds]
    table["drill"] = False
    for one in range(1, 13):
        pool = table.index[(month == one) & urgent & ~table["false_alarm"]]
        table.loc[rng.permutation(pool)[:_DRILLS_PER_MONTH], "drill"] = True
    villages = county.grid_village[county.unit_grid[table["unit"].to_numpy()]]
    township = [county.table.townships[k].name for k in county.village_township[villages]]
    table["category"] = [KINDS[k].category.value for k in kinds]
    table["urgency"] = np.array([kind.urgency for kind in KINDS], dtype=np.int64)[kinds]
    table["kind"] = [KINDS[k].code for k in kinds]
    names = [county.village_names[k] for k in villages]
    table["text"] = [
        ("【演练】" if drill else "")
        + (AGAIN[again] if again >= 0 else "")
        + TEXTS[kind][phrase % len(TEXTS[kind])].format(p=name)
        for drill, again, kind, phrase, name in zip(
            table["drill"], table["again"], table["kind"], table["phrase"], names, strict=True
        )
    ]
    table["address"] = [
        f"{town}{name}{NEAR[near]}" if said else ""
        for town, name, near, said in zip(
            township, names, table["near"], table["spoken"], strict=True
        )
    ]
    columns = (
        "number received_at category kind urgency text address lng lat datum radius_m drill "
        "false_alarm duplicate_of"
    )
    return table[columns.split()]
