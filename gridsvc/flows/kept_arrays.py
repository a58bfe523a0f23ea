"""Arrays that a start would have to reckon anew, kept in a file beside the data."""

import logging
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from zipfile import BadZipFile

import numpy as np

log = logging.getLogger(__name__)

T = TypeVar("T")


def read_kept(path: Path, make: Callable[[dict[str, Any]], T]) -> T | None:
    """What ``make`` makes of the arrays of a file, None where it cannot be read or does not fit."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return make(dict(arrays))
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None


def keep(path: Path, arrays: Mapping[str, Any], *, older: str, what: str) -> None:
    """Keep arrays in a file, and remove the others that match ``older`` beside it.

    A folder that takes no file costs the next start some seconds, nothing more: ``what`` cannot be
    kept there, says the log.
    """
    part: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
        part = Path(name)
        with os.fdopen(handle, "wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        part.replace(path)
        for other in path.parent.glob(older):
            if other != path:
                other.unlink(missing_ok=True)
    except OSError as error:
        log.warning("%s cannot be kept in %s: %s", what, path.parent, error)
        if part is not None:
            part.unlink(missing_ok=True)
