"""The commands of the Makefile, where they can be tried without the network."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.shared import ROOT
from tests.test_readme import installed_by_make


def make(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *arguments],
        cwd=folder,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A checkout in which nothing was installed yet."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def test_an_old_python_is_named_and_nothing_is_made(bare: Path) -> None:
    old = bare / "old-python"
    old.write_text(f"#!/bin/sh\nexec {sys.executable} -c 'raise SystemExit(1)'\n")
    old.chmod(0o755)
    done = make(bare, "install", f"PYTHON={old}")
    assert done.returncode != 0
    assert "Python 3.11 or newer is needed" in done.stderr
    assert not (bare / ".venv").exists()


def test_a_missing_venv_module_is_named_with_the_remedy(bare: Path) -> None:
    (bare / "broken").mkdir()
    (bare / "broken" / "ensurepip.py").write_text("raise ImportError\n")
    done = make(bare, "install", f"PYTHON={sys.executable}", PYTHONPATH=str(bare / "broken"))
    assert done.returncode != 0
    assert "apt-get install python3-venv" in done.stderr
    assert not (bare / ".venv").exists()


def test_the_environment_is_made_again_where_the_lock_or_the_place_changes(bare: Path) -> None:
    def ready_file() -> str:
        plan = make(bare, "--dry-run", "install").stdout
        return next(line for line in plan.splitlines() if line.startswith("touch .venv/locked-"))

    before = ready_file()
    assert ready_file() == before
    with (bare / "requirements.lock").open("a") as lock:
        lock.write("\n")
    assert ready_file() != before


def test_a_second_make_adds_almost_nothing() -> None:
    if not installed_by_make():
        pytest.skip("this environment was not installed by make")
    spent = []
    for _ in range(5):
        started = time.perf_counter()
        assert make(ROOT, "install").returncode == 0
        spent.append(time.perf_counter() - started)
    assert min(spent) < 0.2, spent


SKIPS = """
import pytest

def test_left_out():
    pytest.skip("{reason}")
"""


@pytest.mark.parametrize(
    ("reason", "ci", "passes"),
    [
        ("PostGIS is missing", "true", False),
        ("PostGIS is missing", "", True),
        ("shared data is absent: luoping", "true", True),
    ],
)
def test_what_cannot_run_is_named_and_fails_a_ci_run(
    tmp_path: Path, reason: str, ci: str, passes: bool
) -> None:
    (tmp_path / "test_it.py").write_text(SKIPS.format(reason=reason))
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider"]
    options = ["-r", "fs", "--rootdir", str(tmp_path), "-c", os.devnull, str(tmp_path)]
    done = subprocess.run(
        [*command, *options],
        cwd=tmp_path,
        env={**os.environ, "CI": ci, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) is passes, done.stdout
    assert reason in done.stdout
    assert ("1 skipped" if passes else "1 failed") in done.stdout.splitlines()[-1]
