"""Which edges a closure closes."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import shapely

from gridsvc.domain.force import Vehicle
from gridsvc.domain.geo import MetricFrame
from gridsvc.domain.roads import Closure, ClosureState
from gridsvc.travel.closing import closed_edges, nearest_road_m, touched
from tests.road_samples import crossing, line_of, lines_network

NOW = datetime(2026, 11, 24, 1, tzinfo=UTC)
FRAME = MetricFrame(105.0)
ROADS = crossing()


def closure(geometry: object = None, **given: object) -> Closure:
    values: dict[str, object] = {
        "id": "c",
        "geometry": geometry,
        "edges": (),
        "vehicles": frozenset(Vehicle),
        "starts_at": NOW,
        "ends_at": None,
        "reason": "塌方",
        "made_by": "local",
        "made_at": NOW,
        **given,
    }
    return Closure(**values)  # type: ignore[arg-type]


def closed(geometry: object, network: object = ROADS) -> list[str]:
    return network.edge[touched(network, closure(geometry), FRAME)].tolist()  # type: ignore


def test_a_line_closes_what_runs_along_it_and_not_what_crosses() -> None:
    assert closed(line_of((104.303, 24.88502), (104.3058, 24.88505))) == ["1:0"]
    assert closed(line_of((104.303, 24.885), (104.311, 24.885))) == ["1:0", "1:1"]
    # Short, and over the junction: most of it lies on one side.
    assert closed(line_of((104.3059, 24.885), (104.3063, 24.885))) == ["1:1"]
    assert closed(line_of((104.306, 24.8835), (104.306, 24.8845))) == ["2:0"]
    # The road beside it is 30 m away.
    assert closed(line_of((104.303, 24.88527), (104.311, 24.88527))) == ["3:0"]


def test_a_line_the_other_way_round_or_bent_closes_the_same() -> None:
    places = [(104.303, 24.88505), (104.304, 24.88495), (104.3055, 24.88505)]
    assert closed(line_of(*places)) == closed(line_of(*places[::-1])) == ["1:0"]


def test_a_line_over_a_winding_road_closes_it() -> None:
    step = np.linspace(0, 1, 60)
    wavy = np.column_stack([104.303 + 0.005 * step, 24.882 + 0.0001 * np.sin(30 * step)])
    roads = lines_network([[tuple(each) for each in wavy.tolist()]])
    assert closed(line_of((104.303, 24.882), (104.308, 24.882)), roads) == ["1:0"]


def test_a_polygon_closes_what_passes_through_it() -> None:
    assert closed(shapely.box(104.3059, 24.8849, 104.3061, 24.8851)) == ["1:0", "1:1", "2:0", "2:1"]
    assert closed(shapely.box(104.3, 24.8851, 104.303, 24.886)) == ["3:0"]
    assert closed(shapely.box(104.3, 24.886, 104.303, 24.887)) == []
    both = shapely.union_all(
        [
            shapely.box(104.303, 24.8849, 104.304, 24.8851),
            shapely.box(104.3059, 24.882, 104.3061, 24.883),
        ]
    )
    assert closed(both) == ["1:0", "2:0"]


def test_a_polygon_agrees_with_shapely_on_every_edge() -> None:
    rng = np.random.default_rng(7)
    start = rng.uniform([104.3, 24.88], [104.32, 24.9], (300, 2))
    lines = np.stack([start, start + rng.normal(0, 0.002, (300, 2))], axis=1)
    roads = lines_network([[tuple(each) for each in line.tolist()] for line in lines])
    box = shapely.box(104.305, 24.885, 104.312, 24.893)
    expected = shapely.length(shapely.intersection(box, shapely.linestrings(lines))) > 0
    assert touched(roads, closure(box), FRAME).tolist() == np.flatnonzero(expected).tolist()
    assert 10 < expected.sum() < 290


def test_masks_are_those_of_the_closures_in_force() -> None:
    car = closure(edges=("1:0", "2:1"), vehicles=frozenset({Vehicle.CAR}))
    late = closure(edges=("1:0",), starts_at=NOW + timedelta(hours=1))
    over = closure(edges=("3:0",), starts_at=NOW - timedelta(hours=2), ends_at=NOW)
    lifted = closure(edges=("3:0",), lifted_at=NOW)
    foot = closure(edges=("1:0",), vehicles=frozenset({Vehicle.FOOT}))
    every = [car, late, over, lifted, foot]
    assert closed_edges(ROADS, every, NOW, FRAME).tolist() == [5, 0, 0, 4, 0]
    assert closed_edges(ROADS, every, NOW + timedelta(hours=1), FRAME).tolist() == [7, 0, 0, 4, 0]
    assert closed_edges(ROADS, every, NOW - timedelta(hours=1), FRAME).tolist() == [0, 0, 0, 0, 7]
    assert closed_edges(ROADS, [], NOW, FRAME).dtype == np.uint8
    assert [one.state(NOW) for one in every] == [
        ClosureState.IN_FORCE,
        ClosureState.SCHEDULED,
        ClosureState.ENDED,
        ClosureState.LIFTED,
        ClosureState.IN_FORCE,
    ]


def test_the_nearest_road_is_that_many_metres_away() -> None:
    x, y = FRAME.point(lng=104.309, lat=24.885)
    lng, lat = FRAME.back(x=np.array([x]), y=np.array([y - 120.0]))
    place = line_of((float(lng[0]), float(lat[0])), (float(lng[0]) + 1e-4, float(lat[0])))
    assert nearest_road_m(ROADS, place, FRAME) == pytest.approx(120, abs=1)
