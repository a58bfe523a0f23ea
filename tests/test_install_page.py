"""docs/install.md followed word by word on a clean machine: a new Debian 12, with no init."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.readme import blocks
from tests.shared import ROOT
from tests.test_bundle import MACHINE, VERSION, packed

PAGE = ROOT / "docs" / "install.md"

OWN_PROCESSES = ("unshare", "--mount", "--pid", "--fork", "--kill-child")

SYSTEMCTL = """#!/usr/bin/python3
# Stands in for systemd, which a chroot has not: starts what a unit says, as its user.
import os, pathlib, re, signal, subprocess, sys, time, urllib.request

def read(unit, port):
    name = f"/etc/systemd/system/{unit}@.service"
    text = pathlib.Path(name).read_text().replace("%i", port)
    pairs = re.findall(r"^(\\w+)=(.+)$", text, re.M)
    env = {}
    for line in pathlib.Path(dict(pairs)["EnvironmentFile"]).read_text().splitlines():
        if line and not line.startswith("#"):
            env.update([line.split("=", 1)])
    for key, value in pairs:
        if key == "Environment":
            env.update(item.split("=", 1) for item in value.split())
    return dict(pairs), env

def start(unit, port):
    said, env = read(unit, port)
    log = open(f"/var/log/{unit}-{port}.log", "ab")
    command = ["runuser", "-u", said["User"], "--", *said["ExecStart"].split()]
    process = subprocess.Popen(
        command, env={"PATH": os.environ["PATH"], **env}, cwd=said["WorkingDirectory"],
        stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
    )
    pathlib.Path(f"/run/{unit}-{port}.pid").write_text(str(process.pid))
    for _ in range(600):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz")
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"{unit} on {port} does not answer")

verb, *words = sys.argv[1:]
units = [word.split("@") for word in words if "@" in word]
if verb in ("enable", "start"):
    for unit, port in units:
        start(unit, port)
elif verb == "stop":
    for file in pathlib.Path("/run").glob("gridsvc-*.pid"):
        group = int(file.read_text())
        os.killpg(group, signal.SIGTERM)
        while pathlib.Path(f"/proc/{group}").exists():
            time.sleep(0.05)
        file.unlink()
elif (verb, words) == ("restart", ["nginx"]):
    subprocess.run(["nginx"], check=True)
"""


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    """The root of a Debian 12 with nothing but its base system."""
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        pytest.skip("a clean machine takes root and debootstrap: apt-get install debootstrap")
    root = tmp_path / "clean"
    made = subprocess.run(
        ["debootstrap", "--variant=minbase", "bookworm", str(root)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout[-2000:]
    for name in ("resolv.conf", "hosts"):
        shutil.copy(Path("/etc") / name, root / "etc" / name)
    shutil.copytree("/etc/apt/apt.conf.d", root / "etc/apt/apt.conf.d", dirs_exist_ok=True)
    subprocess.run(["chroot", str(root), "apt-get", "-q", "update"], check=True)
    return root


def script(folder: Path) -> str:
    """The page's blocks one after the other, each with what this machine lacks before it."""
    lines = ["set -euo pipefail"]
    for n, block in enumerate(one for one in blocks(PAGE) if one.language == "sh"):
        body = block.body.replace("gridsvc-NEW", f"gridsvc-{VERSION}")
        lines.append(f"echo '== block {n} ({block.mark})' >&2")
        match block.mark:
            case "docker":
                continue
            case "offline":
                (folder / "offline.sh").write_text(f"set -eu\n{body}", encoding="utf-8")
                body = "unshare --net bash /tmp/offline.sh"
            case "county":
                lines += [
                    "mkdir -p /srv/county",
                    "/srv/gridsvc/current/bin/gridsvc synth -o /srv/county",
                    "chmod -R a+rX /srv/county",
                ]
            case "root" if "createuser" in body:
                lines.append("pg_ctlcluster 15 main start")
        lines.append(body)
    return "\n".join(lines)


@pytest.mark.soak
def test_the_page_leads_from_a_clean_machine_to_a_service(clean: Path, tmp_path: Path) -> None:
    archive = packed(tmp_path / "dist", MACHINE)
    (clean / "srv").mkdir(exist_ok=True)
    shutil.copy(archive, clean / "srv")
    stand_in = clean / "usr/local/bin/systemctl"
    stand_in.write_text(SYSTEMCTL, encoding="utf-8")
    stand_in.chmod(0o755)
    (clean / "tmp/follow.sh").write_text(script(clean / "tmp"), encoding="utf-8")
    # Mounts and processes of its own: all of them end with it.
    mounts = (
        'mount --make-rprivate /; mount -t proc proc "$1/proc"; mount --rbind /dev "$1/dev"; '
        'mount -t tmpfs tmpfs "$1/run"; mkdir "$1/run/lock"; exec chroot "$1" bash /tmp/follow.sh'
    )
    done = subprocess.run(
        [*OWN_PROCESSES, "sh", "-euc", mounts, "sh", str(clean)],
        env={
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/",
            "DEBIAN_FRONTEND": "noninteractive",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-1500:] + done.stderr[-3000:]
    assert done.stdout.count('"status":"ready"') == 2
    status = [line for line in done.stdout.splitlines() if line.startswith("地图版本 3，")]
    assert len(status) == 2, "what was restored, and what it was taken from"
    assert len(set(status)) == 1
