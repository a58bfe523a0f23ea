"""Roads of line layers: where they join, what surveys call things, what is refused."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geodata.road_classes import CLASSES, SURFACES, class_of, surface_of
from geodata.road_report import Reason, dead_ends, road_report
from geodata.road_topology import build_network
from geodata.roads_lines import read_lines
from gridsvc.domain.errors import LayerError
from gridsvc.domain.geo import MetricFrame
from gridsvc.domain.roads import RoadNetwork
from tests.road_samples import ALL, edges_of

FRAME = MetricFrame(105.0)
X, Y = FRAME.point(lng=104.3, lat=24.88)

Line = list[tuple[float, float]]


def layer_of(lines: list[Line], path: Path, **columns: list[str]) -> Path:
    """Lines in metres from a corner, written in the county's Gauss-Kruger zone."""
    given = columns or {"class": ["county"] * len(lines)}
    shapes = [shapely.LineString([(X + x, Y + y) for x, y in line]) for line in lines]
    gpd.GeoDataFrame(given, geometry=shapes, crs="EPSG:4544").to_file(path)
    return path


def joined(lines: list[Line], folder: Path, *, tolerance_m: float = 0.5) -> RoadNetwork:
    return build_network(
        read_lines(layer_of(lines, folder / "roads.gpkg"), tolerance_m=tolerance_m).ways
    )


def test_a_crossing_without_a_vertex_is_a_bridge(tmp_path: Path) -> None:
    network = joined([[(0, 0), (200, 0)], [(100, -50), (100, 50)]], tmp_path)
    assert (network.nodes, network.edges) == (4, 2)


def test_a_shared_vertex_joins(tmp_path: Path) -> None:
    network = joined([[(0, 0), (100, 0), (200, 0)], [(100, -50), (100, 0), (100, 50)]], tmp_path)
    assert (network.nodes, network.edges) == (5, 4)
    assert network.edge.tolist() == ["1:0", "1:1", "2:0", "2:1"]


@pytest.mark.parametrize(("gap_m", "edges"), [(0.0, 3), (0.4, 3), (0.6, 2)])
def test_an_end_on_a_line_splits_it_within_the_tolerance(
    tmp_path: Path, gap_m: float, edges: int
) -> None:
    network = joined([[(0, 0), (200, 0)], [(100, gap_m), (100, 50)]], tmp_path)
    assert network.edges == edges
    assert network.nodes == edges + (1 if edges == 3 else 2)
    assert network.length_m.sum() == pytest.approx(250 - gap_m, abs=0.1)


@pytest.mark.parametrize(("gap_m", "tolerance_m", "nodes"), [(0.4, 0.5, 3), (0.4, 0.1, 4)])
def test_vertices_within_the_tolerance_are_one(
    tmp_path: Path, gap_m: float, tolerance_m: float, nodes: int
) -> None:
    lines: list[Line] = [[(0, 0), (100, 0)], [(100 + gap_m, 0), (200, 0)]]
    assert joined(lines, tmp_path, tolerance_m=tolerance_m).nodes == nodes


def test_bends_closer_than_the_tolerance_stay(tmp_path: Path) -> None:
    wavy = [(0.3 * step, 0.1 * (step % 2)) for step in range(300)]
    network = joined([wavy, [(0, 0), (0, 40)]], tmp_path)
    assert network.edges == 2
    assert np.diff(network.shape_start).tolist() == [300, 2]
    assert network.nodes == 3


def test_several_ends_on_one_segment_keep_their_order(tmp_path: Path) -> None:
    ends = [150.0, 50.0, 100.0]
    lines: list[Line] = [[(0.0, 0.0), (200.0, 0.0)], *[[(at, 0.0), (at, 30.0)] for at in ends]]
    network = joined(lines, tmp_path)
    assert network.edges == 7
    main = [one for one in range(7) if network.edge[one].startswith("1:")]
    assert network.length_m[main] == pytest.approx([50.0] * 4, abs=0.05)
    assert network.head[main[:-1]].tolist() == network.tail[main[1:]].tolist()


