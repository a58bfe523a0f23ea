"""Roads of an OpenStreetMap extract (``.osm.pbf``, ``.osm``, ``.osm.bz2``)."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from geodata.raw import refuse
from geodata.road_access import Tags, barrier_access, way_access
from geodata.road_classes import EVERYBODY, NOT_BUILT, OSM_CLASSES, limit_of, surface_of
from geodata.road_report import Drops, Reason, Source
from geodata.road_topology import Barrier, Ways
from gridsvc.domain.geo import LngLat, distance_m

SUFFIXES = (".osm.pbf", ".pbf", ".osm", ".osm.bz2", ".osm.gz")
"""How the files that are read are called."""

_DURATION = re.compile(r"(?:(\d+):)?(\d{1,3}):(\d{2})|(\d+)")
_ISO_DURATION = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?")


@dataclass
class _Found:
    """What was read so far, a list entry a run of vertices."""

    id: list[str] = field(default_factory=list)
    road_class: list[str] = field(default_factory=list)
    surface: list[str] = field(default_factory=list)
    name: list[str] = field(default_factory=list)
    limit: list[float] = field(default_factory=list)
    along: list[int] = field(default_factory=list)
    against: list[int] = field(default_factory=list)
    count: list[int] = field(default_factory=list)
    refs: list[int] = field(default_factory=list)
    at: list[tuple[float, float]] = field(default_factory=list)
    barriers: dict[int, int] = field(default_factory=dict)
    drops: Drops = field(default_factory=Drops)


def is_osm(path: Path) -> bool:
    """Whether the file is called as OpenStreetMap's are."""
    return path.name.casefold().endswith(SUFFIXES)


def read_osm(path: Path) -> Source:
    """Read the roads of an extract.

    Ways of `OSM_CLASSES` and ferries are taken; ways share a node where they share it there.
    Positions are WGS 84, which CGCS2000 equals within the metre.

    Raises
    ------
    LayerError
        The file is missing, cannot be read to its end, or holds no road.
    """
    if not path.is_file():
        raise refuse("file_missing", "文件不存在，请核对路径", "there is no such file", str(path))
    found = _Found()
    try:
        for thing in _things(path):
            if thing.is_node():
                _take_barrier(found, thing)
            else:
                _take_way(found, thing)
    except RuntimeError as error:
        raise refuse(
            "file_unreadable",
            f"文件无法读完，可能已损坏或下载不完整，未导入任何内容：请重新下载（{error}）",
            f"the file cannot be read to its end, perhaps it is damaged or half downloaded, and "
            f"nothing was imported: fetch it again ({error})",
            path.name,
        ) from error
    if not found.id:
        raise refuse(
            "no_roads",
            "文件中没有任何道路（highway 或 route=ferry）",
            "there is no road in the file (highway or route=ferry)",
            path.name,
        )
    return Source(_ways(found), found.drops, path.name)


def _things(path: Path) -> Iterator[Any]:
    """Barrier nodes, then ways with the positions of their nodes."""
    import osmium

    keys = osmium.filter.KeyFilter("barrier", "highway", "route")
    return iter(osmium.FileProcessor(str(path)).with_locations().with_filter(keys))


def _take_barrier(found: _Found, node: Any) -> None:
    if "barrier" in node.tags:
        passes = barrier_access(dict(node.tags))
        if passes != EVERYBODY:
            found.barriers[int(node.id)] = passes


def _take_way(found: _Found, way: Any) -> None:
    if not way.is_way():
        return
    tags = dict(way.tags)
    road_class, reason = _class(tags)
    if reason is None:
        along, against = way_access(tags, road_class)
        if not (along | against):
            reason = Reason.NO_ACCESS
    if reason is not None:
        if reason is not Reason.NOT_A_ROAD or "highway" in tags:
            found.drops.add(reason, str(way.id))
        return
    runs = _runs(found, way)
    limit = _limit(tags, road_class, runs)
    for refs, at in runs:
        found.id.append(str(way.id))
        found.road_class.append(road_class)
        found.surface.append(surface_of(tags.get("surface", "")))
        found.name.append(tags.get("name:zh") or tags.get("name") or tags.get("ref", ""))
        found.limit.append(limit)
        found.along.append(along)
        found.against.append(against)
        found.count.append(len(refs))
        found.refs += refs
        found.at += at


