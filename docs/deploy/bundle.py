"""Make one archive that installs gridsvc with no network: ``make bundle``.

It holds the wheels of the runtime dependencies alone, for every architecture asked for, each
checked against the hashes of ``requirements.lock``; our own wheel with the front-end files; the
installer, the pages and files that a deployment starts from; and the checksums of all of it.
"""

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
ARCHITECTURES = ("x86_64", "aarch64")
PYTHON = "3.11"
GLIBC = 36
"""Minor version of Debian 12's: wheels that ask for an older one run there."""

DOCS = ("install.md", "install.zh-CN.md")
DEPLOYED = (
    "gridsvc",
    "gridsvc.cron",
    "gridsvc.env",
    "gridsvc@.service",
    "nginx/gridsvc.conf",
    "nginx/gridsvc-upstream.conf",
)
_PIN = re.compile(r"^(?P<requirement>[^\s;]+==[^\s;]+(?: *;[^\\]*?)?) +(?P<hashes>--hash=.*)$")


@dataclass(frozen=True)
class Pin:
    """One line of the lock."""

    requirement: Requirement
    hashes: str

    @property
    def line(self) -> str:
        """As pip reads it; whether it applies was decided here."""
        return f"{self.requirement.name}{self.requirement.specifier} {self.hashes}"


def environment(machine: str) -> dict[str, str]:
    """The values of markers on the machine that it is installed on."""
    return {
        "implementation_name": "cpython",
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": f"{PYTHON}.2",
        "python_version": PYTHON,
        "sys_platform": "linux",
        "extra": "",
    }


def locked(machine: str) -> dict[str, Pin]:
    """The pins of the lock that apply to ``machine``, by name."""
    text = (ROOT / "requirements.lock").read_text(encoding="ascii").replace("\\\n", " ")
    found: dict[str, Pin] = {}
    for line in text.splitlines():
        match = _PIN.match(re.sub(r" +", " ", line))
        if match is None:
            raise SystemExit(f"requirements.lock has a line that is no pin: {line[:80]}")
        pin = Pin(Requirement(match["requirement"]), match["hashes"])
        marker = pin.requirement.marker
        if marker is None or marker.evaluate(environment(machine)):
            found[canonicalize_name(pin.requirement.name)] = pin
    return found


def closure(roots: Iterable[str], machine: str) -> list[Pin]:
    """Every pin that ``roots`` need on ``machine``, found in what is installed here.

    Raises
    ------
    SystemExit
        What is installed here is not what the lock pins.
    """
    pins = locked(machine)
    wanted: set[str] = set()
    open_ = [Requirement(root) for root in roots]
    seen: set[tuple[str, str]] = set()
    while open_:
        requirement = open_.pop()
        name = canonicalize_name(requirement.name)
        for extra in ("", *requirement.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            wanted.add(name)
            open_ += needs(name, extra, pins, machine)
    return [pins[name] for name in sorted(wanted)]


def needs(name: str, extra: str, pins: dict[str, Pin], machine: str) -> Iterator[Requirement]:
    """What one distribution requires on ``machine``."""
    if name not in pins:
        raise SystemExit(f"{name} is not in requirements.lock: run make lock")
    installed = distribution(name)
    if not pins[name].requirement.specifier.contains(installed.version, prereleases=True):
        raise SystemExit(f"{name} {installed.version} is installed, not the pin: run make install")
    values = {**environment(machine), "extra": extra}
    for line in installed.requires or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate(values):
            yield requirement


def download(pins: list[Pin], machine: str, target: Path, scratch: Path) -> None:
    """Bring the wheels of ``pins`` for ``machine`` into ``target``; pip checks their hashes."""
    listed = scratch / f"{machine}.txt"
    listed.write_text("".join(f"{pin.line}\n" for pin in pins), encoding="ascii")
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(GLIBC, 4, -1)]
    platforms.append(f"manylinux2014_{machine}")
    options = [option for name in platforms for option in ("--platform", name)]
    options += [option for abi in ("cp311", "abi3", "none") for option in ("--abi", abi)]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
    pip += ["--no-deps", "--only-binary=:all:", "--require-hashes", "--python-version", PYTHON]
    run([*pip, "--implementation", "cp", *options, "--dest", str(target), "-r", str(listed)])


def own_wheel(target: Path) -> Path:
    """Build our own wheel, front-end files included."""
    run([sys.executable, "-m", "hatchling", "build", "--target", "wheel", "-d", str(target)])
    (wheel,) = target.glob("gridsvc-*.whl")
    return wheel


def run(command: list[str]) -> None:
    """Run a command in the checkout; its messages are shown, and its failure ends this."""
    done = subprocess.run(command, cwd=ROOT, stdout=sys.stderr, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[1:4])} failed, see above; no bundle was made")


def sha256(path: Path) -> str:
    """Of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fill(folder: Path, version: str, architectures: Iterable[str], scratch: Path) -> None:
    """Put everything that the archive holds into ``folder``."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    own = own_wheel(wheels)
    for machine in architectures:
        pins = closure(project["dependencies"], machine)
        print(f"{machine}: {len(pins)} wheels", file=sys.stderr)
        download(pins, machine, wheels, scratch)
        lines = [*(pin.line for pin in pins), f"gridsvc=={version} --hash=sha256:{sha256(own)}"]
        text = "".join(f"{line}\n" for line in lines)
        (folder / f"requirements-{machine}.txt").write_text(text, encoding="ascii")
    shutil.copy(ROOT / "docs" / "deploy" / "install.sh", folder)
    shutil.copy(ROOT / "LICENSE", folder)
    for name in DOCS:
        shutil.copy(ROOT / "docs" / name, folder)
    for name in DEPLOYED:
        (folder / "deploy" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "docs" / "deploy" / name, folder / "deploy" / name)
    (folder / "VERSION").write_text(f"{version}\n", encoding="ascii")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    sums = "".join(f"{sha256(path)}  {path.relative_to(folder)}\n" for path in files)
    (folder / "SHA256SUMS").write_text(sums, encoding="ascii")


def pack(folder: Path, archive: Path) -> None:
    """Pack ``folder`` so that the same content gives the same archive; wheels are packed once."""

    def plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
        info.uid = info.gid = info.mtime = 0
        info.uname = info.gname = "root"
        info.mode = 0o755 if info.mode & 0o100 else 0o644
        return info

    part = archive.with_suffix(".part")
    with tarfile.open(part, "w", format=tarfile.PAX_FORMAT) as tar:
        for path in (folder, *sorted(folder.rglob("*"))):
            name = str(path.relative_to(folder.parent))
            tar.add(path, name, recursive=False, filter=plain)
    part.replace(archive)


def main() -> None:
    """Make the archive and say where it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arch", action="append", choices=ARCHITECTURES)
    parser.add_argument("--output", type=Path, default=ROOT / "dist")
    given = parser.parse_args()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    name = f"gridsvc-{project['version']}"
    given.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gridsvc-bundle-") as scratch:
        folder = Path(scratch) / name
        fill(folder, project["version"], given.arch or ARCHITECTURES, Path(scratch))
        archive = given.output / f"{name}.tar"
        pack(folder, archive)
    print(f"{archive}: {archive.stat().st_size / 1e6:.0f} MB, SHA-256 {sha256(archive)}")


if __name__ == "__main__":
    main()
