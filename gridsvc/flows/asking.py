"""Questions that store nothing: where many places are, who could be there first."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

from geodata.datum import to_cgcs2000
from geodata.frames import placed_frame
from gridsvc.dispatch import Ranking, card_for, rank
from gridsvc.domain.errors import Fault, InputError
from gridsvc.domain.geo import Datum
from gridsvc.domain.kinds import KINDS_BY_CODE
from gridsvc.domain.words import Text
from gridsvc.flows import positions, reports
from gridsvc.flows.scene import Scene
from gridsvc.locating import GridMap

if TYPE_CHECKING:
    import geopandas as gpd

Choice = TypeVar("Choice", bound=StrEnum)


def one_of(choices: type[Choice], said: str, where: str) -> Choice:
    """The choice that was ``said`` for ``where``.

    Raises
    ------
    InputError
        There is no such choice.
    """
    try:
        return choices(said)
    except ValueError:
        allowed = ", ".join(choices)
        text = Text(f"没有“{said}”：可用 {allowed}", f"no {where} {said!r}: use one of {allowed}")
        raise InputError(Fault(f"unknown_{where}", text, where)) from None


def moment_faults(at: datetime | None) -> list[Fault]:
    """Say where a moment has no zone."""
    if at is None or at.tzinfo is not None:
        return []
    text = Text(
        f"时间 {at} 没有时区：请用带时区的时间，如 2026-11-23T08:00+08:00",
        f"the time {at} has no zone: give an aware one, such as 2026-11-23T08:00+08:00",
    )
    return [Fault("time_without_zone", text, "at")]


def locate_many(
    grid_map: GridMap, *, lng: npt.ArrayLike, lat: npt.ArrayLike, datum: str
) -> "gpd.GeoDataFrame":
    """Where n positions of a datum lie, as points with their areas.

    Parameters
    ----------
    lng, lat
        Degrees of ``datum``, shape (n,); unknown numbers are taken as they are.

    Raises
    ------
    InputError
        No such datum, or every kind of bad position.
    """
    meant = one_of(Datum, datum, "datum")
    x, y = np.asarray(lng, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    if meant is not Datum.UNKNOWN and x.shape == y.shape:
        x, y = to_cgcs2000(x, y, meant)
    found = grid_map.locate_many(x, y)
    areas = {
        "unit": found.unit.tolist(),
        "grid": found.grid.tolist(),
        "village": found.village.tolist(),
        "township": found.township.tolist(),
    }
    return placed_frame(lng=x, lat=y, areas=areas, outside_m=found.outside_m)


def rank_at(
    scene: Scene,
    grid_map: GridMap,
    *,
    lng: float,
    lat: float,
    datum: str,
    kind: str,
    urgency: int | None,
    text: str,
    at: datetime,
) -> Ranking:
    """Who could be first at a position of a datum, as if that were reported there at ``at``.

    Raises
    ------
    InputError
        All that is wrong with the question.
    """
    faults = [
        *positions.faults_of(lambda: _must_be_meant(grid_map, lng, lat, datum)),
        *reports.faults(
            reports.Report(category="", kind=kind, urgency=urgency), unread={"category"}
        ),
        *moment_faults(at),
    ]
    if faults:
        raise InputError(faults)
    here = positions.to_stored(lng=lng, lat=lat, datum=Datum(datum))
    placement = grid_map.locate(lng=here.lng, lat=here.lat)
    meant = KINDS_BY_CODE[kind]
    view = scene.force.view(
        lng=here.lng,
        lat=here.lat,
        at=at,
        travel=scene.travel,
        unit=placement.unit,
        grid=placement.grid,
    )
    card = card_for(meant, urgency=urgency or meant.urgency, text=text, cards=scene.cards)
    return rank(view, card, travel=scene.travel, busy=scene.busy)


def _must_be_meant(grid_map: GridMap, lng: float, lat: float, datum: str) -> None:
    positions.check(grid_map, lng=lng, lat=lat, datum=one_of(Datum, datum, "datum"))
