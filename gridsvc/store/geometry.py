"""Column types that mean the same in both stores: geometries and moments."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
import shapely
from sqlalchemy import (
    ColumnElement,
    DateTime,
    Dialect,
    LargeBinary,
    String,
    func,
    literal_column,
    type_coerce,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

from gridsvc.domain.clock import COUNTY_TIME
from gridsvc.domain.geo import SRID, Geometries, LngLat

Shape = Literal["POINT", "LINESTRING", "MULTIPOLYGON", "GEOMETRY"]
_TYPE_IDS: dict[Shape, tuple[int, ...]] = {
    "POINT": (0,),
    "LINESTRING": (1,),
    "MULTIPOLYGON": (6,),
    "GEOMETRY": tuple(range(8)),
}


class GeometryColumn(TypeDecorator[Any]):
    """Shapely geometries, CGCS2000 (EPSG:4490) degrees in lng, lat order.

    ``geometry(SHAPE, 4490)`` on PostGIS, well-known binary on SQLite: vertices come back bit for
    bit on both. Hot paths give and take whole arrays with `to_stored` and `raw` instead.
    """

    impl = LargeBinary
    cache_ok = True

    # GeoAlchemy2 reads these from the decorator, not from the type behind it: without them it
    # makes an index of its own beside ours and looks for AddGeometryColumn.
    spatial_index = False
    use_typmod = True

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape: Shape = shape

    def load_dialect_impl(self, dialect: Dialect | None) -> TypeEngine[Any]:
        """Answer PostGIS's type for PostgreSQL (and for no dialect), a blob elsewhere."""
        if dialect is None or dialect.name == "postgresql":
            from geoalchemy2 import Geometry  # a tenth of a second that SQLite need not wait for

            return Geometry(self.shape, srid=SRID, spatial_index=False)
        return dialect.type_descriptor(LargeBinary())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Encode a geometry; what `to_stored` has encoded passes through."""
        if value is None or isinstance(value, (bytes, str)):
            return value
        return to_stored([value], self.shape, dialect.name)[0]

    def process_result_value(self, value: Any, _dialect: Dialect) -> Any:
        """Decode what the driver gives."""
        if value is None:
            return None
        return shapely.from_wkb(value if isinstance(value, bytes) else bytes(value.data))


def to_stored(geometries: Sequence[Any] | Geometries, shape: Shape, dialect: str) -> list[Any]:
    """Encode an array of geometries (or None) at once, ready to be bound.

    Raises
    ------
    ValueError
        A geometry of another type, or one with a third dimension: neither store would keep it.
    """
    array = np.array(geometries, dtype=object)
    kinds = shapely.get_type_id(array)
    wrong = np.flatnonzero(~np.isin(kinds, (-1, *_TYPE_IDS[shape])) | shapely.has_z(array))
    if len(wrong):
        first = array[wrong[0]]
        raise ValueError(
            f"{len(wrong)} geometries are not two-dimensional {shape}: the first is a "
            f"{first.geom_type}{' with z' if first.has_z else ''} at index {wrong[0]}"
        )
    if dialect == "postgresql":
        tagged = shapely.set_srid(array, SRID)
        return list(shapely.to_wkb(tagged, hex=True, include_srid=True, byte_order=1))
    return list(shapely.to_wkb(array, byte_order=1))


def points_to_stored(positions: Sequence[LngLat | None], dialect: str) -> list[Any]:
    """Encode positions (CGCS2000 degrees, or None) at once, ready to be bound."""
    points = np.full(len(positions), None, dtype=object)
    known = [i for i, at in enumerate(positions) if at is not None]
    pairs = [(at.lng, at.lat) for at in positions if at is not None]
    points[known] = shapely.points(np.array(pairs, dtype=np.float64).reshape(-1, 2))
    return to_stored(points, "POINT", dialect)


def raw(column: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
    """Select ``column`` as plain well-known binary, to be decoded as one array."""
    if dialect == "postgresql":
        return func.ST_AsBinary(column, type_=LargeBinary)
    return type_coerce(column, LargeBinary)


def county_day(moment: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
    """Select the county's day of a `Moment` as ISO text."""
    if dialect == "postgresql":
        eight_hours: ColumnElement[Any] = literal_column("interval '8 hours'")
        return func.to_char(func.timezone(eight_hours, moment), "YYYY-MM-DD", type_=String)
    return func.date(moment, "+8 hours", type_=String)


class Moment(TypeDecorator[datetime]):
    """An aware datetime: ``timestamptz`` on PostgreSQL, UTC text that sorts on SQLite.

    Read back in Beijing time. A naive datetime is refused, since nobody knows what it means.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn into UTC; SQLite keeps no zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no time zone: give an aware datetime")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Give back in Beijing time."""
        if value is None:
            return None
        aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value
        return aware.astimezone(COUNTY_TIME)
