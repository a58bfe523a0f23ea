"""Life in the demo county: people, roads and incidents, with their shares, rhythm and dirt."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.stats import chisquare

from geodata.datum import to_cgcs2000
from geodata.layer import LayerKind
from geodata.read import read_layer
from gridsvc.domain.geo import Datum, MetricFrame
from gridsvc.domain.kinds import KINDS


@pytest.fixture(scope="module")
def divisions(demo_files: Path) -> gpd.GeoDataFrame:
    return gpd.read_file(demo_files / "divisions.gpkg").set_index("code")


@pytest.fixture(scope="module")
def grids(demo_files: Path) -> gpd.GeoDataFrame:
    return gpd.read_file(demo_files / "grids.gpkg").set_index("code")


@pytest.fixture(scope="module")
def units(demo_files: Path) -> gpd.GeoDataFrame:
    return gpd.read_file(demo_files / "units.gpkg").set_index("code")


@pytest.fixture(scope="module")
def people(demo_files: Path) -> pd.DataFrame:
    return pd.read_csv(demo_files / "responders.csv", dtype={"phone": str, "area": str})


@pytest.fixture(scope="module")
def incidents(demo_files: Path) -> pd.DataFrame:
    return pd.read_parquet(demo_files / "incidents.parquet")


@pytest.fixture(scope="module")
def roads(demo_files: Path) -> gpd.GeoDataFrame:
    return gpd.read_file(demo_files / "roads.gpkg")


def test_people_are_as_many_as_published_and_plainly_made_up(
    people: pd.DataFrame, grids: gpd.GeoDataFrame, units: gpd.GeoDataFrame
) -> None:
    count = people["role"].value_counts()
    assert (count["grid_worker"], count["sentinel"], count["doctor"]) == (8_146, 14_662, 154)
    assert 3 * 154 <= count["mediator"] <= 5 * 154
    assert (count[["township_team", "ambulance", "fire_crew"]] == 13).all()
    assert people["id"].is_unique
    assert people["name"].str.endswith("（演示）").all()
    assert people["phone"].str.fullmatch(r"000\d{8}").all()
    assert people["phone"].is_unique
    assert set(people.loc[people["role"] == "grid_worker", "area"]) == set(grids.index)
    assert set(people.loc[people["role"] == "sentinel", "area"]) == set(units.index)


def test_sentinels_and_workers_live_where_they_serve(
    people: pd.DataFrame, grids: gpd.GeoDataFrame, units: gpd.GeoDataFrame
) -> None:
    for role, areas in (("sentinel", units), ("grid_worker", grids)):
        own = people[people["role"] == role]
        shapes = areas.loc[own["area"]].geometry.to_numpy()
        assert shapely.contains_xy(shapes, own["lng"].to_numpy(), own["lat"].to_numpy()).all()


def test_reachability_is_that_of_the_table_of_kinds(people: pd.DataFrame) -> None:
    sentinels = people[people["role"] == "sentinel"]
    assert 1 - sentinels["app"].mean() == pytest.approx(0.60, abs=0.02)
    assert sentinels["night"].mean() == pytest.approx(0.45, abs=0.02)
    assert (sentinels["vehicle"] == "motorcycle").mean() == pytest.approx(0.50, abs=0.02)
    assert sentinels["on_duty"].all()
    crews = people[people["role"].isin(["township_team", "ambulance", "fire_crew"])]
    assert crews[["app", "night", "on_duty"]].all(axis=None)
    live = people["live_at"].notna()
    assert (live == people["live_lng"].notna()).all()
    assert people.loc[live, "app"].all()
    assert live.sum() > 1_000


def test_the_files_go_through_the_ordinary_reading(demo_files: Path) -> None:
    for kind, name, rows in (
        (LayerKind.DIVISIONS, "divisions.gpkg", 168),
        (LayerKind.GRIDS, "grids.gpkg", 8_146),
        (LayerKind.UNITS, "units.gpkg", 14_662),
        (LayerKind.RESPONDERS, "responders.csv", None),
        (LayerKind.INCIDENTS, "incidents.parquet", 70_000),
    ):
        layer = read_layer(demo_files / name, kind)
        assert rows is None or len(layer.frame) == rows
        assert set(layer.ignored) <= {"false_alarm", "duplicate_of"}
        assert layer.empty_rows == ()
        assert len(layer.null_rows) == (7_000 if kind is LayerKind.INCIDENTS else 0)


def test_each_village_has_an_equipment_set(demo_files: Path, divisions: gpd.GeoDataFrame) -> None:
    table = pd.read_csv(demo_files / "equipment.csv", dtype=str)
    villages = divisions[divisions["level"] == "village"]
    assert list(table["area"]) == list(villages.index)
    assert table["keeper"].str.startswith("W").all()


def _network(roads: gpd.GeoDataFrame) -> tuple[coo_array, np.ndarray]:
    shapes = roads.geometry.to_numpy()
    ends = np.vstack([shapely.get_coordinates(shapely.get_point(shapes, k)) for k in (0, -1)])
    nodes, inverse = np.unique(ends, axis=0, return_inverse=True)
    start, end = inverse[: len(roads)], inverse[len(roads) :]
    length = shapely.length(MetricFrame().geometries(shapes))
    np.testing.assert_allclose(length, roads["length_m"], atol=0.06)
    graph = coo_array((length, (start, end)), shape=(len(nodes), len(nodes)))
    return graph, np.column_stack(MetricFrame().points(lng=nodes[:, 0], lat=nodes[:, 1]))


def test_roads_are_one_network_with_every_village_and_most_grids(
    roads: gpd.GeoDataFrame, divisions: gpd.GeoDataFrame, grids: gpd.GeoDataFrame
) -> None:
    graph, nodes = _network(roads)
    assert connected_components(graph, directed=False)[0] == 1
    lng, lat = MetricFrame().back(x=nodes[:, 0], y=nodes[:, 1])
    tree = shapely.STRtree(grids.geometry.to_numpy())
    _, hit = tree.query(shapely.points(lng, lat), predicate="within")
    reached = grids.index[np.unique(hit)]
    assert len(reached) > 0.9 * len(grids)
    assert set(reached.str[:12]) == set(divisions.index[divisions["level"] == "village"])
    assert set(roads["class"]) == {"provincial", "county", "township", "village"}
    assert roads["speed_kmh"].between(15, 80).all()
    assert shapely.is_simple(roads.geometry.to_numpy()).all()


def test_the_road_is_about_twice_the_straight_line(roads: gpd.GeoDataFrame) -> None:
    graph, nodes = _network(roads)
    start = np.random.default_rng(0).integers(0, len(nodes), 40)
    by_road = dijkstra(graph.tocsr(), directed=False, indices=start)
    straight = np.hypot(*(nodes[start][:, None, :] - nodes[None, :, :]).transpose(2, 0, 1))
    ratio = by_road[straight > 2_000] / straight[straight > 2_000]
    assert 1.8 <= np.median(ratio) <= 2.2
    low, high = np.percentile(ratio, [5, 95])
    assert low > 1.4
    assert high < 3.2


def test_incidents_are_seventy_thousand_in_twelve_months(incidents: pd.DataFrame) -> None:
    assert len(incidents) == 70_000
    at = incidents["received_at"]
    assert at.is_monotonic_increasing
    assert str(at.dt.tz) == "Asia/Shanghai"
    assert at.iloc[0] >= pd.Timestamp("2025-11-01", tz="Asia/Shanghai")
    assert at.iloc[-1] < pd.Timestamp("2026-11-01", tz="Asia/Shanghai")
    assert incidents["number"].is_unique
    assert incidents["number"].str.fullmatch(r"罗平-\d{8}-\d{4}").all()
    assert (incidents["number"].str[3:11] == at.dt.strftime("%Y%m%d")).all()


def test_kinds_have_their_shares(incidents: pd.DataFrame) -> None:
    first = incidents[incidents["duplicate_of"].isna()]
    seen = first["kind"].value_counts()
    share = np.array([kind.share for kind in KINDS])
    result = chisquare([seen[kind.code] for kind in KINDS], share / share.sum() * len(first))
    assert result.pvalue > 0.001
    table = {kind.code: (kind.category.value, kind.urgency) for kind in KINDS}
    given = zip(incidents["kind"], incidents["category"], incidents["urgency"], strict=True)
    assert all(table[kind] == (category, urgency) for kind, category, urgency in given)


def test_incidents_keep_the_rhythm_of_the_year_and_the_day(incidents: pd.DataFrame) -> None:
    at = incidents["received_at"]

    def share(kind: str, chosen: "pd.Series[bool]") -> float:
        return float(chosen[incidents["kind"] == kind].mean())

    fire_season = (
        (at.dt.month == 12) | (at.dt.month <= 5) | ((at.dt.month == 6) & (at.dt.day <= 15))
    )
    assert share("forest_fire", fire_season) > 0.85
    assert share("flood_landslide", at.dt.month.between(5, 10)) > 0.85
    before_festival = (at >= "2025-12-29") & (at < "2026-02-18")
    assert share("unpaid_wages", before_festival) > 0.4
    assert share("neighbour_quarrel", at.dt.hour.between(18, 22)) > 0.35
    assert share("road_accident", at.dt.month.isin([2, 3])) > 0.2
    by_day = at[incidents["kind"] == "noise_obstruction"].dt.floor("D").value_counts(sort=False)
    assert by_day.max() > 1.8 * by_day.median()


def test_the_dirt_is_there_in_its_shares(
    incidents: pd.DataFrame, divisions: gpd.GeoDataFrame
) -> None:
    assert incidents["duplicate_of"].notna().mean() == pytest.approx(0.08, abs=1e-4)
    assert incidents["false_alarm"].mean() == pytest.approx(0.03, abs=1e-4)
    nowhere = incidents["lng"].isna()
    assert nowhere.mean() == pytest.approx(0.10, abs=1e-4)
    assert (incidents.loc[nowhere, "address"] != "").all()
    silent = incidents[incidents["datum"] == "unknown"]
    assert len(silent) / len(incidents) == pytest.approx(0.05, abs=1e-4)
    county = divisions[divisions.index == "530324"].geometry.to_numpy()[0].buffer(0.003)
    lng, lat = to_cgcs2000(silent["lng"].to_numpy(), silent["lat"].to_numpy(), Datum.GCJ02)
    assert shapely.contains_xy(county, lng, lat).all()
    honest = incidents[~nowhere & (incidents["datum"] != "unknown")]
    assert set(honest["datum"]) == {"cgcs2000", "wgs84"}
    assert shapely.contains_xy(county, honest["lng"], honest["lat"]).all()
    assert incidents["drill"].sum() == 24
    assert (incidents["drill"] == incidents["text"].str.startswith("【演练】")).all()


def test_second_reports_are_near_the_first_in_place_and_time(incidents: pd.DataFrame) -> None:
    first = incidents.set_index("number")
    again = incidents[incidents["duplicate_of"].notna() & (incidents["datum"] == "wgs84")]
    source = first.loc[again["duplicate_of"]]
    both = (source["datum"].isin(["wgs84", "cgcs2000"])).to_numpy()
    again, source = again[both], source[both]
    delay = again["received_at"].to_numpy() - source["received_at"].to_numpy()
    assert (delay >= np.timedelta64(2, "m")).all()
    assert (delay <= np.timedelta64(3, "h")).all()
    metres = np.hypot(
        (again["lng"].to_numpy() - source["lng"].to_numpy()) * 101_000,
        (again["lat"].to_numpy() - source["lat"].to_numpy()) * 110_800,
    )
    assert np.quantile(metres, 0.99) < 200
    assert (again["kind"].to_numpy() == source["kind"].to_numpy()).all()


def test_incidents_follow_the_people_and_cluster(
    incidents: pd.DataFrame, units: gpd.GeoDataFrame
) -> None:
    known = incidents[incidents["datum"].isin(["wgs84", "cgcs2000"])]
    tree = shapely.STRtree(units.geometry.to_numpy())
    _, hit = tree.query(shapely.points(known["lng"], known["lat"]), predicate="within")
    count = np.bincount(hit, minlength=len(units))
    assert np.corrcoef(count, units["residents"])[0, 1] > 0.4
    assert count.var() > 2 * count.mean()
