"""``gridsvc export``: a layer of the store into a file that other programs read."""

from pathlib import Path

import click

from geodata.layer import KIND_NAMES, LayerKind
from geodata.outgoing import import_note
from gridsvc.cli.layer_options import KINDS
from gridsvc.domain.geo import Datum
from gridsvc.domain.words import Lang, Text
from gridsvc.flows.exporting import export_layer
from gridsvc.settings import Settings
from gridsvc.store.unit_of_work import Store

_DATUMS = [datum.value for datum in Datum if datum is not Datum.UNKNOWN]


@click.command()
@click.argument("kind", type=KINDS)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=True, path_type=Path),
    help="文件，扩展名决定格式 / file, its ending names the format: "
    ".gpkg .shp .gdb .geojson .fgb .parquet .csv .xlsx",
)
@click.option("--crs", help="坐标参考系 / coordinate reference system, e.g. EPSG:4544 [EPSG:4490]")
@click.option(
    "--datum",
    type=click.Choice(_DATUMS),
    default=Datum.CGCS2000.value,
    help="坐标基准；gcj02、bd09 文件无法自我声明 / datum; no file can declare gcj02 or bd09 "
    "[cgcs2000]",
)
@click.option(
    "--lang",
    type=click.Choice(["zh", "en"]),
    default="en",
    help="列名语言 / language of the column names [en]",
)
@click.option("--overwrite", is_flag=True, help="替换已有文件 / replace an existing file")
def export(
    kind: str, output: Path, crs: str | None, datum: str, lang: Lang, overwrite: bool
) -> None:
    """导出图层或名单 / Export divisions, grids, units, responders or incidents."""
    settings = Settings.read()
    store = Store.open(settings.url, county=settings.county)
    layer, meant = LayerKind(kind), Datum(datum)
    try:
        rows = export_layer(
            store, layer, output, lang=lang, crs=crs, datum=meant, overwrite=overwrite
        )
    finally:
        store.close()
    name = KIND_NAMES[layer]
    done = Text(f"已写出 {rows} 行{name.zh}：{output}", f"wrote {rows} {name.en} to {output}")
    click.echo(done.pick(settings.lang))
    note = import_note(output, layer, crs=crs, datum=meant)
    if note is not None:
        click.echo(note.pick(settings.lang))
