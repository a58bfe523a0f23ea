"""The fenced blocks of a README, with the marks that say how the tests run them.

An HTML comment on the line before a fence (``<!-- test: serving -->``) is its mark; a reader of the
rendered page does not see it.
"""

import re
from dataclasses import dataclass
from pathlib import Path

FENCED = re.compile(
    r"^(?:<!-- test: (?P<mark>[^\n]*?) -->\n)?```(?P<language>\w*)\n(?P<body>.*?)^```$", re.M | re.S
)


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, its mark (empty where it has none) and its text."""

    language: str
    mark: str
    body: str


def blocks(path: Path) -> list[Block]:
    """Every fenced block of the file, in its order."""
    found = FENCED.finditer(path.read_text(encoding="utf-8"))
    return [Block(m["language"], m["mark"] or "", m["body"]) for m in found]
