"""How large the made-up county is, and where its randomness comes from."""

import zlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class CountySize:
    """Exact counts of the county that is built.

    ``villages`` gives the villages of each township, in the order of the township table; it does
    not count where a file of divisions is given. ``islands`` dedicated grids lie inside another
    grid as a hole of it, ``town_sites`` more are ordinary cells of a town; ``exclaves`` grids lie
    apart from the rest of their village and ``split_grids`` grids have two parts. These four are
    made where the county is large enough for them.
    """

    villages: tuple[int, ...] = (14, 9, 22, 13, 12, 13, 13, 12, 9, 7, 11, 6, 13)
    grids: int = 8_146
    units: int = 14_662
    residents: int = 550_000
    incidents: int = 70_000
    islands: int = 40
    town_sites: int = 80
    exclaves: int = 6
    split_grids: int = 8


class Streams:
    """Named random streams of one seed: using one more of them changes none of the others."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __call__(self, name: str) -> np.random.Generator:
        """Start the stream ``name`` from its beginning."""
        return np.random.Generator(
            np.random.PCG64(np.random.SeedSequence([self._seed, zlib.crc32(name.encode())]))
        )
