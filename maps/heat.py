"""The heat surface as a picture that a page carries."""

import base64
import struct
import zlib

import numpy as np

from gridsvc.domain.geo import Floats
from gridsvc.risk.rates import Rates
from gridsvc.risk.surface import surface
from maps.legend import CLASSES, PALETTE, Legend
from maps.shapes import MapShapes

SHADES = 12
"""Steps of the picture from one colour of the legend to the next."""


def heat_block(
    shapes: MapShapes, found: Rates, residents: Floats, legend: Legend
) -> dict[str, object]:
    """What the page draws: ``url`` of the picture and its ``bounds`` (lat first, as Leaflet has
    it). The rows of the picture are equal steps in Web Mercator, as an image on a web map must be.
    """
    raster = shapes.raster
    values = surface(raster, rate=found.smoothed, residents=residents, shown=found.shown)
    west, south, east, north = raster.bounds
    picture = base64.b64encode(png(values, legend)).decode("ascii")
    return {
        "url": f"data:image/png;base64,{picture}",
        "bounds": [[south, west], [north, east]],
    }


def png(values: Floats, legend: Legend) -> bytes:
    """``values`` (rows, columns) in the colours of ``legend`` as a PNG with a palette; NaN is
    transparent."""
    drawn = np.isfinite(values)
    place = legend.place(np.where(drawn, values, 1.0))
    index = np.where(drawn, 1 + np.rint(place * SHADES), 0).astype(np.uint8)
    steps = np.arange((CLASSES - 1) * SHADES + 1) / SHADES
    ramp = np.column_stack(
        [np.interp(steps, range(CLASSES), part) for part in zip(*PALETTE, strict=True)]
    )
    colours = np.vstack([np.zeros((1, 3)), ramp]).round().astype(np.uint8)
    rows, columns = values.shape
    lines = np.hstack([np.zeros((rows, 1), dtype=np.uint8), index])  # 0: no filter
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", colours.tobytes()),
            _chunk(b"tRNS", b"\x00"),
            _chunk(b"IDAT", zlib.compress(lines.tobytes(), 9)),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(name: bytes, content: bytes) -> bytes:
    check = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)