def test_a_near_miss_is_told_and_a_short_spur_is_not(tmp_path: Path) -> None:
    lines: list[Line] = [
        [(0, 0), (400, 0)],
        [(100, 6), (100, 80)],  # misses by 6 m
        [(200, 0), (200, 10)],  # a spur that is joined: its end lies 10 m from the road
        [(300, 40), (300, 90)],  # 40 m off
    ]
    network = joined(lines, tmp_path)
    found = dead_ends(network, 15.0)
    assert [(one.edge, one.other[0]) for one in found] == [("2:0", "1")]
    assert found[0].distance_m == pytest.approx(6.0, abs=0.05)
    x, y = FRAME.point(lng=found[0].at.lng, lat=found[0].at.lat)
    assert (x - X, y - Y) == pytest.approx((100, 6), abs=1e-3)
    assert dead_ends(network, 5.0) == ()


def test_a_survey_in_gbk_is_understood(tmp_path: Path) -> None:
    path = tmp_path / "道路.shp"
    shapes = [shapely.LineString([(X + 100 * n, Y), (X + 100 * n + 90, Y)]) for n in range(7)]
    table = {
        "路段编号": [f"L{n}" for n in range(7)],
        "道路等级": ["省道", "县道", "乡道", "村道", "机耕路", "高速公路", "某种路"],
        "道路名称": ["罗雄大道", "", "", "", "", "", ""],
        "限速": ["60", "40km/h", "", "不详", "", "", ""],
        "是否单行": ["是", "否", "双向", "逆向", "", "", "?"],
        "路面类型": ["沥青", "水泥路面", "砂石", "土路", "", "未硬化", "玻璃"],
    }
    gpd.GeoDataFrame(table, geometry=shapes, crs="EPSG:4544").to_file(path, encoding="gbk")
    (tmp_path / "道路.cpg").unlink(missing_ok=True)
    source = read_lines(path)
    network = build_network(source.ways)
    expected = "secondary tertiary unclassified residential track motorway unclassified"
    assert network.road_class.tolist() == expected.split()
    assert network.surface.tolist() == [
        *("asphalt", "concrete", "gravel", "dirt", "", "unpaved", ""),
    ]
    assert network.limit_kmh[:2].tolist() == [60.0, 40.0]
    assert np.isnan(network.limit_kmh[2:]).all()
    assert network.name[0] == "罗雄大道"
    masks = edges_of(network)
    assert masks["L0:0"] == (ALL, {"foot"})
    assert masks["L1:0"] == (ALL, ALL)
    assert masks["L3:0"] == ({"foot"}, ALL)
    told = road_report(network, source.drops).dropped
    assert {reason: one.count for reason, one in told.items()} == {
        Reason.UNKNOWN_CLASS: 1,
        Reason.UNKNOWN_LIMIT: 1,
        Reason.UNKNOWN_ONE_WAY: 1,
        Reason.UNKNOWN_SURFACE: 1,
    }
    assert told[Reason.UNKNOWN_CLASS].examples == ("L6（某种路）",)


def test_letters_of_a_one_way_column_mean_what_the_column_means(tmp_path: Path) -> None:
    lines: list[Line] = [[(100 * n, 0), (100 * n + 90, 0)] for n in range(3)]
    about = {"fclass": ["track_grade2", "tertiary_link", "primary"]}
    path = layer_of(lines, tmp_path / "a.gpkg", **about, oneway=["B", "F", "T"])
    masks = edges_of(build_network(read_lines(path).ways))
    assert list(masks.values()) == [(ALL, ALL), (ALL, {"foot"}), ({"foot"}, ALL)]
    path = layer_of(lines[:2], tmp_path / "b.gpkg", fclass=["track", "track"], oneway=["F", "T"])
    masks = edges_of(build_network(read_lines(path).ways))
    assert list(masks.values()) == [(ALL, ALL), (ALL, {"foot"})]


