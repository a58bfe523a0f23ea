"""``gridsvc replay``: a past period again under other ways of choosing whom to send."""

import json
from datetime import date, datetime, time, timedelta

import click

from gridsvc.coverage.advice import BUSY_FRACTION
from gridsvc.domain.clock import COUNTY_TIME
from gridsvc.domain.errors import Fault, InputError, NotReadyError
from gridsvc.domain.words import Text
from gridsvc.settings import Settings

POLICIES = ("straight", "road", "advice")


@click.command("replay")
@click.option(
    "--from",
    "since",
    required=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="第一天 / the first day",
)
@click.option(
    "--to",
    "until",
    required=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="最后一天 / the last day",
)
@click.option(
    "--policy",
    "policies",
    multiple=True,
    type=click.Choice(POLICIES),
    help="派单方式，可多次给出，默认全部：直线最近、道路最近、道路最近并采纳备勤建议 / "
    "how it is chosen whom to send; may be repeated, all by default",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="种子 / seed",
)
@click.option(
    "--busy",
    type=click.FloatRange(0.0, 0.95),
    default=BUSY_FRACTION,
    show_default=True,
    help="人员忙碌的时间比例，供备勤建议用 / the part of the time that people are busy",
)
@click.option("--json", "as_json", is_flag=True, help="JSON 输出 / print JSON")
@click.option("--lang", type=click.Choice(["zh", "en"]), help="语言 / language")
def replay(
    since: datetime,
    until: datetime,
    policies: tuple[str, ...],
    seed: int,
    busy: float,
    as_json: bool,
    lang: str | None,
) -> None:
    """用往期警情重演派单方式,到场按道路计 / Replay a past period by other policies."""
    from gridsvc.flows import replay_figures
    from gridsvc.flows.replaying import replayed
    from gridsvc.runtime import Runtime

    first, last = _day(since.date()), _day(until.date() + timedelta(days=1))
    if last <= first:
        text = Text(
            f"--to {until:%Y-%m-%d} 早于 --from {since:%Y-%m-%d}：请对调",
            f"--to {until:%Y-%m-%d} is before --from {since:%Y-%m-%d}: exchange them",
        )
        raise InputError(Fault("bad_period", text, "to"))
    settings = Settings.read() if lang is None else Settings.read(lang=lang)
    runtime = Runtime.open(settings)
    try:
        roads = runtime.roads()
        if roads is None:
            raise NotReadyError(_NO_ROADS)
        runs = replayed(
            runtime.store,
            runtime.map(),
            runtime.force(),
            roads,
            speeds=runtime.speeds,
            since=first,
            until=last,
            policies=list(dict.fromkeys(policies or POLICIES)),
            seed=seed,
            busy_fraction=busy,
        )
    finally:
        runtime.close()
    if as_json:
        period = {"from": f"{since:%Y-%m-%d}", "to": f"{until:%Y-%m-%d}"}
        click.echo(json.dumps(period | replay_figures.as_json(runs, seed=seed), indent=2))
        return
    if not runs[0].calls:
        click.echo(_NOTHING.pick(settings.lang))
        return
    click.echo(replay_figures.table(runs, settings.lang))
    click.echo(_SAID.pick(settings.lang))


def _day(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=COUNTY_TIME)


_NO_ROADS = Fault(
    "no_roads",
    Text(
        "尚无道路数据，重演的到场时间必须按道路计：请先执行 gridsvc import roads 文件",
        "there are no roads yet, and a replay is timed by road: run gridsvc import roads FILE",
    ),
)
_NOTHING = Text(
    "这段时间没有需要专业力量的特急、紧急警情",
    "no urgent report of that period asks for professionals",
)
_SAID = Text(
    "到场时间为首名专业人员按道路到达的时间（含等人）；"
    "速度表与现场用时（中位数 30 分钟）为假设，未经实测；网格员、吹哨人和调解员不参与重演",
    "times are until the first professional is there by road, waiting included; speeds and the "
    "time on scene (half of them 30 minutes) are assumed, not measured; neighbours take no part",
)
