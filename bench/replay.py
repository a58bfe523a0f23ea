"""Replays side by side: the Auckland graph and stations with simulated calls, the demo county."""

import csv
import gzip
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from bench.county import ROOT
from gridsvc.coverage.villages import Villages
from gridsvc.dispatch import card_for
from gridsvc.domain.clock import COUNTY_TIME
from gridsvc.domain.force import Capability, Responder, Role, Vehicle
from gridsvc.domain.geo import Floats, LngLat, MetricFrame
from gridsvc.domain.kinds import KINDS_BY_CODE
from gridsvc.domain.roads import RoadNetwork
from gridsvc.domain.travel import VEHICLES
from gridsvc.flows.replay import Call, Policy, Run, World, professional, replay
from gridsvc.flows.replay_figures import table
from gridsvc.flows.replaying import replayed
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings
from gridsvc.travel.speeds import Speeds
from gridsvc.travel.times import road_times
from tests.travel_samples import demo_network

SEED = 1
DAYS = 7
CALLS_A_DAY = 280
"""Of its arrival rates in demand_1.csv: 159.6, 68.6 and 51.8 a day."""

AMBULANCES = 2
"""At each station: it is not said how many there are, only that five find room."""

CELL_M = 2500.0
FEW = 20
BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
MONTHS = (datetime(2026, 9, 1, tzinfo=COUNTY_TIME), datetime(2026, 11, 1, tzinfo=COUNTY_TIME))


def auckland() -> Path | None:
    """The folder of the shared data, None where it is absent."""
    shared = Path(os.environ.get("GRIDSVC_SHARED_DATA") or ROOT.parent / "shared" / "data")
    folder = shared / "ems" / "auckland"
    return folder if folder.exists() else None


def auckland_runs(
    folder: Path,
    *,
    days: float = DAYS,
    seed: int = SEED,
    policies: Sequence[Policy] = tuple(Policy),
) -> list[Run]:
    """Calls at nodes drawn from a seed, ambulances at the stations, the arcs' own times (lights and
    sirens) as the truth."""
    network, lng, lat = _network(folder)
    frame = MetricFrame.around(float(np.median(lng)))
    truth = road_times(network, frame=frame, speeds=Speeds(classes={"other": (1e4, 1e4)}))
    world = World(_crews(folder), frame, truth, _cells(frame, lng, lat))
    calls = _calls(lng, lat, days, seed)
    return [replay(calls, world, policy, seed=seed) for policy in policies]


def demo_runs(data: Path, *, seed: int = SEED) -> list[Run]:
    """Two months of the demo county in ``data``, over its own roads."""
    runtime = Runtime.open(Settings.read(data=data))
    try:
        return replayed(
            runtime.store,
            runtime.map(),
            runtime.force(),
            runtime.roads() or demo_network(data / "demo"),
            speeds=runtime.speeds,
            since=MONTHS[0],
            until=MONTHS[1],
            policies=list(Policy),
            seed=seed,
            busy_fraction=0.3,
        )
    finally:
        runtime.close()


def parts(data: Path) -> Iterator[str]:
    """Both tables as parts of the results."""
    folder = auckland()
    if folder is not None:
        runs = auckland_runs(folder)
        yield (
            "\n## Replay: Auckland\n\nGraph, arc times and stations of JEMSS; "
            f"{len(runs[0].calls)} calls of {DAYS} days simulated at nodes drawn evenly,"
            f" {AMBULANCES} ambulances at each of the 14 stations, times always by road."
            "\n\n" + table(runs, "en") + "\n"
        )
    runs = demo_runs(data)
    yield (
        "\n## Replay: the demo county\n\nSeptember and October of its made-up year, its own"
        " professionals and roads, times always by road.\n\n" + table(runs, "en") + "\n"
    )


