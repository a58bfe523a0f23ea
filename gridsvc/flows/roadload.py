"""The current roads, whose arrays are kept in a file beside the data: rows take longer to read."""

import logging
import os
import tempfile
from dataclasses import fields
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from gridsvc.domain.roads import RoadNetwork
from gridsvc.store import Reading

log = logging.getLogger(__name__)

_ARRAYS = tuple(one.name for one in fields(RoadNetwork) if one.name != "version")


def load_roads(reading: Reading, *, cache: Path | None) -> RoadNetwork | None:
    """Load the current roads, None while there are none.

    Parameters
    ----------
    reading
        A snapshot of the store.
    cache
        Folder in which the arrays are kept, called by their digest; a file that cannot be read is
        written anew. None: nothing is kept.
    """
    current = reading.roads.current()
    if current is None or cache is None:
        return reading.roads.load()
    path = cache / f"roads-{current.digest[:24]}.npz"
    kept = _read(path, current.version)
    if kept is not None:
        return kept
    network = reading.roads.load()
    if network is not None:
        _write(path, network)
    return network


def _read(path: Path, version: int) -> RoadNetwork | None:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found: dict[str, Any] = {name: arrays[name] for name in _ARRAYS}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    return RoadNetwork(version=version, **found)


def _write(path: Path, network: RoadNetwork) -> None:
    """Keep the arrays, and no older ones; a folder that takes no file costs the next start time."""
    part: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
        part = Path(name)
        with os.fdopen(handle, "wb") as file:
            arrays: dict[str, Any] = {name: getattr(network, name) for name in _ARRAYS}
            np.savez(file, allow_pickle=False, **arrays)
        part.replace(path)
        for other in path.parent.glob("roads-*.npz"):
            if other != path:
                other.unlink(missing_ok=True)
    except OSError as error:
        log.warning("the roads cannot be kept in %s: %s", path.parent, error)
        if part is not None:
            part.unlink(missing_ok=True)
