"""The one family of errors. HTTP status codes and exit codes are given to them at the edges."""

from collections.abc import Iterable
from dataclasses import dataclass

from gridsvc.domain.words import Lang, Text


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: the value, what is allowed, what to do.

    ``code`` is stable and machine-readable (``snake_case``), ``where`` names the field, row or
    feature code it is about (empty where it is about the whole).
    """

    code: str
    text: Text
    where: str = ""


class GridsvcError(Exception):
    """Base of every error that is somebody's to mend. Carries all faults found, not the first."""

    def __init__(self, faults: Fault | Iterable[Fault]) -> None:
        self.faults: tuple[Fault, ...] = (faults,) if isinstance(faults, Fault) else tuple(faults)
        super().__init__(self.say("en"))

    def say(self, lang: Lang) -> str:
        """Every fault on a line of its own, in ``lang``."""
        colon = "：" if lang == "zh" else ": "
        lines = (
            (f"{fault.where}{colon}" if fault.where else "") + fault.text.pick(lang)
            for fault in self.faults
        )
        return "\n".join(lines)


class InputError(GridsvcError):
    """What was given cannot be used as it is."""


class PositionError(InputError):
    """A position that cannot be meant: not finite, out of range, swapped, far from the county."""


class LayerError(InputError):
    """A file that cannot go in as it is."""


class FormatError(InputError):
    """A file format that cannot hold what would be written to it."""


class NotFoundError(GridsvcError):
    """Nothing is known under that code or number."""


class ConflictError(GridsvcError):
    """The request was understood and contradicts the state of things; nothing was changed."""


class NotReadyError(GridsvcError):
    """Something must be done first: no map imported, the schema is behind, the store is down."""


class SettingsError(GridsvcError):
    """A setting of the environment is wrong."""
