"""``gridsvc.open`` and ``gridsvc.from_frames``: the same county as elsewhere, and only read."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from fastapi.testclient import TestClient
from geopandas.testing import assert_geodataframe_equal
from playwright.sync_api import Browser

import gridsvc
from geodata.datum import from_cgcs2000
from geodata.layer import LayerKind
from gridsvc.domain.errors import GridsvcError, InputError, NotReadyError, SettingsError
from gridsvc.domain.geo import Datum
from gridsvc.flows.exporting import export_layer
from gridsvc.store import Store
from tests.api_county import (
    G1,
    G2,
    IN_G2,
    IN_U1,
    REPORT,
    U1,
    WEST_OF_G1,
    publish_county,
)
from tests.browser import visit

BOX = (104.29, 24.87, 104.35, 24.91)


@pytest.fixture
def county(county_data: Path, tmp_path: Path) -> Iterator[gridsvc.County]:
    """The small county in a folder of its own."""
    shutil.copytree(county_data, tmp_path, dirs_exist_ok=True)
    with gridsvc.open(tmp_path) as opened:
        yield opened


def codes(ask: Callable[[], object], error: type[GridsvcError] = InputError) -> list[str]:
    """The codes of all faults that asking raises."""
    with pytest.raises(error) as caught:
        ask()
    return [fault.code for fault in caught.value.faults]


def frames_of(county: gridsvc.County) -> dict[str, Any]:
    return {
        "divisions": county.divisions(),
        "grids": county.grids(),
        "units": county.units(),
        "responders": county.responders(),
    }


# --- opening ---


def test_importing_loads_nothing_heavy() -> None:
    code = "import gridsvc, sys; print(sorted({'shapely', 'pandas', 'folium'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_there_is_nothing_else_in_the_package() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = gridsvc.nothing  # type: ignore[attr-defined]


def test_a_wrong_folder_is_told_and_not_made(tmp_path: Path) -> None:
    assert codes(lambda: gridsvc.open(tmp_path / "vra"), NotReadyError) == ["no_store"]
    assert not (tmp_path / "vra").exists()


def test_a_store_without_a_map_is_told(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'gridsvc.sqlite'}")
    store.upgrade()
    store.close()
    assert codes(lambda: gridsvc.open(tmp_path), NotReadyError) == ["no_map"]


def test_a_store_is_opened_by_its_address(store: Store, store_url: str, tmp_path: Path) -> None:
    publish_county(store)
    with gridsvc.open(tmp_path, url=store_url) as county:
        assert repr(county) == "<County 罗平县, 4 grids, 3 units, 6 responders>"
        assert county.locate(lng=IN_U1[0], lat=IN_U1[1]).unit == U1
    assert codes(lambda: gridsvc.open(url="mysql://x"), SettingsError) == ["bad_database_url"]


def test_what_is_said_wins_over_the_environment(
    county_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDSVC_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    with gridsvc.open(county_data) as county:
        assert len(county.grids()) == 4
    monkeypatch.delenv("GRIDSVC_DATABASE_URL")
    monkeypatch.setenv("GRIDSVC_DATA", str(county_data))
    with gridsvc.open() as county:
        assert len(county.grids()) == 4


# --- places ---


def test_many_places_are_those_of_a_spatial_join(county: gridsvc.County) -> None:
    random = np.random.default_rng(7)
    lng = random.uniform(BOX[0], BOX[2], 500)
    lat = random.uniform(BOX[1], BOX[3], 500)
    placed = county.locate_many(lng=lng, lat=lat)
    assert placed.crs == "EPSG:4490"
    for column, areas in (("grid", county.grids()), ("unit", county.units())):
        joined = placed[["geometry"]].sjoin(areas[["code", "geometry"]], how="left")
        assert not joined.index.duplicated().any()
        inside = joined["code"].notna()
        assert 80 < inside.sum() < 450
        assert (placed[column][inside] == joined["code"][inside]).all()
        if column == "grid":
            assert (placed["outside_m"][inside] == 0).all()
            assert (placed["outside_m"][~inside] > 0).all()


@pytest.mark.parametrize("datum", [Datum.WGS84, Datum.GCJ02, Datum.BD09])
def test_a_datum_is_converted_and_an_unknown_one_is_not(
    county: gridsvc.County, datum: Datum
) -> None:
    lng, lat = from_cgcs2000(np.array([IN_U1[0]]), np.array([IN_U1[1]]), datum)
    placed = county.locate_many(lng=lng, lat=lat, datum=datum.value)
    assert placed.geometry[0].distance(shapely.Point(*IN_U1)) < 1e-9
    one = county.locate(lng=float(lng[0]), lat=float(lat[0]), datum=datum.value)
    assert (one.unit, placed["unit"][0]) == (U1, U1)
    left = county.locate_many(lng=lng, lat=lat, datum="unknown")
    assert left.geometry[0].equals(shapely.Point(lng[0], lat[0]))


def test_what_is_known_to_a_radius_names_its_neighbours(county: gridsvc.County) -> None:
    near = county.locate(lng=IN_U1[0], lat=IN_U1[1], radius_m=700)
    assert {one.code for one in near.neighbours} >= {G2}
    assert county.locate(lng=IN_U1[0], lat=IN_U1[1]).neighbours == ()
    outside = county.locate(lng=WEST_OF_G1[0], lat=WEST_OF_G1[1])
    assert (outside.grid, outside.outside) == (G1, True)


def test_bad_places_are_refused(county: gridsvc.County) -> None:
    nan = float("nan")
    assert codes(lambda: county.locate(lng=24.9, lat=104.3)) == ["position_swapped"]
    assert codes(lambda: county.locate(lng=104.3, lat=24.9, datum="x")) == ["unknown_datum"]
    for datum in ("cgcs2000", "gcj02", "unknown"):
        asked = {"lng": [104.3, nan, 0], "lat": [24.9, 1, 0], "datum": datum}
        found = codes(lambda asked=asked: county.locate_many(**asked))  # type: ignore[misc]
        assert sorted(found) == ["position_not_finite", "position_null_island"]
        asked = {"lng": [104.3], "lat": [24.9, 24.9], "datum": datum}
        assert codes(lambda asked=asked: county.locate_many(**asked)) == ["bad_shape"]  # type: ignore[misc]


# --- people ---


def test_the_ranking_is_the_one_that_a_report_there_gets(api: TestClient, tmp_path: Path) -> None:
    """Of a report of urgency 3, which assigns nobody."""
    answer = api.post("/api/v1/incidents", json={**REPORT, "urgency": 3}).json()
    with gridsvc.open(tmp_path) as county:
        ranking = county.rank(
            lng=IN_U1[0],
            lat=IN_U1[1],
            kind=REPORT["kind"],  # type: ignore[arg-type]
            urgency=3,
            text=REPORT["text"],  # type: ignore[arg-type]
            at=datetime.fromisoformat(answer["received_at"]),
        )
        assert len(county.incidents()) == 1, "asking stores nothing"
    said = answer["nearest"]
    assert said["chosen"]
    for found, kept in ((ranking.chosen, said["chosen"]), (ranking.refused, said["refused"])):
        assert [one.responder.id for one in found] == [one["id"] for one in kept]
        assert [round(one.near.score_s) for one in found] == [one["score_s"] for one in kept]
    assert [*ranking.required] == [one["code"] for one in said["required"]]


def test_who_is_held_by_a_case_is_passed_over(api: TestClient, tmp_path: Path) -> None:
    answer = api.post("/api/v1/incidents", json={**REPORT, "urgency": 1}).json()
    held = {one["responder"] for one in answer["assignments"]}
    assert held
    with gridsvc.open(tmp_path) as county:
        ranking = county.rank(lng=IN_U1[0], lat=IN_U1[1], kind="sudden_illness")
        people = county.responders()
        frames: dict[str, Any] = {"grids": county.grids(), "units": county.units()}
    assert not held & {one.responder.id for one in ranking.chosen}
    free = gridsvc.from_frames(**frames, divisions=None, responders=people[:0])
    assert len(free.responders()) == 0
    assert free.rank(lng=IN_U1[0], lat=IN_U1[1], kind="sudden_illness").chosen == ()


def test_the_place_s_own_people_and_the_words_count(county: gridsvc.County) -> None:
    frames = frames_of(county)
    area = frames["responders"]["area"]
    frames["responders"]["area"] = [U1, "530324", G1, *area[3:]]
    own = gridsvc.from_frames(**frames)
    asked: dict[str, Any] = {
        "lng": IN_U1[0],
        "lat": IN_U1[1],
        "kind": "neighbour_quarrel",
        "urgency": 3,
        "at": datetime(2026, 11, 23, 4, tzinfo=UTC),
    }
    ill = own.rank(**{**asked, "kind": "sudden_illness", "urgency": 1})
    assert {one.responder.id for one in ill.chosen if one.near.own} == {"R0001", "R0003"}
    assert [one.responder.id for one in own.rank(**asked).chosen] == ["R0003"]
    knife = own.rank(**asked, text="对方持刀")
    assert knife.notes
    assert knife.chosen == (), "nobody unarmed is sent to a knife"


def test_all_that_is_wrong_with_a_question_is_told_at_once(county: gridsvc.County) -> None:
    naive = datetime(2026, 11, 23, 8)
    assert codes(lambda: county.rank(lng=0, lat=0, kind="x", urgency=9, at=naive)) == [
        "position_null_island",
        "unknown_kind",
        "bad_urgency",
        "time_without_zone",
    ]
    assert codes(lambda: county.rank(lng=104.3, lat=24.9, kind="fight", urgency=0, datum="x")) == [
        "unknown_datum",
        "bad_urgency",
    ]


# --- frames ---


def test_frames_are_what_an_export_writes(county: gridsvc.County, tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'gridsvc.sqlite'}")
    for name, frame in frames_of(county).items():
        path = tmp_path / f"{name}.parquet"
        assert export_layer(store, LayerKind(name), path) == len(frame) > 0
        assert_geodataframe_equal(gpd.read_parquet(path), frame, check_dtype=False, check_crs=False)
    store.close()


def test_frames_make_the_same_county_again(county: gridsvc.County) -> None:
    given = frames_of(county)
    other = gridsvc.from_frames(**given)
    for name, frame in frames_of(other).items():
        assert_geodataframe_equal(frame, given[name])
    at = datetime(2026, 11, 23, 4, tzinfo=UTC)
    asked = {"lng": IN_U1[0], "lat": IN_U1[1], "kind": "sudden_illness", "at": at}
    assert county.rank(**asked) == other.rank(**asked)  # type: ignore[arg-type]
    assert county.locate(lng=IN_G2[0], lat=IN_G2[1]) == other.locate(lng=IN_G2[0], lat=IN_G2[1])


def test_people_of_a_frame_are_checked_as_those_of_a_file(county: gridsvc.County) -> None:
    frames = frames_of(county)
    people = frames.pop("responders")

    def made(responders: gpd.GeoDataFrame) -> Callable[[], object]:
        return lambda: gridsvc.from_frames(**frames, responders=responders)

    assert codes(made(people.drop(columns=["role"]))) == ["missing_column"]
    assert codes(made(people.to_crs(3857))) == ["wrong_crs"]
    wrong = people.copy()
    wrong["role"] = ["wizard", *people["role"][1:]]
    wrong["area"] = [people["area"][0], "999", *people["area"][2:]]
    assert codes(made(wrong)) == ["unknown_role", "unknown_area"]
    wrong = people.copy()
    wrong["id"] = [people["id"][0], *people["id"][:-1]]
    assert codes(made(wrong)) == ["code_repeated"]
    fewer = people[["id", "name", "role", "area", "geometry"]].iloc[::-1]
    assert len(gridsvc.from_frames(**frames, responders=fewer).responders()) == len(people)


def test_incidents_are_whole_and_read_when_asked_for(api: TestClient, tmp_path: Path) -> None:
    with gridsvc.open(tmp_path) as county:
        assert len(county.incidents()) == 0
        sensitive = {**REPORT, "kind": "domestic_violence", "text": "求助", "drill": True}
        assert api.post("/api/v1/incidents", json=sensitive).status_code == 201
        (row,) = county.incidents().to_dict("records")
        assert (row["kind"], row["text"], row["drill"]) == ("domestic_violence", "求助", True)
        assert row["geometry"].equals_exact(shapely.Point(*IN_U1), 1e-9)
        later = datetime.now(UTC) + timedelta(minutes=1)
        assert len(county.incidents(since=later)) == 0
        assert codes(lambda: county.incidents(since=datetime(2026, 1, 1))) == ["time_without_zone"]


def test_a_county_of_frames_has_no_incidents(county: gridsvc.County) -> None:
    other = gridsvc.from_frames(grids=county.grids())
    for ask in (other.incidents, other.risk_map):
        assert codes(ask, NotReadyError) == ["no_incidents"]
    other.close()


# --- maps ---


def test_a_map_is_shown_in_a_notebook_and_asks_for_nothing(
    browser: Browser, county: gridsvc.County, tmp_path: Path
) -> None:
    maps = (county.risk_map(lang="en"), county.risk_map(view="surface"), county.coverage_map())
    for number, page in enumerate(maps):
        notebook = tmp_path / f"notebook{number}.html"
        notebook.write_text(
            "<!doctype html><meta charset='utf-8'><title>notebook</title>"
            f"<style>* {{ color: red }}</style>{page._repr_html_()}",
            encoding="utf-8",
        )
        with visit(browser, notebook.as_uri(), wait="idle") as seen:
            shown = seen.page.frame_locator("iframe")
            shown.locator(".leaflet-tooltip.township").first.wait_for(state="attached")
            assert (
                shown.locator("h1").evaluate("e => getComputedStyle(e).color") != "rgb(255, 0, 0)"
            )
            seen.check_quiet()


def test_a_saved_map_is_the_page_itself(county: gridsvc.County, tmp_path: Path) -> None:
    page = county.coverage_map(group="fire", state="nominal", minutes=5, lang="en")
    kept = page.save(tmp_path / "map.html")
    assert kept.read_text(encoding="utf-8") == page.html
    assert "Fire" in page.html or "fire" in page.html
    assert page.save(str(kept)) == kept, "it takes the place of an older one"


def test_made_up_frames_are_marked_on_the_map(county: gridsvc.County) -> None:
    frames = frames_of(county)
    assert "演示数据" in gridsvc.from_frames(**frames, demo=True).coverage_map().html
    assert "演示数据" not in gridsvc.from_frames(**frames).coverage_map().html


def test_a_map_of_what_there_is_not_is_refused(county: gridsvc.County) -> None:
    assert codes(lambda: county.risk_map(categories=["x"])) == ["unknown_category"]
    naive = datetime(2026, 11, 23, 8)
    assert codes(lambda: county.coverage_map(group="x", state="y", at=naive)) == [
        "unknown_group",
        "unknown_state",
        "time_without_zone",
    ]
