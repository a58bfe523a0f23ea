"""A page as a value: a notebook shows it, a file keeps it."""

from dataclasses import dataclass
from html import escape
from pathlib import Path


@dataclass(frozen=True, slots=True)
class MapPage:
    """A map as one HTML page that asks for nothing outside itself. A notebook shows it."""

    html: str

    def save(self, path: str | Path) -> Path:
        """Write the page to a file, in place of one that is there, and give its path."""
        path = Path(path)
        path.write_text(self.html, encoding="utf-8")
        return path

    def _repr_html_(self) -> str:
        # A frame of its own: neither the page's styles nor its scripts reach the notebook's.
        return (
            f'<iframe srcdoc="{escape(self.html)}" sandbox="allow-scripts" '
            'style="width: 100%; height: 640px; border: 0"></iframe>'
        )
