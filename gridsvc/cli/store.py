"""``gridsvc db``: the database's schema."""

import click

from gridsvc.cli.opening import opened_store
from gridsvc.domain.words import Text
from gridsvc.settings import Settings


@click.group()
def db() -> None:
    """数据库 / The database."""


@db.command()
def upgrade() -> None:
    """建立或升级数据库结构，可重复运行 / Create or migrate the schema; safe to repeat."""
    settings = Settings.read()
    with opened_store(settings) as store:
        before, head = store.revision()
        store.upgrade()
    text = (
        Text(f"数据库结构已是最新（{head}）", f"the schema is already at {head}")
        if before == head
        else Text(
            f"数据库结构已从 {before or '空'} 升级到 {head}",
            f"the schema was migrated from {before or 'nothing'} to {head}",
        )
    )
    click.echo(text.pick(settings.lang))


@db.command()
def status() -> None:
    """显示数据库结构和数据，未就绪时退出码为 1 / Show where it stands; exit 1 if not ready."""
    settings = Settings.read()
    with opened_store(settings) as store:
        current, head = store.revision()
        shown = Text(
            f"数据库结构：{current or '空'}，需要 {head}",
            f"schema: {current or 'nothing'}, needed: {head}",
        )
        click.echo(shown.pick(settings.lang))
        with store.read() as reading:
            figures = Text(
                f"地图版本 {reading.areas.version()}，案件 {reading.incidents.count()}，"
                f"事件 {reading.events.head()}",
                f"map version {reading.areas.version()}, {reading.incidents.count()} incidents, "
                f"{reading.events.head()} events",
            )
        click.echo(figures.pick(settings.lang))
