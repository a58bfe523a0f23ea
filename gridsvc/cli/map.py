"""``gridsvc map ... -o FILE.html``: maps as files that open with no network."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gridsvc.coverage.groups import Group, State
from gridsvc.domain.errors import Fault, InputError
from gridsvc.domain.kinds import Category
from gridsvc.domain.words import Lang, Text
from gridsvc.settings import Settings

if TYPE_CHECKING:
    from gridsvc.runtime import Runtime


@click.group("map")
def map_() -> None:
    """生成地图文件 / Draw a map to a file."""


def file_options(command: Callable[..., None]) -> Callable[..., None]:
    """Options of every map that is written to a file."""
    for option in (
        click.option("--overwrite", is_flag=True, help="覆盖已有文件 / replace an existing file"),
        click.option("--lang", type=click.Choice(["zh", "en"]), help="语言 / language"),
        click.option(
            *("-o", "--output"),
            required=True,
            type=click.Path(dir_okay=False, path_type=Path),
            help="HTML 文件 / the HTML file to write",
        ),
    ):
        command = option(command)
    return command


@map_.command("risk")
@file_options
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
def risk(
    output: Path, days: int, categories: tuple[str, ...], lang: str | None, overwrite: bool
) -> None:
    """网格风险图：上报量,非发生率 / The risk map: what was reported, not what happened."""
    from maps.assets import AssetMode
    from maps.risk import risk_page

    def page(runtime: "Runtime", lang: Lang) -> str:
        counts, period = runtime.reports_of(days=days)
        return risk_page(
            runtime.map().published,
            counts,
            period=period,
            categories=frozenset(map(Category, categories)) or frozenset(Category),
            lang=lang,
            base=AssetMode.EMBEDDED,
        )

    _write_page(page, output, lang=lang, overwrite=overwrite)


@map_.command("coverage")
@file_options
@click.option(
    "--group",
    type=click.Choice([group.value for group in Group]),
    default=Group.MEDICAL.value,
    show_default=True,
    help="哪类力量 / whose coverage",
)
@click.option(
    "--state",
    type=click.Choice([state.value for state in State]),
    default=State.STAFFED.value,
    show_default=True,
    help="先显示此刻可派还是名册全员 / what the map shows first: staffed now or nominal",
)
@click.option(
    "--minutes",
    type=click.Choice(["5", "10", "15"]),
    default="15",
    show_default=True,
    help="列出此时限内无人能到的网格 / list the grids that nobody reaches within it",
)
def coverage(
    output: Path, group: str, state: str, minutes: str, lang: str | None, overwrite: bool
) -> None:
    """响应覆盖图：谁几分钟能到哪里 / The coverage map: who reaches what, and how soon."""
    from gridsvc.coverage.demand import Demand
    from gridsvc.flows import mapping
    from gridsvc.flows.standby_places import StandbyPlaces
    from maps.assets import AssetMode
    from maps.coverage import coverage_page

    def page(runtime: "Runtime", lang: Lang) -> str:
        grid_map = runtime.map()
        demand = Demand.of(grid_map.published, grid_map.frame)
        return coverage_page(
            grid_map.published,
            mapping.coverage(
                runtime.scene(),
                demand,
                group=Group(group),
                at=runtime.clock(),
                places=StandbyPlaces(demand, grid_map.published),
            ),
            state=State(state),
            minutes=int(minutes),
            lang=lang,
            base=AssetMode.EMBEDDED,
        )

    _write_page(page, output, lang=lang, overwrite=overwrite)


def _write_page(
    page: "Callable[[Runtime, Lang], str]", output: Path, *, lang: str | None, overwrite: bool
) -> None:
    """Draw a page of the county in the data folder and write it, all or nothing."""
    from gridsvc.runtime import Runtime

    _check_target(output, overwrite=overwrite)
    settings = Settings.read() if lang is None else Settings.read(lang=lang)
    runtime = Runtime.open(settings)
    try:
        drawn = page(runtime, settings.lang)
    finally:
        runtime.close()
    _write_whole(output, drawn)
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
