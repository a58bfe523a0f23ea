"""The maps of the demo county in a headless Chromium: how soon painted, and how large."""

import gzip
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext

from tests.browser import open_browser
from tests.demo_fixtures import COMMAND
from tests.serving import served

PAGES = {
    "risk by grid": "/maps/risk",
    "risk as a surface": "/maps/risk?view=surface",
    "coverage": "/maps/coverage",
}
PAINTED = """() => new Promise((done) =>
  requestAnimationFrame(() => setTimeout(() => done(performance.now()), 0)))"""
"""Milliseconds from the start of the navigation until a frame was drawn after the scripts."""

HEAD = (
    "| page | first of a new server, s | first of a new browser, s | second load, s | sent, MB "
    "| as a file, MB compressed | file painted, s |\n|---|---|---|---|---|---|---|\n"
    "| target | 3 | 3 | 2 | 3 | 3 | |"
)


def measured(folder: Path) -> Iterator[str]:
    """Rows of the table.

    Parameters
    ----------
    folder
        A data folder to make the demo county in, or that has it.
    """
    env = {**os.environ, "GRIDSVC_DATA": str(folder)}
    with _server(env, folder):
        pass
    for name, path in PAGES.items():
        with open_browser() as browser:
            with _server(env, folder) as url:
                new_server_s, sent = _fresh(browser, url + path)
                cold_s = min(_fresh(browser, url + path)[0] for _ in range(3))
                second_s = _second(browser, url + path)
            file = folder / "map.html"
            kind = "coverage" if "coverage" in path else "risk"
            subprocess.run(
                [COMMAND, "map", kind, "-o", str(file), "--overwrite"],
                env=env,
                check=True,
                capture_output=True,
                timeout=120,
            )
            file_mb = len(gzip.compress(file.read_bytes(), 6)) / 1e6
            file_s = min(_fresh(browser, file.as_uri())[0] for _ in range(3))
        yield (
            f"| {name} | {new_server_s:.2f} | {cold_s:.2f} | {second_s:.2f} | {sent / 1e6:.2f} "
            f"| {file_mb:.2f} | {file_s:.2f} |"
        )


@contextmanager
def _server(env: dict[str, str], folder: Path) -> Iterator[str]:
    with served([COMMAND, "run"], cwd=folder, env=env, log=folder / "server.log") as server:
        yield server.url


def _fresh(browser: Browser, url: str) -> tuple[float, float]:
    """Seconds until painted with nothing kept, and the bytes that were sent for it."""
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    try:
        return _load(context, url)
    finally:
        context.close()


def _second(browser: Browser, url: str) -> float:
    """Seconds until painted once the browser has been there."""
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    try:
        return min(_load(context, url)[0] for _ in range(4))
    finally:
        context.close()


def _load(context: BrowserContext, url: str) -> tuple[float, float]:
    page = context.new_page()
    sent = 0.0
    network = context.new_cdp_session(page)
    network.send("Network.enable")

    def finished(event: dict[str, float]) -> None:
        nonlocal sent
        sent += event["encodedDataLength"]

    network.on("Network.loadingFinished", finished)
    start = time.perf_counter()
    page.goto(url)
    painted_s = float(page.evaluate(PAINTED)) / 1000
    assert painted_s <= time.perf_counter() - start + 0.2
    page.close()
    return painted_s, sent
