"""Settings: what the environment may say, and all that is wrong with it at once."""

from pathlib import Path

import pytest

from gridsvc.domain.codes import CodeScheme
from gridsvc.domain.errors import SettingsError
from gridsvc.settings import Settings
from gridsvc.store import Store


def test_defaults() -> None:
    settings = Settings.read()
    assert (settings.lang, settings.county, settings.port) == ("zh", "530324", 8000)
    assert settings.embedded
    assert settings.code_scheme == CodeScheme()


def test_everything_that_is_wrong_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDSVC_LANG", "fr")
    monkeypatch.setenv("GRIDSVC_COUNTY", "罗平")
    monkeypatch.setenv("GRIDSVC_PORT", "99999")
    with pytest.raises(SettingsError) as caught:
        Settings.read()
    assert {fault.where for fault in caught.value.faults} == {
        "GRIDSVC_LANG",
        "GRIDSVC_COUNTY",
        "GRIDSVC_PORT",
    }


def test_a_code_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDSVC_CODE_SCHEME", "6,9,12,16,20")
    assert Settings.read().code_scheme == CodeScheme(6, 9, 12, 16, 20)
    monkeypatch.setenv("GRIDSVC_CODE_SCHEME", "6,9,9")
    with pytest.raises(SettingsError, match="growing"):
        Settings.read()


@pytest.mark.parametrize("name", ["罗平 %20 data", "what?", "a#b"])
def test_any_folder_name_holds_the_data(tmp_path: Path, name: str) -> None:
    settings = Settings.read(data=tmp_path / name)
    store = Store.open(settings.url)
    store.upgrade()
    store.close()
    assert (tmp_path / name / "gridsvc.sqlite").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [name]
