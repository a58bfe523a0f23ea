"""What raises an alert: JSON with a GeoJSON polygon, or a CAP 1.2 message; all faults at once."""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import numpy as np
import shapely
from fastapi.exceptions import RequestValidationError
from pydantic import Field, TypeAdapter, ValidationError

from api.faults import of_validation
from api.shapes import Body, Moment, Readable
from geodata.cap import CapInfo, CapMessage, read_cap
from geodata.datum import to_cgcs2000
from gridsvc.domain.alerts import AlertLevel, Hazard
from gridsvc.domain.area import Area, as_multipolygon
from gridsvc.domain.errors import Fault, GridsvcError, InputError
from gridsvc.domain.geo import Datum, MetricFrame, check_position
from gridsvc.domain.words import Text
from gridsvc.flows.alerts import Order
from gridsvc.locating import GridMap

CAP_TYPE = "application/cap+xml"
LASTS = timedelta(hours=24)
"""An alert that does not say when it expires lasts so long."""

MOST_TEXT = 2000
_DATUMS = (Datum.CGCS2000, Datum.WGS84, Datum.GCJ02, Datum.BD09)


class AlertBody(Body):
    """What is coming and where. ``polygon`` is a GeoJSON Polygon or MultiPolygon, lng before lat,
    in degrees of ``datum``; without ``expires_at`` the alert lasts 24 hours."""

    hazard: Literal["flood", "landslide", "other"]
    level: Literal["red", "orange", "yellow", "blue"]
    text: Annotated[str, Field(min_length=1, max_length=MOST_TEXT), Readable]
    polygon: dict[str, Any]
    datum: Literal["cgcs2000", "wgs84", "gcj02", "bd09"] = "cgcs2000"
    expires_at: Moment | None = None
    drill: bool = False


def not_readable() -> RequestValidationError:
    """The error that a body is of neither type."""
    problem = {"type": "model_attributes_type", "loc": ("body",), "msg": "", "input": b""}
    return RequestValidationError([problem])


def order_of_json(content: bytes, *, key: str | None, grid_map: GridMap, now: datetime) -> Order:
    """Read a JSON body.

    Raises
    ------
    RequestValidationError
        It is no JSON object.
    InputError
        With every fault of its fields and of its polygon.
    """
    given = _json_object(content)
    found: list[Fault] = []
    body: AlertBody | None = None
    try:
        body = AlertBody.model_validate(given)
    except ValidationError as error:
        wrong = RequestValidationError(error.errors())
        found += of_validation(wrong, "application/json")[1]
    area: Area | None = None
    if isinstance(given.get("polygon"), dict):
        named = given.get("datum", "cgcs2000")
        datum = Datum(named) if named in [*_DATUMS] else Datum.CGCS2000
        try:
            area = _placed(_geojson(given["polygon"]), datum, grid_map)
        except GridsvcError as error:
            found += error.faults
    expires = _expires(given) or now + LASTS
    found += _expiry_faults(expires, now)
    if found or body is None or area is None:
        raise InputError(found)
    return Order(
        hazard=Hazard(body.hazard),
        level=AlertLevel(body.level),
        text=body.text,
        polygon=area,
        expires_at=expires,
        drill=body.drill,
        key=key,
        digest=hashlib.sha256(content).hexdigest(),
    )


def order_of_cap(content: bytes, *, grid_map: GridMap, now: datetime) -> Order:
    """Read a CAP message. Sent again it is the same alert: sender, identifier and time name it.

    Raises
    ------
    InputError
        With everything that the standard forbids; else with everything that keeps it from calling
        people here.
    """
    message = read_cap(content)
    infos = _one_language(message.infos)
    found = _cap_faults(message, infos)
    area: Area | None = None
    try:
        area = _cap_area(infos, grid_map)
    except GridsvcError as error:
        found += error.faults
    expiries = [info.expires for info in infos if info.expires is not None]
    expires = max(expiries) if expiries else now + LASTS
    found += _expiry_faults(expires, now)
    level = _level_of(infos)
    if found or area is None or level is None:
        raise InputError(found)
    return Order(
        hazard=_hazard_of(infos),
        level=level,
        text=_text_of(infos[0]),
        polygon=area,
        expires_at=expires,
        drill=message.status == "Exercise",
        key=f"cap:{message.key}",
        digest=hashlib.sha256(content).hexdigest(),
    )


_MOMENT: TypeAdapter[datetime | None] = TypeAdapter(Moment | None)


