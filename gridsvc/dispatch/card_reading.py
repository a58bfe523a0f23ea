"""Run cards are read from plain values (YAML or JSON) and judged: every fault at once."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from gridsvc.domain.cards import (
    HIGHEST_LEVEL,
    SERVICES,
    STRICTNESS,
    Addition,
    Asking,
    Hints,
    RunCard,
    Send,
)
from gridsvc.domain.errors import Fault, InputError
from gridsvc.domain.force import LAY_CAPABILITIES, Capability
from gridsvc.domain.kinds import KINDS, KINDS_BY_CODE, NO_SENTINEL, SENDS_NOBODY, Kind, Lay
from gridsvc.domain.waves import Waves
from gridsvc.domain.words import Text

LONGEST_ETA_MIN = 7 * 24 * 60
MOST_PEOPLE = 100
USUALLY_MIN = 60
LONGEST_HINT = 200

_ASKING = ("sends", "asks", "lay", "waves")
_CARD = (*_ASKING, "hints", "urgencies", "alarm_levels", "next_grids", "lasts_min")
_WAVES = {field.name: field.type for field in fields(Waves)}

Faults = list[Fault]


def read_cards(data: object, *, version: int = 0) -> dict[str, RunCard]:
    """One card for every kind.

    Raises
    ------
    InputError
        Every fault of every card; among them each kind that has none.
    """
    faults: Faults = []
    found: dict[str, RunCard] = {}
    given = _mapping(data, "", faults)
    for code, one in given.items():
        kind = KINDS_BY_CODE.get(str(code))
        if kind is None:
            faults.append(_unknown("kind", code, KINDS_BY_CODE, str(code)))
            continue
        found[kind.code] = _Reader(kind, faults).card(one, version)
    for kind in KINDS:
        if kind.code not in given:
            text = Text(f"缺少“{kind.name.zh}”的预案", f"there is no card for {kind.name.en}")
            faults.append(Fault("missing_card", text, kind.code))
    if faults:
        raise InputError(faults)
    return found


def read_card(code: str, data: object, *, version: int) -> RunCard:
    """The card of the kind ``code``.

    Raises
    ------
    InputError
        Every fault at once.
    """
    faults: Faults = []
    kind = KINDS_BY_CODE.get(code)
    if kind is None:
        raise InputError(_unknown("kind", code, KINDS_BY_CODE, "kind"))
    card = _Reader(kind, faults).card(data, version)
    if faults:
        raise InputError(faults)
    return card


class _Reader:
    """Reads one card and collects its faults; what cannot be read is left out."""

    def __init__(self, kind: Kind, faults: Faults) -> None:
        self.kind, self.faults = kind, faults

    def card(self, data: object, version: int) -> RunCard:
        where = self.kind.code
        given = _mapping(data, where, self.faults)
        self._known(given, _CARD, where)
        usual = self._asking(given, where, Asking(lay=self.kind.lay))
        for name in ("lay", "sends"):
            if name not in given:
                text = Text(f"缺少 {name}：请写明", f"{name} is missing: say it")
                self._fault(f"missing_{name}", text, where)
        urgencies = {
            int(key): self._asking(one, f"{where}.urgencies.{key}", usual, whole=False)
            for key, one in self._numbered(given.get("urgencies"), f"{where}.urgencies", 1, 4)
        }
        return RunCard(
            kind=self.kind.code,
            usual=usual,
            hints=self._hints(given.get("hints"), f"{where}.hints"),
            urgencies=urgencies,
            levels=self._levels(given.get("alarm_levels"), usual, f"{where}.alarm_levels"),
            next_grids=self._flag(given.get("next_grids", False), f"{where}.next_grids"),
            lasts_min=self._whole(
                given.get("lasts_min", USUALLY_MIN), f"{where}.lasts_min", 1, LONGEST_ETA_MIN
            ),
            version=version,
            data=given,
        )

    def _asking(self, data: object, where: str, usual: Asking, *, whole: bool = True) -> Asking:
        given = _mapping(data, where, self.faults)
        if not whole:
            self._known(given, _ASKING, where)
        lay = self._lay(given["lay"], where) if "lay" in given else usual.lay
        sends = self._sends(given.get("sends"), where) if "sends" in given else usual.sends
        asks = self._asks(given.get("asks"), where) if "asks" in given else usual.asks
        missing = [one for one in self.kind.hand_over if one not in asks]
        if missing and (whole or "asks" in given):
            names = "、".join(missing)
            text = Text(
                f"“{self.kind.name.zh}”必须请求 {names}：请补上",
                f"{self.kind.name.en} must ask {', '.join(missing)}: add it",
            )
            self._fault("service_not_asked", text, f"{where}.asks")
        if whole or "sends" in given or "lay" in given:
            self._may_be_sent(sends, lay, where)
        waves = {**usual.waves, **self._waves(given.get("waves"), f"{where}.waves")}
        return Asking(sends, asks, lay, waves)

    def _lay(self, said: object, where: str) -> Lay:
        floor = self.kind.lay
        if said not in [*Lay]:
            self.faults.append(_unknown("lay", said, [*Lay], f"{where}.lay"))
            return floor
        lay = Lay(str(said))
        if STRICTNESS[lay] < STRICTNESS[floor]:
            text = Text(
                f"“{self.kind.name.zh}”的群众力量规则“{lay}”过松：最低为“{floor}”，不能由预案放宽",
                f"the lay rule {lay} is too lax for {self.kind.name.en}: it is {floor} at least, "
                "and no card may loosen it",
            )
            self._fault("lay_too_lax", text, f"{where}.lay")
            return floor
        return lay

    def _may_be_sent(self, sends: Iterable[Send], lay: Lay, where: str) -> None:
        """What no card may do: send lay people where they must stay away, or anybody to arms."""
        for n, one in enumerate(sends):
            at = f"{where}.sends[{n}].capability"
            if self.kind.code in SENDS_NOBODY:
                text = Text(
                    f"“{self.kind.name.zh}”只移交，不派人：请删去",
                    f"{self.kind.name.en} is handed over and nobody is sent: leave it out",
                )
                self._fault("nobody_may_be_sent", text, at)
            elif lay is Lay.NONE and one.capability in LAY_CAPABILITIES:
                text = Text(
                    f"群众力量不得靠近，不能派 {one.capability}：请改派专业力量",
                    f"lay people must stay away, so {one.capability} cannot be sent: name "
                    "professionals",
                )
                self._fault("lay_people_sent", text, at)
            elif self.kind.code in NO_SENTINEL and one.capability is Capability.FIRST_ON_SCENE:
                text = Text(
                    f"“{self.kind.name.zh}”不派吹哨人：请删去",
                    f"no sentinel is sent to {self.kind.name.en}: leave it out",
                )
                self._fault("sentinel_sent", text, at)

    def _sends(self, data: object, where: str) -> tuple[Send, ...]:
        found: dict[Capability, Send] = {}
        for n, one in enumerate(self._list(data, f"{where}.sends")):
            at = f"{where}.sends[{n}]"
            given = _mapping(one, at, self.faults)
            self._known(given, ("capability", "count", "latest_eta_min"), at)
            said = given.get("capability")
            if said not in [*Capability]:
                self.faults.append(_unknown("capability", said, [*Capability], f"{at}.capability"))
                continue
            capability = Capability(str(said))
            if capability in found:
                text = Text(f"{capability} 写了两次：请合为一条", f"{capability} is named twice")
                self._fault("capability_twice", text, at)
            count = self._whole(given.get("count", 1), f"{at}.count", 1, MOST_PEOPLE)
            eta = given.get("latest_eta_min")
            if eta is not None:
                eta = self._whole(eta, f"{at}.latest_eta_min", 1, LONGEST_ETA_MIN)
            found[capability] = Send(capability, count, eta)
        return tuple(found.values())

    def _asks(self, data: object, where: str) -> tuple[str, ...]:
        found: list[str] = []
        for n, one in enumerate(self._list(data, f"{where}.asks")):
            service = str(one) if isinstance(one, str | int) else ""
            if service not in SERVICES:
                self.faults.append(_unknown("service", one, SERVICES, f"{where}.asks[{n}]"))
            elif service not in found:
                found.append(service)
        return tuple(found)

    def _levels(self, data: object, usual: Asking, where: str) -> tuple[Addition, ...]:
        found: list[Addition] = []
        for key, one in sorted(self._numbered(data, where, 2, HIGHEST_LEVEL)):
            at = f"{where}.{key}"
            if key != len(found) + 2:
                text = Text(f"缺少 {key - 1} 级：请从 2 级起连续写", f"level {key - 1} is missing")
                self._fault("level_missing", text, at)
            given = _mapping(one, at, self.faults)
            self._known(given, ("sends", "asks"), at)
            sends = self._sends(given.get("sends", []), at)
            self._may_be_sent(sends, usual.lay, at)
            found.append(Addition(sends, self._asks(given.get("asks", []), at)))
        return tuple(found)

    def _hints(self, data: object, where: str) -> Hints:
        given = _mapping(data, where, self.faults)
        self._known(given, ("do", "dont"), where)
        return Hints(*(self._texts(given.get(name), f"{where}.{name}") for name in ("do", "dont")))

    def _texts(self, data: object, where: str) -> tuple[Text, ...]:
        found = []
        for n, one in enumerate(self._list(data, where)):
            given = _mapping(one, f"{where}[{n}]", self.faults)
            said = [given.get(lang) for lang in ("zh", "en")]
            if not all(isinstance(words, str) and 0 < len(words) <= LONGEST_HINT for words in said):
                text = Text(
                    f"提示应有 zh 和 en 两句，各 1 到 {LONGEST_HINT} 字",
                    f"a hint has a sentence zh and one en, of 1 to {LONGEST_HINT} characters each",
                )
                self._fault("bad_hint", text, f"{where}[{n}]")
                continue
            found.append(Text(str(said[0]), str(said[1])))
        return tuple(found)

    def _waves(self, data: object, where: str) -> dict[str, Any]:
        given = _mapping(data, where, self.faults)
        self._known(given, _WAVES, where)
        for name, value in given.items():
            if name in ("together", "redirects"):
                self._flag(value, f"{where}.{name}")
            elif name == "reserves":
                self._whole(value, f"{where}.{name}", 0, MOST_PEOPLE)
            elif name in _WAVES and not (value is None and name in _MAY_BE_NEVER):
                self._whole(value, f"{where}.{name}", 1, 24 * 3600)
        return {name: value for name, value in given.items() if name in _WAVES}

    def _numbered(
        self, data: object, where: str, least: int, most: int
    ) -> list[tuple[int, object]]:
        found = []
        for key, one in _mapping(data, where, self.faults).items():
            # JSON has no numbers for keys.
            number = int(key) if isinstance(key, str) and key.isdecimal() else key
            if self._is_whole(number, least, most):
                found.append((int(number), one))
            else:
                self._whole(number, f"{where}.{key}", least, most)
        return found

    def _whole(self, value: Any, where: str, least: int, most: int) -> int:
        if self._is_whole(value, least, most):
            return int(value)
        text = Text(
            f"{value!r} 无效：应为 {least} 到 {most} 的整数",
            f"{value!r} is not valid: a whole number from {least} to {most} is needed",
        )
        self._fault("bad_number", text, where)
        return least

    @staticmethod
    def _is_whole(value: Any, least: int, most: int) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most

    def _flag(self, value: object, where: str) -> bool:
        if not isinstance(value, bool):
            text = Text(f"{value!r} 应为 true 或 false", f"{value!r} is neither true nor false")
            self._fault("bad_flag", text, where)
        return value is True

    def _list(self, data: object, where: str) -> list[Any]:
        if data is None:
            return []
        if isinstance(data, list):
            return data
        self._fault("not_a_list", Text("应为列表", "must be a list"), where)
        return []

    def _known(self, given: Mapping[Any, Any], allowed: Iterable[str], where: str) -> None:
        self.faults.extend(
            _unknown("field", name, allowed, f"{where}.{name}")
            for name in given
            if name not in allowed
        )

    def _fault(self, code: str, text: Text, where: str) -> None:
        self.faults.append(Fault(code, text, where))


_MAY_BE_NEVER = frozenset({"second_channel_s", "township_s", "leader_s"})


def _mapping(data: object, where: str, faults: Faults) -> dict[Any, Any]:
    if data is None:
        return {}
    if isinstance(data, Mapping):
        return dict(data)
    text = Text("应为“名称: 内容”的形式", "must be names with their contents")
    faults.append(Fault("not_a_mapping", text, where))
    return {}


def _unknown(what: str, said: object, allowed: Iterable[str], where: str) -> Fault:
    listed = ", ".join(str(one) for one in allowed)
    text = Text(f"没有“{said}”：可用 {listed}", f"no {what} {said!r}: use one of {listed}")
    return Fault(f"unknown_{what}", text, where)
