"""The current roads, whose arrays are kept in a file beside the data: rows take longer to read."""

from dataclasses import fields
from pathlib import Path
from typing import Any

from gridsvc.domain.roads import RoadNetwork
from gridsvc.flows.kept_arrays import keep, read_kept
from gridsvc.store import Reading

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
    kept = read_kept(path, lambda found: _network(found, current.version))
    if kept is not None:
        return kept
    network = reading.roads.load()
    if network is not None:
        arrays = {name: getattr(network, name) for name in _ARRAYS}
        keep(path, arrays, older="roads-*.npz", what="the roads")
    return network


def _network(found: dict[str, Any], version: int) -> RoadNetwork:
    return RoadNetwork(version=version, **{name: found[name] for name in _ARRAYS})
