"""A county's data in one file, and out of it again, whichever store it goes into.

The file is a zip: ``manifest.json``, and for every table ``tables/NAME.jsonl`` with one JSON array
a row. The manifest tells the tables in the order in which they can be filled, with the columns, the
number of rows and the SHA-256 of each, so that a file is known to be whole before it is used.
"""

import hashlib
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import orjson

from gridsvc.domain.clock import COUNTY_TIME
from gridsvc.domain.errors import Fault, InputError
from gridsvc.domain.words import Text
from gridsvc.store import Store
from gridsvc.store.backup import TableReader, TableShape, is_type, shapes

FORMAT = 1
"""Of the file; a program reads its own and every earlier one."""

MANIFEST = "manifest.json"
_KIND = "gridsvc-backup"
_CHUNK = 1 << 20
_MOST_MANIFEST = 1 << 20
_DATE = (1980, 1, 1, 0, 0, 0)
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)
"""What reading a damaged zip raises; the last where it takes itself to be encrypted, or packed in
a way that is not known."""


@dataclass(frozen=True, slots=True)
class TableEntry:
    """One table of a backup: its shape, how many rows, and the SHA-256 of its lines."""

    name: str
    columns: tuple[tuple[str, str], ...]
    rows: int
    sha256: str

    @property
    def member(self) -> str:
        """Its name in the zip."""
        return f"tables/{self.name}.jsonl"

    @property
    def shape(self) -> TableShape:
        """What the store fills."""
        return TableShape(self.name, self.columns)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself. ``created_at`` is aware, in the county's time."""

    kind: str
    format: int
    revision: str
    county: str
    created_at: datetime
    tables: tuple[TableEntry, ...]

    @property
    def rows(self) -> int:
        """Of all tables together."""
        return sum(table.rows for table in self.tables)


def back_up(store: Store, path: Path, *, now: datetime) -> Manifest:
    """Write everything the store holds, as of one moment, to ``path``; the service may go on.

    The file is written beside its place and moved there when it is whole. It holds names and
    telephone numbers: only its owner may read it.

    Raises
    ------
    InputError
        The file cannot be written; what was at ``path`` is still there.
    NotReadyError
        The store cannot be read.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    except OSError as error:
        raise InputError(_unwritable(path, error)) from error
    try:
        with os.fdopen(handle, "wb") as file:
            manifest = _write(store, file, now)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError as error:
        raise InputError(_unwritable(path, error)) from error
    finally:
        Path(name).unlink(missing_ok=True)
    _sync(path.parent)
    return manifest


def restore(store: Store, path: Path) -> Manifest:
    """Fill an empty database from a backup, in one transaction, and migrate it to this schema.

    The whole file is checked before the database is touched.

    Raises
    ------
    InputError
        With every fault of the file; nothing was changed.
    ConflictError
        The database holds data, or refuses what the file has; nothing was changed.
    NotReadyError
        The database cannot be reached, or the backup is a later program's.
    """
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            manifest = _checked(archive, store.county)
            with store.restore(manifest.revision) as writer:
                strange = writer.shape_faults([table.shape for table in manifest.tables])
                if strange:
                    raise InputError([_strange(name, manifest.revision) for name in strange])
                for table in manifest.tables:
                    with archive.open(table.member) as lines:
                        _fill(writer.fill, table, lines)
    except OSError as error:
        raise InputError(_unreadable(path, error.strerror or str(error))) from error
    except zipfile.BadZipFile as error:
        raise InputError(_unreadable(path, str(error))) from error
    return manifest


def _write(store: Store, file: IO[bytes], now: datetime) -> Manifest:
    revision, _ = store.revision()
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive,
        store.read() as reading,
    ):
        tables = tuple(_write_table(archive, reading.tables, shape) for shape in shapes())
        manifest = Manifest(
            _KIND, FORMAT, str(revision), store.county, now.astimezone(COUNTY_TIME), tables
        )
        told = {**asdict(manifest), "created_at": manifest.created_at.isoformat()}
        text = json.dumps(told, ensure_ascii=False, indent=1)
        archive.writestr(_member(MANIFEST), text)
    return manifest


def _write_table(archive: zipfile.ZipFile, reader: TableReader, shape: TableShape) -> TableEntry:
    digest, rows = hashlib.sha256(), 0
    entry = TableEntry(shape.name, shape.columns, 0, "")
    with archive.open(_member(entry.member), "w", force_zip64=True) as member:
        for row in reader.dump(shape.name):
            line = orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
            digest.update(line)
            member.write(line)
            rows += 1
    return TableEntry(shape.name, shape.columns, rows, digest.hexdigest())


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _DATE)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    return info


def _sync(folder: Path) -> None:
    """Make a rename durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _checked(archive: zipfile.ZipFile, county: str) -> Manifest:
    """Read the manifest and hold every byte of the file against it."""
    manifest = _manifest(archive)
    faults = []
    if manifest.county != county:
        faults.append(_other_county(manifest.county, county))
    expected = {MANIFEST, *(table.member for table in manifest.tables)}
    names = archive.namelist()
    faults += [
        _member_fault(name)
        for name in sorted({*names, *expected})
        if names.count(name) != 1 or name not in expected
    ]
    if not faults:
        faults += [_damaged(table) for table in manifest.tables if not _is_whole(archive, table)]
    if faults:
        raise InputError(faults)
    return manifest


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    try:
        if archive.getinfo(MANIFEST).file_size > _MOST_MANIFEST:
            raise ValueError("too long")
        told = json.loads(archive.read(MANIFEST))
        if told["kind"] != _KIND:
            raise ValueError("not a backup")
        if told["format"] > FORMAT:
            raise InputError(_later_format(told["format"]))
        return Manifest(
            told["kind"],
            told["format"],
            str(told["revision"]),
            str(told["county"]),
            datetime.fromisoformat(told["created_at"]),
            tuple(_entry(table) for table in told["tables"]),
        )
    except (KeyError, TypeError, ValueError, *_BROKEN) as error:
        raise InputError(_NO_BACKUP) from error


