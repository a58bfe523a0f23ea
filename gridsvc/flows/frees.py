"""When the next one frees up for what the county cannot give now: an estimate, and marked so."""

from dataclasses import replace
from datetime import datetime, timedelta

from gridsvc.dispatch import Card, Shortfall
from gridsvc.domain.clock import COUNTY_TIME
from gridsvc.domain.words import Text
from gridsvc.flows.scene import Scene


def expected(short: Shortfall, card: Card, *, scene: Scene, now: datetime) -> Shortfall:
    """``short`` with the moment at which somebody more can be expected, if anything says so.

    That is the earlier of two: the usual end of the case that holds the nearest who could have
    gone, counted from when they were assigned; and the next shift of anybody able who is off duty
    by the roster.
    """
    found = [one for one in (_freed(short, scene, now), _on_shift(short, card, scene, now)) if one]
    if not found:
        return short
    at, why = min(found, key=lambda one: one[0])
    return replace(short, frees_at=at, frees_note=why)


def _freed(short: Shortfall, scene: Scene, now: datetime) -> tuple[datetime, Text] | None:
    held = None if short.nearest_busy is None else scene.held.get(short.nearest_busy[0])
    if held is None or short.nearest_busy is None:
        return None
    kind, since = held
    usual = scene.cards[kind].lasts_min
    end = since + timedelta(minutes=usual)
    number, clock = short.nearest_busy[1], _clock(end)
    if end <= now:
        return now, Text(
            f"估计：{number} 通常 {usual} 分钟，已超过，随时可能结束",
            f"an estimate: {number} usually takes {usual} minutes, which are over: any time now",
        )
    return end, Text(
        f"估计：{number} 通常 {usual} 分钟，约 {clock} 结束",
        f"an estimate: {number} usually takes {usual} minutes, until about {clock}",
    )


def _on_shift(
    short: Shortfall, card: Card, scene: Scene, now: datetime
) -> tuple[datetime, Text] | None:
    if not scene.roster.shifts and not scene.roster.exceptions:
        return None
    _, able = scene.force.able((short.capability,), barred=card.excluded)
    people = [scene.force.responders[number] for number in able.tolist()]
    off = [one.id for one in people if one.off_because is not None and one.id not in card.kept_out]
    at = scene.roster.next_start(off, now) if off else None
    if at is None:
        return None
    return at, Text(
        f"按排班 {_clock(at)} 有人上岗", f"somebody is on duty by the roster at {_clock(at)}"
    )


def _clock(at: datetime) -> str:
    return at.astimezone(COUNTY_TIME).strftime("%m-%d %H:%M")
