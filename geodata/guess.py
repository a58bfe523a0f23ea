"""The best guess at what undeclared numbers mean, and why: it is said, never acted on."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import pyproj

from geodata.crs import resolve_crs
from gridsvc.domain.geo import Bounds
from gridsvc.domain.words import Text

LUOPING: Bounds = (103.95, 24.52, 104.72, 25.42)
"""West, south, east, north in degrees. Metres without a zone prefix do not tell their zone; the one
that leads to Luoping is offered, and said to do so. Any other county is told to ask its surveyors:
no file or setting says where it lies before its map is in."""

_CHINA: Bounds = (72.0, 0.8, 138.0, 56.0)
_MARGIN_DEG = 0.2
_SIGNS = (
    ("gcj02", re.compile("gcj.?02|高德|腾讯|火星|国测局|amap|datav", re.IGNORECASE)),
    ("bd09", re.compile("bd.?09|百度|baidu", re.IGNORECASE)),
    ("cgcs2000", re.compile("cgcs.?2000|国家.?2000|4490", re.IGNORECASE)),
    ("wgs84", re.compile("wgs.?(19)?84|4326", re.IGNORECASE)),
)


@dataclass(frozen=True)
class Guess:
    """``options`` is what to try first; ``swapped`` says that the axes are the other way round."""

    text: Text
    options: str
    swapped: bool = False


def guess(bounds: Bounds, hints: Sequence[str] = ()) -> Guess:
    """Guess what coordinates mean from their range and from the texts beside them.

    Parameters
    ----------
    bounds
        Smallest x, smallest y, largest x, largest y as they stand in the file.
    hints
        Names and notes of the file.

    Returns
    -------
    Guess
        One sentence with the reason, and the options of the import that would say so.
    """
    said = _said(hints)
    for swapped in (False, True):
        box = (bounds[1], bounds[0], bounds[3], bounds[2]) if swapped else bounds
        if _inside(box, _CHINA):
            return _with_axes(_degrees(box, said), swapped)
        metres = _metres(box)
        if metres is not None:
            return _with_axes(metres, swapped)
    if _inside(bounds, (-180.0, -90.0, 180.0, 90.0)):
        return Guess(
            Text(
                f"数值像经纬度（{_range(bounds)}），但不在中国范围内",
                f"the numbers look like degrees ({_range(bounds)}), outside China",
            ),
            "--crs EPSG:4326",
        )
    return Guess(
        Text(
            f"数值（{_range(bounds)}）既不像经纬度，也不像高斯-克吕格坐标，无从猜测",
            f"the numbers ({_range(bounds)}) look neither like degrees nor like Gauss-Kruger "
            "metres",
        ),
        "--crs EPSG:...",
    )


def _said(hints: Sequence[str]) -> tuple[str, str] | None:
    for datum, sign in _SIGNS:
        for hint in hints:
            if sign.search(hint):
                return datum, hint if len(hint) <= 60 else hint[:57] + "..."
    return None


def _degrees(box: Bounds, said: tuple[str, str] | None) -> Guess:
    where = _range(box)
    if said is not None:
        datum, hint = said
        return Guess(
            Text(
                f"数值像经纬度（{where}），文件里写着“{hint}”，应为 {datum}",
                f"the numbers look like degrees ({where}) and the file says {hint!r}: {datum}",
            ),
            f"--datum {datum}",
        )
    return Guess(
        Text(
            f"数值像中国境内的经纬度（{where}）：测绘成果多为 cgcs2000（或 wgs84），"
            "取自高德、腾讯地图的为 gcj02（偏约 390 米），百度的为 bd09（偏约 950 米），"
            "单看数值无法区分",
            f"the numbers look like degrees in China ({where}): surveys give cgcs2000 (or wgs84), "
            "Amap and Tencent gcj02 (some 390 m off), Baidu bd09 (some 950 m off); the numbers "
            "alone cannot tell",
        ),
        "--datum cgcs2000 / --datum gcj02",
    )


def _metres(box: Bounds) -> Guess | None:
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    if not (100_000 < y < 6_300_000 and x > 100_000):
        return None
    prefix = int(x // 1_000_000)
    if prefix == 0:
        return _zone_without_prefix(x, y)
    if 25 <= prefix <= 45:
        return _zone(4513 + prefix - 25, x, y, f"带号 {prefix}", f"zone prefix {prefix}")
    if 13 <= prefix <= 23:
        six = _zone(4491 + prefix - 13, x, y, f"六度带带号 {prefix}", f"6-degree zone {prefix}")
        if six is not None and _in_luoping(*_lands(4491 + prefix - 13, x, y)):
            return six
    if 8_000_000 < x < 15_400_000:
        return _zone(3857, x, y, "网络墨卡托", "Web Mercator")
    return None


def _zone_without_prefix(x: float, y: float) -> Guess | None:
    """Try each 3-degree zone: the one that leads to Luoping is offered."""
    hits = [code for code in range(4534, 4555) if _in_luoping(*_lands(code, x, y))]
    if not hits:
        return Guess(
            Text(
                f"数值像不带带号的高斯-克吕格坐标（东 {x:.0f} 米，北 {y:.0f} 米），"
                "单看数值无法知道是哪个三度带（任何带都不落在罗平县）：请向测绘单位核实，"
                "中央经线 75 到 135 度依次为 EPSG:4534 到 4554",
                f"the numbers look like Gauss-Kruger metres without zone prefix ({x:.0f} E, "
                f"{y:.0f} N), which do not tell their 3-degree zone (none leads to Luoping): ask "
                "the surveyors; EPSG:4534 to 4554 have the central meridians 75 to 135 E",
            ),
            "--crs EPSG:...",
        )
    best, beside = hits[0], hits[0] - 1
    lng, lat = _lands(best, x, y)
    wrong, _ = _lands(beside, x, y)
    return Guess(
        Text(
            f"数值像不带带号的高斯-克吕格坐标：按 EPSG:{best} "
            f"落在 {lng:.2f}E {lat:.2f}N（罗平县内），按相邻的 EPSG:{beside} 则落在 {wrong:.2f}E；"
            "UTM（EPSG:32648）中央经线相同，南北相差约 1 公里",
            f"the numbers look like Gauss-Kruger metres without zone prefix: EPSG:{best} puts them "
            f"at {lng:.2f}E {lat:.2f}N, in Luoping, its neighbour EPSG:{beside} at "
            f"{wrong:.2f}E; UTM (EPSG:32648) has the same meridian and lies about 1 km off in "
            "northing",
        ),
        f"--crs EPSG:{best}",
    )


def _zone(code: int, x: float, y: float, zh: str, en: str) -> Guess | None:
    lng, lat = _lands(code, x, y)
    if not (math.isfinite(lng) and _inside((lng, lat, lng, lat), _CHINA)):
        return None
    return Guess(
        Text(
            f"数值像米制坐标（{zh}）：按 EPSG:{code} 落在 {lng:.2f}E {lat:.2f}N",
            f"the numbers look like metres ({en}): EPSG:{code} puts them at {lng:.2f}E {lat:.2f}N",
        ),
        f"--crs EPSG:{code}",
    )


def _lands(code: int, x: float, y: float) -> tuple[float, float]:
    crs = resolve_crs(str(code))
    lng, lat = pyproj.Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True).transform(x, y)
    return float(lng), float(lat)


def _in_luoping(lng: float, lat: float) -> bool:
    west, south, east, north = LUOPING
    m = _MARGIN_DEG
    return west - m <= lng <= east + m and south - m <= lat <= north + m


def _inside(box: Bounds, frame: Bounds) -> bool:
    return box[0] >= frame[0] and box[1] >= frame[1] and box[2] <= frame[2] and box[3] <= frame[3]


def _range(box: Bounds) -> str:
    return f"x {box[0]:.6g} - {box[2]:.6g}, y {box[1]:.6g} - {box[3]:.6g}"


def _with_axes(found: Guess, swapped: bool) -> Guess:
    if not swapped:
        return found
    return Guess(
        Text(
            f"x、y 疑似颠倒（中国测量习惯 X 为北）；调换后{found.text.zh}",
            f"the axes look swapped (surveyors in China call north X); put right, {found.text.en}",
        ),
        found.options,
        swapped=True,
    )
