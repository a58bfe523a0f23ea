"""``gridsvc cards``: judge, take over and write out run cards as YAML."""

from pathlib import Path

import click

from gridsvc.cli.opening import opened_store
from gridsvc.domain.rights import local_caller
from gridsvc.domain.words import Text
from gridsvc.settings import Settings


@click.group()
def cards() -> None:
    """预案 / Run cards."""


@cards.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(file: Path) -> None:
    """检查预案文件 / Judge a file of cards; every fault is told."""
    from gridsvc.dispatch.cards import card_set, parse

    settings = Settings.read()
    found = card_set(parse(file.read_text(encoding="utf-8")))
    count = len(found.cards)
    text = Text(f"{count} 类预案，没有问题", f"{count} cards, no faults")
    click.echo(text.pick(settings.lang))


@cards.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--reason", required=True, help="修改理由 / why")
def import_(file: Path, reason: str) -> None:
    """导入预案文件 / Take a file of cards over: those that differ become new versions."""
    from gridsvc.dispatch.cards import card_set, parse
    from gridsvc.flows.carding import import_cards
    from gridsvc.runtime import now

    settings = Settings.read()
    found = card_set(parse(file.read_text(encoding="utf-8")))
    with opened_store(settings) as store:
        changed = import_cards(
            found, reason=reason, store=store, now=now(), caller=local_caller(settings.county)
        )
    named = "、".join(changed), ", ".join(changed)
    text = Text(f"已更改 {len(changed)} 类预案：{named[0]}", f"changed {len(changed)}: {named[1]}")
    click.echo(text.pick(settings.lang))


@cards.command()
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path))
def export(output: Path | None) -> None:
    """写出现行预案 / Write the cards in force as YAML."""
    from gridsvc.dispatch.cards import written
    from gridsvc.flows.carding import cards_in_force

    settings = Settings.read()
    with opened_store(settings) as store, store.read() as reading:
        said = written(cards_in_force(reading.run_cards.in_force()).as_data())
    if output is None:
        click.echo(said, nl=False)
    else:
        output.write_text(said, encoding="utf-8")
