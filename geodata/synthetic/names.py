"""Codes and names of the county's divisions: the real townships, made-up villages or a file."""

from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from gridsvc.domain.codes import CodeScheme
from gridsvc.domain.errors import Fault, LayerError
from gridsvc.domain.words import Text

COUNTY = ("530324", "罗平县")
TOWNSHIPS: tuple[tuple[str, str], ...] = (
    ("530324001", "罗雄街道"),
    ("530324002", "腊山街道"),
    ("530324003", "九龙街道"),
    ("530324102", "板桥镇"),
    ("530324103", "马街镇"),
    ("530324104", "富乐镇"),
    ("530324106", "阿岗镇"),
    ("530324201", "大水井乡"),
    ("530324202", "鲁布革布依族苗族乡"),
    ("530324203", "旧屋基彝族乡"),
    ("530324204", "钟山乡"),
    ("530324205", "长底布依族乡"),
    ("530324206", "老厂乡"),
)
_FIRST = "云青石松竹桃柳枫杏梅荷稻麦禾溪泉岩岭秋春晓霞晴雪星月"
_LAST = "坪冲箐湾塘坡坝垭沟寨"


@dataclass(frozen=True, slots=True)
class Village:
    """Code and name; ``community`` for a 社区, which lies in or near the township's seat."""

    code: str
    name: str
    community: bool


@dataclass(frozen=True, slots=True)
class Township:
    """Code, name and villages of a township or subdistrict (街道)."""

    code: str
    name: str
    villages: tuple[Village, ...]

    @property
    def urban(self) -> bool:
        """Whether it is a subdistrict, a part of the county town."""
        return self.name.endswith("街道")


@dataclass(frozen=True, slots=True)
class DivisionTable:
    """The county and its townships, in the order of their codes."""

    code: str
    name: str
    townships: tuple[Township, ...]

    @property
    def short_name(self) -> str:
        """The name without 县: what a case number begins with."""
        return self.name[:-1] if len(self.name) > 2 else self.name


def made_up(villages: tuple[int, ...], rng: np.random.Generator) -> DivisionTable:
    """The real townships with ``villages`` made-up villages each, no name twice.

    Parameters
    ----------
    villages
        Number of villages of each township, at most 13 townships.
    rng
        Stream of the names.
    """
    pool = [a + b for a, b in product(_FIRST, _LAST)]
    picked = iter(rng.permutation(len(pool)))
    townships = []
    for (code, name), count in zip(TOWNSHIPS, villages, strict=False):
        communities = count // 2 if name.endswith("街道") else min(2, count)
        townships.append(
            Township(
                code,
                name,
                tuple(
                    Village(
                        f"{code}{k + 1 if k < communities else 201 + k - communities:03d}",
                        pool[next(picked)] + ("社区" if k < communities else "村"),
                        k < communities,
                    )
                    for k in range(count)
                ),
            )
        )
    return DivisionTable(*COUNTY, tuple(townships))


def read_divisions(path: Path) -> DivisionTable:
    """Read a table of codes: CSV in UTF-8 with ``code,name,level,parent``, codes padded or not.

    Raises
    ------
    LayerError
        Columns missing, not one county, or a township without villages.
    """
    table = pd.read_csv(path, dtype=str, encoding="utf-8-sig")
    if not {"code", "name"} <= set(table.columns):
        raise LayerError(_bad(path, f"列：{'、'.join(table.columns)}", f"columns {list(table)}"))
    scheme = CodeScheme()
    codes = [scheme.division(str(code).strip()) for code in table["code"]]
    rows = sorted(zip(codes, (str(name).strip() for name in table["name"]), strict=True))
    level: dict[str | None, list[tuple[str, str]]] = {}
    for code, name in rows:
        level.setdefault(scheme.level_of(code), []).append((code, name))
    counties = level.get("county", [])
    townships = tuple(
        Township(
            code,
            name,
            tuple(
                Village(c, n, "社区" in n or c[9:10] == "0")
                for c, n in level.get("village", [])
                if scheme.parent(c) == code
            ),
        )
        for code, name in level.get("township", [])
    )
    if len(counties) != 1 or not townships or not all(t.villages for t in townships):
        found = {str(key): len(value) for key, value in level.items()}
        raise LayerError(_bad(path, f"各级数量：{found}", f"levels {found}"))
    return DivisionTable(*counties[0], townships)


def _bad(path: Path, zh: str, en: str) -> Fault:
    return Fault(
        "bad_divisions",
        Text(
            f"区划表须有 code、name 两列，含一个县、若干乡镇，每个乡镇至少一个村（{zh}）",
            "a table of divisions needs the columns code and name, one county, its townships and "
            f"at least one village in each ({en})",
        ),
        path.name,
    )
