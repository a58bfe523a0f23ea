"""The proxy as it is shipped: real nginx with TLS, two processes, PostGIS."""

import base64
import re
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from gridsvc.domain.codes import CodeScheme
from gridsvc.flows.keys import add_key
from gridsvc.runtime import now
from gridsvc.store import Store
from tests.api_county import REPORT, publish_county
from tests.shared import ROOT
from tests.test_api_server import PATIENCE_S, serving

NGINX = Path("/usr/sbin/nginx")
SHIPPED = ROOT / "docs" / "deploy" / "nginx"
MAIN = """
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/conf.d/*.conf;
}}
"""


@dataclass
class Proxy:
    """A running proxy, a client that trusts it, and the processes behind it."""

    url: str
    plain: str
    folder: Path
    client: httpx.Client
    token: str
    processes: list[subprocess.Popen[bytes]]

    @property
    def key(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def certificate(folder: Path) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    command += ["-keyout", str(folder / "gridsvc.key"), "-out", str(folder / "gridsvc.crt")]
    subprocess.run(command, check=True, capture_output=True)


def configure(folder: Path, upstream: list[str], *, tls: int, plain: int) -> list[str]:
    """Write the shipped files with the ports and folders of this test; the command."""
    (folder / "conf.d").mkdir()
    certificate(folder)
    server = (SHIPPED / "gridsvc.conf").read_text(encoding="utf-8")
    server = server.replace("/etc/nginx/tls", str(folder)).replace("/var/log/nginx", str(folder))
    server = re.sub(r"^ *listen \[::\].*$", "", server, flags=re.M)
    server = server.replace("listen 443", f"listen 127.0.0.1:{tls}")
    server = server.replace("listen 80", f"listen 127.0.0.1:{plain}")
    (folder / "conf.d" / "gridsvc.conf").write_text(server, encoding="utf-8")
    pool = (SHIPPED / "gridsvc-upstream.conf").read_text(encoding="utf-8")
    for shipped, here in zip(("127.0.0.1:8000", "127.0.0.1:8001"), upstream, strict=True):
        assert shipped in pool
        pool = pool.replace(shipped, here)
    (folder / "conf.d" / "gridsvc-upstream.conf").write_text(pool, encoding="utf-8")
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder), encoding="utf-8")
    return [str(NGINX), "-p", str(folder), "-c", str(folder / "nginx.conf")]


@pytest.fixture
def proxy(postgres_url: str, tmp_path: Path) -> Iterator[Proxy]:
    if not NGINX.exists():
        pytest.skip("nginx is missing: apt-get install nginx-light")
    store = Store.open(postgres_url)
    publish_county(store)
    made = {"name": "值班", "roles": ["officer", "supervisor"], "scheme": CodeScheme()}
    _, token = add_key(store, **made, now=now())  # type: ignore[arg-type]
    store.close()
    folder = tmp_path / "nginx"
    folder.mkdir()
    with ExitStack() as stack:
        served = [stack.enter_context(serving(postgres_url, tmp_path)) for _ in range(2)]
        tls, plain = free_port(), free_port()
        command = configure(folder, [address for _, address in served], tls=tls, plain=plain)
        checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr
        nginx = subprocess.Popen([*command, "-g", "daemon off;"], stderr=subprocess.DEVNULL)
        stack.callback(nginx.wait, timeout=PATIENCE_S)
        stack.callback(nginx.terminate)
        context = ssl.create_default_context(cafile=str(folder / "gridsvc.crt"))
        client = stack.enter_context(httpx.Client(verify=context, timeout=PATIENCE_S))
        found = Proxy(
            url=f"https://localhost:{tls}",
            plain=f"http://localhost:{plain}",
            folder=folder,
            client=client,
            token=token,
            processes=[process for process, _ in served],
        )
        wait_for(client, f"{found.url}/healthz")
        yield found


def wait_for(client: httpx.Client, url: str) -> None:
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            assert client.get(url).status_code == 200
        except httpx.ConnectError:
            assert time.monotonic() < until
            time.sleep(0.05)
        else:
            return


def test_through_the_proxy(proxy: Proxy) -> None:
    """One start of everything, and all that a proxy can get wrong."""
    client, api = proxy.client, f"{proxy.url}/api/v1/incidents"
    clear = client.get(f"{proxy.plain}/maps/risk?x=1")
    assert clear.status_code == 301
    assert clear.headers["location"] == "https://localhost/maps/risk?x=1"
    for headers in ({}, {"X-Forwarded-For": ""}, {"X-Forwarded-For": "127.0.0.1"}):
        refused = client.get(api, headers=headers)
        assert refused.status_code == 401, "a request through the proxy is not this machine's own"
    assert client.get(f"{proxy.url}/metrics", headers=proxy.key).status_code == 404

    with client.stream("GET", f"{proxy.url}/api/v1/stream", headers=proxy.key) as stream:
        lines = stream.iter_lines()
        assert next(lines).startswith(":head")
        taken = client.post(api, json=REPORT, headers=proxy.key)
        assert taken.status_code == 201, taken.text
        told = next(line for line in lines if line.startswith("data:"))
        assert taken.json()["id"] in told, "an event arrives while its stream is still open"

    basic = base64.b64encode(f"anybody:{proxy.token}".encode()).decode()
    page = {"Authorization": f"Basic {basic}", "Origin": proxy.url}
    assert client.post(api, json=REPORT, headers=page).status_code == 201
    page["Origin"] = "https://elsewhere.example"
    assert client.post(api, json=REPORT, headers=page).status_code == 403

    proxy.processes[0].send_signal(signal.SIGTERM)
    answers = [client.post(api, json=REPORT, headers=proxy.key).status_code for _ in range(30)]
    assert proxy.processes[0].wait(timeout=PATIENCE_S) == 0
    assert set(answers) == {201}, "the other process takes over"
    log = (proxy.folder / "gridsvc.log").read_text(encoding="utf-8")
    assert " POST /api/v1/incidents 201 " in log
    assert proxy.token not in log
    assert "x=1" not in log


def test_the_upstream_of_compose_is_the_same_but_for_its_names() -> None:
    pools = [
        re.sub(r"^#.*\n|server [^;]+", "", (SHIPPED / name).read_text(encoding="utf-8"), flags=re.M)
        for name in ("gridsvc-upstream.conf", "compose-upstream.conf")
    ]
    assert pools[0] == pools[1]
