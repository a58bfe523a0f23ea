"""The code scheme of areas: which digits of a code name the parent.

The default is 6 county + 3 township + 3 village + 3 sequence = 15 characters for a grid (after
Beijing's DB11/T 2157) and 2 more for an end unit. Yunnan's own rule may differ, so the lengths
are configuration.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Self

from gridsvc.domain.errors import Fault, SettingsError
from gridsvc.domain.words import Text


@dataclass(frozen=True, slots=True)
class CodeScheme:
    """Total lengths of the codes of each level, in characters, each the prefix of the next."""

    county: int = 6
    township: int = 9
    village: int = 12
    grid: int = 15
    unit: int = 17

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``"6,9,12,15,17"`` (county, township, village, grid, unit).

        Raises
        ------
        SettingsError
            Where it is not five growing whole numbers.
        """
        parts = [part.strip() for part in text.split(",")]
        if len(parts) == 5 and all(part.isdigit() for part in parts):
            lengths = [int(part) for part in parts]
            if all(a < b for a, b in pairwise(lengths)):
                return cls(*lengths)
        raise SettingsError(
            Fault(
                "bad_code_scheme",
                Text(
                    f"编码方案“{text}”无效：应为县、乡镇、村、网格、单元五级编码总长度，"
                    "逐级增大，例如 6,9,12,15,17",
                    f"code scheme {text!r} is not valid: give the total lengths of county, "
                    "township, village, grid and unit codes, growing, e.g. 6,9,12,15,17",
                ),
                "GRIDSVC_CODE_SCHEME",
            )
        )

    def fits(self, code: str, level: str) -> bool:
        """Whether ``code`` is digits of the right length for ``level``."""
        return code.isascii() and code.isdigit() and len(code) == getattr(self, level)

    def division(self, code: str) -> str:
        """Cut the zeros that pad a statistical code: ``530324001000`` is township ``530324001``."""
        for length in (self.county, self.township):
            if len(code) > length and code.isdigit() and not code[length:].strip("0"):
                return code[:length]
        return code

    def level_of(self, code: str) -> str | None:
        """``county``, ``township``, ``village``, ``grid`` or ``unit`` by length, else None."""
        for level in ("county", "township", "village", "grid", "unit"):
            if self.fits(code, level):
                return level
        return None

    def with_parents(self, code: str) -> tuple[str, ...]:
        """``code`` and the codes of every area it lies in, the smallest first."""
        found = [code]
        while (above := self.parent(found[-1])) is not None:
            found.append(above)
        return tuple(found)

    def parent(self, code: str) -> str | None:
        """The code of the area one level up, None for a county or an unknown length."""
        lengths = (self.county, self.township, self.village, self.grid, self.unit)
        for shorter, longer in pairwise(lengths):
            if len(code) == longer:
                return code[:shorter]
        return None
