"""The base map: its settings, what the pages may load, and where everything is drawn on it."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import orjson
import pyproj
import pytest
import shapely
from playwright.sync_api import Browser

from api.app import create_app
from gridsvc.domain.errors import SettingsError
from gridsvc.domain.geo import Datum
from gridsvc.flows.mapping import drawn_shapes
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings
from maps.assets import static_dir
from maps.heat import png
from maps.legend import Legend
from maps.risk import risk_page
from maps.tiles import Tiles, url_fault
from tests.api_county import client_of, county_in
from tests.browser import serve, visit
from tests.maps_county import LAST_DAY, jagged_map, made_up_counts

PERIOD = (LAST_DAY - timedelta(days=89), LAST_DAY)
URL = "https://tiles.county.example/v1/{z}/{x}/{y}.png"
OTHER = "http://10.1.2.3:8080/wmts?TILEMATRIX={z}&TILEROW={y}&TILECOL={x}&tk=1"
GEOD = pyproj.Geod(ellps="WGS84")


def settings_with(**given: str) -> Settings:
    return Settings.read(**{f"tiles_{name}": value for name, value in given.items()})


def test_there_is_no_base_map_by_default() -> None:
    assert Settings.read().tiles is None
    assert settings_with(attribution="县测绘中心").tiles is None


@pytest.mark.parametrize(
    "url", [URL, OTHER, URL.replace("{y}", "{-y}"), "http://[::1]:9/{z}{x}{y}"]
)
def test_a_template_is_taken_as_it_is(url: str) -> None:
    tiles = settings_with(url=url, attribution=" 县测绘中心 ", datum="gcj02").tiles
    assert tiles == Tiles(url, "县测绘中心", Datum.GCJ02)
    parts = urlsplit(url)
    assert tiles.origin == f"{parts.scheme}://{parts.netloc}"


@pytest.mark.parametrize(
    "url",
    [
        "tiles/{z}/{x}/{y}.png",
        "ftp://a/{z}/{x}/{y}",
        "https://user:word@a/{z}/{x}/{y}",
        "https://a;script-src *;/{z}/{x}/{y}",
        "https://a,b/{z}/{x}/{y}",
        "https://{s}.a/{z}/{x}/{y}",
        "https://a/{s}/{z}/{x}/{y}",
        "https://a/{z}/{x}",
        "https://a/{z}/{x}/{y}/{y}",
        "https://a/{z}/{x}/{y}/{-y}",
        "https://a/{z}/{x}/{y} 1",
        'https://a/{z}/{x}/{y}"',
        "https://[::1/{z}/{x}/{y}",
        "https:///{z}/{x}/{y}",
    ],
)
def test_a_template_that_cannot_work_is_refused_in_both_languages(url: str) -> None:
    assert url_fault(url) is not None
    with pytest.raises(SettingsError) as caught:
        settings_with(url=url, attribution="x")
    (fault,) = caught.value.faults
    assert fault.where == "GRIDSVC_TILES_URL"
    assert re.search(r"[\u4e00-\u9fff]", fault.text.zh.rpartition("：")[2])
    assert not re.search(r"[\u4e00-\u9fff]", fault.text.en)


def test_all_that_is_wrong_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDSVC_TILES_URL", URL)
    monkeypatch.setenv("GRIDSVC_TILES_DATUM", "bd09")
    with pytest.raises(SettingsError) as caught:
        Settings.read()
    said = {fault.where: fault.text.zh for fault in caught.value.faults}
    assert set(said) == {"GRIDSVC_TILES_DATUM", "GRIDSVC_TILES_ATTRIBUTION"}
    assert "wgs84、cgcs2000、gcj02" in said["GRIDSVC_TILES_DATUM"]
    assert "注明底图来源" in said["GRIDSVC_TILES_ATTRIBUTION"]
    monkeypatch.setenv("GRIDSVC_TILES_DATUM", "mars")
    with pytest.raises(SettingsError, match="gcj02"):
        Settings.read()


COUNTY = jagged_map(8, 8)


def test_on_gcj02_every_vertex_is_shifted_and_no_gap_opens() -> None:
    plain = drawn_shapes(COUNTY, Tiles(URL, "x", Datum.CGCS2000))
    moved = drawn_shapes(COUNTY, Tiles(URL, "x", Datum.GCJ02))
    assert drawn_shapes(COUNTY).polygons.tolist() == plain.polygons.tolist()
    before, after = (shapely.get_coordinates(each.polygons) for each in (plain, moved))
    assert len(before) == len(after)
    azimuth, _, metres = GEOD.inv(*before.T, *after.T)
    assert (np.abs(np.array(metres) - 390) < 40).all()
    assert np.ptp(azimuth) < 10
    drawn = shapely.from_geojson([orjson.dumps(each).decode() for each in moved.grids])
    assert shapely.coverage_is_valid(drawn)
    for name in ("bounds", "labels"):
        pairs = [np.reshape(getattr(each, name), (-1, 2)) for each in (plain, moved)]
        assert (np.abs(np.array(GEOD.inv(*pairs[0].T, *pairs[1].T)[2]) - 390) < 40).all()
    corner, there = plain.raster.bounds[:2], moved.raster.bounds[:2]
    assert abs(GEOD.inv(*corner, *there)[2] - 390) < 120  # whole pixels of 150 m


@contextmanager
def tile_server() -> Iterator[tuple[str, list[str]]]:
    """Two pictures by turns, of 2 by 2 pixels; gives the origin and the paths asked for."""
    asked: list[str] = []
    colours = (np.zeros((2, 2)), np.full((2, 2), 9.0))
    pictures = [png(each, Legend((3.0,), (0, 5), (1, 1))) for each in colours]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            picture = pictures[len(asked) % 2]
            self.send_response(200)
            self.send_header("Content-Type", "image/png")
            self.send_header("Content-Length", str(len(picture)))
            self.end_headers()
            self.wfile.write(picture)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


@pytest.mark.parametrize("datum", [Datum.WGS84, Datum.GCJ02])
def test_tiles_are_asked_for_and_the_overlay_lies_where_they_are(
    browser: Browser, datum: Datum
) -> None:
    with tile_server() as (tiles_at, asked):
        tiles = Tiles(tiles_at + "/base/{z}/{x}/{y}.png", "<b>县测绘中心</b>", datum)
        counts = made_up_counts(COUNTY, each=60)
        shapes = drawn_shapes(COUNTY, tiles)
        page = risk_page(COUNTY, counts, period=PERIOD, shapes=shapes)
        with (
            serve({"/maps/risk": page}, static_dir()) as origin,
            visit(browser, "about:blank") as seen,
        ):
            seen.origin = origin
            seen.allowed.add(tiles_at)
            seen.page.goto(f"{origin}/maps/risk", wait_until="networkidle")
            assert len(asked) >= 2
            assert all(re.fullmatch(r"/base/\d+/\d+/\d+\.png", path) for path in asked)
            assert seen.page.locator(".leaflet-tile-loaded").count() == len(asked)
            by = seen.page.locator(".leaflet-control-attribution")
            assert by.inner_text() == "<b>县测绘中心</b>"
            drawn = "GCJ-02（图形已偏移）" if datum is Datum.GCJ02 else "底图坐标系 WGS 84"
            assert drawn in seen.page.locator("header").inner_text()

            # The list leads to its grid as it is drawn; how far from where it is in truth?
            button = seen.page.locator(".top button").first
            place = int(button.get_attribute("data-place") or "")
            button.click()
            vertex = seen.page.evaluate(
                "(() => { const at = Object.values(map_risk._layers).find((each) =>"
                f" each.feature && each.feature.properties.c === '{COUNTY.grids[place].code}')"
                ".getLatLngs().flat(2)[0]; return [at.lng, at.lat]; })()"
            )
            true = _nearest_true_vertex(place, vertex, datum=datum)
            shift = GEOD.inv(true[0], true[1], vertex[0], vertex[1])[2]
            assert abs(shift - (390 if datum is Datum.GCJ02 else 0)) < 40
            screen = np.array(seen.probe("onScreen", vertex))
            assert (screen > 0).all()
            assert (screen < (1366, 768)).all()
            seen.check_quiet()


def _nearest_true_vertex(place: int, vertex: list[float], *, datum: Datum) -> list[float]:
    """The stored vertex that was drawn at ``vertex``: numbered alike in the shapes unshifted."""
    shapes = drawn_shapes(COUNTY, Tiles(URL, "x", datum))
    plain = drawn_shapes(COUNTY)
    at = shapely.get_coordinates(shapes.polygons[place])
    number = int(np.abs(at - vertex).sum(axis=1).argmin())
    assert np.abs(at[number] - vertex).max() < 1e-5
    return [float(each) for each in shapely.get_coordinates(plain.polygons[place])[number]]


@pytest.mark.parametrize("datum", ["", "wgs84", "gcj02"])
def test_pages_may_load_from_the_tiles_host_and_no_other(tmp_path: Path, datum: str) -> None:
    runtime = county_in(tmp_path)
    if datum:
        runtime.close()
        given = {"tiles_url": URL, "tiles_attribution": "x", "tiles_datum": datum}
        runtime = Runtime.open(Settings.read(data=tmp_path, **given))
    try:
        api = client_of(create_app(runtime))
        for path in ("/", "/maps/risk", "/maps/coverage"):
            # Positions are picked on the start page: it has no shifted base map.
            with_tiles = bool(datum) and not (datum == "gcj02" and path == "/")
            page = api.get(path).text
            found = re.search(r'Security-Policy" content="([^"]*)"', page)
            assert found
            images = [each for each in unescape(found[1]).split("; ") if "img-src" in each]
            more = " https://tiles.county.example" if with_tiles else ""
            assert images == [f"img-src 'self' data:{more}"]
            assert unescape(found[1]).count("tiles.county") == with_tiles
            assert (URL in page) == with_tiles
            true = "[24.88,104.3]" in page
            assert true == (datum != "gcj02" or path == "/")
    finally:
        runtime.close()
