"""The peers: shapely's STRtree, geopandas, PostGIS, h3 alone."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import geopandas as gpd
import h3.api.basic_int
import numpy as np
import psycopg
import shapely
from h3ronpy.vector import coordinates_to_cells

from tests import postgres


class TreePeer:
    """A shapely STRtree over prepared polygons; the lowest number wins on a shared edge."""

    def __init__(self, polygons: Any, codes: list[str]) -> None:
        self.polygons = np.asarray(polygons, dtype=object)
        shapely.prepare(self.polygons)
        self.tree = shapely.STRtree(self.polygons)
        self.codes = codes
        self.code_array = np.array([*codes, None], dtype=object)

    def one(self, lng: float, lat: float) -> str | None:
        """Code of one position; its point is made here, as a caller would have to."""
        found = self.tree.query(shapely.Point(lng, lat), predicate="intersects")
        return self.codes[found.min()] if len(found) else None

    def near(self, degrees: float, lng: float, lat: float) -> int:
        """How many polygons lie within a distance in degrees: what neighbours would cost."""
        return len(self.tree.query(shapely.Point(lng, lat), predicate="dwithin", distance=degrees))

    def many(self, lng: Any, lat: Any) -> Any:
        """Codes of many positions: boxes from the tree, then the prepared polygons."""
        row, at = self.tree.query(shapely.points(lng, lat))
        hit = shapely.intersects_xy(self.polygons[at], lng[row], lat[row])
        found = np.full(len(lng), len(self.codes), dtype=np.int64)
        np.minimum.at(found, row[hit], at[hit])
        return self.code_array[found]


def sjoin(frame: gpd.GeoDataFrame, lng: Any, lat: Any) -> Any:
    """Codes of many positions by geopandas."""
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(lng, lat), crs=4490)
    joined = gpd.sjoin(points, frame, predicate="intersects", how="left")
    return joined.groupby(level=0)["code"].min().to_numpy()


def cells_alone(lng: Any, lat: Any, resolution: int) -> Any:
    """H3 cells of many positions, and nothing else: the floor."""
    return coordinates_to_cells(lat, lng, resolution)


def cell_alone(resolution: int, lng: float, lat: float) -> int:
    """H3 cell of one position."""
    cell: int = h3.api.basic_int.latlng_to_cell(lat, lng, resolution)
    return cell


@contextmanager
def postgis(polygons: Any, codes: list[str]) -> Iterator[Any]:
    """A connection to a private PostGIS that holds the polygons under a GiST index."""
    cluster = postgres.Cluster.start()
    try:
        with cluster.database(postgres.POSTGIS) as url:
            yield from _loaded(url, polygons, codes)
    finally:
        cluster.stop()


def _loaded(url: str, polygons: Any, codes: list[str]) -> Iterator[Any]:
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql")) as connection:
        connection.autocommit = True
        connection.execute(
            "CREATE TABLE area (code text PRIMARY KEY, geometry geometry(Multipolygon, 4490))"
        )
        with connection.cursor().copy("COPY area (code, geometry) FROM STDIN") as copy:
            for code, polygon in zip(codes, polygons, strict=True):
                copy.write_row(
                    (
                        code,
                        shapely.to_wkb(
                            shapely.set_srid(polygon, 4490), hex=True, include_srid=True
                        ),
                    )
                )
        connection.execute("CREATE INDEX ON area USING gist (geometry)")
        connection.execute("VACUUM ANALYZE area")
        yield connection


def postgis_one(connection: Any) -> Callable[[float, float], str | None]:
    """A prepared query for the code of one position."""
    query = (
        "SELECT min(code) FROM area"
        " WHERE ST_Intersects(geometry, ST_SetSRID(ST_MakePoint(%s, %s), 4490))"
    )
    cursor = connection.cursor()

    def one(lng: float, lat: float) -> str | None:
        cursor.execute(query, (lng, lat), prepare=True)
        code: str | None = cursor.fetchone()[0]
        return code

    return one


def postgis_join(connection: Any, lng: Any, lat: Any) -> float:
    """Seconds the server takes to join the points, which are loaded before, to the areas."""
    connection.execute("DROP TABLE IF EXISTS spot")
    connection.execute("CREATE TABLE spot (id int, at geometry(Point, 4490))")
    with connection.cursor().copy("COPY spot (id, at) FROM STDIN") as copy:
        hexes = shapely.to_wkb(
            shapely.set_srid(shapely.points(lng, lat), 4490), hex=True, include_srid=True
        )
        for row, point in enumerate(hexes.tolist()):
            copy.write_row((row, point))
    connection.execute("ANALYZE spot")
    connection.execute("SET max_parallel_workers_per_gather = 0")
    start = time.perf_counter()
    connection.execute(
        "SELECT count(*) FROM (SELECT spot.id, min(area.code) FROM spot JOIN area"
        " ON ST_Intersects(area.geometry, spot.at) GROUP BY spot.id) AS joined"
    ).fetchone()
    return time.perf_counter() - start


def _ewkb(geometries: Any) -> list[str]:
    """Geometries as PostGIS reads them in COPY."""
    marked = shapely.set_srid(np.asarray(geometries, dtype=object), 4490)
    found: list[str] = shapely.to_wkb(marked, hex=True, include_srid=True).tolist()
    return found
