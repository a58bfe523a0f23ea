"""Options of every command that reads a layer."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from geodata.layer import LayerKind
from gridsvc.domain.errors import Fault, InputError
from gridsvc.domain.geo import Datum
from gridsvc.domain.words import Text

Command = TypeVar("Command", bound=Callable[..., Any])

KINDS = click.Choice([kind.value for kind in LayerKind if kind is not LayerKind.ROADS])
IMPORTED = click.Choice([kind.value for kind in LayerKind])
DATUMS = click.Choice([datum.value for datum in Datum if datum is not Datum.UNKNOWN])

_OPTIONS = (
    click.option(
        "--map",
        "mapping",
        multiple=True,
        metavar="标准名=列名",
        help="指定列 / name a column, e.g. code=网格编码",
    ),
    click.option("--crs", help="坐标参考系 / coordinate reference system, e.g. EPSG:4544"),
    click.option(
        "--datum",
        type=DATUMS,
        help="坐标基准，文件自称 EPSG:4326 而实为 GCJ-02 很常见 / what the numbers mean",
    ),
    click.option(
        "--encoding", help="文字编码，缺省自动识别 / text encoding, detected if not given"
    ),
    click.option("--layer", help="图层名或工作表 / layer or sheet of the file"),
    click.option(
        "--allow-column",
        "allow",
        multiple=True,
        help="允许带入的敏感列 / a sensitive column that is meant to be there",
    ),
)


def reading_options(command: Command) -> Command:
    """Add ``--map --crs --datum --encoding --layer --allow-column`` to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def reading(
    mapping: tuple[str, ...],
    crs: str | None,
    datum: str | None,
    encoding: str | None,
    layer: str | None,
    allow: tuple[str, ...],
) -> dict[str, Any]:
    """What ``read_layer`` takes, of what the command line gave."""
    return {
        "columns": columns_of(mapping),
        "crs": crs,
        "datum": None if datum is None else Datum(datum),
        "encoding": encoding,
        "layer": layer,
        "allow_columns": allow,
    }


def columns_of(mapping: tuple[str, ...]) -> dict[str, str] | None:
    """Canonical name -> column of the file, of ``name=column`` pairs.

    Raises
    ------
    InputError
        With every pair that is not one.
    """
    pairs = [one.partition("=") for one in mapping]
    wrong = [
        one for one, (name, _, column) in zip(mapping, pairs, strict=True) if not name or not column
    ]
    if wrong:
        text = Text(
            "应写成 标准名=列名，例如 code=网格编码", "write name=column, e.g. code=网格编码"
        )
        raise InputError(Fault("bad_map", text, one) for one in wrong)
    return {name.strip(): column.strip() for name, _, column in pairs} or None
