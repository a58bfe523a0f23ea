"""Coverage advice: what a dispatch uncovers, and the standby move that restores most."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi import Query as QueryOf
from pydantic import Field

from api.auth import TheCaller
from api.language import Speech
from api.runtime import TheRuntime
from api.shapes import Answer, Query, Readable
from gridsvc.coverage.advice import BUSY_FRACTION, LIMIT_S
from gridsvc.coverage.groups import GROUP_NAMES
from gridsvc.coverage.villages import Villages
from gridsvc.domain.force import ROLE_NAMES
from gridsvc.domain.words import Lang, Text
from gridsvc.flows.advising import Advised, GroupAdvice

router = APIRouter(prefix="/api/v1/incidents", tags=["incidents"])


class AdviceQuery(Query):
    """``busy``: the part of the time that a responder is busy; plausible, not measured."""

    busy: Annotated[float, Field(ge=0.0, le=0.95)] = BUSY_FRACTION


class VillageAnswer(Answer):
    """A village; ``residents`` are those known, null where the map knows none at all."""

    code: str
    name: str
    residents: int | None


class StandbyAnswer(Answer):
    """Who should wait where: ``eta_s`` seconds on the way there. ``gain`` is by how much the
    expected coverage rises, in residents (in square metres where none are known);
    ``restored`` are villages that have somebody within reach again."""

    responder: str
    role: str
    role_name: str
    name: str
    phone: str
    to: VillageAnswer
    eta_s: int
    eta_basis: str
    eta_note: str
    gain: float
    restored: list[VillageAnswer]


class GroupAnswer(Answer):
    """What the incident takes from one group. ``covered_before`` and ``covered_after`` are the
    expected coverage as parts of the whole county. ``text`` says it in a sentence."""

    group: str
    group_name: str
    taken: list[str]
    lost: list[VillageAnswer]
    covered_before: float
    covered_after: float
    standby: StandbyAnswer | None
    text: str


class AdviceAnswer(Answer):
    """Advice, never a veto: nobody is held back by it.

    ``lost`` are the villages that no free responder of a group reaches within ``limit_s`` seconds
    once these are gone. The standby move is the one with the highest marginal benefit
    (1-q)q^k, summed over the villages by their residents (MEXCLP), with q ``busy_fraction``.
    """

    incident: str
    number: str
    limit_s: int
    busy_fraction: float
    groups: list[GroupAnswer]
    basis: str
    note: str


@router.get("/{key}/coverage-advice")
def advice(
    request: Request,
    key: Annotated[str, Path(max_length=64), Readable],
    query: Annotated[AdviceQuery, QueryOf()],
    runtime: TheRuntime,
    caller: TheCaller,
    lang: Speech,
) -> AdviceAnswer:
    """Say which villages lose their last responder to this incident, and who could stand by."""
    villages = request.app.state.standby.of(runtime.map()).villages
    found = runtime.coverage_advice(key, villages, busy_fraction=query.busy, caller=caller)
    return AdviceAnswer(
        incident=found.incident.id,
        number=found.incident.number,
        limit_s=round(LIMIT_S),
        busy_fraction=found.busy_fraction,
        groups=[_group(one, found, runtime, lang) for one in found.groups],
        basis=found.basis,
        note=found.travel_note.pick(lang),
    )


def _group(one: GroupAdvice, found: Advised, runtime: TheRuntime, lang: Lang) -> GroupAnswer:
    advised, villages = one.advice, found.villages
    whole = advised.total or 1.0
    return GroupAnswer(
        group=one.group,
        group_name=GROUP_NAMES[one.group].pick(lang),
        taken=list(one.taken),
        lost=[_village(place, villages) for place in advised.lost],
        covered_before=round(advised.before / whole, 4),
        covered_after=round(advised.after / whole, 4),
        standby=_standby(one, villages, runtime, lang),
        text=_said(one, villages).pick(lang),
    )


def _standby(
    one: GroupAdvice, villages: Villages, runtime: TheRuntime, lang: Lang
) -> StandbyAnswer | None:
    move, who = one.standby, one.mover
    if move is None or who is None:
        return None
    return StandbyAnswer(
        responder=who.id,
        role=who.role,
        role_name=ROLE_NAMES[who.role].pick(lang),
        name=who.name,
        phone=who.phone,
        to=_village(move.to, villages),
        eta_s=round(move.seconds),
        eta_basis=move.basis,
        eta_note=runtime.travel.note_of(move.basis).pick(lang),
        gain=round(move.gain, 1),
        restored=[_village(place, villages) for place in move.restored],
    )


def _village(place: int, villages: Villages) -> VillageAnswer:
    return VillageAnswer(
        code=villages.codes[place],
        name=villages.names[place],
        residents=round(villages.weight[place]) if villages.residents else None,
    )


def _said(one: GroupAdvice, villages: Villages) -> Text:
    """The advice in a sentence."""
    minutes, group = round(LIMIT_S / 60), GROUP_NAMES[one.group]
    names = [villages.names[place] for place in one.advice.lost]
    if names:
        lost = Text(
            f"派出后 {len(names)} 个村（社区）{minutes} 分钟内再无{group.zh}可到："
            f"{'、'.join(names)}",
            f"{len(names)} villages are left with no {group.en} within {minutes} minutes: "
            f"{', '.join(names)}",
        )
    else:
        lost = Text(
            f"派出后各村{minutes} 分钟内的{group.zh}覆盖不减",
            f"no village loses its last {group.en} within {minutes} minutes",
        )
    move, who = one.standby, one.mover
    if move is None or who is None:
        return Text(f"{lost.zh}；没有可改善的备勤点", f"{lost.en}; no standby move helps")
    to, about = villages.names[move.to], max(1, round(move.seconds / 60))
    role = ROLE_NAMES[who.role]
    return Text(
        f"{lost.zh}；建议{role.zh} {who.id} 到{to}备勤，车程约 {about} 分钟（仅供参考）",
        f"{lost.en}; advice: {role.en} {who.id} stands by at {to}, about {about} min away",
    )
