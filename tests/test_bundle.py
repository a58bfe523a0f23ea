"""The bundle: what is in it, and that it installs and serves where there is no network."""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.utils import parse_wheel_filename

from tests.shared import ROOT

MAKE = ROOT / "docs" / "deploy" / "bundle.py"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
VERSION = PROJECT["version"]
MACHINE = platform.machine()
NEVER = {"pytest", "mypy", "ruff", "playwright", "uv", "hypothesis", "schemathesis", "httpx"}

IN_THE_DARK = """
import fcntl, json, os, re, socket, struct, subprocess, sys, urllib.error, urllib.request

fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh", b"lo", 1))  # loopback up
try:
    socket.create_connection(("192.0.2.1", 80), timeout=2)
except OSError as error:
    told = {"network": error.strerror}
folder, prefix, python = sys.argv[1:]
env = {**os.environ, "PYTHON": python}
done = subprocess.run([f"{folder}/install.sh", prefix], env=env, capture_output=True, text=True)
told |= {"code": done.returncode, "said": done.stdout + done.stderr}
if done.returncode == 0:
    program = f"{prefix}/current/bin/gridsvc"
    version = subprocess.run([program, "--version"], capture_output=True, text=True)
    told["version"] = version.stdout
    serve = [program, "serve", "--port", "0"]
    env = {"PATH": os.environ["PATH"], "GRIDSVC_DATA": f"{prefix}/data", "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(serve, env=env, stdout=subprocess.PIPE, text=True)
    try:
        addresses = (re.search(r"http://\\S+", line) for line in process.stdout)
        url = next(found[0] for found in addresses if found)
        for path in ("/healthz", "/", "/static/vendor/leaflet/leaflet.js", "/metrics"):
            with urllib.request.urlopen(url + path, timeout=30) as answer:
                told[path] = [answer.status, len(answer.read())]
    finally:
        process.terminate()
        process.wait(timeout=30)
print(json.dumps(told))
"""


def loaded() -> ModuleType:
    spec = spec_from_file_location("bundle", MAKE)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules["bundle"] = module
    spec.loader.exec_module(module)
    return module


