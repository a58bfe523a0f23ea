"""A file of positions goes through the map in pieces, so that it may be larger than memory."""

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from geodata.datum import to_cgcs2000
from geodata.encoding import detect
from gridsvc.domain.errors import Fault, FormatError, InputError, LayerError, PositionError
from gridsvc.domain.geo import Datum, Floats
from gridsvc.domain.words import Lang, Text
from gridsvc.locating import GridMap
from gridsvc.locating.many import GOOD, BadRows, suspicions

ADDED = ("unit", "grid", "village", "township", "outside_m")
_BATCH_ROWS = 131_072
_CSV_BLOCK = 4 << 20
_SHOWN = 10
_HEAD = 1 << 20
_PARSE = pa.csv.ParseOptions(newlines_in_values=True)

Progress = Callable[[int, int | None], None]
"""Rows done, and rows in all where the file says so."""


@dataclass(frozen=True, slots=True)
class Done:
    """Rows written, those outside the county, and those with a position that cannot be meant."""

    rows: int
    outside: int
    bad: int


@dataclass(frozen=True)
class _Source:
    schema: pa.Schema
    total: int | None
    batches: Callable[[], Iterator[pa.RecordBatch]]


@dataclass(frozen=True)
class _Job:
    """How a file is to be gone through; ``schema`` is that of what is written."""

    schema: pa.Schema
    datum: Datum
    keep_bad: bool
    lang: Lang
    progress: Progress | None


def locate_file(
    grid_map: GridMap,
    source: Path,
    target: Path,
    *,
    datum: Datum = Datum.CGCS2000,
    keep_bad: bool = False,
    overwrite: bool = False,
    lang: Lang = "zh",
    progress: Progress | None = None,
) -> Done:
    """Add the areas of every position of a file.

    Parameters
    ----------
    grid_map
        The map to ask.
    source, target
        ``.csv`` or ``.parquet`` each; the source has columns ``lng`` and ``lat`` in degrees of
        ``datum``. The target is written beside itself and put in place when it is whole.
    keep_bad
        Rows whose position cannot be meant stay, without areas and with a sentence in a column
        ``problem``; otherwise they are an error and nothing is written.
    lang
        Of the sentences in ``problem``.

    Returns
    -------
    Done
        Counts. Added columns: ``unit, grid, village, township`` (codes as text, null where there
        is none) and ``outside_m`` (metres to the nearest grid, 0 inside).

    Raises
    ------
    LayerError
        The source cannot be read or has not the columns.
    PositionError
        Bad positions, with their rows (the first line of data is row 1).
    FormatError
        The target cannot be written.
    """
    _check_target(source, target, overwrite)
    opened = _open(source)
    _check_columns(opened.schema, source, keep_bad)
    extra = [pa.field(name, pa.string()) for name in ADDED[:-1]]
    extra.append(pa.field(ADDED[-1], pa.float64()))
    if keep_bad:
        extra.append(pa.field("problem", pa.string()))
    schema = pa.schema([*opened.schema, *extra])
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    os.close(handle)
    part = Path(name)
    try:
        with _writer(part, target, schema) as writer:
            done = _go_through(
                grid_map, opened, writer, _Job(schema, datum, keep_bad, lang, progress)
            )
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return done


def _go_through(grid_map: GridMap, opened: _Source, writer: Any, job: _Job) -> Done:
    rows = outside = 0
    bad = BadRows(grid_map.bounds, _SHOWN)
    for batch in opened.batches():
        lng, lat = _degrees(batch, job.datum)
        numbers = suspicions(lng, lat, bounds=grid_map.bounds)
        bad.add(numbers, lng, lat)
        # With a bad row nothing will be written: the rest is read only to name every fault.
        if job.keep_bad or not bad.count:
            columns, away = _areas(grid_map, lng, lat, numbers == GOOD)
            outside += away
            if job.keep_bad:
                said = bad.texts(numbers, lng, lat, lang=job.lang)
                columns.append(pa.array(said, type=pa.string()))
            arrays = [*batch.columns, *columns]
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=job.schema))
        rows += batch.num_rows
        if job.progress is not None:
            job.progress(rows, opened.total)
    if bad.count and not job.keep_bad:
        raise PositionError(_bad_rows(bad))
    return Done(rows, outside, bad.count)


def _areas(
    grid_map: GridMap, lng: Floats, lat: Floats, good: npt.NDArray[np.bool_]
) -> tuple[list[pa.Array], int]:
    """The added columns of one piece, null in bad rows, and how many lie outside."""
    found = grid_map.locate_many(lng[good], lat[good])
    columns = []
    for name in ADDED[:-1]:
        codes = np.full(len(lng), None, dtype=object)
        codes[good] = getattr(found, name)
        columns.append(pa.array(codes, type=pa.string()))
    outside_m = np.full(len(lng), np.nan)
    outside_m[good] = np.round(found.outside_m, 3)
    columns.append(pa.array(outside_m, from_pandas=True))
    return columns, int((found.outside_m > 0).sum())


def _degrees(batch: pa.RecordBatch, datum: Datum) -> tuple[Floats, Floats]:
    lng, lat = (
        np.ascontiguousarray(
            batch.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64
        )
        for name in ("lng", "lat")
    )
    finite = np.isfinite(lng) & np.isfinite(lat)
    if datum in (Datum.GCJ02, Datum.BD09):
        lng, lat = lng.copy(), lat.copy()
        lng[finite], lat[finite] = to_cgcs2000(lng[finite], lat[finite], datum)
    return lng, lat


