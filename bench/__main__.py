"""``python -m bench``: run everything, print it, keep it in bench/RESULTS.md."""

import os
import platform
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench import answering, building, county, dispatching, locating, maps, streaming, travel
from bench.measure import Row
from gridsvc.locating import GridMap
from tests import postgres

RESULTS = Path(__file__).with_name("RESULTS.md")
HEAD = "| work | peer | ours, us each | peer, us each | ratio | target |\n|---|---|---|---|---|---|"


def machine() -> str:
    """What the figures were taken on."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    libraries = ", ".join(
        f"{name} {version(name)}" for name in ("shapely", "h3", "h3ronpy", "numpy", "geopandas")
    )
    return (
        f"{os.cpu_count()} cores, {model}; Python {platform.python_version()}; {libraries}. "
        f"{datetime.now(UTC):%Y-%m-%d}. One thread. Best of five, the peers in turns with ours."
    )


def main() -> None:
    """Measure, print as it goes, and write the results."""
    rows: list[Row] = []
    parts = [f"# Results\n\n{machine()}\n"]
    with_postgis = postgres.why_not() is None
    with tempfile.TemporaryDirectory() as name:
        files = county.demo_files(Path(name))
        cost = building.measured(files)
        demo = GridMap(county.published(files))
    print(parts[0], cost, sep="\n")
    italy_map = county.italy()
    print(HEAD)
    for label, grid_map in (
        ("demo county", demo),
        ("it_comuni_7900", None if italy_map is None else GridMap(italy_map)),
    ):
        if grid_map is None:
            continue
        for made in (
            locating.one_by_one(grid_map, label, with_postgis and grid_map is demo),
            locating.placements(grid_map, label),
            locating.a_million(grid_map, label, with_postgis and grid_map is demo),
        ):
            rows += made
            print("\n".join(row.line() for row in made), flush=True)
    parts.append(
        "## Locating\n\nThe same positions for both sides, answers asserted equal; the peer makes"
        " its points itself. Two samples: evenly over the county, and the same number in every"
        f" polygon. H3 resolution {demo.index.resolution} for the county.\n\n"
        + "\n".join([HEAD, *(row.line() for row in rows)])
    )
    parts.append(
        "\n## Index of both layers\n\n| | measured | target |\n|---|---|---|\n"
        f"| built | {cost['build_s']:.1f} s | 8 s |\n"
        f"| loaded, kept from an earlier start | {cost['warm_s']:.2f} s | 0.5 s |\n"
        f"| memory added, loaded | {cost['warm_rss_mb']:.0f} MB | 200 MB |\n"
        f"| memory added, built | {cost['build_rss_mb']:.0f} MB | |\n"
    )
    with tempfile.TemporaryDirectory() as name:
        pages = list(maps.measured(Path(name)))
    print(maps.HEAD, *pages, sep="\n")
    parts.append(
        "\n## Pages\n\nThe demo county in a headless Chromium, 1366 by 768, until a frame is drawn"
        " after the scripts.\n\n" + "\n".join([maps.HEAD, *pages]) + "\n"
    )
    parts.append(_travel())
    parts.append(_streaming())
    parts.append(_dispatching())
    parts.append(_answering())
    RESULTS.write_text("\n".join(parts))


def _travel() -> str:
    """Measure travel times, print them as it goes, and say them as a part of the results."""
    with tempfile.TemporaryDirectory() as name:
        folder = county.demo_files(Path(name))
        made = travel.county(folder)
        beside = [row.line() for row in travel.peers(made)]
        print(HEAD, *beside, travel.HEAD, sep="\n", flush=True)
        lines = []
        for line in travel.ours(made, folder):
            lines.append(line)
            print(line, flush=True)
    return (
        "\n## Travel times\n\nThe demo county's roads with a node at every other bend. Searches"
        " from one node by car on the same arcs, answers asserted equal; pandana's index is built"
        " before.\n\n"
        + "\n".join([HEAD, *beside])
        + "\n\nEverybody's exact time to one place, each by their own vehicle.\n\n"
        + "\n".join([travel.HEAD, *lines])
        + "\n"
    )


def _streaming() -> str:
    """Measure the stream, print it as it goes, and say it as a part of the results."""
    lines = [streaming.HEAD]
    print(streaming.HEAD)
    for heard in streaming.measured():
        lines.append(heard.line())
        print(lines[-1], flush=True)
    return (
        f"\n## Stream\n\n{streaming.LISTENERS} listeners, {streaming.RATE} events a second for"
        f" {streaming.SECONDS} s, everything on the same cores. From the event's time, taken before"
        f" its commit, to the listener; target {streaming.TARGET_S * 1e3:.0f} ms and none missed."
        "\n\n" + "\n".join(lines) + "\n"
    )


def _dispatching() -> str:
    """Measure emergencies over HTTP, print it as it goes, and say it as a part of the results."""
    lines = [dispatching.HEAD]
    print(dispatching.HEAD)
    with tempfile.TemporaryDirectory() as name:
        for served in dispatching.measured(Path(name)):
            lines.append(served.line())
            print(lines[-1], flush=True)
    return (
        f"\n## Emergencies over HTTP\n\nThe demo county, {dispatching.CONNECTIONS} connections for"
        f" {dispatching.SECONDS:.0f} s, the load generator on the same cores; then"
        f" {dispatching.RATE} a second at an even pace, target 50 ms for 99 %."
        " Everybody is free at the start of each."
        " CPU time of the server processes alone.\n\n" + "\n".join(lines) + "\n"
    )


def _answering() -> str:
    """Simulate who answers, print it, and say it as a part of the results."""
    print(answering.HEAD)
    with tempfile.TemporaryDirectory() as name:
        lines = [answering.HEAD, *(one.line() for one in answering.measured(Path(name)))]
    print(*lines[1:], sep="\n", flush=True)
    return (
        f"\n## Until somebody goes\n\n{answering.CALLS} simulated emergencies of urgency 1 in the"
        f" demo county, through the real offers on a real store, with a clock of their own;"
        f" {answering.SILENT:.0%} of people do not answer, {answering.DECLINING:.0%} decline."
        " From the call to the first acceptance, and to everybody the card asks for. Target: 90 %"
        " accepted within 60 s. The same seed gives the same figures.\n\n" + "\n".join(lines) + "\n"
    )


if __name__ == "__main__":
    main()