def packed(folder: Path, *machines: str) -> Path:
    """Make a bundle for ``machines``; the archive."""
    if sys.version_info[:2] != (3, 11):
        pytest.skip("the bundle is for Python 3.11 and is made with it")
    arch = [option for machine in machines for option in ("--arch", machine)]
    done = subprocess.run(
        [sys.executable, str(MAKE), *arch, "--output", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (archive,) = folder.glob("*.tar")
    assert hashlib.sha256(archive.read_bytes()).hexdigest() in done.stdout
    return archive


def made(folder: Path, *machines: str) -> Path:
    """Make a bundle for ``machines`` and unpack it."""
    archive = packed(folder, *machines)
    with tarfile.open(archive) as tar:
        assert {member.name.split("/")[0] for member in tar} == {f"gridsvc-{VERSION}"}
        tar.extractall(folder, filter="data")
    archive.unlink()
    return folder / f"gridsvc-{VERSION}"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked bundle for this machine."""
    return made(tmp_path_factory.mktemp("bundle"), MACHINE)


def wheels(bundle: Path) -> dict[str, Path]:
    return {parse_wheel_filename(path.name)[0]: path for path in (bundle / "wheels").iterdir()}


def test_it_holds_the_runtime_alone_and_the_front_end(bundle: Path) -> None:
    names = set(wheels(bundle))
    roots = {re.split(r"[\[<>=; ]", name)[0] for name in PROJECT["dependencies"]}
    assert roots | {"gridsvc", "starlette", "psycopg-binary"} <= names
    assert names & NEVER == set()
    with zipfile.ZipFile(wheels(bundle)["gridsvc"]) as own:
        assert "maps/static/vendor/leaflet/leaflet.js" in own.namelist()
    assert {path.name for path in bundle.iterdir()} == {
        *("LICENSE", "SHA256SUMS", "VERSION", "deploy", "install.md", "install.sh"),
        *("install.zh-CN.md", f"requirements-{MACHINE}.txt", "wheels"),
    }
    assert os.access(bundle / "install.sh", os.X_OK)
    assert os.access(bundle / "deploy" / "gridsvc", os.X_OK)


def test_every_file_has_a_checksum_and_every_wheel_a_hash_of_the_lock(bundle: Path) -> None:
    lines = (bundle / "SHA256SUMS").read_text(encoding="ascii").splitlines()
    listed = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    files = {
        str(path.relative_to(bundle)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in bundle.rglob("*")
        if path.is_file() and path.name != "SHA256SUMS"
    }
    assert listed == files
    lock = (ROOT / "requirements.lock").read_text(encoding="ascii")
    for name, path in wheels(bundle).items():
        if name != "gridsvc":
            assert files[f"wheels/{path.name}"] in lock, name


def in_the_dark(folder: Path, prefix: Path) -> dict[str, Any]:
    """Install and serve in a network of its own with nothing but loopback."""
    unshare = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine allows no network of its own (unshare --net)")
    python = str(Path(sys.base_prefix, "bin", "python3.11"))
    env = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    done = subprocess.run(
        [*unshare, python, "-c", IN_THE_DARK, str(folder), str(prefix), python],
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_it_installs_and_serves_with_no_network(bundle: Path, tmp_path: Path) -> None:
    told = in_the_dark(bundle, tmp_path / "prefix")
    assert told["network"] == "Network is unreachable"
    assert told["code"] == 0, told["said"]
    assert told["version"] == f"gridsvc, version {VERSION}\n"
    assert "install.zh-CN.md" in told["said"]
    for path in ("/healthz", "/", "/static/vendor/leaflet/leaflet.js", "/metrics"):
        status, size = told[path]
        assert status == 200
        assert size
    assert (tmp_path / "prefix" / "current").readlink() == Path(VERSION)
    shutil.rmtree(tmp_path / "prefix" / VERSION / "lib")
    again = subprocess.run(
        [str(bundle / "install.sh"), str(tmp_path / "prefix")],
        env={"PATH": os.environ["PATH"], "PYTHON": str(Path(sys.base_prefix, "bin/python3.11"))},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "is installed in" in again.stdout


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / "LICENSE").write_text("other"), "do not match their checksums"),
        (lambda folder: (folder / "install.md").unlink(), "do not match their checksums"),
        (lambda folder: (folder / f"requirements-{MACHINE}.txt").unlink(), "make bundle ARCH="),
    ],
)
def test_what_is_not_whole_is_not_installed(
    bundle: Path, tmp_path: Path, spoil: object, said: str
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(bundle, copy, copy_function=os.link)
    (copy / "LICENSE").unlink()
    shutil.copy(bundle / "LICENSE", copy)
    assert callable(spoil)
    spoil(copy)
    done = subprocess.run(
        [str(copy / "install.sh"), str(tmp_path / "prefix")],
        env={"PATH": os.environ["PATH"], "PYTHON": str(Path(sys.base_prefix, "bin/python3.11"))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert said in done.stderr
    assert not (tmp_path / "prefix").exists()


@pytest.mark.parametrize(("python", "said"), [("false", "Python 3.11"), ("absent", "Python 3.11")])
def test_another_python_is_refused_with_the_remedy(
    bundle: Path, tmp_path: Path, python: str, said: str
) -> None:
    done = subprocess.run(
        [str(bundle / "install.sh"), str(tmp_path / "prefix")],
        env={"PATH": os.environ["PATH"], "PYTHON": python},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert said in done.stderr
    assert not (tmp_path / "prefix").exists()


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_closure_is_that_of_an_installer(machine: str) -> None:
    """Oracle: uv, which resolves the same requirements by itself, told the lock's versions."""
    module = loaded()
    ours = {pin.requirement.name: pin for pin in module.closure(PROJECT["dependencies"], machine)}
    assert len(ours) > 40
    assert set(ours) & NEVER == set()
    assert all(pin.hashes.count("--hash=sha256:") > 0 for pin in ours.values())
    command = [str(Path(sys.executable).parent / "uv"), "pip", "compile", "--quiet", "--no-header"]
    command += ["--no-annotate", "--python-version", "3.11", "--constraint", "requirements.lock"]
    command += ["--python-platform", f"{machine}-manylinux_2_28", "pyproject.toml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    reached = dict(re.findall(r"^([\w.-]+)(?:\[\w+\])?==(\S+)", done.stdout, re.M))
    assert {name: f"=={version}" for name, version in reached.items()} == {
        name: str(pin.requirement.specifier) for name, pin in ours.items()
    }


@pytest.mark.soak
def test_both_architectures_go_into_one_bundle(tmp_path: Path) -> None:
    both = made(tmp_path, "x86_64", "aarch64")
    for machine in ("x86_64", "aarch64"):
        listed = (both / f"requirements-{machine}.txt").read_text(encoding="ascii")
        hashes = set(re.findall(r"sha256:([0-9a-f]{64})", listed))
        here = {
            parse_wheel_filename(path.name)[0]
            for path in (both / "wheels").iterdir()
            if hashlib.sha256(path.read_bytes()).hexdigest() in hashes
            and re.search(rf"-any\.whl$|{machine}\.whl$", path.name)
        }
        assert here == set(re.findall(r"^([\w-]+)==", listed, re.M))
    assert in_the_dark(both, tmp_path / "prefix")["code"] == 0