def _class(tags: Tags) -> tuple[str, Reason | None]:
    highway = tags.get("highway")
    if highway is None:
        ferry = tags.get("route") == "ferry"
        return ("ferry", None) if ferry else ("", Reason.NOT_A_ROAD)
    if highway in NOT_BUILT:
        return "", Reason.NOT_BUILT
    known = OSM_CLASSES.get(highway)
    return ("", Reason.NOT_A_ROAD) if known is None else (known, None)


Run = tuple[list[int], list[tuple[float, float]]]


def _runs(found: _Found, way: Any) -> list[Run]:
    """The vertices whose positions the extract holds, cut where some are missing."""
    runs: list[Run] = [([], [])]
    missing = False
    for node in way.nodes:
        if node.location.valid():
            runs[-1][0].append(node.ref)
            runs[-1][1].append((node.location.lon, node.location.lat))
        else:
            missing = True
            if runs[-1][0]:
                runs.append(([], []))
    if missing:
        found.drops.add(Reason.CUT_OFF, str(way.id))
    whole = [run for run in runs if len(set(run[0])) >= 2]
    if not whole and not missing:
        found.drops.add(Reason.TOO_SHORT, str(way.id))
    return whole


def _limit(tags: Tags, road_class: str, runs: list[Run]) -> float:
    if road_class == "ferry":
        return _ferry_kmh(tags.get("duration", ""), runs)
    if "maxspeed" in tags:
        return limit_of(tags["maxspeed"])
    sides = [limit_of(tags.get(f"maxspeed:{side}", "")) for side in ("forward", "backward")]
    return min((one for one in sides if math.isfinite(one)), default=math.nan)


def _ferry_kmh(duration: str, runs: list[Run]) -> float:
    """The speed that a crossing's duration comes to, NaN where it is not told."""
    seconds = _seconds(duration.strip())
    if seconds <= 0:
        return math.nan
    metres = sum(distance_m(LngLat(*a), LngLat(*b)) for _, at in runs for a, b in pairwise(at))
    return metres / seconds * 3.6


def _seconds(duration: str) -> float:
    iso = _ISO_DURATION.fullmatch(duration)
    if iso is not None:
        hours, minutes, seconds = (int(part or 0) for part in iso.groups())
        return hours * 3600.0 + minutes * 60 + seconds
    plain = _DURATION.fullmatch(duration)
    if plain is None:
        return 0.0
    if plain[4]:
        return int(plain[4]) * 60.0
    if plain[1] is None:  # hh:mm
        return int(plain[2]) * 3600.0 + int(plain[3]) * 60
    return int(plain[1]) * 3600.0 + int(plain[2]) * 60 + int(plain[3])


def _ways(found: _Found) -> Ways:
    refs, vertex = np.unique(np.array(found.refs, dtype=np.int64), return_inverse=True)
    on_roads = {ref: int(np.searchsorted(refs, ref)) for ref in found.barriers}
    barriers = {
        number: Barrier(f"n{ref}", found.barriers[ref])
        for ref, number in on_roads.items()
        if number < len(refs) and refs[number] == ref
    }
    return Ways(
        id=found.id,
        road_class=found.road_class,
        surface=found.surface,
        name=found.name,
        limit_kmh=np.array(found.limit),
        along=np.array(found.along, dtype=np.uint8),
        against=np.array(found.against, dtype=np.uint8),
        start=np.concatenate([[0], np.cumsum(found.count)]).astype(np.int64),
        vertex=vertex.astype(np.int64),
        xy=np.array(found.at, dtype=np.float64).reshape(-1, 2),
        barriers=barriers,
    )
