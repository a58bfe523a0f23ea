"""What a deployment starts from: the page that is followed, compose, the unit, the settings."""

import configparser
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from gridsvc.cli import COMMANDS
from gridsvc.settings import Settings
from tests.readme import Block, blocks
from tests.shared import ROOT

DEPLOY = ROOT / "docs" / "deploy"
PAGES = (ROOT / "docs" / "install.md", ROOT / "docs" / "install.zh-CN.md")
BLOCKS = [block for block in blocks(PAGES[0]) if block.language == "sh"]
UNIT = DEPLOY / "gridsvc@.service"


def test_both_languages_run_the_same_blocks_under_the_same_sections() -> None:
    english, chinese = (
        [(block.language, block.mark, block.body) for block in blocks(page)] for page in PAGES
    )
    assert len(english) > 10
    assert chinese == english
    shape = [re.findall(r"^#+", page.read_text(encoding="utf-8"), re.M) for page in PAGES]
    assert shape[0] == shape[1]


def commands(block: Block) -> list[list[str]]:
    """The ``gridsvc`` commands of a block, as words."""
    text = block.body.replace("\\\n", " ")
    found = re.findall(r"(?:^|\$\(|api-1 )gridsvc ([^|)\n]+)", text, re.M)
    return [shlex.split(words) for words in found]


@pytest.mark.parametrize(
    "words",
    [words for block in BLOCKS for words in commands(block)],
    ids=" ".join,
)
def test_every_command_of_the_page_is_one_that_there_is(words: list[str]) -> None:
    name, rest = words[0], words[1:]
    module, attribute, _ = COMMANDS[name]
    command: click.Command = getattr(import_module(f"gridsvc.cli.{module}"), attribute)
    while isinstance(command, click.Group):
        command, rest = command.commands[rest[0]], rest[1:]
    for parameter in command.params:
        if isinstance(parameter.type, click.Path):
            parameter.type.exists = False  # the county's own files are not here
    command.make_context(name, rest)  # raises on an option or argument that there is not


def test_every_file_that_the_page_installs_is_shipped() -> None:
    text = "".join(block.body for block in BLOCKS)
    named = set(re.findall(r"deploy/([\w@.-]+(?:/[\w*.-]+)?)", text)) | {"gridsvc.env", "gridsvc"}
    assert "gridsvc@.service" in named
    for name in named - {"nginx/*.conf"}:
        assert (DEPLOY / name).is_file(), name


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    return found


def test_only_the_proxy_of_compose_can_be_reached_from_outside() -> None:
    services = compose()["services"]
    assert {name for name, one in services.items() if "ports" in one} == {"proxy"}
    assert not any("network_mode" in one for one in services.values())
    assert compose()["networks"]["inside"]["internal"] is True
    outside = {name for name, one in services.items() if "outside" in one["networks"]}
    assert outside == {"proxy"}


def test_compose_has_two_processes_behind_the_proxy_on_one_migrated_database() -> None:
    services = compose()["services"]
    pool = (DEPLOY / "nginx" / "compose-upstream.conf").read_text(encoding="utf-8")
    processes = re.findall(r"server ([\w-]+):(\d+);", pool)
    assert len(processes) == 2
    for name, port in processes:
        environment = services[name]["environment"]
        assert environment["GRIDSVC_PORT"] == port
        assert environment["GRIDSVC_HOST"] == "0.0.0.0"
        assert services[name]["command"] == ["gridsvc", "serve"]
        assert services[name]["depends_on"].keys() == {"upgrade"}
    settings = {f"GRIDSVC_{field.upper()}" for field in Settings.model_fields}
    for one in services.values():
        given = {key for key in one.get("environment", {}) if key.startswith("GRIDSVC_")}
        assert given <= settings
    for volume in services["proxy"]["volumes"][:2]:
        assert (ROOT / volume.split(":")[0]).is_file()


def test_the_image_is_made_of_the_bundle() -> None:
    build = compose()["services"]["api-1"]["build"]
    assert build["context"] == "dist"
    assert "install.sh /srv/gridsvc" in build["dockerfile_inline"]
    assert "pip" not in build["dockerfile_inline"]