def _expires(given: dict[str, Any]) -> datetime | None:
    """When it expires, so far as that can be read."""
    try:
        return _MOMENT.validate_python(given.get("expires_at"))
    except ValidationError:
        return None


def _json_object(content: bytes) -> dict[str, Any]:
    try:
        given = json.loads(content)
    except (ValueError, RecursionError) as error:
        place = getattr(error, "pos", 0)
        problem = {"type": "json_invalid", "loc": ("body", place), "msg": "", "input": {}}
        raise RequestValidationError([problem]) from error
    if not isinstance(given, dict):
        problem = {"type": "model_attributes_type", "loc": ("body",), "msg": "", "input": given}
        raise RequestValidationError([problem])
    return given


def _geojson(given: dict[str, Any]) -> list[list[Any]]:
    """The polygons of a GeoJSON geometry, each a list of rings, each an array (n, 2)."""
    kind, coordinates = given.get("type"), given.get("coordinates")
    if kind not in ("Polygon", "MultiPolygon") or not isinstance(coordinates, list):
        raise InputError(_fault(_NO_POLYGON))
    parts = [coordinates] if kind == "Polygon" else coordinates
    try:
        polygons = [[np.array(ring, dtype=np.float64) for ring in part] for part in parts]
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(_fault(_NO_POLYGON)) from error
    rings = [ring for part in polygons for ring in part]
    if not rings or not all(polygons) or any(r.ndim != 2 or r.shape[1] < 2 for r in rings):
        raise InputError(_fault(_NO_POLYGON))
    if any(len(ring) < 4 or not np.array_equal(ring[0], ring[-1]) for ring in rings):
        raise InputError(_fault(_OPEN_RING))
    return [[ring[:, :2] for ring in part] for part in polygons]


def _placed(polygons: list[list[Any]], datum: Datum, grid_map: GridMap) -> Area:
    """Checked polygons of any datum as one area in CGCS2000."""
    rings = [ring for part in polygons for ring in part]
    faults: dict[str, Fault] = {}
    for lng, lat in np.vstack(rings).tolist():
        try:
            check_position(lng=lng, lat=lat, bounds=grid_map.bounds)
        except GridsvcError as error:
            for fault in error.faults:  # of each kind the first tells enough
                faults.setdefault(fault.code, Fault(fault.code, fault.text, "polygon"))
    if faults:
        raise InputError(faults.values())
    moved = [
        [np.column_stack(to_cgcs2000(ring[:, 0], ring[:, 1], datum)) for ring in part]
        for part in polygons
    ]
    return _whole([shapely.Polygon(part[0], part[1:]) for part in moved])


def _whole(polygons: list[shapely.Polygon]) -> Area:
    """The union of polygons, each of which must be valid."""
    wrong = next((one for one in polygons if not one.is_valid or one.area == 0), None)
    if wrong is not None:
        raise InputError(_invalid(shapely.is_valid_reason(wrong)))
    return as_multipolygon(shapely.union_all(polygons))


def _cap_area(infos: tuple[CapInfo, ...], grid_map: GridMap) -> Area:
    rings = [[shapely.get_coordinates(one.exterior)] for info in infos for one in info.polygons]
    frame: MetricFrame = grid_map.frame
    for circle in (circle for info in infos for circle in info.circles):
        if circle.radius_km > 0:
            check_position(lng=circle.at.lng, lat=circle.at.lat, bounds=grid_map.bounds)
            centre = shapely.Point(frame.point(lng=circle.at.lng, lat=circle.at.lat))
            round_ = frame.geometries_back([centre.buffer(circle.radius_km * 1000)])[0]
            rings.append([shapely.get_coordinates(round_)])
    if not rings:
        raise InputError(_fault(_CAP_NO_AREA, "info.area"))
    return _placed(rings, Datum.WGS84, grid_map)


def _one_language(infos: tuple[CapInfo, ...]) -> tuple[CapInfo, ...]:
    """The infos in Chinese, or in the language of the first: the others say the same again."""
    chinese = tuple(info for info in infos if info.language.lower().startswith("zh"))
    return chinese or tuple(info for info in infos if info.language == infos[0].language)


