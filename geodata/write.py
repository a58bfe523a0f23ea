"""Layers into files: whole and exact, or refused with everything that would be lost."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import geopandas as gpd

from geodata.formats import format_of
from geodata.layer import LayerKind
from geodata.map_files import write_gdal, write_geojson, write_parquet
from geodata.outgoing import outgoing
from geodata.spreadsheet import write_csv, write_xlsx
from gridsvc.domain.errors import ConflictError, Fault, FormatError, InputError
from gridsvc.domain.geo import Datum
from gridsvc.domain.words import Lang, Text

_BESIDE_SHP = (
    ".shp", ".shx", ".dbf", ".prj", ".cpg", ".qpj", ".qix", ".sbn", ".sbx", ".idm", ".ind",
    ".ain", ".aih", ".shp.xml",
)  # fmt: skip
_OWN_WRITERS = {
    ".geojson": write_geojson,
    ".parquet": write_parquet,
    ".csv": write_csv,
    ".xlsx": write_xlsx,
}


def losses(
    frame: gpd.GeoDataFrame,
    path: Path,
    *,
    kind: LayerKind,
    lang: Lang = "en",
    crs: str | None = None,
    datum: Datum = Datum.CGCS2000,
) -> tuple[Fault, ...]:
    """Everything of this very data that the format of ``path`` cannot hold; nothing is written.

    Parameters and errors are those of ``write_layer``.
    """
    form = format_of(path)
    return tuple(form.losses(outgoing(frame, path, kind=kind, lang=lang, crs=crs, datum=datum)))


def write_layer(
    frame: gpd.GeoDataFrame,
    path: Path,
    *,
    kind: LayerKind,
    lang: Lang = "en",
    crs: str | None = None,
    datum: Datum = Datum.CGCS2000,
    overwrite: bool = False,
) -> None:
    """Write a canonical frame to a file, all of it or none.

    Parameters
    ----------
    frame
        Canonical columns, EPSG:4490 geometries (lng, lat degrees).
    path
        Its ending names the format: .gpkg .shp .gdb .geojson .fgb .parquet .csv .xlsx.
    kind
        What the rows are.
    lang
        ``zh`` gives Chinese column names; values stay as they are.
    crs
        The CRS to write (``EPSG:4544``); None for degrees of ``datum``, declared as EPSG:4490 (or
        4326 for ``WGS84``). Ordinates are written easting or longitude first.
    datum
        ``GCJ02`` and ``BD09`` shift the positions. No file can declare that, so such a file
        declares no CRS at all, and its import needs ``--datum gcj02`` (``import_note``). The
        layer's name, description or metadata say so too, where the format has them.
    overwrite
        Whether an existing file is replaced. Until the new one is whole the old one stays.

    Raises
    ------
    FormatError
        Everything that the format cannot hold, or an ending that is not written.
    ConflictError
        The file is there and ``overwrite`` is False.
    InputError
        The folder is not there or cannot be written to.
    LayerError
        A CRS that is not known or cannot be reached exactly.
    """
    form = format_of(path)
    _check_place(path, overwrite)
    out = outgoing(frame, path, kind=kind, lang=lang, crs=crs, datum=datum)
    lost = tuple(form.losses(out))
    if lost:
        raise FormatError(lost)
    try:
        with _replacing(path) as fresh:
            if form.driver:
                write_gdal(out, fresh, form.driver)
            else:
                _OWN_WRITERS[path.suffix.lower()](out, fresh)
    except OSError as error:
        raise InputError(
            Fault(
                "not_written",
                Text(
                    f"写不进去（{error.strerror or error}），原有文件未改动",
                    f"it cannot be written ({error.strerror or error}); any old file stays",
                ),
                str(path),
            )
        ) from error


def _check_place(path: Path, overwrite: bool) -> None:
    if not path.parent.is_dir():
        raise InputError(
            Fault(
                "no_folder",
                Text(f"文件夹 {path.parent} 不存在：请先建立", f"there is no folder {path.parent}"),
                str(path),
            )
        )
    if path.is_dir() and not _is_filegdb(path):
        raise ConflictError(
            Fault(
                "path_is_folder",
                Text("这是一个文件夹，不会替换：请换一个文件名", "this is a folder: name a file"),
                str(path),
            )
        )
    if not overwrite and _members(path):
        raise ConflictError(
            Fault(
                "file_exists",
                Text(
                    "文件已存在，未改动：要替换请加 --overwrite",
                    "the file is there already and was not touched: replace it with --overwrite",
                ),
                str(path),
            )
        )


def _members(path: Path) -> list[Path]:
    """What there is of the file named ``path``: a shapefile has several files beside it."""
    if path.suffix.lower() != ".shp":
        return [path] if path.exists() else []
    names = {path.stem.casefold() + suffix for suffix in _BESIDE_SHP}
    there = path.parent.iterdir()
    return [one for one in there if one.name.casefold() in names and one.is_file()]


def _is_filegdb(path: Path) -> bool:
    if path.suffix.lower() != ".gdb":
        return False
    return not any(path.iterdir()) or (path / "a00000001.gdbtable").is_file()


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Give a path in a folder beside ``path`` to write to; put it in place when all went well."""
    workshop = Path(tempfile.mkdtemp(prefix=f".{path.stem}-", suffix=".export", dir=path.parent))
    try:
        fresh = workshop / "new" / path.name
        fresh.parent.mkdir()
        yield fresh
        _sync(fresh.parent)
        _put_in_place(fresh, path, workshop / "old")
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def _put_in_place(fresh: Path, path: Path, attic: Path) -> None:
    new = sorted(fresh.parent.iterdir())
    old = _members(path)
    if len(new) == 1 and fresh.is_file():
        fresh.replace(path)
        return
    # Several files, or a folder: no one rename does it, so the old ones wait until all are in.
    attic.mkdir()
    moved: list[tuple[Path, Path]] = []
    try:
        for one in old:
            moved.append((one, attic / one.name))
            one.rename(attic / one.name)
        for one in new:
            moved.append((one, path.parent / one.name))
            one.rename(path.parent / one.name)
    except BaseException:
        for source, target in reversed(moved):
            if target.exists() and not source.exists():
                target.rename(source)
        raise


def _sync(folder: Path) -> None:
    for one in folder.rglob("*"):
        if one.is_file():
            with one.open("rb") as file:
                os.fsync(file.fileno())
