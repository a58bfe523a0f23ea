"""``gridsvc check FILE``: every fault of a layer; with ``--repair`` a proposal. Nothing changes."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from geodata.layer import Layer, LayerKind
from gridsvc.cli.layer_options import DATUMS, KINDS, columns_of, reading, reading_options
from gridsvc.domain.errors import Fault, InputError
from gridsvc.domain.geo import Datum
from gridsvc.domain.words import Lang, Text
from gridsvc.settings import Settings

if TYPE_CHECKING:
    from geodata.faults import Report
    from geodata.repair import Repair

SHOWN = 20
"""Faults of one kind that the table lists."""

_ROWS = 6

PARENT_KINDS: dict[LayerKind, LayerKind] = {
    LayerKind.DIVISIONS: LayerKind.DIVISIONS,
    LayerKind.GRIDS: LayerKind.DIVISIONS,
    LayerKind.UNITS: LayerKind.GRIDS,
}

_FILE = click.Path(exists=True, path_type=Path)
_OUT = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("file", type=_FILE)
@click.option("--kind", type=KINDS, required=True, help="图层种类 / what the rows are")
@click.option("--parents", type=_FILE, help="上级图层文件 / file of the layer above")
@click.option(
    "--parents-map",
    multiple=True,
    metavar="标准名=列名",
    help="上级图层的列，同 --map / a column of the layer above, as --map",
)
@click.option(
    "--parents-crs",
    help="上级图层的坐标参考系；不给则与本图层同一坐标基准 / of the layer above, whose datum is "
    "otherwise this layer's",
)
@click.option("--parents-datum", type=DATUMS, help="上级图层的坐标基准 / datum of the layer above")
@click.option("--any-code", is_flag=True, help="不检查编码方案 / codes may be of any form")
@click.option("--json", "as_json", is_flag=True, help="以 JSON 输出 / write JSON")
@click.option("--gpkg", type=_OUT, help="问题图形写入 GeoPackage / write the fault shapes")
@click.option("--repair", type=_OUT, help="修正建议写入文件 / write a mended layer")
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0, min_open=True),
    default=0.1,
    show_default=True,
    metavar="M",
    help="修正时归并、填补的宽度（米） / metres up to which --repair snaps and fills",
)
@click.option("--overwrite", is_flag=True, help="替换已有文件 / replace existing output files")
@reading_options
def check(
    file: Path,
    kind: str,
    parents: Path | None,
    parents_map: tuple[str, ...],
    parents_crs: str | None,
    parents_datum: str | None,
    any_code: bool,
    as_json: bool,
    gpkg: Path | None,
    repair: Path | None,
    tolerance: float,
    overwrite: bool,
    mapping: tuple[str, ...],
    **read: Any,
) -> None:
    """检查图层，一次报告全部问题 / Report every fault of a layer at once (exit code 1 if any)."""
    from geodata.fault_files import write_faults
    from geodata.read import read_layer
    from geodata.validate import check_layer

    settings = Settings.read()
    refuse_same(file, gpkg, repair)
    layer_kind = LayerKind(kind)
    scheme = None if any_code else settings.code_scheme
    layer = read_layer(file, layer_kind, **reading(mapping, **read), scheme=settings.code_scheme)
    above = None
    if parents is not None and layer_kind in PARENT_KINDS:
        above = read_layer(
            parents,
            PARENT_KINDS[layer_kind],
            columns=columns_of(parents_map),
            crs=parents_crs,
            datum=_datum_above(layer.datum, parents_crs, parents_datum),
            scheme=settings.code_scheme,
        ).frame
    report = check_layer(layer, parents=above, scheme=scheme)
    proposal = mended(layer, repair, tolerance, overwrite) if repair is not None else None
    drawn = None if gpkg is None else write_faults(report, gpkg, overwrite=overwrite)
    if as_json:
        shown = report.to_json() | ({} if proposal is None else {"repair": proposal.to_json()})
        click.echo(json.dumps(shown, ensure_ascii=False, indent=2))
    else:
        show(report, proposal, settings.lang)
        if drawn is not None:
            click.echo(drawn_line(drawn, gpkg).pick(settings.lang))
    if not report.ok:
        sys.exit(1)


def _datum_above(datum: Datum, crs: str | None, said: str | None) -> Datum | None:
    if said is not None:
        return Datum(said)
    return datum if crs is None else None


def refuse_same(file: Path, *outputs: Path | None) -> None:
    """Refuse to write over the input."""
    same = [out for out in outputs if out is not None and out.resolve() == file.resolve()]
    if same:
        text = Text("输出文件不能是输入文件", "the output would replace the input: name another")
        raise InputError(Fault("output_is_input", text, str(same[0])))


def mended(layer: Layer, path: Path, tolerance_m: float, overwrite: bool) -> "Repair":
    """Write the proposal for a layer of areas and give it back.

    Raises
    ------
    InputError
        The layer has no areas that could be mended.
    """
    from geodata.records import AREAS
    from geodata.repair import propose
    from geodata.write import write_layer

    if layer.kind not in AREAS:
        text = Text("只有区划、网格和单元可以修正", "only divisions, grids and units can be mended")
        raise InputError(Fault("nothing_to_mend", text, layer.kind.value))
    proposal = propose(layer, tolerance_m=tolerance_m, scheme=Settings.read().code_scheme)
    write_layer(proposal.frame, path, kind=layer.kind, overwrite=overwrite)
    return proposal


def show(report: "Report", proposal: "Repair | None", lang: Lang) -> None:
    """Print the report, and the proposal if there is one, as tables."""
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else 140)
    if report.ok:
        fine = Text(
            f"{report.layer_name}：{report.rows} 行，没有问题",
            f"{report.layer_name}: {report.rows} rows, nothing to report",
        )
        console.print(fine.pick(lang), markup=False)
    else:
        console.print(fault_table(report, lang))
    for note in report.notes:
        console.print(note.pick(lang), markup=False)
    if proposal is not None:
        console.print(change_table(proposal, lang))
        for fault in proposal.remaining:
            left = Text(
                f"仍需人工处理：第 {_rows(fault.rows)} 行 {fault.text.zh}",
                f"left to mend by hand: row {_rows(fault.rows)} {fault.text.en}",
            )
            console.print(left.pick(lang), markup=False)


def fault_table(report: "Report", lang: Lang) -> Any:
    """The faults by kind, the first ``SHOWN`` of each."""
    from rich.table import Table
    from rich.text import Text as Plain

    from geodata.faults import FAULT_NAMES

    title = Text(
        f"{report.layer_name}：{report.rows} 行，{len(report.faults)} 处问题",
        f"{report.layer_name}: {report.rows} rows, {len(report.faults)} faults",
    )
    table = Table(title=Plain(title.pick(lang)), title_justify="left")
    for heading in (
        Text("问题", "fault"),
        Text("行（不计表头）", "rows (no header)"),
        Text("说明", "what it is"),
    ):
        table.add_column(heading.pick(lang), overflow="fold")
    for code, count in report.by_code().items():
        name = f"{FAULT_NAMES[code].pick(lang)} ({count})"
        for place, fault in enumerate(report.of(code)[:SHOWN]):
            rows = _rows(fault.rows)
            table.add_row(name if place == 0 else "", rows, Plain(fault.text.pick(lang)))
        if count > SHOWN:
            more = Text(
                f"…… 另有 {count - SHOWN} 处，见 --json", f"... {count - SHOWN} more: --json"
            )
            table.add_row("", "", more.pick(lang))
        table.add_section()
    return table


def _rows(rows: Sequence[int]) -> str:
    """0-based rows as people count them, from 1; the first few."""
    return ", ".join(str(row + 1) for row in rows[:_ROWS]) + (" ..." if rows[_ROWS:] else "")


def change_table(proposal: "Repair", lang: Lang) -> Any:
    """Every area that the proposal changes, with its area before and after."""
    from rich.table import Table
    from rich.text import Text as Plain

    title = Text(
        f"修正建议：{len(proposal.changes)} 个图形有变化",
        f"proposal: {len(proposal.changes)} areas would change",
    )
    table = Table(title=Plain(title.pick(lang)), title_justify="left")
    headings = (
        Text("行", "row"), Text("编码", "code"), Text("原面积 m2", "m2 before"),
        Text("新面积 m2", "m2 after"), Text("原因", "why"),
    )  # fmt: skip
    for place, heading in enumerate(headings):
        table.add_column(heading.pick(lang), justify="right" if place in (0, 2, 3) else "left")
    for change in proposal.changes:
        table.add_row(
            str(change.row + 1),
            Plain(change.code),
            f"{change.area_before_m2:,.2f}",
            f"{change.area_after_m2:,.2f}",
            change.why.pick(lang),
        )
    return table


def drawn_line(drawn: int, gpkg: Path | None) -> Text:
    """What was written into the GeoPackage."""
    if not drawn:
        return Text(
            f"没有可绘制的问题，{gpkg} 的图层为空", f"no fault to draw: {gpkg} has empty layers"
        )
    return Text(f"{drawn} 处问题的图形已写入 {gpkg}", f"{drawn} fault shapes written to {gpkg}")
