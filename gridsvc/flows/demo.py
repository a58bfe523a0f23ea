"""The demo county goes in: made as files, imported as any county's files are."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from geodata.layer import LayerKind
from gridsvc.domain.clock import COUNTY_TIME
from gridsvc.domain.codes import CodeScheme
from gridsvc.domain.force import Role
from gridsvc.domain.geo import Datum, MetricFrame
from gridsvc.domain.words import Text
from gridsvc.flows.importing import import_file
from gridsvc.flows.mapload import load_map
from gridsvc.flows.road_import import import_roads
from gridsvc.store import Store

Progress = Callable[[Text, float], None]
"""Told of each step: what it is, and the part done, 0 to 1."""

_FILES: tuple[tuple[LayerKind, str, Text], ...] = (
    (LayerKind.DIVISIONS, "divisions.gpkg", Text("导入区划", "divisions")),
    (LayerKind.GRIDS, "grids.gpkg", Text("导入网格", "grids")),
    (LayerKind.UNITS, "units.gpkg", Text("导入末端单元", "end units")),
    (LayerKind.RESPONDERS, "responders.csv", Text("导入力量", "responders")),
    (LayerKind.INCIDENTS, "incidents.parquet", Text("导入历史案件", "past incidents")),
)


@dataclass(frozen=True, slots=True)
class _Present:
    """What the store already holds of the demo county."""

    kinds: frozenset[LayerKind]
    foreign: bool
    roads: bool


def demo_is_due(store: Store) -> bool:
    """Whether the store is empty, or holds a demo county whose building was cut short."""
    present = _present(store)
    return not present.foreign and len(present.kinds) < len(_FILES)


def build_demo(
    store: Store,
    folder: Path,
    *,
    clock: Callable[[], datetime],
    scheme: CodeScheme,
    frame: MetricFrame,
    cache: Path,
    progress: Progress,
    size: Any = None,
) -> None:
    """Make the demo county's files in ``folder`` and import what the store has not yet.

    Each layer is one transaction, so a build that was cut short goes on where it stopped.

    Parameters
    ----------
    store
        Migrated; empty, or holding part of a demo county.
    folder
        For the files; they stay there to be looked at.
    clock
        Gives the aware present time; the incidents of twelve months end yesterday.
    cache
        Folder for the map's index, which the service then finds ready.
    size
        `geodata.synthetic.CountySize`; None: the size of the real county.
    """
    from geodata.synthetic import build

    present = _present(store)
    yesterday = clock().astimezone(COUNTY_TIME).date() - timedelta(days=1)
    build(folder, progress=_Stages(progress), size=size, end=yesterday)
    for kind, name, text in _FILES:
        if kind in present.kinds:
            continue
        progress(text, 0.0)
        grid_map = None
        if kind is LayerKind.INCIDENTS:
            with store.read() as reading:
                published = reading.areas.load()
            if published is not None:
                grid_map = load_map(published, cache=cache, central_meridian=None)
        import_file(
            store,
            folder / name,
            kind,
            datum=Datum.CGCS2000,
            scheme=scheme,
            frame=frame,
            clock=clock,
            demo=True,
            grid_map=grid_map,
        )
        progress(text, 1.0)
    if not present.roads:
        text = Text("导入道路", "roads")
        progress(text, 0.0)
        import_roads(store, folder / "roads.gpkg", datum=Datum.CGCS2000, clock=clock, demo=True)
        progress(text, 1.0)


class _Stages:
    """Passes the maker's stages on: each begins when the one before it ends."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._now: Text | None = None

    def __call__(self, stage: str, done: float) -> None:
        text = _STAGES.get(stage, Text(stage, stage))
        if text != self._now:
            if self._now is not None:
                self._progress(self._now, 1.0)
            self._progress(text, 0.0)
            self._now = text
        if done >= 1.0:
            self._progress(text, 1.0)


_STAGES = {
    "cells": Text("生成网格与单元", "making grids and units"),
    "people": Text("生成人员与装备", "making people and equipment"),
    "roads": Text("生成路网", "making roads"),
    "incidents": Text("生成案件", "making incidents"),
    "files": Text("写出文件", "writing files"),
}


def _present(store: Store) -> _Present:
    with store.read() as reading:
        versions = reading.areas.versions()
        incidents = reading.incidents.count()
        # Grids and units bring their workers and sentinels; the others come with the list alone.
        roads = reading.roads.current() is not None
        listed = reading.force.has_role(Role.MEDIATOR)
    kinds = {LayerKind(version.layer) for version in versions}
    if listed:
        kinds.add(LayerKind.RESPONDERS)
    if incidents:
        kinds.add(LayerKind.INCIDENTS)
    foreign = any(not version.demo for version in versions) or bool(kinds and not versions)
    return _Present(frozenset(kinds), foreign, roads)
