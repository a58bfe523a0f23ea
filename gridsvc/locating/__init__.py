"""Which grid and unit a position lies in."""

from gridsvc.locating.locate import GridMap, Located

__all__ = ["GridMap", "Located"]
