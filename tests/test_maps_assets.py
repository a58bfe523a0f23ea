"""Scripts and styles: local, whole, pinned; and the build hook that brings them."""

import base64
import hashlib
import json
import os
import re
import shutil
from pathlib import Path

import pytest
from markupsafe import Markup

import hatch_build
from gridsvc.domain.errors import NotReadyError
from maps import assets
from maps.assets import LEAFLET_CSS, LEAFLET_JS, AssetMode
from tests.shared import ROOT

MAPS = ROOT / "maps"


def test_linked_files_are_served_from_the_static_folder_and_change_their_address() -> None:
    tags = assets.script_tags([LEAFLET_JS, "base.js"], AssetMode.LINKED)
    found = re.findall(r'src="/static/([^"?]+)\?v=([0-9a-f]{10})"', tags)
    assert [name for name, _ in found] == [LEAFLET_JS, "base.js"]
    for name, mark in found:
        content = (assets.static_dir() / name).read_bytes()
        assert hashlib.sha256(content).hexdigest().startswith(mark)


def test_embedded_styles_carry_their_images() -> None:
    style = assets.style_tags([LEAFLET_CSS], AssetMode.EMBEDDED)
    images = re.findall(r"url\(([^)]*)\)", style)
    named = [image for image in images if not image.startswith("#")]
    assert len(named) >= 3
    for image in named:
        head, _, data = image.partition(",")
        assert head == "data:image/png;base64"
        assert base64.b64decode(data).startswith(b"\x89PNG")


def test_embedded_scripts_point_to_no_file_beside_them() -> None:
    script = assets.script_tags([LEAFLET_JS], AssetMode.EMBEDDED)
    assert "L.Map" in script or "Map:" in script
    assert "sourceMappingURL" not in script


def test_a_missing_file_says_to_install_again() -> None:
    with pytest.raises(NotReadyError, match="install the package again") as caught:
        assets.text("vendor/leaflet/none.js")
    assert "重新安装" in caught.value.say("zh")


def test_a_script_that_ends_its_own_element_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot stand"):
        assets.inline_script("x = '</SCRIPT >'")


def test_no_text_can_end_a_data_block() -> None:
    value = {"n": "</script><!--<script>&\u2028'\""}
    block = assets.data_block("a", assets.to_json(value))
    assert isinstance(block, Markup)
    inside = block[block.index(">") + 1 : block.rindex("<")]
    assert not set("<>&") & set(inside)
    assert json.loads(inside) == value


def test_the_policy_allows_each_script_by_its_hash_and_nothing_else() -> None:
    policy = assets.security_policy(["page.css"], ["base.js"], ["go()"], AssetMode.EMBEDDED)
    digest = base64.b64encode(hashlib.sha256(b"go()").digest()).decode()
    assert f"'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "'self'" not in policy
    assert "unsafe" not in policy
    linked = assets.security_policy(["page.css"], ["base.js"], ["go()"], AssetMode.LINKED)
    assert "connect-src 'self'" in linked
    assert "unsafe" not in linked


def test_vendored_files_match_the_lock() -> None:
    assert hatch_build.vendor(MAPS) is False
    lock = json.loads((MAPS / "package-lock.json").read_text(encoding="utf-8"))
    version = lock["packages"]["node_modules/leaflet"]["version"]
    assert f"Leaflet {version}" in (MAPS / "static" / LEAFLET_JS).read_text(encoding="utf-8")[:200]
    assert (MAPS / "static/vendor/leaflet/LICENSE").is_file()


def _copy_of_maps(folder: Path) -> Path:
    shutil.copytree(MAPS / "static/vendor", folder / "static/vendor")
    for name in hatch_build.INPUTS:
        shutil.copy(MAPS / name, folder / name)
    return folder


def test_a_changed_vendored_file_is_noticed(tmp_path: Path) -> None:
    maps = _copy_of_maps(tmp_path)
    script = maps / "static" / LEAFLET_JS
    script.write_text("changed", encoding="utf-8")
    assert hatch_build.vendor(maps) is True
    assert script.read_bytes() == (MAPS / "static" / LEAFLET_JS).read_bytes()


def test_npm_that_fails_says_so_and_leaves_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maps = _copy_of_maps(tmp_path)
    lock = maps / "package-lock.json"
    lock.write_text(lock.read_text().replace("sha512-", "sha512-AAAA", 1), encoding="utf-8")
    monkeypatch.setitem(os.environ, "npm_config_fetch_retries", "0")
    with pytest.raises(SystemExit, match="npm ci failed"):
        hatch_build.vendor(maps)
    assert (maps / "static" / LEAFLET_JS).is_file()
