"""docs/python.md: its code, run in its order as one reader would, prints what the page says."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.readme import Block, blocks
from tests.shared import ROOT

PAGE = blocks(ROOT / "docs" / "python.md")
END = "-- end of a block --\n"


@pytest.fixture(scope="module")
def reader(
    tmp_path_factory: pytest.TempPathFactory, demo_data: Path, demo_files: Path
) -> tuple[Path, list[str]]:
    """The reader's folder, and what each block of Python printed."""
    folder = tmp_path_factory.mktemp("reader")
    shutil.copytree(demo_data, folder / "var")
    (folder / "county").symlink_to(demo_files)
    code = "".join(f"{block.body}print({END!r}, end='')\n" for block in code_blocks())
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert done.stderr == ""
    return folder, done.stdout.split(END)[:-1]


def code_blocks() -> list[Block]:
    return [block for block in PAGE if block.language == "python"]


@pytest.mark.parametrize("number", range(len(code_blocks())))
def test_a_block_prints_what_the_page_says(reader: tuple[Path, list[str]], number: int) -> None:
    block = code_blocks()[number]
    said = PAGE[PAGE.index(block) + 1]
    assert said.language == "text", "what the block prints belongs behind it"
    assert reader[1][number] == said.body


def test_the_maps_are_written_and_are_of_made_up_data(reader: tuple[Path, list[str]]) -> None:
    for name, mark in (("risk.html", "演示数据"), ("coverage.html", "DEMO DATA")):
        assert mark in (reader[0] / name).read_text(encoding="utf-8")
