"""Build the demo county and write its files."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd

from geodata.synthetic import files, names
from geodata.synthetic import outline as outlines
from geodata.synthetic.county import County, make_county
from geodata.synthetic.incidents import make_incidents
from geodata.synthetic.notice import notice
from geodata.synthetic.people import make_equipment, make_people
from geodata.synthetic.roads import make_roads
from geodata.synthetic.size import CountySize, Streams
from gridsvc.domain.errors import Fault, InputError
from gridsvc.domain.geo import Datum, MetricFrame
from gridsvc.domain.words import Text

Progress = Callable[[str, float], None]
SEED = 530_324
END = date(2026, 10, 31)


@dataclass(frozen=True, slots=True)
class SynthReport:
    """What was written: the folder, rows by file name, and the county's area in km2."""

    directory: Path
    seed: int
    rows: dict[str, int]
    area_km2: float
    real_outline: bool
    real_divisions: bool


def build(
    directory: Path,
    *,
    seed: int = SEED,
    outline: Path | None = None,
    datum: Datum | None = None,
    divisions: Path | None = None,
    progress: Progress | None = None,
    size: CountySize | None = None,
    end: date = END,
) -> SynthReport:
    """Write the seeded demo county: ordinary files that go through the ordinary import.

    Parameters
    ----------
    directory
        Made where it is missing; files of the same names are replaced.
    seed
        The same seed gives the same content, in any process.
    outline
        A file of polygons to fill instead of the made-up outline.
    datum
        What the outline's coordinates mean (GeoJSON needs it).
    divisions
        A CSV of real codes and names (``code,name,level,parent``).
    progress
        Called with a stage (``cells``, ``people``, ``roads``, ``incidents``, ``files``) and the
        part done, 0 to 1.
    size
        Counts, those of the real county by default.
    end
        The last day of the incidents.

    Raises
    ------
    LayerError
        The outline or the divisions cannot be used.
    InputError
        The size does not fit the divisions.
    RuntimeError
        The county breaks a promise of its own (a coverage, its union, a count).
    """
    size, say, streams = size or CountySize(), progress or _silent, Streams(seed)
    say("cells", 0.0)
    table = _table(divisions, size, streams)
    county = _county(outline, datum, table, size, streams)
    say("people", 0.4)
    closing = pd.Timestamp(end, tz="Asia/Shanghai")
    people = make_people(county, closing + pd.Timedelta(days=1), streams)
    equipment = make_equipment(county, people, streams)
    say("roads", 0.5)
    roads = make_roads(county, streams)
    say("incidents", 0.65)
    incidents = make_incidents(county, size.incidents, closing, streams)
    say("files", 0.8)
    directory.mkdir(parents=True, exist_ok=True)
    layers = {
        "divisions.gpkg": files.divisions_frame(county),
        "grids.gpkg": files.grids_frame(county, people),
        "units.gpkg": files.units_frame(county, people),
    }
    for name, frame in layers.items():
        files.write_layer(frame, directory / name, "MultiPolygon")
    files.write_csv(people, directory / "responders.csv")
    files.write_csv(equipment, directory / "equipment.csv")
    files.write_parquet(incidents, directory / "incidents.parquet")
    files.write_layer(roads, directory / "roads.gpkg", "LineString")
    rows = {name: len(frame) for name, frame in layers.items()} | {
        "responders.csv": len(people),
        "equipment.csv": len(equipment),
        "roads.gpkg": len(roads),
        "incidents.parquet": len(incidents),
    }
    text = notice(
        table, seed, rows, real_outline=outline is not None, real_names=divisions is not None
    )
    (directory / "NOTICE.txt").write_text(text, encoding="utf-8")
    say("files", 1.0)
    area = float(county.frame.areas_m2(county.township_shapes).sum()) / 1e6
    return SynthReport(directory, seed, rows, area, outline is not None, divisions is not None)


def _silent(_stage: str, _part: float) -> None:
    return None


def _table(path: Path | None, size: CountySize, streams: Streams) -> names.DivisionTable:
    if path is not None:
        table = names.read_divisions(path)
    else:
        table = names.made_up(size.villages, streams("names"))
    villages = sum(len(township.villages) for township in table.townships)
    if not villages * 3 <= size.grids <= size.units * 0.8:
        text = Text(
            f"{villages} 个村、{size.grids} 个网格、{size.units} 个单元不成比例："
            "网格至少为村数的 3 倍，且不超过单元数的 80%",
            f"{villages} villages, {size.grids} grids and {size.units} units do not go together: "
            "at least 3 grids a village, at most 80 % of the units",
        )
        raise InputError(Fault("size_unfit", text))
    return table


def _county(
    path: Path | None,
    datum: Datum | None,
    table: names.DivisionTable,
    size: CountySize,
    streams: Streams,
) -> County:
    if path is None:
        frame = MetricFrame()
        shape = outlines.made_up(streams("outline"), frame)
    else:
        shape = outlines.read(path, datum)
        frame = MetricFrame.around(float(shape.area.centroid.x))
    return make_county(shape, table, size, frame, streams)
