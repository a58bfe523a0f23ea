"""Starting without the garbage collector, which would look through a county many times over."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Make what stays for good (modules, the map, the force) without collecting in between.

    At the end it is taken out of the collector's sight, so that later collections are short too.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()
