"""``gridsvc import``, ``check`` and ``export`` as a county uses them: by the command."""

import os
import subprocess
import unicodedata
from pathlib import Path

import pytest

from tests.demo_fixtures import COMMAND
from tests.import_samples import G1, G2, GRIDS, UNITS, areas, divisions_file
from tests.layers import box, frame_of


def run(
    folder: Path, *arguments: str | Path, code: int = 0, **env: str
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [COMMAND, *map(str, arguments)],
        env={**os.environ, "GRIDSVC_DATA": str(folder / "data"), **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def overlapping(tmp_path: Path) -> Path:
    shapes = [box(0, 0, 2, 1), box(1, 0, 3, 1), None]
    frame_of(shapes, code=[G1, G2, f"{G2}9"]).to_file(tmp_path / "重叠.gpkg")
    return tmp_path / "重叠.gpkg"


def test_a_county_goes_in_and_out_in_chinese(tmp_path: Path) -> None:
    said = run(tmp_path, "import", "divisions", divisions_file(tmp_path)).stdout
    assert said == "已导入行政区划 4 行\n地图版本 1：新增 4，变更 0，撤销 0\n"
    people = areas(tmp_path / "grids.gpkg", GRIDS, 网格员=["甲", "乙", "丙"])
    said = run(tmp_path, "import", "grids", people).stdout
    assert "处置力量：新增 3，变更 0" in said
    run(tmp_path, "import", "units", areas(tmp_path / "units.gpkg", UNITS))
    out = tmp_path / "网格.csv"
    said = run(tmp_path, "export", "grids", "-o", out, "--lang", "zh").stdout
    assert "已写出 3 行网格" in said
    assert "--datum cgcs2000" in said
    assert out.read_text(encoding="utf-8-sig").startswith("网格编码,网格名称,")
    assert "文件已存在" in run(tmp_path, "export", "grids", "-o", out, code=1).stderr
    again = run(tmp_path, "import", "grids", out, "--datum", "cgcs2000").stdout
    assert "新增 0，变更 0，撤销 0" in again


def test_the_same_in_english(tmp_path: Path) -> None:
    said = run(tmp_path, "import", "divisions", divisions_file(tmp_path), GRIDSVC_LANG="en").stdout
    assert said == "imported 4 divisions\nmap version 1: 4 added, 0 changed, 0 removed\n"
    told = run(tmp_path, "export", "grids", "-o", tmp_path / "x.pdf", code=1, GRIDSVC_LANG="en")
    assert "files ending in '.pdf' are not written" in told.stderr
    assert not any("\u4e00" <= char <= "\u9fff" for char in told.stderr)


def test_the_table_of_faults_can_be_read(tmp_path: Path, overlapping: Path) -> None:
    said = run(tmp_path, "check", overlapping, "--kind", "grids", code=1).stdout
    assert "重叠.gpkg：3 行，3 处问题" in said
    assert f"{G1} 与 {G2} 重叠" in said
    lines = [line for line in said.splitlines() if line.startswith("│")]
    wide = {sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in line) for line in lines}
    assert len(wide) == 1  # every border stands under the one above
    assert max(wide) <= 140
    overlap = next(line for line in lines if "重叠" in line)
    assert "1, 2" in overlap  # rows as people count them
    told = run(tmp_path, "check", overlapping, "--kind", "grids", code=1, GRIDSVC_LANG="en").stdout
    assert "3 rows, 3 faults" in told
    assert "overlap by" in told


def test_a_refused_import_says_what_and_what_can_be_done(tmp_path: Path, overlapping: Path) -> None:
    run(tmp_path, "import", "divisions", divisions_file(tmp_path))
    told = run(tmp_path, "import", "grids", overlapping, code=1).stderr
    assert f"第 1, 2 行：{G1} 与 {G2} 重叠" in told
    assert "第 3 行：没有图形" in told
    assert "--accept-faults" not in told  # the code off the scheme has no village either
    frame_of([box(0, 0, 2, 1), box(1, 0, 3, 1)], code=[G1, G2]).to_file(tmp_path / "two.gpkg")
    told = run(tmp_path, "import", "grids", tmp_path / "two.gpkg", code=1).stderr
    assert "--accept-faults overlap，随版本留存" in told
    told = run(
        tmp_path, "import", "grids", tmp_path / "two.gpkg", "--accept-faults", "overlap"
    ).stdout
    assert "已接受的问题：重叠 1 处" in told
    assert run(
        tmp_path, "import", "grids", tmp_path / "two.gpkg", "--accept-faults", "x", code=1
    ).stderr.startswith("x：没有这种问题")


def test_many_faults_are_shortened_and_the_check_is_named(tmp_path: Path) -> None:
    run(tmp_path, "import", "divisions", divisions_file(tmp_path))
    shapes = [box(i, 0, i + 1, 1) for i in range(60)]
    frame_of(shapes, code=[f"X{i}" for i in range(60)]).to_file(tmp_path / "off.gpkg")
    told = run(tmp_path, "import", "grids", tmp_path / "off.gpkg", code=1).stderr
    assert told.count("不合方案") == 20
    assert "gridsvc check" in told
    assert "GRIDSVC_CODE_SCHEME" in told


def test_a_county_with_other_code_lengths(tmp_path: Path) -> None:
    code = "5303240010010001"
    path = areas(tmp_path / "grids.gpkg", {code: box(0, 0, 2, 1)})
    run(tmp_path, "import", "divisions", divisions_file(tmp_path))
    run(tmp_path, "import", "grids", path, code=1)
    run(tmp_path, "import", "grids", path, GRIDSVC_CODE_SCHEME="6,9,12,16,20")


def test_the_layer_above_may_have_columns_and_a_crs_of_its_own(tmp_path: Path) -> None:
    above = frame_of([box(0, 0, 3, 1)], 号=["530324001001"], 名=["东关社区"], 级=["village"])
    above.to_crs(4544).to_csv(tmp_path / "above.csv", index=False)
    path = areas(tmp_path / "grids.gpkg", {G1: box(0, 0, 2, 1)})
    options = ["--parents", str(tmp_path / "above.csv"), "--parents-crs", "EPSG:4544"]
    for pair in ("code=号", "name=名", "level=级", "wkt=geometry"):
        options += ["--parents-map", pair]
    told = run(tmp_path, "check", path, "--kind", "grids", *options, code=1).stdout
    assert "530324001001 内有缝隙" in told


def test_a_sensitive_column_is_refused_with_the_option_that_there_is(tmp_path: Path) -> None:
    path = areas(tmp_path / "grids.gpkg", {G1: box(0, 0, 2, 1)}, 身份证号=["1"])
    told = run(tmp_path, "check", path, "--kind", "grids", code=1).stderr
    option = "--allow-column 身份证号"
    assert option in told
    run(tmp_path, "check", path, "--kind", "grids", *option.split())
