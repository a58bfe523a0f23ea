"""``gridsvc serve`` and ``gridsvc run``: the web application on this machine."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import click

from gridsvc.cli.collecting import uncollected
from gridsvc.cli.first_words import first_words
from gridsvc.domain.errors import Fault, NotReadyError, SettingsError
from gridsvc.domain.geo import MetricFrame
from gridsvc.domain.words import Text
from gridsvc.settings import Settings

if TYPE_CHECKING:
    from gridsvc.runtime import Runtime
    from gridsvc.store import Store

APP = "api.app:create_app"
"""Named as uvicorn names applications: nobody imports the HTTP edge."""

STOP_AFTER_S = 10

host_option = click.option("--host", help="本机地址 / loopback address [127.0.0.1]")
port_option = click.option(
    "--port", type=click.IntRange(0, 65535), help="端口，0 为任意空闲端口 / port, 0 for any [8000]"
)


@click.command()
@host_option
@port_option
def serve(host: str | None, port: int | None) -> None:
    """在本机提供服务 / Serve on this machine."""
    settings = read_settings(host, port)
    with listening_socket(settings) as listener:
        # The embedded file is this program's own; a server's database has an administrator.
        if settings.embedded:
            with open_store(settings):
                pass
        serve_county(settings, listener)


@click.command()
@host_option
@port_option
def run(host: str | None, port: int | None) -> None:
    """首次建立演示县，然后提供服务 / Build the demo county on the first start, then serve."""
    settings = read_settings(host, port)
    with listening_socket(settings) as listener:
        with open_store(settings) as store:
            if demo_may_be_due(store):
                build_if_due(store, settings)
        serve_county(settings, listener)


@contextmanager
def open_store(settings: Settings) -> "Iterator[Store]":
    """Open the store at this program's schema."""
    with uncollected():
        from gridsvc.store import Store

    store = Store.open(settings.url, county=settings.county)
    try:
        current, head = store.revision()
        if current != head:
            store.upgrade()
        yield store
    finally:
        store.close()


def demo_may_be_due(store: "Store") -> bool:
    """Whether it is worth loading what imports files (geopandas and its kin) to look closer.

    Incidents are the last thing the demo brings: where there are some, all of it is there.
    """
    with store.read() as reading:
        return reading.incidents.count() == 0


def build_if_due(store: "Store", settings: Settings) -> None:
    """Build the demo county where there is no other, with a bar for every step."""
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    from gridsvc.flows.demo import build_demo, demo_is_due
    from gridsvc.runtime import now

    if not demo_is_due(store):
        return

    intro = Text(
        "首次启动：正在建立演示县（演示数据均为虚构），约需一两分钟",
        "first start: building the demo county (all of it made up); a minute or two",
    )
    click.echo(intro.pick(settings.lang))
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns) as bars:
        tasks: dict[Text, TaskID] = {}

        def tell(step: Text, done: float) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step.pick(settings.lang), total=None)
            if done > 0:
                bars.update(tasks[step], total=1.0, completed=done)

        build_demo(
            store,
            settings.data / "demo",
            clock=now,
            scheme=settings.code_scheme,
            frame=MetricFrame(settings.central_meridian or MetricFrame().central_meridian),
            cache=settings.data / "cache",
            progress=tell,
        )


def read_settings(host: str | None, port: int | None) -> Settings:
    """Read the settings; what the command line gives wins.

    Raises
    ------
    SettingsError
        An address that others could reach: there are no keys yet.
    """
    given = {"host": host, "port": port}
    settings = Settings.read(**{name: v for name, v in given.items() if v is not None})
    if not is_loopback(settings.host):
        raise SettingsError(
            Fault(
                "host_not_loopback",
                Text(
                    f"不能在 {settings.host} 上提供服务：目前没有访问密钥，"
                    "只能用本机地址 127.0.0.1",
                    f"cannot serve on {settings.host}: there are no access keys yet, so only this "
                    "machine's own address 127.0.0.1 is allowed",
                ),
                "host",
            )
        )
    return settings


def is_loopback(host: str) -> bool:
    """Whether ``host`` is ``localhost`` or an address of 127.0.0.0/8 or ::1."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def listening_socket(settings: Settings) -> socket.socket:
    """Take the address before any long work, so that a taken one is told at once.

    Raises
    ------
    SettingsError
        Something else uses the port.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise SettingsError(
            Fault(
                "port_taken",
                Text(
                    f"无法使用 {settings.host}:{settings.port}（{error.strerror}）："
                    "可能已有一个在运行；请先停止它，或用 --port 换一个端口",
                    f"cannot use {settings.host}:{settings.port} ({error.strerror}): perhaps one "
                    "is running already; stop it, or choose another port with --port",
                ),
                "port",
            )
        ) from error
    return listener


def serve_county(settings: Settings, listener: socket.socket) -> None:
    """Serve until told to stop (Ctrl+C or SIGTERM), answering what was already asked.

    Parameters
    ----------
    settings
        What is served; its store is migrated.
    listener
        Bound socket; uvicorn listens on it.
    """
    with uncollected():
        import uvicorn
        from uvicorn.importer import import_from_string

        from gridsvc.runtime import Runtime

        runtime = Runtime.open(settings)
        create_app: Callable[[Runtime], Any] = import_from_string(APP)
        app = create_app(runtime)

    class Server(uvicorn.Server):
        """Says what to open when, and only when, it can be opened."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                click.echo(first_words(runtime, address_of(listener)))

    say_if_empty(runtime)
    config = uvicorn.Config(
        app,
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_AFTER_S,
    )
    with suppress(KeyboardInterrupt):
        Server(config).run(sockets=[listener])


def say_if_empty(runtime: "Runtime") -> None:
    """Say what to import where there is no map: the service starts all the same."""
    try:
        runtime.map()
    except NotReadyError as error:
        click.echo(error.say(runtime.settings.lang), err=True)


def address_of(listener: socket.socket) -> str:
    """``http://host:port`` of a bound socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
