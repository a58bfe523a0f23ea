"""CAP 1.2 (Common Alerting Protocol), as warning services send it: read with all its faults.

The document type declaration, which can make a small file swell to gigabytes or read files of this
machine, is refused as soon as it begins; nothing outside is ever asked for. Positions of CAP are
WGS 84 with the latitude first; here they leave as lng, lat.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

import shapely

from gridsvc.domain.errors import Fault, InputError
from gridsvc.domain.geo import LngLat
from gridsvc.domain.words import Text

NAMESPACES = ("urn:oasis:names:tc:emergency:cap:1.2", "urn:oasis:names:tc:emergency:cap:1.1")
"""1.1 has the same elements so far as they are read here."""

VALUES: dict[str, tuple[str, ...]] = {
    "status": ("Actual", "Exercise", "System", "Test", "Draft"),
    "msgType": ("Alert", "Update", "Cancel", "Ack", "Error"),
    "scope": ("Public", "Restricted", "Private"),
    "category": (
        *("Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport"),
        *("Infra", "CBRNE", "Other"),
    ),
    "responseType": (
        *("Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear"),
        "None",
    ),
    "urgency": ("Immediate", "Expected", "Future", "Past", "Unknown"),
    "severity": ("Extreme", "Severe", "Moderate", "Minor", "Unknown"),
    "certainty": ("Observed", "Likely", "Possible", "Unlikely", "Unknown"),
}
"""What an element may say."""

_NEEDED = ("identifier", "sender", "sent", "status", "msgType", "scope")
_NEEDED_INFO = ("category", "event", "urgency", "severity", "certainty")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d")
_MOST_DEEP = 64
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Circle:
    """A circle of ``radius_km`` around a place."""

    at: LngLat
    radius_km: float


@dataclass(frozen=True, slots=True)
class CapInfo:
    """One ``info``: usually one for each language. Words that are not given are empty."""

    language: str
    event: str
    headline: str
    description: str
    instruction: str
    urgency: str
    severity: str
    responses: tuple[str, ...]
    expires: datetime | None
    polygons: tuple[shapely.Polygon, ...]
    circles: tuple[Circle, ...]


@dataclass(frozen=True, slots=True)
class CapMessage:
    """One message; ``key`` names it among all messages in the world."""

    identifier: str
    sender: str
    sent: datetime
    status: str
    kind: str
    infos: tuple[CapInfo, ...]

    @property
    def key(self) -> str:
        """Sender, identifier and time, as references of CAP name a message."""
        return f"{self.sender},{self.identifier},{self.sent.isoformat()}"


def read_cap(content: bytes) -> CapMessage:
    """Read one message.

    Raises
    ------
    InputError
        With everything that the standard forbids.
    """
    root = _tree(content)
    reader = _Reader(root.tag.removesuffix("alert"))
    message = reader.message(root)
    if reader.faults:
        raise InputError(reader.faults)
    return message


def _tree(content: bytes) -> Element:
    """The elements, named ``{namespace}name``."""
    builder, depth = TreeBuilder(), 0
    parser = expat.ParserCreate(namespace_separator="}")

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _MOST_DEEP:
            raise InputError(_TOO_DEEP)
        builder.start(_qualified(name), attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(_qualified(name))

    def doctype(*_: object) -> None:
        raise InputError(_DOCTYPE)

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise InputError(_not_xml(error)) from error
    root = builder.close()
    if root.tag not in {f"{{{name}}}alert" for name in NAMESPACES}:
        raise InputError(_not_cap(root.tag))
    return root


def _qualified(name: str) -> str:
    return f"{{{name}" if "}" in name else name


class _Reader:
    """Reads elements of one namespace and collects what is wrong with them."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.faults: list[Fault] = []

    def message(self, root: Element) -> CapMessage:
        given = {name: self.needed(root, name, "alert") for name in _NEEDED}
        for name in ("status", "msgType", "scope"):
            self.one_of(given[name], name, "alert")
        wanted = {"Restricted": "restriction", "Private": "addresses"}.get(given["scope"])
        if wanted:
            self.needed(root, wanted, "alert")
        if root.find(f"{self.namespace}references") is not None:
            self.needed(root, "references", "alert")
        return CapMessage(
            identifier=given["identifier"],
            sender=given["sender"],
            sent=self.time(given["sent"], "alert.sent") or datetime.min,
            status=given["status"],
            kind=given["msgType"],
            infos=tuple(
                self.info(element, f"info[{number}]")
                for number, element in enumerate(root.findall(f"{self.namespace}info"), 1)
            ),
        )

    def info(self, element: Element, where: str) -> CapInfo:
        given = {name: self.needed(element, name, where) for name in _NEEDED_INFO}
        for name in ("urgency", "severity", "certainty"):
            self.one_of(given[name], name, where)
        for said in self.texts(element, "category"):
            self.one_of(said, "category", where)
        responses = self.texts(element, "responseType")
        for said in responses:
            self.one_of(said, "responseType", where)
        times = {
            name: self.time(self.text(element, name), f"{where}.{name}")
            for name in ("effective", "onset", "expires")
        }
        polygons: list[shapely.Polygon] = []
        circles: list[Circle] = []
        for number, area in enumerate(element.findall(f"{self.namespace}area"), 1):
            place = f"{where}.area[{number}]"
            self.needed(area, "areaDesc", place)
            polygons += self.polygons(area, place)
            circles += self.circles(area, place)
        return CapInfo(
            language=self.text(element, "language"),
            event=given["event"],
            headline=self.text(element, "headline"),
            description=self.text(element, "description"),
            instruction=self.text(element, "instruction"),
            urgency=given["urgency"],
            severity=given["severity"],
            responses=tuple(responses),
            expires=times["expires"],
            polygons=tuple(polygons),
            circles=tuple(circles),
        )

    def polygons(self, area: Element, place: str) -> list[shapely.Polygon]:
        found = []
        for number, said in enumerate(self.texts(area, "polygon"), 1):
            where = f"{place}.polygon[{number}]"
            pairs = [_pair(each) for each in said.split()]
            wrong = [each for each, pair in zip(said.split(), pairs, strict=True) if pair is None]
            ring = [pair for pair in pairs if pair is not None]
            if wrong:
                self.faults.append(_bad_pair(wrong, where))
            elif len(ring) < 4:
                self.faults.append(_short_ring(len(ring), where))
            elif ring[0] != ring[-1]:
                self.faults.append(_open_ring(said, where))
            else:
                found.append(shapely.Polygon([(at.lng, at.lat) for at in ring]))
        return found

    def circles(self, area: Element, place: str) -> list[Circle]:
        found = []
        for number, said in enumerate(self.texts(area, "circle"), 1):
            pair, _, radius = said.partition(" ")
            at, km = _pair(pair), _number(radius)
            if at is None or km is None or km < 0:
                self.faults.append(_bad_circle(said, f"{place}.circle[{number}]"))
            else:
                found.append(Circle(at, km))
        return found

    def text(self, parent: Element, name: str) -> str:
        return (parent.findtext(f"{self.namespace}{name}") or "").strip()

    def texts(self, parent: Element, name: str) -> list[str]:
        return [(one.text or "").strip() for one in parent.findall(f"{self.namespace}{name}")]

    def needed(self, parent: Element, name: str, where: str) -> str:
        said = self.text(parent, name)
        if not said:
            self.faults.append(_missing(f"{where}.{name}"))
        return said

    def one_of(self, said: str, name: str, where: str) -> None:
        if said and said not in VALUES[name]:
            self.faults.append(_not_one_of(said, VALUES[name], f"{where}.{name}"))

    def time(self, said: str, where: str) -> datetime | None:
        if not said:
            return None
        try:
            if _TIME.fullmatch(said):
                return datetime.fromisoformat(said)
        except ValueError:
            pass
        self.faults.append(_bad_time(said, where))
        return None