def test_the_settings_file_holds_settings_that_are_right(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = (DEPLOY / "gridsvc.env").read_text(encoding="utf-8").splitlines()
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    for name, value in given.items():
        assert name.removeprefix("GRIDSVC_").lower() in Settings.model_fields
        monkeypatch.setenv(name, value)
    assert Settings.read().database_url == given["GRIDSVC_DATABASE_URL"]


def unit() -> configparser.ConfigParser:
    read = configparser.ConfigParser(strict=False, interpolation=None)
    read.optionxform = str  # type: ignore[assignment,method-assign]
    read.read(UNIT, encoding="utf-8")
    return read


@pytest.fixture
def systemd_analyze() -> str:
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.skip("systemd-analyze is missing: apt-get install systemd")
    return found


def verified(program: str, folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    """What systemd says of a unit, with a program in it that is here."""
    start = unit()["Service"]["ExecStart"].split()[0]
    path = folder / "gridsvc@.service"
    path.write_text(text.replace(start, sys.executable), encoding="utf-8")
    return subprocess.run(
        [program, "verify", "--man=no", str(folder / "gridsvc@8000.service")],
        capture_output=True,
        text=True,
        check=False,
    )


def test_systemd_takes_the_unit(systemd_analyze: str, tmp_path: Path) -> None:
    text = UNIT.read_text(encoding="utf-8")
    (tmp_path / "gridsvc@8000.service").symlink_to(tmp_path / "gridsvc@.service")
    taken = verified(systemd_analyze, tmp_path, text)
    assert (taken.returncode, ours(taken.stderr)) == (0, []), taken.stderr
    wrong = verified(systemd_analyze, tmp_path, text.replace("ProtectHome=", "ProtectHouse="))
    assert ours(wrong.stderr), "a wrong option is told"


def ours(said: str) -> list[str]:
    return [line for line in said.splitlines() if "gridsvc@" in line]


def test_the_unit_lets_the_process_do_little_else(systemd_analyze: str, tmp_path: Path) -> None:
    shutil.copy(UNIT, tmp_path)
    (tmp_path / "gridsvc@8000.service").symlink_to(tmp_path / "gridsvc@.service")
    command = [systemd_analyze, "security", "--offline=true", "--threshold=30", "--no-pager"]
    done = subprocess.run(
        [*command, str(tmp_path / "gridsvc@.service")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-300:] + done.stderr


def test_the_unit_gives_a_stop_more_time_than_the_program_takes() -> None:
    from gridsvc.cli.serve import STOP_AFTER_S

    service = unit()["Service"]
    assert int(service["TimeoutStopSec"]) > 2 * STOP_AFTER_S
    assert service["User"] == "gridsvc"


def test_the_wrapper_takes_the_settings_file_and_what_is_given_wins(tmp_path: Path) -> None:
    """With stand-ins for the program and for runuser, which only root may call."""
    (tmp_path / "env").write_text("GRIDSVC_COUNTY=110101\nGRIDSVC_LANG=en\n", encoding="utf-8")
    tools = tmp_path / "bin"
    tools.mkdir()
    shown = 'echo "$GRIDSVC_COUNTY $GRIDSVC_LANG $*"'
    (tools / "runuser").write_text(f"#!/bin/sh\n{shown}\n", encoding="utf-8")
    (tools / "runuser").chmod(0o755)
    env = {
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "GRIDSVC_ENV": str(tmp_path / "env"),
        "GRIDSVC_LANG": "zh it's",
    }
    done = subprocess.run(
        [str(DEPLOY / "gridsvc"), "keys", "add", "值班 大厅"],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    program = unit()["Service"]["ExecStart"].split()[0]
    assert done.stdout == f"110101 zh it's -u gridsvc -- {program} keys add 值班 大厅\n"


def test_the_nightly_line_makes_one_backup_and_drops_those_of_a_month_ago(tmp_path: Path) -> None:
    """Run as cron does: with ``sh``, a backslash taken from before ``%``."""
    lines = (DEPLOY / "gridsvc.cron").read_text(encoding="utf-8").splitlines()
    (line,) = [line for line in lines if line and not line.startswith("#")]
    minute, hour, *days, user, command = line.split(None, 6)
    assert (minute.isdigit(), hour.isdigit(), days, user) == (True, True, ["*"] * 3, "root")
    tool = tmp_path / "gridsvc"
    tool.write_text('#!/bin/sh\n[ "$1 $2" = "backup -o" ] && echo made > "$3"\n', encoding="utf-8")
    tool.chmod(0o755)
    kept = tmp_path / "kept"
    kept.mkdir()
    for name, age_days in (("new.backup", 29), ("old.backup", 32), ("old.txt", 32)):
        (kept / name).touch()
        os.utime(kept / name, (time.time() - age_days * 86400,) * 2)
    command = command.replace("\\%", "%").replace("/var/backups/gridsvc", str(kept))
    subprocess.run(["sh", "-c", command.replace("/usr/local/bin/gridsvc", str(tool))], check=True)
    names = sorted(path.name for path in kept.iterdir())
    assert names[1:] == ["new.backup", "old.txt"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d\.backup", names[0])
