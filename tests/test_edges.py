"""Near an edge both sides are told and one owner is named; outside, the neighbour's county is."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from fastapi.testclient import TestClient
from shapely.geometry import shape

from api.app import create_app
from gridsvc.domain.errors import ConflictError, SettingsError
from gridsvc.domain.geo import LngLat, MetricFrame
from gridsvc.domain.neighbours import NeighbourCounty, nearest_county
from gridsvc.flows.neighbours import load_neighbours
from gridsvc.runtime import Runtime
from tests.api_county import G1, G2, G3, G4, REPORT, WEST_OF_G1, client_of
from tests.card_county import named, report, sent
from tests.shared import shared_data

NEAR_G2 = 104.31 - 20 / 101_000
"""20 m west of the edge between G1 and G2."""

WEST = NeighbourCounty("530325", "富源县", "0874-1", (LngLat(104.29, 24.8), LngLat(104.29, 25.0)))
EAST = NeighbourCounty("522301", "兴义市", "0859-1", (LngLat(104.36, 24.9),))


def decision(runtime: Runtime, key: str) -> dict[str, Any]:
    kept = runtime.show(key, by=runtime.local).file.decision
    assert kept is not None
    return kept


@pytest.mark.parametrize(("lng", "told"), [(NEAR_G2, True), (104.31 - 40 / 101_000, False)])
def test_both_sides_of_a_near_edge_are_told_and_one_grid_owns(
    carded: Runtime, lng: float, told: bool
) -> None:
    number = carded.receive(report("fight", lng=lng)).incident.number
    events = named(carded, number, "neighbour_grid_told")
    assert len(events) == told
    kept = decision(carded, number)
    assert kept["owner"] == G1
    assert [one["grid"] for one in kept["near_edges"]] == [G2] * told
    if told:
        assert (events[0]["owner"], events[0]["grids"]) == (G1, [G2])
        assert events[0]["responders"] == ["W2"]
        assert kept["near_edges"][0]["distance_m"] == pytest.approx(20, abs=0.5)


def test_a_wider_radius_makes_a_farther_edge_near(carded: Runtime) -> None:
    lng = 104.31 - 150 / 101_000
    number = carded.receive(report(lng=lng, radius_m=200.0)).incident.number
    (told,) = named(carded, number, "neighbour_grid_told")
    assert told["grids"] == [G2]


def test_a_place_that_is_given_later_tells_the_neighbours_then(carded: Runtime) -> None:
    number = carded.receive(report(lng=None, lat=None, text="不知道在哪")).incident.number
    assert named(carded, number, "neighbour_grid_told") == []
    carded.place(number, report(lng=NEAR_G2), caller=carded.local)
    (told,) = named(carded, number, "neighbour_grid_told")
    assert told["grids"] == [G2]


def test_to_be_told_is_not_to_be_assigned(carded: Runtime) -> None:
    number = carded.receive(report("old_and_young", lng=NEAR_G2)).incident.number
    assert named(carded, number, "neighbour_grid_told")
    assert sent(carded, number) == {}
    with carded.store.read() as reading:
        assert reading.cases.taken() == {}


def test_neighbours_are_not_told_of_a_knife(carded: Runtime) -> None:
    number = carded.receive(report("fight", lng=NEAR_G2, text="持刀")).incident.number
    (told,) = named(carded, number, "neighbour_grid_told")
    assert told["responders"] == []


def test_the_next_grids_help_to_search(carded: Runtime) -> None:
    number = carded.receive(report("missing_person", lng=104.315)).incident.number
    (told,) = named(carded, number, "neighbour_grid_told")
    assert (told["owner"], told["grids"]) == (G2, [G1, G3])
    assert told["responders"] == ["W1"], "nobody answers for G3"
    assert G4 not in told["grids"]


def test_outside_the_county_force_goes_and_the_neighbour_is_told(carded: Runtime) -> None:
    carded.neighbours = (EAST, WEST)
    api: TestClient = client_of(create_app(carded))
    outside = {**REPORT, "position": {"lng": WEST_OF_G1[0], "lat": WEST_OF_G1[1]}}
    taken = api.post("/api/v1/incidents", json=outside).json()
    assert taken["assignments"]
    assert taken["neighbour_county"] == {
        "code": "530325",
        "name": "富源县",
        "phone": "0874-1",
        "told_at": None,
    }
    url = f"/api/v1/incidents/{taken['number']}"
    assert api.post(f"{url}/neighbour-told").status_code == 200
    assert api.get(url).json()["neighbour_county"]["told_at"] is not None
    assert named(carded, taken["number"], "neighbour_county_told")[0]["county"] == "530325"
    inside = carded.receive(report()).incident.number
    assert api.get(f"/api/v1/incidents/{inside}").json()["neighbour_county"] is None
    with pytest.raises(ConflictError):
        carded.tell_neighbour(inside, caller=carded.local)


def test_the_table_of_neighbours_is_judged_whole(tmp_path: Path) -> None:
    good = {"code": "530325", "name": "富源县", "phone": "0874-1", "border": [[104.2, 25.1]]}
    path = tmp_path / "n.yaml"
    path.write_text(json.dumps([good]), encoding="utf-8")
    (one,) = load_neighbours(path)
    assert (one.name, one.border) == ("富源县", (LngLat(104.2, 25.1),))
    bad = [
        good,
        {**good, "phone": 110},
        {**good, "border": []},
        {**good, "border": [[25.1, 104.2]]},
    ]
    path.write_text(json.dumps(bad), encoding="utf-8")
    with pytest.raises(SettingsError) as refused:
        load_neighbours(path)
    assert len(refused.value.faults) == 3
    with pytest.raises(SettingsError):
        load_neighbours(tmp_path / "none.yaml")
    assert load_neighbours(None) == ()


def test_over_the_real_border_it_is_the_county_that_lies_there() -> None:
    path = shared_data("luoping", "qujing_9_counties_datav2019_gcj02.geojson")
    shapes = {
        str(one["properties"]["adcode"]): shape(one["geometry"]).buffer(0)
        for one in json.loads(path.read_text(encoding="utf-8"))["features"]
    }
    ours = shapes.pop("530324")
    counties = [
        NeighbourCounty(code, code, "1", tuple(LngLat(x, y) for x, y in ring))
        for code, area in shapes.items()
        for ring in [shapely.get_coordinates(area.boundary.intersection(ours.buffer(0.004)))]
        if len(ring)
    ]
    assert len(counties) >= 3
    band = ours.buffer(0.02).difference(ours.buffer(0.008))
    rng = np.random.default_rng(7)
    west, south, east, north = band.bounds
    places = np.column_stack([rng.uniform(west, east, 4000), rng.uniform(south, north, 4000)])
    frame, asked, right = MetricFrame.around(104.3), 0, 0
    for x, y in places[shapely.contains_xy(band, places)].tolist():
        point = shapely.Point(x, y)
        lies_in = [code for code, area in shapes.items() if area.contains(point)]
        if len(lies_in) == 1:
            found = nearest_county(counties, LngLat(x, y), frame)
            assert found is not None
            asked += 1
            right += found.code == lies_in[0]
    assert asked > 100
    assert right / asked > 0.97, "but for the corners where three counties meet"
