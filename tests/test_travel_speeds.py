"""The table of speeds: what it says, what caps it, and how a county changes it."""

from pathlib import Path

import numpy as np
import pytest

from gridsvc.domain.errors import SettingsError
from gridsvc.domain.force import Vehicle
from gridsvc.domain.roads import RoadNetwork
from gridsvc.domain.travel import VEHICLES
from gridsvc.travel.speeds import Speeds
from tests.travel_samples import network_of

NODES = np.array([[104.3, 24.9], [104.31, 24.9]])


def _roads(*roads: tuple[str, str, float], along: int = 7, against: int = 7) -> RoadNetwork:
    count = len(roads)
    return network_of(
        NODES,
        [(0, 1)] * count,
        classes=[one[0] for one in roads],
        surface=[one[1] for one in roads],
        limit=[one[2] for one in roads],
        along=[along] * count,
        against=[against] * count,
        length_m=np.full(count, 1000.0),
    )


def _kmh(
    vehicle: Vehicle, *roads: tuple[str, str, float], speeds: Speeds | None = None
) -> list[float]:
    along, against = (speeds or Speeds()).seconds(_roads(*roads), vehicle)
    assert (along == against).all()
    return [round(3600.0 / one, 6) for one in along.tolist()]


def test_class_and_surface_make_the_speed_and_a_limit_only_caps_it() -> None:
    nan = float("nan")
    roads = (
        ("village", "concrete", nan),
        ("village", "gravel", nan),
        ("county", "asphalt", 30.0),
        ("county", "asphalt", 80.0),
        ("no such class", "moon dust", nan),
        ("village", "concrete", 0.0),
    )
    assert _kmh(Vehicle.CAR, *roads) == [20.0, 14.0, 30.0, 40.0, 20.0, 20.0]
    assert _kmh(Vehicle.MOTORCYCLE, *roads) == [25.0, 17.5, 30.0, 38.0, 22.0, 25.0]
    assert _kmh(Vehicle.FOOT, *roads) == [4.5] * 6


def test_a_ferry_takes_everybody_at_its_own_speed() -> None:
    for vehicle in VEHICLES:
        assert _kmh(vehicle, ("ferry", "", 3.0), ("ferry", "", float("nan"))) == [3.0, 8.0]


def test_who_may_not_go_takes_for_ever() -> None:
    car = 1 << VEHICLES.index(Vehicle.CAR)
    roads = _roads(("county", "", float("nan")), along=car, against=7 - car)
    along, against = Speeds().seconds(roads, Vehicle.CAR)
    assert np.isfinite(along).all()
    assert np.isinf(against).all()
    along, against = Speeds().seconds(roads, Vehicle.FOOT)
    assert np.isinf(along).all()
    assert np.isfinite(against).all()


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "speeds.yaml"
    file.write_text(
        "classes:\n  village: {car: 15}\n  机耕路: {car: 8, motorcycle: 12}\n"
        "surfaces: {gravel: 0.5}\nfoot_kmh: 4\n",
        encoding="utf-8",
    )
    speeds, nan = Speeds.from_file(file), float("nan")
    roads = (
        ("village", "", nan),
        ("village", "gravel", nan),
        ("机耕路", "", nan),
        ("county", "", nan),
    )
    assert _kmh(Vehicle.CAR, *roads, speeds=speeds) == [15.0, 7.5, 8.0, 40.0]
    assert _kmh(Vehicle.MOTORCYCLE, *roads, speeds=speeds) == [25.0, 12.5, 12.0, 38.0]
    assert _kmh(Vehicle.FOOT, roads[0], speeds=speeds) == [4.0]
    file.write_text("", encoding="utf-8")
    assert Speeds.from_file(file) == Speeds()


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "speeds.yaml"
    file.write_text(
        "classes:\n  village: {car: 0}\n  county: 40\n  street: {lorry: 20}\n"
        "surfaces: {gravel: 1.5, mud: often}\nfoot_kmh: true\nwings: 3\n",
        encoding="utf-8",
    )
    with pytest.raises(SettingsError) as caught:
        Speeds.from_file(file)
    assert [fault.where for fault in caught.value.faults] == [
        "wings",
        "classes.village.car",
        "classes.county",
        "classes.street",
        "surfaces.gravel",
        "surfaces.mud",
        "foot_kmh",
    ]
    assert "1.5" in caught.value.say("zh")


@pytest.mark.parametrize("text", ["- a\n- b\n", "classes: [1]\n", "a: [\n", None])
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "speeds.yaml"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError):
        Speeds.from_file(file)
