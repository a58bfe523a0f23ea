"""What a file holds once it is read: canonical columns, CGCS2000 geometries, what was declared."""

from dataclasses import dataclass, field
from enum import StrEnum

import geopandas as gpd

from gridsvc.domain.geo import Datum
from gridsvc.domain.words import Text


class LayerKind(StrEnum):
    """What can be imported."""

    DIVISIONS = "divisions"
    GRIDS = "grids"
    UNITS = "units"
    RESPONDERS = "responders"
    INCIDENTS = "incidents"
    ROADS = "roads"


KIND_NAMES: dict[LayerKind, Text] = {
    LayerKind.DIVISIONS: Text("行政区划", "divisions"),
    LayerKind.GRIDS: Text("网格", "grids"),
    LayerKind.UNITS: Text("末端防处单元", "end units"),
    LayerKind.RESPONDERS: Text("处置力量", "responders"),
    LayerKind.INCIDENTS: Text("事件", "incidents"),
    LayerKind.ROADS: Text("道路", "roads"),
}


@dataclass(frozen=True)
class Layer:
    """One layer as read, every row of the file.

    Parameters
    ----------
    kind
        What the rows are.
    frame
        Canonical columns only, geometries in CGCS2000 (EPSG:4490), axis order lng, lat, 2D. Its
        index is the 0-based row number in the file. Vertices are the file's own, converted where
        a CRS or datum asks for it and not yet snapped.
    source
        The file's name, without its folder.
    encoding
        The encoding the text was read in; None where the format has only one.
    crs
        What was declared in the file or given, ``""`` where only a datum was given or the file
        holds no positions.
    datum
        What the file's numbers meant.
    columns
        Canonical column -> the file's column.
    null_rows, empty_rows
        Rows whose geometry is missing, or there and empty; they stay in the frame.
    ignored
        Columns of the file that were not used.
    dropped_z
        Whether heights or measures were there and left out.
    located
        Whether the file holds positions at all (a table of divisions does not).
    """

    kind: LayerKind
    frame: gpd.GeoDataFrame
    source: str
    encoding: str | None = None
    crs: str = ""
    datum: Datum = Datum.CGCS2000
    columns: dict[str, str] = field(default_factory=dict)
    null_rows: tuple[int, ...] = ()
    empty_rows: tuple[int, ...] = ()
    ignored: tuple[str, ...] = ()
    dropped_z: bool = False
    located: bool = True
