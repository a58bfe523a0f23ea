"""Everything SQL: one schema with two homes, a SQLite file or PostGIS."""

from gridsvc.store.alerts import CallFilter
from gridsvc.store.areas import MapChange, MapVersion
from gridsvc.store.case_filter import CaseFilter
from gridsvc.store.incidents import GridCounts
from gridsvc.store.unit_of_work import Reading, Store, UnitOfWork

__all__ = [
    "CallFilter",
    "CaseFilter",
    "GridCounts",
    "MapChange",
    "MapVersion",
    "Reading",
    "Store",
    "UnitOfWork",
]
