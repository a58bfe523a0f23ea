"""What must hold for the checkout itself: closed networks, reproducible installs, two languages."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from gridsvc.settings import Settings
from tests.readme import blocks
from tests.shared import ROOT

TWINS = (ROOT / "README.md", ROOT / "README.zh-CN.md")
MADE = {".git", ".venv", "var", "node_modules", "__pycache__", "vendor", "dist"}
MADE |= {".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache"}
CDN = re.compile(
    r"cdn[\w-]*\.|unpkg\.|jsdelivr|cdnjs|bootstrapcdn|code\.jquery|fonts\.(?:googleapis|gstatic)"
)
MACHINE_PATH = re.compile(r"(?<![\w.~])/(?:root|Users|work|opt|mnt)/\w")
HOME_PATH = re.compile(r"(?<![\w.~])/home/\w")
PIN = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)==(?P<version>\S+)(?P<rest>.*)$")


def tracked() -> list[Path]:
    """The files of the project: what git would commit, or all that is not made by its commands."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    if shutil.which("git") and (ROOT / ".git").exists():
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        paths = [p for p in ROOT.rglob("*") if not MADE & set(p.relative_to(ROOT).parts)]
    return [path for path in paths if path.is_file()]


def texts() -> list[tuple[Path, str]]:
    """Every tracked text file, by its path in the checkout."""
    found = []
    for path in tracked():
        content = path.read_bytes()
        if b"\0" not in content:
            found.append((path.relative_to(ROOT), content.decode("utf-8")))
    return found


def offences(pattern: re.Pattern[str], *, tests: bool) -> list[str]:
    """``path:line`` of every match, in the tests' own files only where asked for."""
    return [
        f"{path}:{number}: {line.strip()[:100]}"
        for path, text in texts()
        if tests or path.parts[0] != "tests"
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_page_or_script_asks_a_cdn() -> None:
    assert offences(CDN, tests=False) == []


def test_no_path_of_one_machine() -> None:
    assert offences(MACHINE_PATH, tests=True) == []
    assert offences(HOME_PATH, tests=False) == []


def lock_entries() -> list[str]:
    lock = (ROOT / "requirements.lock").read_text(encoding="ascii")
    return lock.replace("\\\n", " ").splitlines()


def test_every_pin_of_the_lock_has_hashes_and_nothing_else_is_in_it() -> None:
    entries = lock_entries()
    assert len(entries) > 50
    for entry in entries:
        pin, *hashes = entry.split("--hash=")
        assert PIN.match(pin.strip()), entry
        assert hashes, entry
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", item.strip()) for item in hashes), entry


def test_lock_files_name_no_address() -> None:
    for name in ("requirements.lock", "maps/package-lock.json"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "://" not in text, name
        assert '"resolved"' not in text, name
        assert not re.search(r"file:|\s@\s|^-", text, re.M), name


def test_the_lock_pins_what_the_project_names_build_requirements_included() -> None:
    pinned = {match["name"] for entry in lock_entries() if (match := PIN.match(entry))}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    named = [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["dev"],
        *project["build-system"]["requires"],
    ]
    names = {re.split(r"[\[<>=!~ ;]", name, maxsplit=1)[0].lower() for name in named}
    assert names - pinned == set()


def test_the_chinese_readme_runs_the_same_blocks() -> None:
    english, chinese = (
        [(block.language, block.mark, block.body) for block in blocks(path)] for path in TWINS
    )
    assert len(english) > 5
    assert chinese == english


def test_the_readmes_have_the_same_sections_and_name_each_other() -> None:
    english, chinese = (path.read_text(encoding="utf-8") for path in TWINS)
    shape = [re.findall(r"^#+", text, re.M) for text in (english, chinese)]
    assert shape[0] == shape[1]
    assert "(README.zh-CN.md)" in english
    assert "(README.md)" in chinese


@pytest.mark.parametrize("path", [*TWINS, *sorted((ROOT / "docs").glob("*.md"))], ids=str)
def test_every_relative_link_leads_to_a_file(path: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", TWINS, ids=lambda path: path.name)
def test_every_setting_is_in_the_readme(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `(GRIDSVC_\w+)`", text, re.M))
    assert named == {f"GRIDSVC_{name.upper()}" for name in Settings.model_fields}


def test_every_target_is_listed_by_make_help() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.M)
    assert phony
    listed = set(re.findall(r"echo 'make (\w+)", makefile))
    assert set(phony[1].split()) - listed == {"help", "install"}


def test_ci_calls_the_projects_own_commands() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text(encoding="utf-8").rstrip().endswith("make check\nmake test")


def test_a_change_is_a_line_of_the_changelog() -> None:
    lines = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    assert all(not line or line.startswith(("# ", "## ", "- ")) for line in lines)
