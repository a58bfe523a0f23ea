"""``gridsvc locate IN -o OUT``: the areas of a file of positions."""

from pathlib import Path

import click

from gridsvc.domain.geo import Datum
from gridsvc.domain.words import Text
from gridsvc.settings import Settings


@click.command()
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--datum",
    type=click.Choice([d.value for d in Datum if d is not Datum.UNKNOWN]),
    default=Datum.CGCS2000.value,
    show_default=True,
    help="坐标系 / what the coordinates mean",
)
@click.option(
    "--keep-bad",
    is_flag=True,
    help="保留无效坐标行并在 problem 列说明 / keep bad rows and say why in a problem column",
)
@click.option("--overwrite", is_flag=True, help="覆盖已有文件 / replace an existing file")
def locate(source: Path, output: Path, datum: str, keep_bad: bool, overwrite: bool) -> None:
    """为一批坐标定位网格（CSV、Parquet，含 lng、lat 列） / Locate a file of positions."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from gridsvc.flows.locating_files import locate_file
    from gridsvc.runtime import Runtime

    settings = Settings.read()
    runtime = Runtime.open(settings)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    try:
        with Progress(*columns, transient=True) as bar:
            task = bar.add_task(Text("定位", "locating").pick(settings.lang), total=None)
            done = locate_file(
                runtime.map(),
                source,
                output,
                datum=Datum(datum),
                keep_bad=keep_bad,
                overwrite=overwrite,
                lang=settings.lang,
                progress=lambda rows, total: bar.update(task, completed=rows, total=total),
            )
    finally:
        runtime.close()
    said = Text(
        f"已定位 {done.rows} 行，其中县外 {done.outside} 行、无效 {done.bad} 行：{output}",
        f"{done.rows} rows, {done.outside} of them outside the county, {done.bad} bad: {output}",
    )
    click.echo(said.pick(settings.lang))