def _network(folder: Path) -> tuple[RoadNetwork, Floats, Floats]:
    """The arcs as roads for cars, each one way, as fast as the arc says."""
    nodes, arcs = _table(folder / "nodes.csv.gz"), _table(folder / "arcs.csv.gz")
    lng, lat = nodes[:, 1], nodes[:, 2]
    tail, head = (arcs[:, column].astype(np.int64) - 1 for column in (1, 2))
    # Distances are kilometres, times days.
    length_m, hours = arcs[:, 3] * 1000.0, arcs[:, 4] * 24.0
    count = len(arcs)
    car = np.full(count, 1 << VEHICLES.index(Vehicle.CAR), dtype=np.uint8)
    empty = np.full(count, "", dtype=str)
    shape = np.column_stack([lng, lat])[np.column_stack([tail, head]).ravel()]
    network = RoadNetwork(
        version=0,
        node_lng=lng,
        node_lat=lat,
        tail=tail,
        head=head,
        along=car,
        against=np.zeros(count, dtype=np.uint8),
        length_m=length_m,
        limit_kmh=length_m / 1000.0 / hours,
        road_class=empty,
        surface=empty,
        name=empty,
        edge=np.array([f"{number}:0" for number in range(count)]),
        shape=shape,
        shape_start=np.arange(0, 2 * count + 1, 2, dtype=np.int64),
    )
    return network, lng, lat


def _table(path: Path) -> Floats:
    """The numbers of a table: rows whose first cell is one."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [row for row in csv.reader(file) if row and row[0].replace(".", "").isdigit()]
    return np.array([[float(cell or "nan") for cell in row[:6]] for row in rows if len(row) >= 4])


def _crews(folder: Path) -> tuple[Responder, ...]:
    with (folder / "stations_1.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.reader(file) if row and row[0].isdigit()]
    return tuple(
        Responder(
            id=f"A{row[0].zfill(2)}{crew}",
            name=row[6],
            role=Role.AMBULANCE,
            area="",
            home=LngLat(float(row[1]), float(row[2])),
            phone="1",
            capabilities=frozenset({Capability.AMBULANCE, Capability.FIRST_AID}),
            app=True,
            night=True,
            vehicle=Vehicle.CAR,
        )
        for row in rows
        for crew in range(AMBULANCES)
    )


def _calls(lng: Floats, lat: Floats, days: float, seed: int) -> list[Call]:
    """A Poisson stream of calls at nodes, every node alike."""
    chance = np.random.default_rng(seed)
    count = int(chance.poisson(CALLS_A_DAY * days))
    seconds = np.sort(chance.uniform(0.0, days * 86_400.0, count))
    where = chance.integers(0, len(lng), count)
    card = professional(card_for(KINDS_BY_CODE["sudden_illness"], urgency=1))
    return [
        Call(
            f"{number:05d}",
            BEGIN + timedelta(seconds=at),
            float(lng[node]),
            float(lat[node]),
            1,
            card,
        )
        for number, (at, node) in enumerate(zip(seconds.tolist(), where.tolist(), strict=True))
    ]


def _cells(frame: MetricFrame, lng: Floats, lat: Floats) -> Villages:
    """Squares of 2.5 km with at least a few nodes, for villages: each at the node nearest to its
    middle, as heavy as it has nodes."""
    xy = np.column_stack(frame.points(lng=lng, lat=lat))
    _, number, count = np.unique(
        np.floor(xy / CELL_M), axis=0, return_inverse=True, return_counts=True
    )
    number = number.ravel()
    middle = np.column_stack([np.bincount(number, weights=xy[:, axis]) / count for axis in (0, 1)])
    away = np.hypot(*(xy - middle[number]).T)
    order = np.lexsort((away, number))
    nearest = order[np.searchsorted(number[order], np.arange(len(count)))]
    kept = np.flatnonzero(count >= FEW)
    names = tuple(str(cell) for cell in kept.tolist())
    return Villages(names, names, xy[nearest[kept]], count[kept].astype(np.float64), True)
