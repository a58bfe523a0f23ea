"""Which reader a file needs, by what it is called and, for JSON, by what it says."""

import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from geodata.encoding import decode_file
from geodata.geojson import parse_json, read_geojson
from geodata.raw import RawLayer, refuse
from geodata.tables import read_csv, read_parquet, read_xlsx
from geodata.topojson import read_topojson
from geodata.vector import read_shapefile, read_table_of_shapefile, read_vector, unreadable

READ_SUFFIXES = [
    ".gpkg",
    ".shp",
    ".dbf",
    ".gdb",
    ".geojson",
    ".json",
    ".topojson",
    ".fgb",
    ".parquet",
    ".geoparquet",
    ".csv",
    ".tsv",
    ".txt",
    ".xlsx",
    ".xlsm",
    ".zip",
]
_BESIDE_SHP = (".shp", ".shx", ".dbf", ".prj", ".cpg")
_DATASETS = (".shp", ".gpkg", ".geojson", ".topojson", ".json", ".fgb", ".parquet", ".csv", ".xlsx")
_MOST_UNPACKED = 4 * 2**30


def read_raw(path: Path, *, layer: str | None, encoding: str | None) -> RawLayer:
    """Read a file (or the folder of a FileGDB) as it stands.

    Parameters
    ----------
    path
        The file.
    layer
        The layer, sheet, topology object or member of an archive, where there are several.
    encoding
        The encoding of the text; None to find it out.

    Raises
    ------
    LayerError
        Not there, not a format that is read, unreadable.
    """
    if not path.exists():
        raise refuse(
            "file_missing",
            "文件不存在，请核对路径",
            "there is no such file; check the path",
            str(path),
        )
    suffix, source = path.suffix.casefold(), path.name
    if path.is_dir() and suffix != ".gdb":
        raise _not_read(source)
    if suffix == ".zip":
        with _unpacked(path, layer) as inner:
            chosen = layer if inner.suffix not in _BESIDE_SHP else None
            return read_raw(inner, layer=chosen, encoding=encoding)
    if suffix in (".gpkg", ".fgb", ".gdb"):
        return read_vector(path, layer=layer, source=source)
    if suffix in (".geojson", ".json", ".topojson"):
        return _read_json(path, layer=layer, encoding=encoding)
    if suffix == ".shp":
        return read_shapefile(path, encoding=encoding, source=source)
    return _read_table(path, suffix, layer=layer, encoding=encoding)


def _read_table(path: Path, suffix: str, *, layer: str | None, encoding: str | None) -> RawLayer:
    source = path.name
    if suffix == ".dbf":
        return read_table_of_shapefile(path, encoding=encoding)
    if suffix in (".csv", ".tsv", ".txt"):
        return read_csv(path, encoding=encoding, source=source)
    if suffix in (".xlsx", ".xlsm"):
        return read_xlsx(path, layer=layer, source=source)
    if suffix in (".parquet", ".geoparquet"):
        return read_parquet(path, source=source)
    raise _not_read(source)


def _read_json(path: Path, *, layer: str | None, encoding: str | None) -> RawLayer:
    text, name = decode_file(path.read_bytes(), encoding=encoding, source=path.name)
    document = parse_json(text, path.name)
    if isinstance(document, dict) and document.get("type") == "Topology":
        return read_topojson(document, layer=layer, encoding=name, source=path.name)
    return read_geojson(document, encoding=name, source=path.name)


def _not_read(source: str) -> Exception:
    listed = " ".join(READ_SUFFIXES)
    return refuse(
        "unknown_format",
        f"不支持这种文件：可导入 {listed}（.xls 请另存为 .xlsx）",
        f"this format is not read; these are: {listed} (save .xls as .xlsx)",
        source,
    )


@contextmanager
def _unpacked(path: Path, layer: str | None) -> Iterator[Path]:
    """Unpack the one data set of an archive under names of our own into a temporary folder.

    No name of the archive becomes a path, so none can lead out of the folder.
    """
    try:
        with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory() as folder:
            members = {_name(info): info for info in archive.infolist() if not info.is_dir()}
            chosen = _choose(list(members), layer, path.name)
            parts = [name for name in members if _belongs(name, chosen)]
            if sum(members[name].file_size for name in parts) > _MOST_UNPACKED:
                raise refuse(
                    "archive_too_large",
                    "压缩包解开后超过 4 GB：请先解压再导入",
                    "the archive unpacks to more than 4 GB: unpack it first",
                    path.name,
                )
            data = Path(folder) / ("data" + PurePosixPath(chosen).suffix.casefold())
            if data.suffix == ".gdb":
                data.mkdir()
            for name in parts:
                part = PurePosixPath(name)
                target = data.with_suffix(part.suffix.casefold())
                if data.suffix == ".gdb":
                    target = data / part.name
                with archive.open(members[name]) as packed, target.open("wb") as plain:
                    shutil.copyfileobj(packed, plain)
            yield data
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
        raise unreadable(path.name) from error


def _name(info: zipfile.ZipInfo) -> str:
    """Give a member's name; without the UTF-8 flag Windows in China writes GBK."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("gb18030")
    except UnicodeError:
        return info.filename


def _choose(names: list[str], layer: str | None, source: str) -> str:
    found: dict[str, None] = {}
    for name in names:
        path = PurePosixPath(name)
        folders = [parent for parent in path.parents if parent.suffix.casefold() == ".gdb"]
        if path.parts[0] == "__MACOSX":
            continue
        if folders:
            found[str(folders[0])] = None
        elif path.suffix.casefold() in _DATASETS:
            found[name] = None
    sets = list(found)
    if len(sets) > 1 and layer is not None:
        sets = [name for name in sets if PurePosixPath(name).stem == layer] or sets
    if len(sets) == 1:
        return sets[0]
    if not sets:
        raise refuse(
            "no_layer",
            "压缩包中没有可导入的数据（.shp、.gdb、.gpkg 等）",
            "the archive holds no data set (.shp, .gdb, .gpkg, ...)",
            source,
        )
    listed = ", ".join(PurePosixPath(name).name for name in sets)
    raise refuse(
        "layer_ambiguous",
        f"压缩包中有 {len(sets)} 份数据（{listed}）：请用 --layer 指明（不带扩展名）",
        f"the archive holds {len(sets)} data sets ({listed}): choose one with --layer (without its "
        "suffix)",
        source,
    )


def _belongs(name: str, chosen: str) -> bool:
    part, main = PurePosixPath(name), PurePosixPath(chosen)
    if main.suffix.casefold() == ".gdb":
        return part.parent == main
    if main.suffix.casefold() == ".shp":
        same = (
            part.with_suffix("").as_posix().casefold() == main.with_suffix("").as_posix().casefold()
        )
        return same and part.suffix.casefold() in _BESIDE_SHP
    return name == chosen
