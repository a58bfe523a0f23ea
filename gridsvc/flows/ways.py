"""The way from one place to another, as somebody asks for it."""

from dataclasses import replace

from gridsvc.domain.errors import Fault, InputError, NotFoundError
from gridsvc.domain.force import Vehicle
from gridsvc.domain.geo import Datum
from gridsvc.domain.travel import Route
from gridsvc.domain.words import Text
from gridsvc.flows import positions
from gridsvc.flows.scene import Scene
from gridsvc.locating import GridMap

_ENDS = ("from", "to")


def way(
    scene: Scene, grid_map: GridMap, *, start: str, to: str, vehicle: Vehicle, datum: Datum
) -> Route:
    """The quickest way, its line in lng, lat degrees (CGCS2000).

    Parameters
    ----------
    start, to
        Positions of ``datum`` as ``lng,lat``.

    Raises
    ------
    InputError
        All that is wrong with the positions.
    NotFoundError
        Nothing leads there.
    """
    ends: list[tuple[float, float]] = []
    faults: list[Fault] = []
    for where, said in zip(_ENDS, (start, to), strict=True):
        try:
            lng, lat = _numbers(said, where)
            positions.check(grid_map, lng=lng, lat=lat, datum=datum)
        except InputError as error:
            faults += [replace(fault, where=where) for fault in error.faults]
            continue
        at = positions.to_stored(lng=lng, lat=lat, datum=datum)
        ends.append(grid_map.frame.point(lng=at.lng, lat=at.lat))
    if faults:
        raise InputError(faults)
    found = scene.travel.route(start=ends[0], to=ends[1], vehicle=vehicle)
    if found is None:
        raise NotFoundError(Fault("no_way", _NO_WAY))
    return replace(found, line=grid_map.frame.geometries_back([found.line])[0])


_NO_WAY = Text(
    "道路封闭或不通，没有能走的路线：请核对封路记录，或换一种出行方式",
    "no way leads there, roads are closed or not joined: check the closures, or another vehicle",
)


def _numbers(said: str, where: str) -> tuple[float, float]:
    parts = said.split(",")
    try:
        lng, lat = (float(part) for part in parts)
    except ValueError:
        shown = said[:60]
        text = Text(
            f"“{shown}”不是坐标：请写成 经度,纬度，如 104.3087,24.8846",
            f"{shown!r} is no position: give it as lng,lat, such as 104.3087,24.8846",
        )
        raise InputError(Fault("bad_position", text, where)) from None
    return lng, lat
