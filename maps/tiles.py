"""The base map under the pages: an address template, whose it is, and the datum it is drawn in."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from gridsvc.domain.geo import Datum
from gridsvc.domain.words import Text

DATUMS = (Datum.WGS84, Datum.CGCS2000, Datum.GCJ02)
"""BD-09 is not among them: Baidu's tiles have a projection of their own as well."""

DATUM_NAMES: dict[Datum, str] = {
    Datum.WGS84: "WGS 84",
    Datum.CGCS2000: "CGCS2000",
    Datum.GCJ02: "GCJ-02",
}

_HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")
_PLACES = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Tiles:
    """A base map in Web Mercator squares. ``url`` is a template that `url_fault` finds nothing
    wrong with; ``attribution`` is shown on the map as plain text."""

    url: str
    attribution: str
    datum: Datum = Datum.WGS84

    @property
    def origin(self) -> str:
        """Scheme, host and port: all that a page may load pictures from besides its own server."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def shifted(self) -> bool:
        """Whether it is drawn elsewhere than CGCS2000 positions say."""
        return self.datum is Datum.GCJ02

    @property
    def drawn(self) -> Text:
        """In which datum the map is drawn, for the reader."""
        name = DATUM_NAMES[self.datum]
        if self.shifted:
            return Text(f"底图及图形坐标系 {name}（图形已偏移）", f"drawn in {name}, shifted")
        return Text(f"底图坐标系 {name}", f"drawn in {name}")


def url_fault(url: str) -> Text | None:
    """Say what is wrong with an address template, None where nothing is."""
    try:
        parts = urlsplit(url)
        host = parts.netloc
    except ValueError:
        host = ""
    if not host or parts.scheme not in ("http", "https") or not _HOST.fullmatch(host):
        return Text(
            "应以 http:// 或 https:// 开头，后接主机名，不含用户名和口令",
            "must start with http:// or https:// and a host, without a user name or password",
        )
    if re.search(r"[\s\"'<>\\]", url):
        return Text("含空格、引号等字符，请先编码", "holds spaces or quotes: encode them")
    found = sorted(_PLACES.findall(url))
    if found not in (["x", "y", "z"], ["-y", "x", "z"]):
        return Text(
            "应恰有 {z}、{x}、{y}（或 {-y}）各一处，且没有别的占位符（如 {s}）",
            "must hold {z}, {x} and {y} (or {-y}) once each, and nothing else in braces "
            "(such as {s})",
        )
    return None
