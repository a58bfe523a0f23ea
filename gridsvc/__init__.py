"""Grid management and dispatch for a county's governance centre (综治中心)."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gridsvc.locating import GridMap

__all__ = ["GridMap"]


def __getattr__(name: str) -> Any:
    # Loaded when asked for: the command line starts without geometry and H3.
    if name == "GridMap":
        from gridsvc.locating import GridMap

        return GridMap
    raise AttributeError(f"module 'gridsvc' has no attribute {name!r}")
