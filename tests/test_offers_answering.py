"""Nine of ten emergencies are accepted within a minute though 40 % of people do not answer."""

import shutil
from pathlib import Path

from bench.answering import SILENT, Outcome, Summary, simulate


def taken(demo_data: Path, folder: Path, calls: int, seed: int) -> list[Outcome]:
    shutil.copytree(demo_data, folder)
    return simulate(folder, calls=calls, seed=seed)


def test_nine_of_ten_are_accepted_within_a_minute(demo_data: Path, tmp_path: Path) -> None:
    assert SILENT == 0.4
    outcomes = taken(demo_data, tmp_path / "county", 60, 530324)
    told = Summary("all", outcomes)
    assert told.share(60) >= 0.9, told.line()
    assert told.share(180, whole=True) >= 0.9, told.line()
    assert {one.by_night for one in outcomes} == {True, False}


def test_the_same_seed_gives_the_same_answers(demo_data: Path, tmp_path: Path) -> None:
    first, again = (taken(demo_data, tmp_path / name, 12, 7) for name in "ab")
    assert first == again
    assert taken(demo_data, tmp_path / "c", 12, 8) != first
