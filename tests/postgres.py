"""A private PostgreSQL with PostGIS for the tests: on a socket in a temporary folder, no TCP.

It runs as a user that is not root, is shared by all workers of one pytest run, and a guard process
stops it and removes its folder as soon as that run has ended, however it ended.
"""

import fcntl
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

USER = "gridsvc"
LONGEST_RUN_S = 3600
POSTGIS, MIGRATED = "only_postgis", "migrated"


def binaries() -> Path | None:
    """Where the newest installed server with PostGIS has its programs, None where there is none."""
    servers = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    for initdb in servers:
        control = Path("/usr/share/postgresql", initdb.parents[1].name, "extension/postgis.control")
        if control.is_file():
            return initdb.parent
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def why_not() -> str | None:
    """Why no server can be started here, None where one can."""
    if binaries() is None:
        return "PostgreSQL with PostGIS is not installed (postgresql-15-postgis-3)"
    if os.geteuid() == 0:
        if shutil.which("runuser") is None:
            return "PostgreSQL does not run as root and runuser is missing"
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            return "PostgreSQL does not run as root and there is no user postgres"
    return None


@dataclass(frozen=True)
class Cluster:
    """A running server."""

    folder: str

    @classmethod
    def start(cls, *, fsync: bool = False) -> "Cluster":
        """Make and start a server; ``fsync`` as in production, or fast."""
        folder = Path(tempfile.mkdtemp(prefix="gridsvc-pg-"))
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        cluster = cls(str(folder))
        cluster._run("initdb", "-A", "trust", "-U", USER, "-E", "UTF8", "--locale=C.UTF-8", "-N")
        settings = {
            "listen_addresses": "''",
            "unix_socket_directories": f"'{folder}'",
            "unix_socket_permissions": "0777",
            "max_connections": 80,
            "shared_buffers": "64MB",
            "fsync": "on" if fsync else "off",
            "full_page_writes": "on" if fsync else "off",
        }
        with (folder / "data/postgresql.conf").open("a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())
        cluster._start()
        try:
            with cluster.connect("postgres") as connection:
                connection.execute(f"CREATE DATABASE {POSTGIS}")
            with cluster.connect(POSTGIS) as connection:
                connection.execute("CREATE EXTENSION postgis")
        except BaseException:
            cluster.stop()
            raise
        return cluster

    def stop(self) -> None:
        """Stop the server at once and remove all of it."""
        self._run("pg_ctl", "-m", "immediate", "-w", "-t", "30", "stop", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def restart_after_crash(self) -> None:
        """Kill the server as a power cut would and start it again."""
        postmaster = int(Path(self.folder, "data/postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGQUIT)
        while Path("/proc", str(postmaster)).exists():
            time.sleep(0.05)
        self._start()

    def connect(self, database: str) -> psycopg.Connection:
        """Connect as the superuser, committing each statement."""
        return psycopg.connect(
            host=self.folder, user=USER, dbname=database, autocommit=True, connect_timeout=30
        )

    def url(self, database: str) -> str:
        """Address of ``database`` for `Store.open`."""
        return f"postgresql+psycopg://{USER}@/{database}?host={self.folder}"

    @contextmanager
    def database(self, template: str) -> Iterator[str]:
        """Give the address of a fresh copy of ``template``, dropped afterwards."""
        name = f"t_{uuid.uuid4().hex}"
        with self.connect("postgres") as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.url(name)
        finally:
            with self.connect("postgres") as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _start(self) -> None:
        self._run("pg_ctl", "-w", "-t", "60", "-l", f"{self.folder}/log", "start")

    def _run(self, program: str, *arguments: str, check: bool = True) -> None:
        where = binaries()
        assert where is not None
        command = [str(where / program), "-D", f"{self.folder}/data", *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        done = subprocess.run(
            command,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            # Not a pipe: the server inherits it and would keep a reader waiting for its end.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=120,
            check=False,
        )
        if check and done.returncode:
            log = Path(self.folder, "log")
            said = log.read_text() if log.exists() else "no log"
            raise RuntimeError(f"{program} ended with {done.returncode}: {said}")


def shared_cluster(run_folder: Path) -> Cluster:
    """Return the one server of this pytest run, starting it where nobody has yet.

    Parameters
    ----------
    run_folder
        A folder that all workers of the run share.
    """
    state = run_folder / "postgres.json"
    with (run_folder / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not state.exists():
            cluster = Cluster.start()
            _guard(cluster)
            _make_template(cluster)
            state.write_text(json.dumps(cluster.folder))
        return Cluster(json.loads(state.read_text()))


def _make_template(cluster: Cluster) -> None:
    from gridsvc.store import Store

    with cluster.connect("postgres") as connection:
        connection.execute(f"CREATE DATABASE {MIGRATED} TEMPLATE {POSTGIS}")
    store = Store.open(cluster.url(MIGRATED))
    store.upgrade()
    store.close()


def _guard(cluster: Cluster) -> None:
    """Leave a process behind that stops the server when this run is over."""
    run = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    subprocess.Popen(
        [sys.executable, str(Path(__file__).resolve()), cluster.folder, str(run)],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _watch(folder: str, run: int) -> None:
    until = time.monotonic() + LONGEST_RUN_S
    while time.monotonic() < until and _alive(run):
        time.sleep(0.5)
    Cluster(folder).stop()


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


if __name__ == "__main__":
    _watch(sys.argv[1], int(sys.argv[2]))
