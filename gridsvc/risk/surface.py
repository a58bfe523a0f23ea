"""Risk as a surface: the shown figures of the grids, smoothed over the land they lie on.

Nothing enters the surface but what the map by grid shows already: a grid with fewer than
`gridsvc.risk.rates.MIN_COUNT` reports, or without a resident figure, adds neither reports nor
residents. So the surface can be computed from figures that are public, every place on it rests on
at least that many reports within the kernel, and no single household can be read out of it. More
than ``REACH_M`` from every such grid there is no surface.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import shapely
from scipy import ndimage

from gridsvc.domain.geo import Bounds, Floats

BANDWIDTH_M = 800.0
"""Standard deviation of the Gaussian kernel: about two grids wide."""

REACH_M = 1_200.0
"""The surface ends so far from the nearest grid that is shown."""

PIXEL_M = 150.0
EARTH_RADIUS_M = 6_378_137.0
"""Of the sphere of Web Mercator."""

Ints = npt.NDArray[np.int64]


def mercator(lng_lat: Any) -> Floats:
    """Positions (..., 2) in degrees, lng first, in Web Mercator, in radians of its sphere."""
    lng, lat = np.moveaxis(np.radians(np.asarray(lng_lat, dtype=np.float64)), -1, 0)
    return np.stack([lng, np.arcsinh(np.tan(lat))], axis=-1)


def from_mercator(x_y: Any) -> Floats:
    """The opposite of `mercator`."""
    x, y = np.moveaxis(np.asarray(x_y, dtype=np.float64), -1, 0)
    degrees: Floats = np.degrees(np.stack([x, np.arctan(np.sinh(y))], axis=-1))
    return degrees


@dataclass(frozen=True, slots=True)
class Raster:
    """Areas as pixels of equal size in Web Mercator, which a web map draws without bending.

    ``bounds`` are the outer edges (west, south, east, north; degrees); row 0 is the northernmost.
    ``pixel`` (flat index) and ``area`` say which pixels an area has, both of shape (k,); an area
    too small for the centre of any pixel has the one that it lies in. ``inside``, of shape
    (rows, columns): pixels whose centre lies in an area. ``pixel_m`` is the side of a pixel on
    the ground, at the middle latitude.
    """

    bounds: Bounds
    pixel_m: float
    inside: npt.NDArray[np.bool_]
    pixel: Ints
    area: Ints

    @classmethod
    def of(cls, areas: Any, *, pixel_m: float = PIXEL_M) -> Self:
        """Make the raster of ``areas``.

        Parameters
        ----------
        areas
            Polygons in degrees, lng first, that do not overlap, shape (n,); empty ones have no
            pixel.
        pixel_m
            Wanted side of a pixel on the ground, in metres.
        """
        polygons = np.asarray(areas, dtype=object)
        plane = shapely.transform(polygons, mercator)
        west, south, east, north = shapely.total_bounds(plane)
        middle = float(from_mercator([0.0, (south + north) / 2])[1])
        step = pixel_m / (EARTH_RADIUS_M * np.cos(np.radians(middle)))
        columns, rows = int(np.ceil((east - west) / step)), int(np.ceil((north - south) / step))
        x = west + step * (np.arange(columns) + 0.5)
        y = north - step * (np.arange(rows) + 0.5)
        pixel, area = _burnt(plane, x, y)
        inside = np.zeros(rows * columns, dtype=np.bool_)
        inside[pixel] = True
        small = np.setdiff1d(np.flatnonzero(~shapely.is_empty(plane)), area)
        at = shapely.get_coordinates(shapely.point_on_surface(plane[small]))
        column = ((at[:, 0] - west) / step).astype(np.int64)
        row = ((north - at[:, 1]) / step).astype(np.int64)
        edges = from_mercator([[west, north - rows * step], [west + columns * step, north]])
        return cls(
            bounds=(*edges[0].tolist(), *edges[1].tolist()),
            pixel_m=pixel_m,
            inside=inside.reshape(rows, columns),
            pixel=np.concatenate([pixel, row * columns + column]),
            area=np.concatenate([area, small]),
        )


def _burnt(plane: Any, x: Floats, y: Floats) -> tuple[Ints, Ints]:
    """Pixels (flat index) whose centre lies in an area, and the area; an area at a time."""
    pixels, areas = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    shapely.prepare(plane)
    box = shapely.bounds(plane)
    left, right = np.searchsorted(x, box[:, 0]), np.searchsorted(x, box[:, 2])
    top, bottom = np.searchsorted(-y, -box[:, 3]), np.searchsorted(-y, -box[:, 1])
    for number in np.flatnonzero((left < right) & (top < bottom)).tolist():
        across = np.arange(left[number], right[number])
        down = np.arange(top[number], bottom[number])[:, None]
        hit = shapely.intersects_xy(plane[number], x[across][None, :], y[down])
        found = (down * len(x) + across)[hit]
        pixels.append(found)
        areas.append(np.full(len(found), number))
    return np.concatenate(pixels), np.concatenate(areas)


def surface(
    raster: Raster,
    *,
    rate: npt.ArrayLike,
    residents: npt.ArrayLike,
    shown: npt.ArrayLike,
    bandwidth_m: float = BANDWIDTH_M,
) -> Floats:
    """Kernel density of the shown weighted reports over that of the residents they are among.

    Parameters
    ----------
    raster
        Of the areas.
    rate
        Weighted reports per 1,000 residents of each area, shape (n_areas,).
    residents
        Of each area, shape (n_areas,).
    shown
        Areas whose figures may be shown, shape (n_areas,); of the others nothing is used.
    bandwidth_m
        Of the kernel, in metres on the ground at the county's middle latitude. From there to its
        northern or southern edge it changes by 0.4 %, as the scale of Web Mercator does.

    Returns
    -------
    array
        Weighted reports per 1,000 residents, shape (rows, columns): the mean of the areas around,
        each weighted by its residents and by the kernel. NaN outside the areas and farther than
        ``REACH_M`` from every shown one.
    """
    seen = np.asarray(shown, dtype=np.bool_)
    people = np.where(seen, residents, 0.0)
    reports = np.where(seen, np.where(seen, rate, 0.0) * people, 0.0)
    share = 1.0 / np.maximum(1, np.bincount(raster.area, minlength=len(seen)))
    sigma = bandwidth_m / raster.pixel_m

    def spread(of_area: Floats) -> Floats:
        weight = (of_area * share)[raster.area]
        flat = np.bincount(raster.pixel, weights=weight, minlength=raster.inside.size)
        plane = flat.reshape(raster.inside.shape)
        smooth = ndimage.gaussian_filter(plane, sigma, mode="constant")
        return np.asarray(smooth, dtype=np.float64)

    far = np.ones(raster.inside.size, dtype=np.bool_)
    far[raster.pixel[(people > 0)[raster.area]]] = False
    if far.all():
        return np.full(raster.inside.shape, np.nan)
    distance = ndimage.distance_transform_edt(far.reshape(raster.inside.shape), raster.pixel_m)
    drawn = raster.inside & (distance <= REACH_M)
    below = spread(people)
    found = np.full(below.shape, np.nan)
    found[drawn] = spread(reports)[drawn] / below[drawn]
    return found
