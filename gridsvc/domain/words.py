"""Bilingual text: what a user reads, kept beside the rule that says it."""

from dataclasses import dataclass
from typing import Literal

Lang = Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence for a user, in Chinese (the default on every screen) and in English."""

    zh: str
    en: str

    def pick(self, lang: Lang) -> str:
        """Return the sentence in ``lang``."""
        return self.en if lang == "en" else self.zh
