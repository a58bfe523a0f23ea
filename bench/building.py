"""Building the index, loading it, and the memory it adds: in a process of its own."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.measure import rss_mb


def measured(files: Path) -> dict[str, float]:
    """Seconds and megabytes of a fresh process that builds both indexes, and of one that loads
    the kept ones."""
    with tempfile.TemporaryDirectory() as cache:
        cold = _child(files, Path(cache))
        warm = _child(files, Path(cache))
    return {
        "build_s": cold["index_s"],
        "build_rss_mb": cold["rss_mb"],
        "warm_s": warm["index_s"],
        "warm_rss_mb": warm["rss_mb"],
    }


def _child(files: Path, cache: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.building", str(files), str(cache)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(files: Path, cache: Path) -> None:
    """Make the map from files and print what its index cost."""
    from bench.county import published

    county = published(files)
    from gridsvc.flows.mapload import load_map

    before = rss_mb()
    start = time.perf_counter()
    grid_map = load_map(county, cache=cache, central_meridian=None)
    seconds = time.perf_counter() - start
    for area in county.grids[:2000]:
        point = area.geometry.representative_point()
        grid_map.locate(lng=point.x, lat=point.y)
    print(json.dumps({"index_s": seconds, "rss_mb": rss_mb() - before}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
