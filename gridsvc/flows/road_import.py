"""Roads go in: read, joined, described, recorded. All of it or none."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from geodata.road_report import NEAR_M, RoadReport, Source, road_report
from geodata.road_topology import build_network
from geodata.roads_lines import TOLERANCE_M, read_lines
from geodata.roads_osm import is_osm, read_osm
from gridsvc.domain.errors import Fault, InputError
from gridsvc.domain.events import RoadsImported
from gridsvc.domain.geo import Datum
from gridsvc.domain.words import Text
from gridsvc.store import Store

Progress = Callable[[Text], None]


@dataclass(frozen=True, slots=True)
class RoadImport:
    """What an import of roads did; ``version`` is None where it was only tried."""

    version: int | None
    report: RoadReport


def import_roads(
    store: Store,
    path: Path | str,
    *,
    columns: Mapping[str, str] | None = None,
    crs: str | None = None,
    datum: Datum | None = None,
    encoding: str | None = None,
    layer: str | None = None,
    allow_columns: Collection[str] = (),
    tolerance_m: float = TOLERANCE_M,
    near_m: float = NEAR_M,
    clock: Callable[[], datetime],
    demo: bool = False,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> RoadImport:
    """Import the roads of a file in place of those that the store has, in one transaction.

    Parameters
    ----------
    store
        Migrated.
    path
        An OpenStreetMap extract (``.osm.pbf``, ``.osm``), or a layer of lines.
    columns, crs, datum, encoding, layer, allow_columns
        As in ``geodata.read.read_layer``; an extract takes none of them.
    tolerance_m
        Metres within which vertices of a layer are one (`geodata.road_joining`).
    near_m
        Dead ends nearer than this to another road are told.
    clock
        Gives the aware time of publication.
    demo
        The roads are made up.
    dry_run
        Read and describe, store nothing.
    progress
        Told what is being done.

    Raises
    ------
    LayerError
        With every fault found; the store is as it was.
    InputError
        Options that the file has no use for.
    """
    tell = progress or (lambda _: None)
    tell(Text("读取道路", "reading roads"))
    path = Path(path)
    if is_osm(path):
        given = {
            "--map": columns,
            "--crs": crs,
            "--datum": datum,
            "--encoding": encoding,
            "--layer": layer,
            "--allow-column": allow_columns,
        }
        source = _extract(path, [name for name, value in given.items() if value])
    else:
        source = read_lines(
            path,
            tolerance_m=tolerance_m,
            columns=columns,
            crs=crs,
            datum=datum,
            encoding=encoding,
            layer=layer,
            allow_columns=tuple(allow_columns),
        )
    tell(Text("连接道路", "joining roads"))
    network = build_network(source.ways)
    report = road_report(network, source.drops, near_m=near_m)
    if dry_run:
        return RoadImport(None, report)
    tell(Text("写入", "storing"))
    with store.write() as work:
        made = work.roads.publish(network, source=source.name, at=clock(), demo=demo)
        work.events.record(RoadsImported(made.version, made.nodes, made.edges))
    return RoadImport(made.version, report)


def _extract(path: Path, useless: list[str]) -> Source:
    if useless:
        text = Text(
            "OpenStreetMap 文件的列和坐标系是固定的，不接受此选项：请去掉",
            "columns and coordinates of an OpenStreetMap file are fixed: leave this option out",
        )
        raise InputError(Fault("option_without_use", text, name) for name in useless)
    return read_osm(path)
