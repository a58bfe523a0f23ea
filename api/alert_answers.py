"""Alerts as answers: the alert, how far its calls have come, each call, and a look before."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import shapely

from api.shapes import Answer, county_time
from gridsvc.domain.alerts import (
    CALL_STATE_NAMES,
    CALLS,
    DRILL,
    HAZARD_NAMES,
    LEVEL_NAMES,
    Alert,
    Call,
    CallState,
    CallStep,
    Gap,
    Place,
    Tally,
    Why,
)
from gridsvc.domain.force import ROLE_NAMES, Responder
from gridsvc.domain.rights import Caller, Right
from gridsvc.domain.words import Lang, Text
from gridsvc.flows.alert_progress import Progress
from gridsvc.flows.alerts import Order, Preview
from gridsvc.runtime import Runtime

GAPS_SHOWN = 500
STEP_PATHS: dict[CallStep, str] = {
    CallStep.ANSWER: "answer",
    CallStep.TELL_IN_PERSON: "told-in-person",
    CallStep.GIVE_UP: "unreached",
}
"""The last part of the address that records a step."""


class GapAnswer(Answer):
    """A unit or grid inside that nobody answers for: nobody to call. ``others`` people are called
    next to it, in its grid or its units; 0: nobody at all."""

    code: str
    name: str
    level: str
    village: str
    village_name: str
    township_name: str
    others: int


class TallyAnswer(Answer):
    """``called`` people: ``answered``, ``told_in_person``, ``unreached``, and ``waiting`` for an
    answer. ``share`` of those reached, 0 to 1; minutes from the call until half and nine tenths of
    them were reached, null while they are not."""

    called: int
    answered: int
    told_in_person: int
    unreached: int
    waiting: int
    share: float | None
    minutes_to_half: float | None
    minutes_to_nine_tenths: float | None


class PlaceTally(TallyAnswer):
    """The same of a township or village; ``gaps`` areas in it have nobody to call. People of the
    township itself stand under no village (empty ``code``)."""

    code: str
    name: str
    township: str
    township_name: str
    gaps: int


class AlertLine(Answer):
    """One alert in a list, with how many calls are in each state. ``number`` can be read aloud;
    times are +08:00; ``on``: not ended."""

    id: str
    number: str
    headline: str
    hazard: str
    hazard_name: str
    level: str
    level_name: str
    text: str
    issued_at: str
    expires_at: str
    ended_at: str | None
    on: bool
    drill: bool
    called: int
    answered: int
    told_in_person: int
    unreached: int
    waiting: int


class AlertsAnswer(Answer):
    """Alerts, the last first; ``next`` is the ``before`` of the next page. ``on`` counts those of
    the county that have not ended, drills left out."""

    alerts: list[AlertLine]
    next: str | None
    on: int


class AlertAnswer(Answer):
    """One alert in full. ``gaps_total`` areas have nobody to call; ``gaps`` lists the first 500,
    those with nobody at all first; ``page`` shows it on a map."""

    id: str
    number: str
    headline: str
    hazard: str
    hazard_name: str
    level: str
    level_name: str
    text: str
    polygon: dict[str, Any]
    issued_at: str
    expires_at: str
    ended_at: str | None
    on: bool
    drill: bool
    by: str
    map_version: int
    page: str
    total: TallyAnswer
    townships: list[PlaceTally]
    villages: list[PlaceTally]
    gaps_total: int
    gaps: list[GapAnswer]


class PreviewPlace(Answer):
    """How many would be called in a village (empty ``code``: the township's own people)."""

    code: str
    name: str
    township: str
    township_name: str
    called: int
    unreached: int
    gaps: int


class PreviewAnswer(Answer):
    """Whom the alert would call; nobody was called. ``unreached`` have no telephone."""

    dry_run: bool
    headline: str
    called: int
    unreached: int
    by_role: dict[str, int]
    by_position: int
    units: int
    grids: int
    villages: list[PreviewPlace]
    gaps_total: int
    gaps: list[GapAnswer]


class CallAnswer(Answer):
    """The calling of one person. ``name`` and ``phone`` are empty for callers who may not record
    calls. ``steps``: what can be recorded now."""

    responder: str
    name: str
    phone: str
    role: str
    role_name: str
    area: str
    area_name: str
    village: str
    village_name: str
    township: str
    township_name: str
    why: str
    state: str
    state_name: str
    steps: list[str]
    at: str
    told_by: str
    by: str


class CallsAnswer(Answer):
    """A page of calls by the id of the responder; ``next`` is the ``after`` of the next page."""

    calls: list[CallAnswer]
    next: str | None


class RecordedAnswer(Answer):
    """How many calls became told in person, and who was left because they were reached before."""

    recorded: int
    responders: list[str]
    left: list[str]


class Names:
    """Names of areas and people as a caller may see them."""

    def __init__(self, runtime: Runtime, caller: Caller, lang: Lang) -> None:
        self.lang = lang
        self._map = runtime.map_or_none()
        self._find = runtime.force().get
        self.people = caller.may(Right.HANDLE)

    def area(self, code: str) -> str:
        """What an area is called."""
        return code if self._map is None or not code else self._map.name_of(code)

    def place(self, place: Place) -> str:
        """What a village is called, or the people of a township itself."""
        township, village = place
        own = Text("乡镇本级", "the township itself") if township else Text("其他", "others")
        return self.area(village) if village else own.pick(self.lang)

    def is_unit(self, code: str) -> bool:
        """Whether this is an end unit of the map."""
        return self._map is not None and self._map.unit(code) is not None

    def person(self, id: str) -> Responder | None:  # noqa: A002
        """Who that is, None where the caller may not know or nobody does."""
        return self._find(id) if self.people else None


def headline(alert: Alert | Order, lang: Lang) -> str:
    """One line that says what it is; of a drill it begins with 【演练】."""
    level, hazard = LEVEL_NAMES[alert.level].pick(lang), HAZARD_NAMES[alert.hazard].pick(lang)
    drill = DRILL.pick(lang) if alert.drill else ""
    said = Text(f"{level}预警·{hazard}", f"{level} alert: {hazard}".capitalize()).pick(lang)
    return f"{drill}{said}"


def alert_line(alert: Alert, counts: Mapping[CallState, int], lang: Lang) -> AlertLine:
    """Say an alert in a list."""
    return AlertLine(
        **_about(alert, lang),
        called=sum(counts.values()),
        answered=counts.get(CallState.ANSWERED, 0),
        told_in_person=counts.get(CallState.TOLD_IN_PERSON, 0),
        unreached=counts.get(CallState.UNREACHED, 0),
        waiting=counts.get(CallState.CALLED, 0),
    )


def alert_answer(found: Progress, names: Names) -> AlertAnswer:
    """Say an alert in full."""
    alert = found.alert
    by_village = Counter(gap.place for gap in found.gaps)
    by_township = Counter(gap.township for gap in found.gaps)
    return AlertAnswer(
        **_about(alert, names.lang),
        polygon=orjson.loads(shapely.to_geojson(alert.polygon)),
        by=alert.by,
        map_version=alert.map_version,
        page=f"/alerts/{alert.number}",
        total=TallyAnswer(**_tally(found.total)),
        townships=[
            _place_tally((code, ""), names.area(code), one, by_township[code], names)
            for code, one in found.townships().items()
        ],
        villages=[
            _place_tally(place, names.place(place), one, by_village[place], names)
            for place, one in found.places.items()
        ],
        gaps_total=len(found.gaps),
        gaps=gap_answers(found.gaps, names),
    )


def preview_answer(order: Order, seen: Preview, names: Names) -> PreviewAnswer:
    """Say whom an order would call."""
    called = Counter((one.township, one.village) for one in seen.called)
    silent = Counter((o.township, o.village) for o in seen.called if not o.by_telephone)
    missing = Counter(gap.place for gap in seen.gaps)
    roles: Counter[str] = Counter(one.responder.role for one in seen.called)
    return PreviewAnswer(
        dry_run=True,
        headline=headline(order, names.lang),
        called=len(seen.called),
        unreached=sum(silent.values()),
        by_role=dict(sorted(roles.items())),
        by_position=sum(one.why is Why.POSITION for one in seen.called),
        units=len(seen.touched.units),
        grids=len(seen.touched.grids),
        villages=[
            PreviewPlace(
                code=place[1],
                name=names.place(place),
                township=place[0],
                township_name=names.area(place[0]),
                called=called[place],
                unreached=silent[place],
                gaps=missing[place],
            )
            for place in sorted({*seen.touched.places, *called})
        ],
        gaps_total=len(seen.gaps),
        gaps=gap_answers(seen.gaps, names),
    )


def call_answer(call: Call, names: Names) -> CallAnswer:
    """Say a call; who was erased has no name any more."""
    who = names.person(call.responder)
    return CallAnswer(
        responder=call.responder,
        name="" if who is None else who.name,
        phone="" if who is None else who.phone,
        role=call.role,
        role_name=ROLE_NAMES[call.role].pick(names.lang),
        area=call.area,
        area_name=names.area(call.area),
        village=call.village,
        village_name=names.area(call.village),
        township=call.township,
        township_name=names.area(call.township),
        why=call.why,
        state=call.state,
        state_name=CALL_STATE_NAMES[call.state].pick(names.lang),
        steps=[STEP_PATHS[step] for step in CALLS[call.state]],
        at=county_time(call.at),
        told_by=call.told_by,
        by=call.by,
    )


def gap_answers(found: Sequence[Gap], names: Names) -> list[GapAnswer]:
    """Say the first gaps."""
    return [
        GapAnswer(
            code=gap.code,
            name=names.area(gap.code),
            level="unit" if names.is_unit(gap.code) else "grid",
            village=gap.village,
            village_name=names.area(gap.village),
            township_name=names.area(gap.township),
            others=gap.others,
        )
        for gap in found[:GAPS_SHOWN]
    ]


def _about(alert: Alert, lang: Lang) -> dict[str, Any]:
    return {
        "id": alert.id,
        "number": alert.number,
        "headline": headline(alert, lang),
        "hazard": alert.hazard,
        "hazard_name": HAZARD_NAMES[alert.hazard].pick(lang),
        "level": alert.level,
        "level_name": LEVEL_NAMES[alert.level].pick(lang),
        "text": alert.text,
        "issued_at": county_time(alert.issued_at),
        "expires_at": county_time(alert.expires_at),
        "ended_at": None if alert.ended_at is None else county_time(alert.ended_at),
        "on": alert.ended_at is None,
        "drill": alert.drill,
    }


def _tally(one: Tally) -> dict[str, Any]:
    return {
        "called": one.called,
        "answered": one.answered,
        "told_in_person": one.in_person,
        "unreached": one.unreached,
        "waiting": one.waiting,
        "share": one.share,
        "minutes_to_half": one.half_min,
        "minutes_to_nine_tenths": one.most_min,
    }


def _place_tally(place: Place, name: str, one: Tally, gaps: int, names: Names) -> PlaceTally:
    township, village = place
    return PlaceTally(
        **_tally(one),
        code=village,
        name=name,
        township=township,
        township_name=names.area(township),
        gaps=gaps,
    )
