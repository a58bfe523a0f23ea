"""Who is not offered a case though they could go: excluded by hand, recused, resting."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Self

from gridsvc.domain.clock import COUNTY_TIME
from gridsvc.domain.force import Role
from gridsvc.domain.words import Text

NOBODY: Mapping[str, Text] = {}


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Somebody whom an officer keeps from one incident, or (``incident`` None) from all, until an
    aware moment or, None, until it is lifted. The ``reason`` may name people: it is shown to
    officers and stands in no event and no decision."""

    id: str
    responder: str
    incident: str | None
    until: datetime | None
    reason: str
    by: str
    at: datetime
    lifted_at: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Whether it counts at an aware moment."""
        return self.lifted_at is None and (self.until is None or at < self.until)


RECUSED = Text("回避：与本案有利害关系", "recused: party to this case or related to one")


@dataclass(frozen=True, eq=False)
class Standing:
    """Everything of the kind that is known at a moment. Immutable; changed by making another.

    ``recused`` are responder ids by incident id; ``free_since`` when somebody ended an assignment
    they had arrived at, by responder id; ``rest`` how long each role rests after that.
    """

    exclusions: tuple[Exclusion, ...] = ()
    recused: Mapping[str, frozenset[str]] = field(default_factory=dict)
    free_since: Mapping[str, tuple[Role, datetime]] = field(default_factory=dict)
    rest: Mapping[Role, timedelta] = field(default_factory=dict)

    def kept_out(self, incident: str, at: datetime) -> Mapping[str, Text]:
        """Who is not offered the incident ``id`` at an aware moment, by responder id, and why."""
        if not (self.exclusions or self.recused or self.free_since):
            return NOBODY
        found = {key: _resting(until) for key, until in self._rests(at)}
        for one in self.exclusions:
            if one.incident in (None, incident) and one.holds(at):
                found[one.responder] = _excluded(one)
        found.update(dict.fromkeys(self.recused.get(incident, ()), RECUSED))
        return found

    def freed(self, responder: str, role: Role, at: datetime) -> Self:
        """As it is when somebody has ended an assignment they had arrived at."""
        if not self.rest.get(role):
            return self
        still = {
            key: (of, since)
            for key, (of, since) in self.free_since.items()
            if at < since + self.rest.get(of, timedelta())
        }
        return replace(self, free_since={**still, responder: (role, at)})

    def _rests(self, at: datetime) -> list[tuple[str, datetime]]:
        return [
            (key, until)
            for key, (role, since) in self.free_since.items()
            if at < (until := since + self.rest.get(role, timedelta()))
        ]


def _clock(at: datetime) -> str:
    return at.astimezone(COUNTY_TIME).strftime("%m-%d %H:%M")


def _resting(until: datetime) -> Text:
    return Text(f"任务结束后休整至 {_clock(until)}", f"resting after a task until {_clock(until)}")


def _excluded(one: Exclusion) -> Text:
    where = Text("本案", "this case") if one.incident else Text("全部案件", "every case")
    if one.until is None:
        return Text(f"值班员已将其排除（{where.zh}）", f"excluded by an officer from {where.en}")
    return Text(
        f"值班员已将其排除（{where.zh}，至 {_clock(one.until)}）",
        f"excluded by an officer from {where.en} until {_clock(one.until)}",
    )