def _entry(told: dict[str, Any]) -> TableEntry:
    columns = tuple((str(name), str(kind)) for name, kind in told["columns"])
    if not all(is_type(kind) for _, kind in columns):
        raise ValueError("a type that no column has")
    return TableEntry(str(told["name"]), columns, int(told["rows"]), str(told["sha256"]))


def _is_whole(archive: zipfile.ZipFile, table: TableEntry) -> bool:
    digest, rows = hashlib.sha256(), 0
    try:
        with archive.open(table.member) as member:
            while chunk := member.read(_CHUNK):
                digest.update(chunk)
                rows += chunk.count(b"\n")
    except _BROKEN:
        return False
    return (rows, digest.hexdigest()) == (table.rows, table.sha256)


def _fill(fill: Any, table: TableEntry, lines: IO[bytes]) -> None:
    def rows() -> Iterator[list[Any]]:
        for line in lines:
            yield orjson.loads(line)

    try:
        fill(table.shape, rows())
    except (TypeError, ValueError) as error:
        raise InputError(_bad_rows(table)) from error


_AGAIN = Text(
    "请改用另一份完好的备份，未作任何更改",
    "use another backup, one that is whole; nothing was changed",
)
_NO_BACKUP = Fault(
    "not_a_backup",
    Text(
        f"文件不是 gridsvc backup 写出的备份，或清单已损坏：{_AGAIN.zh}",
        f"the file was not written by gridsvc backup, or its manifest is damaged: {_AGAIN.en}",
    ),
    MANIFEST,
)


def _unwritable(path: Path, error: OSError) -> Fault:
    return Fault(
        "backup_not_written",
        Text(
            f"无法写入 {path}（{error.strerror}）：请检查文件夹是否存在、可写、空间是否足够",
            f"cannot write {path} ({error.strerror}): check that its folder is there, may be "
            "written to and has room",
        ),
        "output",
    )


def _unreadable(path: Path, reason: str) -> Fault:
    return Fault(
        "backup_unreadable",
        Text(
            f"无法读取 {path}（{reason}）：文件不存在、不是备份或不完整；{_AGAIN.zh}",
            f"cannot read {path} ({reason}): it is not there, no backup, or not whole; {_AGAIN.en}",
        ),
        "file",
    )


def _later_format(found: object) -> Fault:
    return Fault(
        "later_format",
        Text(
            f"备份格式为第 {found} 版，本程序只认到第 {FORMAT} 版：请升级本程序，未作任何更改",
            f"the backup is of format {found} and this program reads up to {FORMAT}: upgrade the "
            "program; nothing was changed",
        ),
        MANIFEST,
    )


def _other_county(found: str, county: str) -> Fault:
    return Fault(
        "other_county",
        Text(
            f"备份属于县 {found}，本系统设为 {county}：请核对文件，或设置 GRIDSVC_COUNTY={found}",
            f"the backup is of county {found} and this system is set to {county}: check the file, "
            f"or set GRIDSVC_COUNTY={found}",
        ),
        "GRIDSVC_COUNTY",
    )


def _member_fault(name: str) -> Fault:
    return Fault(
        "backup_parts",
        Text(
            f"备份中的 {name} 缺少、重复或不在清单内：{_AGAIN.zh}",
            f"{name} is missing, there twice, or not in the manifest: {_AGAIN.en}",
        ),
        name,
    )


def _damaged(table: TableEntry) -> Fault:
    return Fault(
        "backup_damaged",
        Text(
            f"内容与清单的行数（{table.rows}）或 SHA-256 不符：{_AGAIN.zh}",
            f"it is not the {table.rows} rows or has not the SHA-256 that the manifest tells: "
            f"{_AGAIN.en}",
        ),
        table.member,
    )


def _strange(name: str, revision: str) -> Fault:
    return Fault(
        "backup_table",
        Text(
            f"表 {name} 与数据库结构 {revision} 不符：{_AGAIN.zh}",
            f"the table {name} is not that of the schema {revision}: {_AGAIN.en}",
        ),
        name,
    )


def _bad_rows(table: TableEntry) -> Fault:
    return Fault(
        "backup_rows",
        Text(
            f"表 {table.name} 中有无法读取的行：{_AGAIN.zh}",
            f"the table {table.name} has rows that cannot be read: {_AGAIN.en}",
        ),
        table.member,
    )