def _cap_faults(message: CapMessage, infos: tuple[CapInfo, ...]) -> list[Fault]:
    found = []
    if message.status not in ("Actual", "Exercise"):
        found.append(_not_for_calling("alert.status", message.status, "Actual, Exercise"))
    if message.kind not in ("Alert", "Update"):
        found.append(_not_for_calling("alert.msgType", message.kind, "Alert, Update"))
    if any("AllClear" in info.responses for info in infos):
        found.append(_not_for_calling("info.responseType", "AllClear", "Prepare, Evacuate ..."))
    if infos and _level_of(infos) is None:
        found.append(_fault(_CAP_NO_LEVEL, "info.severity"))
    return found


_COLOURS = {
    "红色": AlertLevel.RED,
    "橙色": AlertLevel.ORANGE,
    "黄色": AlertLevel.YELLOW,
    "蓝色": AlertLevel.BLUE,
}
_SEVERITIES = {
    "Extreme": AlertLevel.RED,
    "Severe": AlertLevel.ORANGE,
    "Moderate": AlertLevel.YELLOW,
    "Minor": AlertLevel.BLUE,
}
_HAZARD_WORDS = {
    Hazard.LANDSLIDE: (
        "滑坡",
        "泥石流",
        "崩塌",
        "地质灾害",
        "landslide",
        "mudslide",
        "debris flow",
    ),
    Hazard.FLOOD: ("山洪", "洪", "暴雨", "渍涝", "内涝", "flood", "rainstorm", "heavy rain"),
}


def _level_of(infos: tuple[CapInfo, ...]) -> AlertLevel | None:
    """The gravest: by the colour in the headline or event, as Chinese warnings have it, else by
    severity."""
    levels = []
    for info in infos:
        said = f"{info.headline} {info.event}"
        colour = next((level for word, level in _COLOURS.items() if word in said), None)
        levels.append(colour or _SEVERITIES.get(info.severity))
    known = [level for level in levels if level is not None]
    return min(known, key=[*AlertLevel].index, default=None)


def _hazard_of(infos: tuple[CapInfo, ...]) -> Hazard:
    said = " ".join(f"{info.event} {info.headline}" for info in infos).lower()
    for hazard, words in _HAZARD_WORDS.items():
        if any(word in said for word in words):
            return hazard
    return Hazard.OTHER


def _text_of(info: CapInfo) -> str:
    parts = (info.headline or info.event, info.description, info.instruction)
    return "\n".join(part for part in parts if part)[:MOST_TEXT]


def _expiry_faults(expires: datetime, now: datetime) -> list[Fault]:
    if expires > now:
        return []
    return [
        Fault(
            "alert_expired",
            Text(
                f"失效时间 {expires.isoformat()} 已过：请改为将来的时间",
                f"it expired at {expires.isoformat()}: give a time to come",
            ),
            "expires_at",
        )
    ]


def _not_for_calling(where: str, said: str, allowed: str) -> Fault:
    return Fault(
        "cap_not_for_calling",
        Text(
            f"“{said}”的消息不用于叫应：只处理 {allowed}；解除预警请用 POST .../end",
            f"a message of {said!r} calls nobody: it must be {allowed}; to end an alert use "
            "POST .../end",
        ),
        where,
    )


def _invalid(reason: str) -> Fault:
    return Fault(
        "polygon_invalid",
        Text(
            f"多边形无效（{reason}）：边线不能自相交，面积不能为零",
            f"the polygon is not valid ({reason}): its edges must not cross, its area not be zero",
        ),
        "polygon",
    )


def _fault(said: tuple[str, Text], where: str = "polygon") -> Fault:
    return Fault(*said, where)


_NO_POLYGON = (
    "polygon_unreadable",
    Text(
        "应为 GeoJSON 的 Polygon 或 MultiPolygon，坐标为 [经度, 纬度] 数字",
        "must be a GeoJSON Polygon or MultiPolygon of [lng, lat] numbers",
    ),
)
_OPEN_RING = (
    "polygon_open",
    Text(
        "多边形未闭合：每一圈至少 4 个点，首尾相同",
        "the polygon is not closed: every ring has at least 4 points, the last equal to the first",
    ),
)
_CAP_NO_AREA = (
    "cap_no_area",
    Text(
        "没有 polygon，也没有半径大于 0 的 circle：不知道该叫应哪里，请补充预警范围",
        "there is no polygon and no circle with a radius above 0: nobody can say whom to call; "
        "add the area",
    ),
)
_CAP_NO_LEVEL = (
    "cap_no_level",
    Text(
        "看不出预警等级：severity 应为 Extreme、Severe、Moderate 或 Minor，或在标题中写明颜色",
        "the level cannot be told: severity must be Extreme, Severe, Moderate or Minor, or the "
        "headline name a colour",
    ),
)
