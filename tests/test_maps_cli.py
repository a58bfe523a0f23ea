"""``gridsvc map``: one file that holds everything."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from gridsvc.cli.map import map_
from gridsvc.domain.errors import InputError, NotReadyError
from gridsvc.flows.reports import Report
from gridsvc.settings import Settings
from gridsvc.store import Store
from tests.api_county import FORCE, IN_U1, county_in


def run(folder: Path, *arguments: str, command: str = "risk") -> str:
    done = CliRunner().invoke(
        map_, [command, *arguments], env={"GRIDSVC_DATA": str(folder)}, catch_exceptions=True
    )
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def test_it_writes_a_file_that_needs_nothing_else(tmp_path: Path) -> None:
    runtime = county_in(tmp_path / "data")
    for _ in range(4):
        runtime.receive(
            Report(category="livelihood", kind="utility_outage", lng=IN_U1[0], lat=IN_U1[1])
        )
    runtime.close()
    target = tmp_path / "图.html"
    assert str(target) in run(tmp_path / "data", "-o", str(target))
    page = target.read_text(encoding="utf-8")
    assert "上报量,非发生率" in page
    assert "<dd>4</dd>" in page
    assert not re.search(r'(?:src|href)="(?!data:)', page.split("<body>")[0])
    run(
        tmp_path / "data", "-o", str(target), "--overwrite", "--lang", "en", "--category", "dispute"
    )
    page = target.read_text(encoding="utf-8")
    assert "what was reported" in page
    assert "<dd>0</dd>" in page
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["图.html"]


def test_it_replaces_nothing_unasked_and_makes_no_folders(tmp_path: Path) -> None:
    kept = tmp_path / "kept.html"
    kept.write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="--overwrite"):
        run(tmp_path, "-o", str(kept))
    assert kept.read_text(encoding="utf-8") == "mine"
    with pytest.raises(InputError, match="no folder"):
        run(tmp_path, "-o", str(tmp_path / "none" / "x.html"))


def test_without_a_map_it_says_what_to_do(tmp_path: Path) -> None:
    settings = Settings.read(data=tmp_path)
    store = Store.open(settings.url, county=settings.county)
    store.upgrade()
    store.close()
    with pytest.raises(NotReadyError, match="gridsvc import"):
        run(tmp_path, "-o", str(tmp_path / "x.html"))
    assert not (tmp_path / "x.html").exists()


def test_coverage_is_a_file_too(tmp_path: Path) -> None:
    county_in(tmp_path / "data").close()
    target = tmp_path / "覆盖.html"
    run(tmp_path / "data", "-o", str(target), command="coverage")
    page = target.read_text(encoding="utf-8")
    assert "直线距离估算，非道路时间" in page
    assert "村医和救护车" in page
    assert '"limit":900' in page
    assert not re.search(r'(?:src|href)="(?!data:)', page.split("<body>")[0])
    for person in FORCE:
        assert person.name not in page
        assert person.phone not in page
    chosen = ("--group", "fire", "--state", "nominal", "--minutes", "5", "--lang", "en")
    run(tmp_path / "data", "-o", str(target), "--overwrite", *chosen, command="coverage")
    page = target.read_text(encoding="utf-8")
    assert "First to arrive: fire brigades" in page
    assert '"limit":300' in page
    assert re.search(r'value="nominal"[^>]* checked', page)
