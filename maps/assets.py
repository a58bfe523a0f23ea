"""The scripts and styles of the pages: linked from ``/static`` or written into the page."""

import base64
import hashlib
import re
from collections.abc import Iterable
from enum import StrEnum
from functools import cache
from pathlib import Path

import orjson
from markupsafe import Markup

from gridsvc.domain.errors import Fault, NotReadyError
from gridsvc.domain.words import Text

LEAFLET_JS = "vendor/leaflet/leaflet.js"
LEAFLET_CSS = "vendor/leaflet/leaflet.css"


class AssetMode(StrEnum):
    """How a page comes by its scripts and styles."""

    LINKED = "linked"
    """From ``/static/...`` of the server that serves the page."""
    EMBEDDED = "embedded"
    """Written into the page: it opens from a file, with no network."""


def static_dir() -> Path:
    """The folder to serve at ``/static``."""
    return Path(__file__).parent / "static"


@cache
def text(name: str) -> str:
    """Content of the static file ``name``, fit to stand in a page.

    Images named in a style become ``data:`` addresses. Comments of styles and pointers to source
    maps are cut: they name addresses that a closed network cannot reach.

    Raises
    ------
    NotReadyError
        Where the file is not there: the front-end files were not installed.
    """
    path = _path(name)
    content = path.read_text(encoding="utf-8")
    if path.suffix == ".css":
        content = re.sub(r"/\*.*?\*/", "", content, flags=re.DOTALL)
        return re.sub(r"url\(([^)#:]+)\)", lambda found: _data_url(path.parent, found[1]), content)
    return re.sub(r"^//# sourceMappingURL=.*$", "", content, flags=re.MULTILINE)


def style_tags(names: Iterable[str], mode: AssetMode) -> Markup:
    """``<link>`` or ``<style>`` for each static style."""
    if mode is AssetMode.LINKED:
        links = [Markup('<link rel="stylesheet" href="{}">').format(_link(name)) for name in names]
        return Markup("\n").join(links)
    return Markup("\n").join(Markup(f"<style>{text(name)}</style>") for name in names)  # noqa: S704 our own files


def script_tags(names: Iterable[str], mode: AssetMode) -> Markup:
    """``<script>`` for each static script, in order."""
    if mode is AssetMode.LINKED:
        links = [Markup('<script src="{}"></script>').format(_link(name)) for name in names]
        return Markup("\n").join(links)
    return Markup("\n").join(inline_script(text(name)) for name in names)


def inline_script(code: str) -> Markup:
    """``code`` as a script of the page itself.

    Raises
    ------
    ValueError
        Where the code would end its own element.
    """
    if "</script" in code.lower():
        raise ValueError("a script that holds '</script' cannot stand in a page")
    return Markup(f"<script>{code}</script>")  # noqa: S704 checked above


def data_block(name: str, content: bytes) -> Markup:
    """JSON as a data block (never run): ``<script type="application/json" id=name>``.

    ``<``, ``>`` and ``&`` are written as JSON escapes, so no text in it can end the block.
    """
    safe = (
        content.replace(b"<", b"\\u003c").replace(b">", b"\\u003e").replace(b"&", b"\\u0026")
    ).decode("utf-8")
    return Markup('<script type="application/json" id="{}">{}</script>').format(
        name,
        Markup(safe),  # noqa: S704 escaped above
    )


def to_json(value: object) -> bytes:
    """Plain values as compact JSON."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


def security_policy(
    styles: Iterable[str],
    scripts: Iterable[str],
    inline: Iterable[str],
    mode: AssetMode,
    *,
    images: str | None = None,
) -> str:
    """Content-Security-Policy of a page: its own scripts by their hash, and nothing else.

    A page from the server may fetch from it and load its static files; a page from a file may
    ask for nothing at all. ``images`` is one more origin that pictures may come from: that of
    the base map.
    """
    code = list(inline)
    own: list[str] = []
    if mode is AssetMode.EMBEDDED:
        code += [text(name) for name in scripts]
        own = [text(name) for name in styles]
    here = "'self' " if mode is AssetMode.LINKED else ""
    policy = [
        "default-src 'none'",
        f"script-src {here}{_hashes(code)}".rstrip(),
        f"style-src {here}{_hashes(own)}".rstrip(),
        f"img-src {here}data:" + (f" {images}" if images else ""),
        "base-uri 'none'",
    ]
    if mode is AssetMode.LINKED:
        policy += ["connect-src 'self'", "form-action 'self'"]
    else:
        policy.append("form-action 'none'")
    return "; ".join(policy)


def _path(name: str) -> Path:
    path = static_dir() / name
    if not path.is_file():
        raise NotReadyError(
            Fault(
                "front_end_missing",
                Text(
                    f"缺少前端文件 maps/static/{name}：请重新安装本软件（安装时由构建钩子取得）",
                    f"the front-end file maps/static/{name} is missing: install the package again "
                    "(its build hook fetches them)",
                ),
            )
        )
    return path


@cache
def _link(name: str) -> str:
    """Address of a static file, with a part that changes when the file does."""
    return f"/static/{name}?v={hashlib.sha256(_path(name).read_bytes()).hexdigest()[:10]}"


def _data_url(folder: Path, name: str) -> str:
    data = base64.b64encode((folder / name.strip("\"' ")).read_bytes()).decode("ascii")
    return f"url(data:image/png;base64,{data})"


def _hashes(code: Iterable[str]) -> str:
    digests = (hashlib.sha256(part.encode("utf-8")).digest() for part in code)
    return " ".join(f"'sha256-{base64.b64encode(d).decode('ascii')}'" for d in digests)
