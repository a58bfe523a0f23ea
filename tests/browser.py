"""A real Chromium for page tests: nothing leaves the page's own origin, everything is noted."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, sync_playwright

CHROMIUM = "/usr/bin/chromium"
OWN_SCHEMES = ("data", "blob", "about")
PROBES = Path(__file__).with_name("page_probes.js").read_text(encoding="utf-8")


@dataclass
class Visit:
    """A page and what happened on it: every request, the blocked ones, every console message.

    ``allowed`` are further origins that a test itself answers at.
    """

    page: Page
    origin: str
    allowed: set[str] = field(default_factory=set)
    requests: list[str] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def check_quiet(self) -> None:
        """Fail where a page asked outside, said anything on the console, or broke."""
        assert self.blocked == []
        assert self.console == []
        assert self.errors == []

    def probe(self, name: str, argument: object = None) -> Any:
        """Ask the page one of the questions in ``page_probes.js``."""
        return self.page.evaluate(f"(argument) => ({PROBES}).{name}(argument)", argument)

    def _route(self, route: Route) -> None:
        url = route.request.url
        self.requests.append(url)
        if urlsplit(url).scheme in OWN_SCHEMES or _origin(url) in {self.origin, *self.allowed}:
            route.continue_()
        else:
            self.blocked.append(url)
            route.abort()

    def _note(self, message: ConsoleMessage) -> None:
        self.console.append(f"{message.type}: {message.text}")


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Debian's Chromium, headless; skips the test, saying so, where it is not installed."""
    if shutil.which(CHROMIUM) is None:
        pytest.skip(f"{CHROMIUM} is not installed (apt-get install chromium fonts-noto-cjk)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visit(
    browser: Browser, url: str, *, width: int = 1366, height: int = 768, wait: str = "load"
) -> Iterator[Visit]:
    """Open ``url`` (http or file) with every request to another origin blocked and recorded."""
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    page.set_default_timeout(15_000)
    seen = Visit(page, _origin(url))
    page.on("console", seen._note)
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    context.route("**/*", seen._route)
    try:
        page.goto(url, wait_until="load" if wait == "load" else "networkidle")
        yield seen
    finally:
        context.close()


def _origin(url: str) -> str:
    """Scheme, host and port; of a file its whole path, since each file is its own origin."""
    parts = urlsplit(url)
    return url.split("#")[0] if parts.scheme == "file" else f"{parts.scheme}://{parts.netloc}"


@contextmanager
def serve(pages: dict[str, str], static: Path) -> Iterator[str]:
    """Serve ``pages`` by path and ``static`` at /static on loopback; gives the origin."""

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, directory=str(static), **kwargs)

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if path not in pages:
                self.path = path.removeprefix("/static")
                return super().do_GET()
            content = pages[path].encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            return None

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