def _pair(said: str) -> LngLat | None:
    """``lat,lng`` in range."""
    lat, comma, lng = said.partition(",")
    north, east = _number(lat), _number(lng)
    if not comma or north is None or east is None or abs(north) > 90 or abs(east) > 180:
        return None
    return LngLat(east, north)


def _number(said: str) -> float | None:
    try:
        number = float(said)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _missing(where: str) -> Fault:
    return Fault(
        "cap_missing",
        Text("缺少此项或内容为空：CAP 1.2 要求填写", "is missing or empty: CAP 1.2 requires it"),
        where,
    )


def _not_one_of(said: str, allowed: Sequence[str], where: str) -> Fault:
    return Fault(
        "cap_value",
        Text(
            f"“{said[:_SHOWN]}”无效：只能是 {'、'.join(allowed)}",
            f"{said[:_SHOWN]!r} is not valid: it is one of {', '.join(allowed)}",
        ),
        where,
    )


def _bad_time(said: str, where: str) -> Fault:
    return Fault(
        "cap_time",
        Text(
            f"时间“{said[:_SHOWN]}”无效：应为 2026-11-23T09:30:00+08:00 的形式",
            f"time {said[:_SHOWN]!r} is not valid: write it like 2026-11-23T09:30:00+08:00",
        ),
        where,
    )


