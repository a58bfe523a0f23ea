"""The demo county's files, written so that the same content gives the same bytes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio

from geodata.synthetic.county import County
from gridsvc.domain.geo import SRID
from gridsvc.domain.topology import union_of

LAYERS = ("divisions", "grids", "units", "roads")
_STAMP = "2026-10-31T00:00:00.000Z"


def divisions_frame(county: County) -> gpd.GeoDataFrame:
    """County, townships and villages with their unions: ``code name level parent geometry``."""
    table = county.table
    whole = union_of(county.township_shapes, clean=True)
    rows = [(table.code, table.name, "county", "", whole)]
    rows += [
        (township.code, township.name, "township", table.code, shape)
        for township, shape in zip(table.townships, county.township_shapes, strict=True)
    ]
    rows += [
        (code, name, "village", table.townships[t].code, shape)
        for code, name, t, shape in zip(
            county.village_codes,
            county.village_names,
            county.village_township.tolist(),
            county.village_shapes,
            strict=True,
        )
    ]
    code, name, level, parent, shapes = zip(*sorted(rows, key=lambda row: row[0]), strict=True)
    return gpd.GeoDataFrame(
        {"code": code, "name": name, "level": level, "parent": parent},
        geometry=list(shapes),
        crs=SRID,
    )


def grids_frame(county: County, people: pd.DataFrame) -> gpd.GeoDataFrame:
    """``code name village kind residents worker phone geometry``."""
    worker = people[people["role"] == "grid_worker"].set_index("area").loc[county.grid_codes]
    return gpd.GeoDataFrame(
        {
            "code": county.grid_codes,
            "name": county.grid_names,
            "village": [county.village_codes[k] for k in county.grid_village],
            "kind": county.grid_kinds,
            "residents": county.grid_residents.astype(np.int64),
            "worker": worker["name"].to_numpy(),
            "phone": worker["phone"].to_numpy(),
        },
        geometry=county.grid_shapes,
        crs=SRID,
    )


def units_frame(county: County, people: pd.DataFrame) -> gpd.GeoDataFrame:
    """``code name grid residents sentinel phone geometry``."""
    sentinel = people[people["role"] == "sentinel"].set_index("area").loc[county.unit_codes]
    return gpd.GeoDataFrame(
        {
            "code": county.unit_codes,
            "name": county.unit_names,
            "grid": [county.grid_codes[k] for k in county.unit_grid],
            "residents": county.unit_residents.astype(np.int64),
            "sentinel": sentinel["name"].to_numpy(),
            "phone": sentinel["phone"].to_numpy(),
        },
        geometry=county.unit_shapes,
        crs=SRID,
    )


def write_layer(frame: gpd.GeoDataFrame, path: Path, geometry_type: str) -> None:
    """Write one GeoPackage, replacing what is there, with a fixed time stamp inside."""
    path.unlink(missing_ok=True)
    with _fixed_time():
        pyogrio.write_dataframe(frame, path, driver="GPKG", geometry_type=geometry_type)


@contextmanager
def _fixed_time() -> Iterator[None]:
    """GeoPackages record when they were written: make that a constant."""
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _STAMP})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """CSV in UTF-8 with a byte order mark, so that spreadsheets show the Chinese."""
    table.to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\n")


def write_parquet(table: pd.DataFrame, path: Path) -> None:
    """Parquet, compressed with zstd."""
    table.to_parquet(path, index=False, engine="pyarrow", compression="zstd")
