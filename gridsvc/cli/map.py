"""``gridsvc map ... -o FILE.html``: maps as files that open with no network."""

import os
from pathlib import Path

import click

from gridsvc.domain.errors import Fault, InputError
from gridsvc.domain.kinds import Category
from gridsvc.domain.words import Text
from gridsvc.settings import Settings


@click.group("map")
def map_() -> None:
    """生成地图文件 / Draw a map to a file."""


@map_.command("risk")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="HTML 文件 / the HTML file to write",
)
@click.option(
    "--days",
    type=click.IntRange(1, 3660),
    default=365,
    show_default=True,
    help="近多少天，含今天 / the last so many days, today included",
)
@click.option(
    "--category",
    "categories",
    multiple=True,
    type=click.Choice([category.value for category in Category]),
    help="只计此类别，可多次给出；默认全部 / count this category only, may be repeated",
)
@click.option("--lang", type=click.Choice(["zh", "en"]), help="语言 / language")
@click.option("--overwrite", is_flag=True, help="覆盖已有文件 / replace an existing file")
def risk(
    output: Path, days: int, categories: tuple[str, ...], lang: str | None, overwrite: bool
) -> None:
    """网格风险图：上报量,非发生率 / The risk map: what was reported, not what happened."""
    from gridsvc.runtime import Runtime
    from maps.assets import AssetMode
    from maps.risk import risk_page

    _check_target(output, overwrite=overwrite)
    settings = Settings.read() if lang is None else Settings.read(lang=lang)
    runtime = Runtime.open(settings)
    try:
        published = runtime.map().published
        counts, period = runtime.reports_of(days=days)
        page = risk_page(
            published,
            counts,
            period=period,
            categories=frozenset(map(Category, categories)) or frozenset(Category),
            lang=settings.lang,
            base=AssetMode.EMBEDDED,
        )
    finally:
        runtime.close()
    _write_whole(output, page)
    size_mb = output.stat().st_size / 1e6
    said = Text(
        f"已生成 {output}（{size_mb:.1f} MB），用浏览器打开即可，无需网络",
        f"wrote {output} ({size_mb:.1f} MB): open it in a browser, no network is needed",
    )
    click.echo(said.pick(settings.lang))


def _check_target(output: Path, *, overwrite: bool) -> None:
    """Say before the work what would stop the writing after it."""
    if output.exists() and not overwrite:
        raise InputError(
            Fault(
                "output_exists",
                Text(
                    f"文件 {output} 已存在：换一个名称，或加 --overwrite",
                    f"{output} exists: give another name, or --overwrite",
                ),
                "output",
            )
        )
    if not output.absolute().parent.is_dir():
        raise InputError(
            Fault(
                "output_folder_missing",
                Text(
                    f"文件夹 {output.absolute().parent} 不存在",
                    f"there is no folder {output.absolute().parent}",
                ),
                "output",
            )
        )


def _write_whole(output: Path, page: str) -> None:
    """All of the file or nothing: written beside its place, then moved into it."""
    beside = output.with_name(f".{output.name}.part")
    try:
        beside.write_text(page, encoding="utf-8")
        os.replace(beside, output)
    finally:
        beside.unlink(missing_ok=True)
