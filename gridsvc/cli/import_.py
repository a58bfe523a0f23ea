"""``gridsvc import KIND FILE``: a file into the store, all of it or none."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from geodata.faults import FAULT_NAMES, FaultCode
from geodata.layer import KIND_NAMES, LayerKind
from gridsvc.cli.import_roads import put_roads_in
from gridsvc.cli.layer_options import IMPORTED, reading, reading_options
from gridsvc.domain.errors import Fault, InputError, LayerError, NotReadyError
from gridsvc.domain.words import Text
from gridsvc.settings import Settings

SHOWN = 20
"""Faults of one kind that are told of a refused file."""

if TYPE_CHECKING:
    from gridsvc.flows.importing import ImportReport
    from gridsvc.locating import GridMap


@click.command(name="import")
@click.argument("kind", type=IMPORTED)
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@reading_options
@click.option(
    "--accept-faults",
    default="",
    metavar="overlap,gap",
    help="明知并接受的问题种类，随版本留存 / kinds of fault to accept, kept with the version",
)
@click.option("--demo", is_flag=True, help="演示数据 / the data is made up")
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0, max=10),
    metavar="M",
    help="道路：相距不超过此值的顶点视为同一点（米） / roads: metres within which vertices are one "
    "[0.5]",
)
@click.option(
    "--faults",
    type=click.Path(dir_okay=False, path_type=Path),
    help="道路：疑似未接上的断头写入 GeoJSON / roads: write dead ends near other roads",
)
@click.option("--dry-run", is_flag=True, help="道路：只检查不导入 / roads: read and report only")
@click.option("--overwrite", is_flag=True, help="替换已有的 --faults 文件 / replace the file")
def import_(
    kind: str,
    file: Path,
    accept_faults: str,
    demo: bool,
    mapping: tuple[str, ...],
    tolerance: float | None,
    faults: Path | None,
    dry_run: bool,
    overwrite: bool,
    **read: Any,
) -> None:
    """导入图层、名单或道路 / Import divisions, grids, units, responders, incidents or roads."""
    from rich.console import Console

    from gridsvc.flows.importing import import_file
    from gridsvc.runtime import now
    from gridsvc.store import Store

    settings = Settings.read()
    accept = accepted(accept_faults)
    if kind == LayerKind.ROADS:
        given = reading(mapping, **read) | ({} if tolerance is None else {"tolerance_m": tolerance})
        put_roads_in(
            file, settings, given, demo=demo, faults=faults, dry_run=dry_run, overwrite=overwrite
        )
        return
    store = Store.open(settings.url, county=settings.county)
    console = Console(stderr=True)
    try:
        if store.revision()[0] is None:
            store.upgrade()
        grid_map = current_map(settings) if kind == LayerKind.INCIDENTS else None
        with console.status("") as status:
            report = import_file(
                store,
                file,
                kind,
                **reading(mapping, **read),
                accept=accept,
                scheme=settings.code_scheme,
                clock=now,
                demo=demo,
                grid_map=grid_map,
                progress=lambda text: status.update(text.pick(settings.lang)),
            )
    except LayerError as error:
        raise LayerError(shortened(error.faults, file, kind)) from error
    finally:
        store.close()
    for line in said(report):
        click.echo(line.pick(settings.lang))


def accepted(names: str) -> frozenset[FaultCode]:
    """Kinds of fault named on the command line, divided by commas.

    Raises
    ------
    InputError
        With every name that is none.
    """
    from gridsvc.flows.map_import import ACCEPTABLE

    given = [name.strip() for name in names.split(",") if name.strip()]
    known = {code.value: code for code in FaultCode}
    allowed = ", ".join(code for code in FaultCode if code in ACCEPTABLE)
    wrong = [name for name in given if name not in known]
    if wrong:
        text = Text(f"没有这种问题：可用 {allowed}", f"no such kind of fault: use {allowed}")
        raise InputError(Fault("unknown_fault", text, name) for name in wrong)
    return frozenset(known[name] for name in given)


def shortened(faults: Sequence[Fault], file: Path, kind: str) -> list[Fault]:
    """The first ``SHOWN`` faults of each kind, how many more there are, and what can be done."""
    from gridsvc.flows.map_import import ACCEPTABLE

    by_code: dict[str, list[Fault]] = {}
    for fault in faults:
        by_code.setdefault(fault.code, []).append(fault)
    told = [fault for some in by_code.values() for fault in some[:SHOWN]]
    told += [
        Fault(code, Text(f"另有 {len(some) - SHOWN} 处", f"{len(some) - SHOWN} more of them"))
        for code, some in by_code.items()
        if len(some) > SHOWN
    ]
    if any(len(by_code.get(code.value, ())) > SHOWN for code in FaultCode):
        more = Text(
            f"图层的全部问题：gridsvc check {file} --kind {kind}",
            f"every fault of the layer: gridsvc check {file} --kind {kind}",
        )
        told.append(Fault("more_faults", more))
    codes = [code.value for code in FaultCode if code.value in by_code]
    if codes and len(codes) == len(by_code) and set(codes) <= ACCEPTABLE:
        option = f"--accept-faults {','.join(codes)}"
        anyway = Text(
            f"未导入。如确知无妨，可加 {option}，随版本留存",
            f"not imported; if they are meant to be there, add {option}: kept with the version",
        )
        told.append(Fault("acceptable", anyway))
    return told


def current_map(settings: Settings) -> "GridMap | None":
    """The map that incidents are placed on; None while there is none."""
    from gridsvc.runtime import Runtime

    runtime = Runtime.open(settings)
    try:
        return runtime.map()
    except NotReadyError:
        return None
    finally:
        runtime.close()


def said(report: "ImportReport") -> list[Text]:
    """What to tell of an import, line by line."""
    name = KIND_NAMES[report.kind]
    lines = [Text(f"已导入{name.zh} {report.rows} 行", f"imported {report.rows} {name.en}")]
    if report.change is not None:
        change = report.change
        lines.append(
            Text(
                f"地图版本 {report.version}：新增 {change.added}，变更 {change.changed}，"
                f"撤销 {change.removed}",
                f"map version {report.version}: {change.added} added, {change.changed} changed, "
                f"{change.removed} removed",
            )
        )
    if report.change is None or report.added or report.changed:
        what = name if report.change is None else Text("处置力量", "responders")
        lines.append(
            Text(
                f"{what.zh}：新增 {report.added}，变更 {report.changed}",
                f"{what.en}: {report.added} added, {report.changed} changed",
            )
        )
    lines += [
        Text(
            f"已接受的问题：{FAULT_NAMES[code].zh} {count} 处",
            f"accepted: {FAULT_NAMES[code].en}, {count}",
        )
        for code, count in report.accepted.items()
    ]
    return [*lines, *report.notes]