def _open(source: Path) -> _Source:
    try:
        if source.suffix.lower() == ".parquet":
            file = pa.parquet.ParquetFile(source)
            return _Source(
                file.schema_arrow,
                file.metadata.num_rows,
                lambda: file.iter_batches(batch_size=_BATCH_ROWS),
            )
        read = pa.csv.ReadOptions(block_size=_CSV_BLOCK, encoding=_encoding(source))
        schema = _csv_schema(source, read)
        return _Source(schema, None, lambda: _csv(source, schema, read))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise LayerError(
            Fault(
                "unreadable",
                Text(
                    f"无法读取 {source.name}：{error}（支持 CSV 和 Parquet）",
                    f"{source.name} cannot be read: {error} (CSV or Parquet)",
                ),
                source.name,
            )
        ) from error


def _encoding(source: Path) -> str:
    """The encoding of the file's beginning; the table's own reader finds a later fault."""
    with source.open("rb") as file:
        head = file.read(_HEAD)
    lines = head.splitlines()
    return detect(lines[:-1] if len(lines) > 1 else lines) or "utf-8"


def _csv_schema(source: Path, read: pa.csv.ReadOptions) -> pa.Schema:
    """Every column as text, so that codes and telephone numbers stay as they were written."""
    with pa.csv.open_csv(source, read_options=read, parse_options=_PARSE) as reader:
        names = reader.schema.names
    types = {"lng": pa.float64(), "lat": pa.float64()}
    return pa.schema([(name, types.get(name, pa.string())) for name in names])


def _csv(source: Path, schema: pa.Schema, read: pa.csv.ReadOptions) -> Iterator[pa.RecordBatch]:
    convert = pa.csv.ConvertOptions(
        column_types=schema,
        strings_can_be_null=False,
        null_values=["", "NA", "null"],
    )
    try:
        with pa.csv.open_csv(
            source, read_options=read, parse_options=_PARSE, convert_options=convert
        ) as reader:
            yield from reader
    except pa.ArrowInvalid as error:
        raise LayerError(
            Fault(
                "bad_csv",
                Text(f"{source.name} 的内容有误：{error}", f"{source.name} is not right: {error}"),
                source.name,
            )
        ) from error


def _writer(part: Path, target: Path, schema: pa.Schema) -> Any:
    if target.suffix.lower() == ".parquet":
        return pa.parquet.ParquetWriter(part, schema)
    return pa.csv.CSVWriter(part, schema, write_options=pa.csv.WriteOptions(quoting_style="needed"))


def _check_target(source: Path, target: Path, overwrite: bool) -> None:
    faults = []
    for path, field in ((source, "IN"), (target, "OUT")):
        if path.suffix.lower() not in (".csv", ".parquet"):
            faults.append(
                Fault(
                    "unknown_format",
                    Text(
                        f"不支持 {path.name}：请用 .csv 或 .parquet",
                        f"{path.name} is not supported: use .csv or .parquet",
                    ),
                    field,
                )
            )
    if target.exists() and (not overwrite or target.resolve() == source.resolve()):
        faults.append(
            Fault(
                "file_exists",
                Text(
                    f"{target.name} 已存在：请换一个文件名，或加 --overwrite（不能是输入文件本身）",
                    f"{target.name} is there already: choose another name, or --overwrite "
                    "(never the input itself)",
                ),
                "OUT",
            )
        )
    if not target.parent.is_dir():
        faults.append(
            Fault(
                "no_folder",
                Text(f"没有文件夹 {target.parent}", f"there is no folder {target.parent}"),
                "OUT",
            )
        )
    if faults:
        raise FormatError(faults)


def _check_columns(schema: pa.Schema, source: Path, keep_bad: bool) -> None:
    added = [*ADDED, *(["problem"] if keep_bad else [])]
    missing = ", ".join(name for name in ("lng", "lat") if name not in schema.names)
    taken = ", ".join(name for name in added if name in schema.names)
    repeated = ", ".join(sorted({n for n in schema.names if schema.names.count(n) > 1}))
    found = ", ".join(schema.names)
    said = (
        (
            missing,
            "column_missing",
            Text(
                f"缺少列 {missing}；文件中有：{found}",
                f"no column {missing}; the file has: {found}",
            ),
        ),
        (
            taken,
            "column_taken",
            Text(
                f"列 {taken} 已存在，结果会与之混淆：请先改名",
                f"columns {taken} are there already and would be confused with the "
                "answer: rename them first",
            ),
        ),
        (
            repeated,
            "column_repeated",
            Text(f"列名重复：{repeated}", f"columns repeated: {repeated}"),
        ),
    )
    faults = [Fault(code, text, source.name) for names, code, text in said if names]
    if faults:
        raise InputError(faults)


def _bad_rows(bad: BadRows) -> list[Fault]:
    """A fault a kind of suspicion, with its first rows, told from 1."""
    faults = []
    for code, told in bad.by_code.items():
        shown = ", ".join(str(row + 1) for row in told.rows)
        more = told.count > len(told.rows)
        faults.append(
            Fault(
                code,
                Text(
                    f"{told.count} 行（第 {shown} 行{'等' if more else ''}）："
                    f"{told.text.zh}；可用 --keep-bad 保留这些行",
                    f"{told.count} rows (row {shown}{' ...' if more else ''}): "
                    f"{told.text.en}; --keep-bad keeps such rows",
                ),
                "position",
            )
        )
    return faults
