"""``gridsvc serve`` and ``gridsvc run``: the web application on this machine."""

import json
import shlex
import socket
from collections.abc import Callable
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import click

from gridsvc.domain.errors import Fault, NotReadyError, SettingsError
from gridsvc.domain.words import Lang, Text
from gridsvc.settings import Settings

if TYPE_CHECKING:
    from gridsvc.runtime import Runtime

APP = "api.app:create_app"
"""Named as uvicorn names applications: nobody imports the HTTP edge."""

STOP_AFTER_S = 10

host_option = click.option("--host", help="本机地址 / loopback address [127.0.0.1]")
port_option = click.option(
    "--port", type=click.IntRange(0, 65535), help="端口,0 为任意空闲端口 / port, 0 for any [8000]"
)


@click.command()
@host_option
@port_option
def serve(host: str | None, port: int | None) -> None:
    """在本机提供服务 / Serve on this machine."""
    settings = read_settings(host, port)
    with listening_socket(settings) as listener:
        from gridsvc.runtime import Runtime

        serve_runtime(Runtime.open(settings), listener)


@click.command()
@host_option
@port_option
def run(host: str | None, port: int | None) -> None:
    """首次建立演示县,然后提供服务 / Build the demo county on the first start, then serve."""
    settings = read_settings(host, port)
    with listening_socket(settings) as listener:
        from gridsvc.runtime import Runtime

        runtime = Runtime.open(settings)
        build_demo(runtime)
        serve_runtime(runtime, listener)


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
                    f"不能在 {settings.host} 上提供服务:目前没有访问密钥,只能用本机地址 127.0.0.1",
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
                    f"无法使用 {settings.host}:{settings.port}({error.strerror}):"
                    "可能已有一个在运行;请先停止它,或用 --port 换一个端口",
                    f"cannot use {settings.host}:{settings.port} ({error.strerror}): perhaps one "
                    "is running already; stop it, or choose another port with --port",
                ),
                "port",
            )
        ) from error
    return listener


def serve_runtime(runtime: "Runtime", listener: socket.socket) -> None:
    """Serve until told to stop (Ctrl+C or SIGTERM), answering what was already asked.

    Parameters
    ----------
    runtime
        Open; it is closed at the end.
    listener
        Bound socket; uvicorn listens on it.
    """
    import uvicorn
    from uvicorn.importer import import_from_string

    class Server(uvicorn.Server):
        """Says what to open when, and only when, it can be opened."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                click.echo(first_words(runtime, address_of(listener)))

    create_app: Callable[[Runtime], Any] = import_from_string(APP)
    warm(runtime)
    config = uvicorn.Config(
        create_app(runtime),
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_AFTER_S,
    )
    Server(config).run(sockets=[listener])


def warm(runtime: "Runtime") -> None:
    """Load the map before the first question, not because of it."""
    try:
        runtime.map()
    except NotReadyError as error:
        click.echo(error.say(runtime.settings.lang), err=True)


def address_of(listener: socket.socket) -> str:
    """``http://host:port`` of a bound socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def first_words(runtime: "Runtime", address: str) -> str:
    """What to open, and a first incident to send with curl that lies inside the county."""
    lang: Lang = runtime.settings.lang
    lines = [
        Text(f"已就绪:{address}", f"Ready: {address}"),
        Text(f"  首页      {address}/", f"  home      {address}/"),
        Text(f"  风险地图  {address}/maps/risk", f"  risk map  {address}/maps/risk"),
    ]
    body = first_incident(runtime, lang)
    if body is not None:
        lines += [
            Text("报送第一起事件:", "Send a first incident:"),
            Text(*[curl(f"{address}/api/v1/incidents", body)] * 2),
        ]
    lines.append(Text("按 Ctrl+C 停止", "Press Ctrl+C to stop"))
    return "\n".join(line.pick(lang) for line in lines)


def first_incident(runtime: "Runtime", lang: Lang) -> dict[str, Any] | None:
    """Make up an incident in the grid with the most residents; None while there is no map."""
    try:
        grid_map = runtime.map()
    except NotReadyError:
        return None
    grids = grid_map.published.grids
    lng, lat = grid_map.centre_of(max(grids, key=lambda grid: grid.residents or 0).code)
    said = Text("老人突然胸痛,呼吸困难", "an old man has sudden chest pain and cannot breathe well")
    return {
        "position": {"lng": round(lng, 6), "lat": round(lat, 6), "datum": "cgcs2000"},
        "category": "emergency",
        "kind": "sudden_illness",
        "text": said.pick(lang),
    }


def curl(url: str, body: dict[str, Any]) -> str:
    """A command for a POSIX shell that posts ``body``."""
    data = shlex.quote(json.dumps(body, ensure_ascii=False))
    return f"  curl -s {url} -H 'Content-Type: application/json' -d {data}"
