"""What the pages share: the template environment, folium's part, and putting a page together."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import folium
import jinja2
from branca.element import Figure, MacroElement
from markupsafe import Markup

from gridsvc.domain.geo import Bounds
from gridsvc.domain.words import Lang, Text
from maps import assets
from maps.assets import AssetMode
from maps.tiles import Tiles

TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
"""Escapes every value it is given."""


class LocalMap(folium.Map):
    """A folium map that names no script or style: the page brings its own."""

    default_js: list[tuple[str, str]] = []  # noqa: RUF012 folium's own class attribute
    default_css: list[tuple[str, str]] = []  # noqa: RUF012


class Draw(MacroElement):
    """Hand the finished map to ``gridsvc.<function>`` of our static scripts."""

    _template = TEMPLATES.get_template("draw.js.jinja")

    def __init__(self, function: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Draw"
        self.function = function


def folium_map(function: str, bounds: Bounds) -> tuple[Markup, str]:
    """The element and the script of a map that ``gridsvc.<function>`` draws on.

    Parameters
    ----------
    function
        Name in our static scripts; it is called with the Leaflet map.
    bounds
        ``(west, south, east, north)`` in degrees.

    Returns
    -------
    tuple
        HTML of the map's element, and its JavaScript without ``<script>``. Both are the same for
        the same arguments.
    """
    west, south, east, north = bounds
    leaflet = LocalMap(
        location=[round((south + north) / 2, 5), round((west + east) / 2, 5)],  # lat first: folium
        tiles=None,
        prefer_canvas=True,
        zoom_start=9,
        zoom_snap=0.1,
        zoom_delta=0.5,
        min_zoom=7,
        max_zoom=17,
    )
    leaflet._id = function  # folium would draw a random one, and no two pages would be the same
    leaflet.add_child(Draw(function))
    figure = leaflet.get_root()
    if not isinstance(figure, Figure):
        raise TypeError("folium put its map into no Figure")
    figure.render()
    element = Markup(figure.html.render())  # noqa: S704 folium's element, nothing of ours in it
    return element, str(figure.script.render())


def render_page(
    template: str,
    *,
    title: str,
    lang: Lang,
    mode: AssetMode,
    styles: Sequence[str],
    scripts: Sequence[str],
    inline: str,
    data: dict[str, bytes],
    tiles: Tiles | None = None,
    **context: Any,
) -> str:
    """Put a page together.

    Parameters
    ----------
    template
        Name of the template, which extends ``base.html``.
    styles, scripts
        Static files, in order.
    inline
        The page's own script (folium's), run after the static ones; empty for none.
    data
        JSON blocks by the id of their element.
    tiles
        The base map that the page may load, if any.
    context
        What else the template needs.
    """
    return TEMPLATES.get_template(template).render(
        title=title,
        lang=lang,
        t=lambda zh, en: Text(zh, en).pick(lang),
        policy=assets.security_policy(
            *(styles, scripts, [inline] if inline else [], mode),
            images=None if tiles is None else tiles.origin,
        ),
        drawn_in="" if tiles is None else tiles.drawn.pick(lang),
        styles=assets.style_tags(styles, mode),
        scripts=assets.script_tags(scripts, mode),
        inline=assets.inline_script(inline) if inline else "",
        blocks=[assets.data_block(name, content) for name, content in data.items()],
        **context,
    )
