"""Which grid and unit a position lies in."""

from gridsvc.locating.locate import MOST_NEIGHBOURS, GridMap, Located

__all__ = ["MOST_NEIGHBOURS", "GridMap", "Located"]
