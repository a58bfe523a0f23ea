"""``gridsvc backup`` and ``gridsvc restore``: everything the store holds, in one file."""

from pathlib import Path

import click

from gridsvc.cli.opening import opened_store
from gridsvc.domain.words import Text
from gridsvc.settings import Settings


@click.command()
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="备份文件，已有的会被替换 / the file; one that is there is replaced",
)
def backup(output: Path) -> None:
    """把全部数据备份到一个文件，服务不必停 / Back everything up while the service runs."""
    from gridsvc.flows.backups import back_up
    from gridsvc.runtime import now

    settings = Settings.read()
    with opened_store(settings) as store:
        made = back_up(store, output, now=now())
    size = output.stat().st_size
    text = Text(
        f"已备份 {len(made.tables)} 个表共 {made.rows} 行到 {output}（{size} 字节）；"
        "文件含姓名和电话，请妥善保管",
        f"backed up {made.rows} rows of {len(made.tables)} tables to {output} ({size} bytes); it "
        "holds names and telephone numbers: keep it safe",
    )
    click.echo(text.pick(settings.lang))


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
def restore(file: Path) -> None:
    """把备份恢复到空数据库，全部成功或毫无更改 / Restore a backup into an empty database."""
    from gridsvc.flows.backups import restore as restore_from

    settings = Settings.read()
    with opened_store(settings) as store:
        found = restore_from(store, file)
    text = Text(
        f"已恢复 {found.created_at:%Y-%m-%d %H:%M} 的备份：{len(found.tables)} 个表，"
        f"{found.rows} 行",
        f"restored the backup of {found.created_at:%Y-%m-%d %H:%M}: {found.rows} rows of "
        f"{len(found.tables)} tables",
    )
    click.echo(text.pick(settings.lang))
