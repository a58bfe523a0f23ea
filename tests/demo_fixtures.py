"""The demo county of the real size, made once a run by the commands that a newcomer uses."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.serving import served

COMMAND = str(Path(sys.executable).with_name("gridsvc"))


def once_a_run(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The folder ``name`` of this run, made by the first worker that asks for it."""
    own = factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder, part = shared / name, shared / f"{name}.part"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            make(part)
            part.rename(folder)
    return folder


@pytest.fixture(scope="session")
def demo_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``gridsvc synth`` writes: the demo county's files. Only to be read."""

    def make(folder: Path) -> None:
        command = [COMMAND, "synth", "-o", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 0, done.stderr

    return once_a_run(tmp_path_factory, "demo-files", make)


@pytest.fixture(scope="session")
def demo_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GRIDSVC_DATA folder as the first ``gridsvc run`` leaves it. To be copied, not written."""

    def make(folder: Path) -> None:
        env = {**os.environ, "GRIDSVC_DATA": str(folder)}
        log = folder.with_suffix(".log")
        with served([COMMAND, "run"], cwd=folder, env=env, log=log):
            pass

    return once_a_run(tmp_path_factory, "demo-data", make)


@pytest.fixture(scope="session")
def demo_store_url(demo_data: Path) -> str:
    """Address of the store in ``demo_data``. Only to be read."""
    return f"sqlite:///{demo_data / 'gridsvc.sqlite'}"
