"""``gridsvc synth -o DIR``: the seeded demo county as ordinary files."""

from pathlib import Path

import click

from gridsvc.domain.geo import Datum
from gridsvc.domain.words import Text
from gridsvc.settings import Settings

_DATUMS = [datum.value for datum in Datum if datum is not Datum.UNKNOWN]
STAGES = {
    "cells": Text("网格与单元", "grids and units"),
    "people": Text("人员与装备", "people and equipment"),
    "roads": Text("路网", "roads"),
    "incidents": Text("案件", "incidents"),
    "files": Text("写出文件", "files"),
}


@click.command()
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="文件夹，同名文件将被替换 / folder; files of the same names are replaced",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=530_324,
    show_default=True,
    help="种子相同，内容相同 / same seed, same content",
)
@click.option(
    "--outline",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="县界文件，代替虚构的县界 / a county outline to fill instead of the made-up one",
)
@click.option(
    "--datum",
    type=click.Choice(_DATUMS),
    help="县界文件的坐标系（GeoJSON 必填） / datum of the outline file (needed for GeoJSON)",
)
@click.option(
    "--divisions",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="区划代码表 CSV(code,name,level,parent) / table of real codes and names",
)
def synth(
    output: Path, seed: int, outline: Path | None, datum: str | None, divisions: Path | None
) -> None:
    """生成演示县文件，内容均为虚构 / Write the demo county's files; all of it is made up."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from geodata.synthetic import build

    lang = Settings.read().lang
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, transient=True) as bar:
        task = bar.add_task("", total=1.0)
        report = build(
            output,
            seed=seed,
            outline=outline,
            datum=Datum(datum) if datum else None,
            divisions=divisions,
            progress=lambda stage, done: bar.update(
                task, description=STAGES[stage].pick(lang), completed=done
            ),
        )
    for name, rows in report.rows.items():
        click.echo(f"{output / name}  {rows}")
    click.echo(_closing(report.area_km2, output).pick(lang))


def _closing(area_km2: float, folder: Path) -> Text:
    return Text(
        f"演示数据，面积 {area_km2:,.0f} 平方公里；哪些是虚构的见 {folder / 'NOTICE.txt'}",
        f"demo data, {area_km2:,.0f} km2; {folder / 'NOTICE.txt'} says what is made up",
    )
