"""``gridsvc import roads FILE``: the roads into the store, with a report of what they are."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gridsvc.cli.opening import opened_store
from gridsvc.domain.errors import Fault, InputError
from gridsvc.domain.force import VEHICLE_NAMES
from gridsvc.domain.words import Text
from gridsvc.settings import Settings

if TYPE_CHECKING:
    from geodata.road_report import RoadReport
    from gridsvc.flows.road_import import RoadImport

SHOWN = 20
"""Dead ends that are listed."""


def put_roads_in(
    file: Path,
    settings: Settings,
    given: dict[str, Any],
    *,
    demo: bool,
    faults: Path | None,
    dry_run: bool,
    overwrite: bool,
) -> None:
    """Import roads and say what they are.

    Parameters
    ----------
    given
        What `gridsvc.flows.road_import.import_roads` takes of the command line.
    faults
        Where dead ends near other roads go as GeoJSON.
    """
    from rich.console import Console

    from geodata.road_report import check_writable, write_dead_ends
    from gridsvc.flows.road_import import import_roads
    from gridsvc.runtime import now

    if faults is not None:
        if faults.resolve() == file.resolve():
            text = Text("输出文件不能是输入文件", "this is the input: name another")
            raise InputError(Fault("output_is_input", text, str(faults)))
        check_writable(faults, overwrite=overwrite)
    with opened_store(settings) as store, Console(stderr=True).status("") as status:
        if store.revision()[0] is None:
            store.upgrade()
        done = import_roads(
            store,
            file,
            **given,
            clock=now,
            demo=demo,
            dry_run=dry_run,
            progress=lambda text: status.update(text.pick(settings.lang)),
        )
    for line in said(done):
        click.echo(line.pick(settings.lang))
    if faults is not None:
        count = write_dead_ends(done.report.dead_ends, faults)
        wrote = Text(f"{count} 处断头已写入 {faults}", f"wrote {count} dead ends to {faults}")
        click.echo(wrote.pick(settings.lang))


def said(done: "RoadImport") -> list[Text]:
    """What to tell of an import, line by line."""
    report = done.report
    km = sum(report.km.values())
    by_class = ", ".join(f"{name} {length:,.1f}" for name, length in report.km.items())
    lines = [
        Text("未导入，仅检查", "nothing was imported: only a report")
        if done.version is None
        else Text(f"已导入道路，版本 {done.version}", f"imported roads, version {done.version}"),
        Text(
            f"节点 {report.nodes:,}，路段 {report.edges:,}，共 {km:,.1f} 公里，"
            f"单行占 {report.one_way:.1%}",
            f"{report.nodes:,} nodes, {report.edges:,} edges, {km:,.1f} km, "
            f"{report.one_way:.1%} one-way",
        ),
        Text(f"各等级公里数：{by_class}", f"km by class: {by_class}"),
        *_parts(report),
        *_dropped(report),
    ]
    return [*lines, *_dead_ends(report)]


def _parts(report: "RoadReport") -> list[Text]:
    return [
        Text(
            f"{VEHICLE_NAMES[vehicle].zh}：{parts.count} 个互不连通的部分，"
            f"最大的含 {parts.largest:.1%} 的节点",
            f"{VEHICLE_NAMES[vehicle].en}: {parts.count} parts that do not hang together, "
            f"{parts.largest:.1%} of the nodes in the largest",
        )
        for vehicle, parts in report.parts.items()
    ]


def _dropped(report: "RoadReport") -> list[Text]:
    from geodata.road_report import REASON_NAMES

    lines = []
    for reason, dropped in report.dropped.items():
        name, ids = REASON_NAMES[reason], ", ".join(dropped.examples)
        more = " ..." if dropped.count > len(dropped.examples) else ""
        lines.append(
            Text(
                f"{name.zh}：{dropped.count} 条（{ids}{more}）",
                f"{name.en}: {dropped.count} ({ids}{more})",
            )
        )
    return lines


def _dead_ends(report: "RoadReport") -> list[Text]:
    found = report.dead_ends
    if not found:
        none = f"没有距其他道路 {report.near_m:.0f} 米以内的断头"
        return [Text(none, f"no dead end within {report.near_m:.0f} m of another road")]
    lines = [
        Text(
            f"疑似未接上：{len(found)} 处断头距另一条未连通的道路不到 {report.near_m:.0f} 米",
            f"perhaps not drawn to the end: {len(found)} dead ends within {report.near_m:.0f} m of "
            "a road that they are not joined to",
        )
    ]
    for one in found[:SHOWN]:
        at = f"  {one.at.lng:.6f},{one.at.lat:.6f}"
        lines.append(
            Text(
                f"{at} 路段 {one.edge} 距 {one.other} {one.distance_m} 米",
                f"{at} edge {one.edge}, {one.distance_m} m from {one.other}",
            )
        )
    left = len(found) - SHOWN
    if left > 0:
        lines.append(Text(f"  另有 {left} 处，见 --faults", f"  {left} more: --faults FILE"))
    return lines
