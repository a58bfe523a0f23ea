"""The set of run cards in force: the shipped one, and what a county has made of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Self

import yaml

from gridsvc.dispatch.card_reading import read_cards
from gridsvc.domain.cards import RunCard
from gridsvc.domain.errors import Fault, InputError
from gridsvc.domain.kinds import KINDS
from gridsvc.domain.words import Text


@dataclass(frozen=True, eq=False)
class CardSet:
    """One card for every kind, by its code. Immutable, and itself alone its equal: what is made of
    it can be kept."""

    cards: Mapping[str, RunCard]

    def __getitem__(self, kind: str) -> RunCard:
        return self.cards[kind]

    def with_cards(self, changed: Iterable[RunCard]) -> Self:
        """A set in which some cards are others."""
        return type(self)({**self.cards, **{one.kind: one for one in changed}})

    def as_data(self) -> dict[str, Any]:
        """Every card as it was written, in the order of the table of kinds."""
        return {kind.code: dict(self.cards[kind.code].data) for kind in KINDS}


@lru_cache(maxsize=1)
def default_cards() -> CardSet:
    """The cards this program ships."""
    said = (files("gridsvc.dispatch") / "cards.yaml").read_text(encoding="utf-8")
    return card_set(parse(said))


def card_set(data: object, *, version: int = 0) -> CardSet:
    """The set of cards that ``data`` describes.

    Raises
    ------
    InputError
        Every fault of every card at once.
    """
    return CardSet(read_cards(data, version=version))


def parse(said: str) -> object:
    """YAML text as plain values.

    Raises
    ------
    InputError
        It is no YAML, or names a key twice.
    """
    try:
        return yaml.load(said, Loader=_Loader)  # noqa: S506  a safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = 0 if mark is None else mark.line + 1
        problem = getattr(error, "problem", None) or str(error)
        text = Text(
            f"第 {line} 行不是可读的 YAML（{problem}）：请改正后重试",
            f"line {line} is no YAML that can be read ({problem}): mend it and try again",
        )
        raise InputError(Fault("bad_yaml", text, f"line {line}")) from error


def written(data: Mapping[str, Any]) -> str:
    """Cards as YAML text that `parse` reads back the same."""
    return yaml.dump(
        dict(data), Dumper=yaml.SafeDumper, allow_unicode=True, sort_keys=False, width=100
    )


class _Loader(yaml.SafeLoader):
    """A safe loader that refuses a key named twice: of two cards one would be lost unseen."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key) for key, _ in node.value]
    for n, key in enumerate(keys):
        if key in keys[:n]:
            raise yaml.constructor.ConstructorError(
                None, None, f"{key!r} is named twice", node.value[n][0].start_mark
            )
    return dict(loader.construct_pairs(node, deep=True))


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
