"""A file of positions gets its areas; nothing of it is lost, and nothing is half written."""

import os
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from gridsvc.domain.errors import FormatError, GridsvcError, InputError, LayerError, PositionError
from gridsvc.domain.geo import Datum
from gridsvc.flows.locating_files import locate_file
from gridsvc.locating import GridMap
from gridsvc.runtime import Runtime
from tests.api_county import G1, G2, IN_G2, IN_U1, U1, WEST_OF_G1, county_in


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> GridMap:
    runtime: Runtime = county_in(tmp_path_factory.mktemp("county"))
    runtime.close()
    return runtime.map()


def points(folder: Path, name: str = "in.csv", **columns: list[object]) -> Path:
    frame = pd.DataFrame(
        columns
        or {
            "id": ["007", "008", "009"],
            "lng": [IN_U1[0], IN_G2[0], WEST_OF_G1[0]],
            "lat": [IN_U1[1], IN_G2[1], WEST_OF_G1[1]],
            "note": ['说"话",\n换行', "", "=1+1"],
        }
    )
    path = folder / name
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    return path


@pytest.mark.parametrize("source", ["in.csv", "in.parquet"])
@pytest.mark.parametrize("target", ["out.csv", "out.parquet"])
def test_areas_are_added(county: GridMap, tmp_path: Path, source: str, target: str) -> None:
    done = locate_file(county, points(tmp_path, source), tmp_path / target)
    assert (done.rows, done.outside, done.bad) == (3, 1, 0)
    out = tmp_path / target
    read = pd.read_csv(out, dtype=str) if target.endswith("csv") else pd.read_parquet(out)
    assert list(read["id"]) == ["007", "008", "009"]
    assert list(read["grid"]) == [G1, G2, G1]
    assert read["unit"][0] == U1
    assert pd.isna(read["unit"][1])
    assert read["note"][0] == '说"话",\n换行'
    assert [float(metres) for metres in read["outside_m"]] == [0, 0, pytest.approx(202, abs=1)]


def test_bad_rows_are_all_named_and_nothing_is_written(county: GridMap, tmp_path: Path) -> None:
    source = points(tmp_path, lng=[IN_U1[0], None, IN_U1[1], 0], lat=[IN_U1[1], 24.9, IN_U1[0], 0])
    with pytest.raises(PositionError) as caught:
        locate_file(county, source, tmp_path / "out.csv")
    said = {fault.code: fault.text.en for fault in caught.value.faults}
    assert said["position_not_finite"].startswith("1 rows (row 2)")
    assert said["position_swapped"].startswith("1 rows (row 3)")
    assert said["position_null_island"].startswith("1 rows (row 4)")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv"]
    done = locate_file(county, source, tmp_path / "out.csv", keep_bad=True, lang="en")
    assert (done.rows, done.bad) == (4, 3)
    kept = pd.read_csv(tmp_path / "out.csv", dtype=str)
    assert pd.isna(kept["problem"][0])
    assert "swapped" in kept["problem"][2]
    assert pd.isna(kept["grid"][2])


def test_gcj02(county: GridMap, tmp_path: Path) -> None:
    from geodata.datum import from_cgcs2000

    lng, lat = from_cgcs2000(np.array([104.3098]), np.array([24.895]), Datum.GCJ02)
    source = points(tmp_path, lng=list(lng), lat=list(lat))
    locate_file(county, source, tmp_path / "out.csv", datum=Datum.GCJ02)
    assert pd.read_csv(tmp_path / "out.csv", dtype=str)["grid"][0] == G1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_chinese_in_the_usual_encodings(county: GridMap, tmp_path: Path, encoding: str) -> None:
    text = f"lng,lat,名称\n{IN_U1[0]},{IN_U1[1]},罗平县综治中心\n"
    (tmp_path / "in.csv").write_bytes(text.encode(encoding))
    locate_file(county, tmp_path / "in.csv", tmp_path / "out.csv")
    assert list(pd.read_csv(tmp_path / "out.csv")["名称"]) == ["罗平县综治中心"]


def test_in_pieces_the_answer_is_the_same(
    county: GridMap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridsvc.flows.locating_files._BATCH_ROWS", 1000)
    monkeypatch.setattr("gridsvc.flows.locating_files._CSV_BLOCK", 20_000)
    rng = np.random.default_rng(1)
    lng, lat = rng.uniform(104.29, 104.35, 7001), rng.uniform(24.87, 24.91, 7001)
    found = county.locate_many(lng, lat)
    for name in ("in.csv", "in.parquet"):
        seen: list[int] = []
        source = points(tmp_path, name, lng=list(lng), lat=list(lat))
        out = tmp_path / f"{name}.parquet"
        locate_file(county, source, out, progress=partial(_note, seen))
        assert len(seen) > 3
        assert seen[-1] == 7001
        assert pq.read_table(out)["grid"].to_pylist() == list(found.grid)


@pytest.mark.parametrize(
    ("name", "content", "error", "says"),
    [
        ("in.csv", b"x,y\n1,2\n", InputError, "no column lng, lat"),
        ("in.csv", b"lng,lat,grid\n104.3,24.9,a\n", InputError, "there already"),
        ("in.csv", b"", LayerError, "cannot be read"),
        ("in.csv", b"lng,lat\n104.3,north\n", LayerError, "not right"),
        ("in.csv", b"lng,lat\n104.3\n", LayerError, "Expected 2 columns, got 1"),
        ("in.parquet", b"PAR1", LayerError, "cannot be read"),
        ("in.txt", b"lng,lat\n", FormatError, "not supported"),
    ],
)
def test_what_cannot_be_read_is_said(
    county: GridMap, tmp_path: Path, name: str, content: bytes, error: type[GridsvcError], says: str
) -> None:
    source = tmp_path / name
    source.write_bytes(content)
    with pytest.raises(error, match=says):
        locate_file(county, source, tmp_path / "out.csv")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_an_existing_file_is_kept(county: GridMap, tmp_path: Path) -> None:
    source, target = points(tmp_path), tmp_path / "out.csv"
    target.write_text("mine")
    with pytest.raises(FormatError, match="there already"):
        locate_file(county, source, target)
    assert target.read_text() == "mine"
    locate_file(county, source, target, overwrite=True)
    assert G1 in target.read_text()
    with pytest.raises(FormatError, match="never the input"):
        locate_file(county, source, source, overwrite=True)
    assert os.stat(source).st_size > 0


def _note(seen: list[int], rows: int, total: int | None) -> None:
    assert total in (None, 7001)
    seen.append(rows)


def test_a_file_of_swapped_axes_is_told_in_few_words_and_the_bar_goes_on(
    county: GridMap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridsvc.flows.locating_files._BATCH_ROWS", 1000)
    lng: list[object] = [IN_U1[0], *[IN_U1[1]] * 7000]
    lat: list[object] = [IN_U1[1], *[IN_U1[0]] * 7000]
    source = points(tmp_path, "in.parquet", lng=lng, lat=lat)
    seen: list[int] = []
    with pytest.raises(PositionError) as caught:
        locate_file(county, source, tmp_path / "out.csv", progress=partial(_note, seen))
    assert seen == [*range(1000, 7001, 1000), 7001]
    (fault,) = caught.value.faults
    assert fault.text.en.startswith("7000 rows (row 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 ...)")
    done = locate_file(county, source, tmp_path / "out.csv", keep_bad=True)
    assert (done.rows, done.bad) == (7001, 7000)