def test_ids_that_repeat_are_counted_on(tmp_path: Path) -> None:
    lines: list[Line] = [[(0, 0), (90, 0)], [(0, 50), (90, 50)], [(0, 99), (90, 99)]]
    about = {"道路编号": ["X901", "Y1", "X901"], "道路等级": ["县道", "乡道", "县道"]}
    network = build_network(read_lines(layer_of(lines, tmp_path / "a.gpkg", **about)).ways)
    assert network.edge.tolist() == ["X901:0", "Y1:0", "X901:1"]


def test_rows_without_a_line_are_dropped_and_told(tmp_path: Path) -> None:
    shapes = np.array(
        [shapely.LineString([(104.3, 24.88), (104.31, 24.88)]), None, shapely.LineString()],
        dtype=object,
    )
    frame = gpd.GeoDataFrame({"class": ["county"] * 3}, geometry=shapes, crs="EPSG:4490")
    frame.to_file(tmp_path / "a.gpkg")
    source = read_lines(tmp_path / "a.gpkg")
    assert source.drops.ids[Reason.NO_GEOMETRY] == ["2", "3"]
    assert build_network(source.ways).edges == 1


def test_what_cannot_be_roads_is_refused_with_what_to_do(tmp_path: Path) -> None:
    area = gpd.GeoDataFrame(
        {"class": ["county"]}, geometry=[shapely.box(104, 24, 104.1, 24.1)], crs="EPSG:4490"
    )
    area.to_file(tmp_path / "area.gpkg")
    with pytest.raises(LayerError, match="roads are lines, found Polygon"):
        read_lines(tmp_path / "area.gpkg")
    path = layer_of([[(0, 0), (9, 0)]], tmp_path / "b.gpkg", Belag=["Asphalt"])
    with pytest.raises(LayerError, match=r"roads need the columns class .*found: Belag"):
        read_lines(path)
    assert read_lines(path, columns={"class": "Belag"}).ways.road_class == ["unclassified"]
    table = tmp_path / "c.csv"
    pd.DataFrame({"class": ["county"]}).to_csv(table, index=False)
    with pytest.raises(LayerError, match="roads need lines"):
        read_lines(table)
    area.iloc[:0].to_file(tmp_path / "none.gpkg")
    with pytest.raises(LayerError, match="no row in the file"):
        read_lines(tmp_path / "none.gpkg")
    (tmp_path / "half.gpkg").write_bytes((tmp_path / "b.gpkg").read_bytes()[:5000])
    with pytest.raises(LayerError):
        read_lines(tmp_path / "half.gpkg")


def test_every_word_of_the_tables_is_in_the_vocabulary() -> None:
    words = {"高速": "motorway", "国道": "primary", "专用公路": "service", "小路": "path"}
    assert {word: class_of(word) for word in words} == words
    assert {class_of(word) for word in ("X", "县道", "county", "tertiary_link")} == {"tertiary"}
    assert class_of("高架铁路") is None
    from geodata import road_classes

    assert set(road_classes.OSM_CLASSES.values()) | {"ferry"} == set(CLASSES)
    assert set(road_classes.SURVEY_CLASSES.values()) <= set(CLASSES)
    assert set(road_classes.SURFACE_WORDS.values()) == set(SURFACES)
    assert surface_of("泥结碎石") == "gravel"


def test_the_demo_county_has_every_road(demo_files: Path) -> None:
    frame = gpd.read_file(demo_files / "roads.gpkg")
    source = read_lines(demo_files / "roads.gpkg")
    network = build_network(source.ways)
    assert network.edges == len(frame)
    assert network.length_m.sum() == pytest.approx(frame["length_m"].sum(), rel=1e-3)
    report = road_report(network, source.drops)
    assert {one.count for one in report.parts.values()} == {1}
    assert report.dropped == {}