def _bad_pair(wrong: Sequence[str], where: str) -> Fault:
    first = wrong[0][:_SHOWN]
    return Fault(
        "cap_polygon",
        Text(
            f"有 {len(wrong)} 个点无效，第一个是“{first}”：应为“纬度,经度”，以空格分隔",
            f"{len(wrong)} points are not valid, the first is {first!r}: "
            "write 'latitude,longitude', with spaces between them",
        ),
        where,
    )


def _short_ring(points: int, where: str) -> Fault:
    return Fault(
        "cap_polygon",
        Text(
            f"只有 {points} 个点：多边形至少 4 个点，首尾相同",
            f"has {points} points: a polygon has at least 4, the last equal to the first",
        ),
        where,
    )


def _open_ring(said: str, where: str) -> Fault:
    first, last = said.split()[0], said.split()[-1]
    return Fault(
        "cap_polygon",
        Text(
            f"未闭合：首点 {first}，末点 {last}，两者应相同",
            f"is not closed: it begins at {first} and ends at {last}, which must be the same",
        ),
        where,
    )


def _bad_circle(said: str, where: str) -> Fault:
    return Fault(
        "cap_circle",
        Text(
            f"“{said[:_SHOWN]}”无效：应为“纬度,经度 半径（公里）”",
            f"{said[:_SHOWN]!r} is not valid: write 'latitude,longitude radius' with kilometres",
        ),
        where,
    )


def _not_xml(error: Exception) -> Fault:
    return Fault(
        "cap_not_xml",
        Text(
            f"不是有效的 XML（{error}）：请核对文件是否完整",
            f"not valid XML ({error}): check that the file is whole",
        ),
        "body",
    )


def _not_cap(tag: str) -> Fault:
    return Fault(
        "cap_not_cap",
        Text(
            f"根元素为“{tag[:_SHOWN]}”，不是 CAP 的 alert：命名空间应为 {NAMESPACES[0]}",
            f"the root is {tag[:_SHOWN]!r}, not alert of CAP: its namespace is {NAMESPACES[0]}",
        ),
        "body",
    )


_DOCTYPE = Fault(
    "cap_doctype",
    Text(
        "含有 DOCTYPE 声明，已拒绝（可能藏有实体攻击）：CAP 不需要它，请删除后再发",
        "holds a DOCTYPE declaration and is refused (it may hide an entity attack): CAP needs "
        "none, send it without",
    ),
    "body",
)
_TOO_DEEP = Fault(
    "cap_too_deep",
    Text(
        f"元素嵌套超过 {_MOST_DEEP} 层，已拒绝：请核对文件",
        f"elements are nested more than {_MOST_DEEP} deep, which is refused: check the file",
    ),
    "body",
)
