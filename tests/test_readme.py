"""The README's commands, run for real, in its order, as a newcomer would."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.readme import Block, blocks
from tests.serving import Server, served
from tests.shared import ROOT

COMMANDS = [block for block in blocks(ROOT / "README.md") if block.language in ("sh", "python")]
PRINTED_ADDRESS = "http://127.0.0.1:8000"
PRINTED_DATABASE = "postgresql://gridsvc@127.0.0.1/gridsvc"


@dataclass
class Desk:
    """A folder that looks as the README says: ``var`` holds the demo, ``county`` its files."""

    folder: Path
    open: ExitStack = field(default_factory=ExitStack)
    server: Server | None = None

    @property
    def env(self) -> dict[str, str]:
        """The environment of somebody who has activated ``.venv``."""
        here = str(Path(sys.executable).parent)
        return {**os.environ, "PATH": f"{here}{os.pathsep}{os.environ['PATH']}"}

    def run(self, command: list[str]) -> str:
        """Run a command in the folder; what it printed, where it worked."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    def sh(self, script: str) -> str:
        """Run lines of shell, all of which must work."""
        return self.run(["bash", "-euo", "pipefail", "-c", script])

    def serving(self) -> Server:
        """The server of ``make run`` on the demo's data, started once."""
        if self.server is None:
            env = {**self.env, "GRIDSVC_DATA": str(self.folder / "var")}
            command = ["make", "run"] if installed_by_make() else ["gridsvc", "run"]
            log = self.folder / "make-run.log"
            running = served(command, cwd=ROOT, env=env, log=log)
            self.server = self.open.enter_context(running)
        return self.server


def installed_by_make() -> bool:
    """Whether the tests run in the checkout's own environment and make has nothing to install."""
    if Path(sys.prefix) != ROOT / ".venv":
        return False
    plan = ["make", "--dry-run", "install"]
    return "pip" not in subprocess.run(plan, cwd=ROOT, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def desk(
    tmp_path_factory: pytest.TempPathFactory, demo_data: Path, demo_files: Path
) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("newcomer")
    shutil.copytree(demo_data, folder / "var")
    (folder / "county").symlink_to(demo_files)
    desk = Desk(folder)
    with desk.open:
        yield desk


def made(block: Block, desk: Desk) -> None:
    """``make run`` is started for real; ``make test`` is what runs this."""
    command = shlex.split(block.body)
    if command == ["make", "run"]:
        server = desk.serving()
        assert httpx.get(f"{server.url}/readyz").json()["demo"] is True
        page = httpx.get(f"{server.url}/maps/risk", timeout=60)
        assert page.status_code == 200
        assert "演示数据" in page.text
    else:
        plan = subprocess.run(
            ["make", "--dry-run", *command[1:]], cwd=ROOT, capture_output=True, text=True
        )
        assert "-m pytest" in plan.stdout


def asked_of_the_server(block: Block, desk: Desk) -> None:
    assert PRINTED_ADDRESS in block.body
    answer = json.loads(desk.sh(block.body.replace(PRINTED_ADDRESS, desk.serving().url)))
    if "incidents" in answer:  # past cases are archived: open are those that the README reported
        stages = [one["stage"] for one in answer["incidents"] if one["open"]]
        assert len(stages) == len(answer["incidents"]) <= 5
        assert answer["alarms"]["paperwork_owed"] == stages.count("paperwork_owed")
        return
    if "/alerts" in block.body:  # only a preview: nobody is called
        assert answer["dry_run"] is True
        assert answer["called"] > 0
        assert httpx.get(f"{desk.serving().url}/api/v1/alerts").json()["alerts"] == []
        return
    placement = answer.get("placement", answer)
    assert re.fullmatch(r"530324\d{9}", placement["grid"]), answer
    assert placement["unit"].startswith(placement["grid"])
    assert not placement["outside"]
    if "-d" in block.body:
        assert re.fullmatch(r"罗平-\d{8}-\d{4}", answer["number"])
        assert answer["nearest"]["chosen"]
        assert all(person["reasons"] for person in answer["nearest"]["refused"])
        again = httpx.get(f"{desk.serving().url}/api/v1/incidents/{answer['id']}")
        assert again.json()["text"] == answer["text"]


def serves(block: Block, desk: Desk) -> None:
    """The lines before the last prepare, the last one serves."""
    command = ["bash", "-euo", "pipefail", "-c", block.body]
    log = desk.folder / "serves.log"
    with served(command, cwd=desk.folder, env=desk.env, log=log) as server:
        ready = httpx.get(f"{server.url}/readyz").json()
        assert ready["map_version"] >= 2
        assert ready["counts"]["grids"] > 0


def on_postgis(block: Block, desk: Desk, address: str) -> None:
    assert PRINTED_DATABASE in block.body
    serves(Block(block.language, "", block.body.replace(PRINTED_DATABASE, address)), desk)


def synthesised(block: Block, desk: Desk) -> None:
    """The files of the ``demo_files`` fixture were written by this very command."""
    assert block.body == "gridsvc synth -o county\n"
    written = {path.name for path in (desk.folder / "county").iterdir()}
    assert {"divisions.gpkg", "grids.gpkg", "units.gpkg", "responders.csv"} <= written


def here(block: Block, desk: Desk) -> None:
    """Run it where the demo's data and files are; what it says it writes must be there."""
    if block.language == "python":
        assert desk.run([sys.executable, "-c", block.body]).strip()
        return
    desk.sh(block.body)
    for name in re.findall(r" -o (\S+)", block.body):
        assert (desk.folder / name).stat().st_size > 0


RUNNERS: dict[str, Callable[[Block, Desk], None]] = {
    "make": made,
    "serving": asked_of_the_server,
    "serves": serves,
    "synth": synthesised,
    "here": here,
}


@pytest.mark.parametrize("block", COMMANDS, ids=lambda block: block.body.splitlines()[0][:40])
def test_the_readme_does_what_it_says(
    block: Block, desk: Desk, request: pytest.FixtureRequest
) -> None:
    if block.mark == "postgis":
        on_postgis(block, desk, request.getfixturevalue("empty_postgres_url"))
    else:
        RUNNERS[block.mark](block, desk)


def test_a_second_start_takes_little_of_its_three_seconds_on_the_processor(desk: Desk) -> None:
    """What is promised is 3 s on the clock of a quiet machine. Here other tests keep it busy, so
    the time on the processor stands for the clock: a start computes on one core nearly all the
    while and waits for little. It takes 1.3 s on cores of its own and up to twice as much on
    shared ones."""
    env = {**desk.env, "GRIDSVC_DATA": str(desk.folder / "var")}
    log = desk.folder / "second.log"
    starts = []
    for _ in range(3):
        with served(["gridsvc", "run"], cwd=desk.folder, env=env, log=log) as server:
            starts.append(server.start_cpu_s)
    assert min(starts) < 2.6, starts
