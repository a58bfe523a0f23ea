"""Grid management and dispatch for a county's governance centre (综治中心)."""

from typing import TYPE_CHECKING, Any

__all__ = ["County", "GridMap", "from_frames", "open"]

if TYPE_CHECKING:
    from gridsvc.county import County
    from gridsvc.locating import GridMap

    open = County.open  # noqa: A001
    from_frames = County.from_frames

else:

    def __getattr__(name: str) -> Any:
        # Loaded when asked for: the command line starts without geometry and H3.
        if name == "GridMap":
            from gridsvc.locating import GridMap

            return GridMap
        if name in __all__:
            from gridsvc.county import County

            return County if name == "County" else getattr(County, name)
        raise AttributeError(f"module 'gridsvc' has no attribute {name!r}")
