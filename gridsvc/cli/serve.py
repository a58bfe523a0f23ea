"""``gridsvc serve`` and ``gridsvc run``: the web application."""

import logging
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Any

import click

from gridsvc import logs
from gridsvc.cli.collecting import uncollected
from gridsvc.cli.first_words import first_words
from gridsvc.cli.opening import opened_store
from gridsvc.domain.errors import Fault, NotReadyError, SettingsError
from gridsvc.domain.geo import MetricFrame
from gridsvc.domain.words import Text
from gridsvc.settings import Settings

if TYPE_CHECKING:
    from gridsvc.runtime import Runtime
    from gridsvc.store import Store

log = logging.getLogger(__name__)

APP = "api.app:create_app"
"""Named as uvicorn names applications: nobody imports the HTTP edge."""

STOP_AFTER_S = 10

host_option = click.option(
    "--host", help="监听地址，非本机访问须用密钥 / address; others need keys [127.0.0.1]"
)
port_option = click.option(
    "--port", type=click.IntRange(0, 65535), help="端口，0 为任意空闲端口 / port, 0 for any [8000]"
)


@click.command()
@host_option
@port_option
def serve(host: str | None, port: int | None) -> None:
    """提供服务 / Serve."""
    settings = read_settings(host, port)
    logs.configure(logs.kind_for(settings.log))
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
    logs.configure(logs.kind_for(settings.log))
    with listening_socket(settings) as listener:
        with open_store(settings) as store:
            if demo_may_be_due(store):
                build_if_due(store, settings)
        serve_county(settings, listener)


@contextmanager
def open_store(settings: Settings) -> "Iterator[Store]":
    """Open the store at this program's schema."""
    with opened_store(settings) as store:
        current, head = store.revision()
        if current != head:
            store.upgrade()
        yield store


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
        Something that is not an address.
    """
    given = {"host": host, "port": port}
    settings = Settings.read(**{name: v for name, v in given.items() if v is not None})
    if settings.host != "localhost" and _address(settings.host) is None:
        raise SettingsError(
            Fault(
                "bad_host",
                Text(
                    f"监听地址“{settings.host}”无效：应为 127.0.0.1（仅本机）、"
                    "本机某网卡的 IP 地址，或 0.0.0.0（所有网卡）",
                    f"{settings.host!r} is not an address to listen on: give 127.0.0.1 (this "
                    "machine alone), the IP address of a network card, or 0.0.0.0 for all of them",
                ),
                "host",
            )
        )
    return settings


def is_loopback(host: str) -> bool:
    """Whether ``host`` is ``localhost`` or an address of 127.0.0.0/8 or ::1."""
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def listening_socket(settings: Settings) -> socket.socket:
    """Take the address before any long work, so that a taken one is told at once.

    Raises
    ------
    SettingsError
        Something else uses the port.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # With the protocol named asyncio sets TCP_NODELAY: else every second answer waits 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
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

        from gridsvc.cli.http_protocol import Protocol
        from gridsvc.clockwork import Clockwork
        from gridsvc.runtime import Runtime

        runtime = Runtime.open(settings)
        clockwork = Clockwork(runtime)
        create_app: Callable[[Runtime], Any] = import_from_string(APP)
        app = create_app(runtime)

    class Server(uvicorn.Server):
        """Says what to open when, and only when, it can be opened."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                clockwork.start()
                click.echo(first_words(runtime, address_of(listener)))

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            app.state.hub.close()  # streams do not end by themselves
            clockwork.close()
            await super().shutdown(sockets)

        def hang_up(self, scope: Any) -> None:
            """Drop the connection of a request, and what its client has not taken."""
            for connection in self.server_state.connections:
                if getattr(connection, "scope", None) is scope:
                    connection.transport.abort()

    say_if_empty(runtime)
    say_who_may_ask(runtime)
    config = uvicorn.Config(
        app,
        http=Protocol,
        access_log=False,
        log_config=None,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_AFTER_S,
    )
    server = Server(config)
    app.state.hub.hang_up = server.hang_up
    # uvicorn stops, and then raises the signal again for whoever handled it before: us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listener])


def say_if_empty(runtime: "Runtime") -> None:
    """Say what to import where there is no map: the service starts all the same."""
    try:
        runtime.map()
    except NotReadyError as error:
        _tell(error.say(runtime.settings.lang))


def say_who_may_ask(runtime: "Runtime") -> None:
    """Say what an address that others can reach takes: keys, and TLS in front."""
    host, lang = runtime.settings.host, runtime.settings.lang
    if is_loopback(host):
        return
    tls = Text(
        f"其他机器可访问 {host}，须出示密钥；令牌以明文传输，前面应有启用 TLS（HTTPS）的反向代理",
        f"other machines can reach {host} and need a key; tokens travel in the clear: put a "
        "reverse proxy with TLS (HTTPS) in front",
    )
    _tell(tls.pick(lang))
    if not runtime.keys():
        none = Text(
            "尚无密钥：本机以外的请求将全部被拒绝，请用 gridsvc keys add 新建",
            "there is no key yet: every request from another machine will be refused; "
            "gridsvc keys add makes one",
        )
        _tell(none.pick(lang))


def _tell(words: str) -> None:
    """Say ``words`` to the operator: where the log is JSON, as one of its lines."""
    if logs.is_json():
        log.warning(words)
    else:
        click.echo(words, err=True)


def address_of(listener: socket.socket) -> str:
    """``http://host:port`` that opens a bound socket, of one bound to all addresses on loopback."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
