"""Run cards on the command line: judged, taken over, written out."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gridsvc.cli import cli
from gridsvc.dispatch import default_cards
from gridsvc.dispatch.cards import card_set, parse, written
from gridsvc.domain.errors import InputError
from gridsvc.store import Store


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["cards", *arguments])


def test_cards_go_out_and_come_back(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDSVC_DATABASE_URL", store_url)
    path = tmp_path / "cards.yaml"
    assert _run("export", "-o", str(path)).exit_code == 0
    assert card_set(parse(path.read_text(encoding="utf-8"))).cards == default_cards().cards
    assert _run("check", str(path)).output == "24 类预案，没有问题\n"
    assert _run("import", str(path), "--reason", "原样").output == "已更改 0 类预案：\n"
    data = parse(path.read_text(encoding="utf-8"))
    assert isinstance(data, dict)
    data["fight"]["sends"][0]["count"] = 3
    path.write_text(written(data), encoding="utf-8")
    assert _run("import", str(path), "--reason", "增员").output == "已更改 1 类预案：fight\n"
    again = parse(_run("export").output)
    assert card_set(again)["fight"].usual.sends[0].count == 3
    store = Store.open(store_url)
    with store.read() as reading:
        (kept,) = reading.run_cards.history("fight")
        assert (kept.version, kept.reason) == (1, "增员")
    store.close()


def test_a_file_at_fault_is_refused_whole(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDSVC_DATABASE_URL", store_url)
    data = default_cards().as_data()
    data["fight"] |= {"lay": "approach"}
    data["house_fire"] |= {"asks": []}
    path = tmp_path / "bad.yaml"
    path.write_text(written(data), encoding="utf-8")
    for command in (["check", str(path)], ["import", str(path), "--reason", "x"]):
        error = _run(*command).exception
        assert isinstance(error, InputError)
        assert {fault.where for fault in error.faults} == {"fight.lay", "house_fire.asks"}
