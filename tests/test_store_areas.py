"""The map in both stores: exact, versioned, one publication at a time."""

import threading
import time
from dataclasses import replace

import pytest
import shapely
from sqlalchemy import text

from gridsvc.domain.area import Grid, PublishedMap
from gridsvc.domain.errors import ConflictError, InputError
from gridsvc.store import MapChange, Store, UnitOfWork
from tests.store_samples import (
    NOON,
    RING_WITH_A_HOLE,
    divisions,
    grids,
    large_county,
    publish_sample,
    units,
)


def load(store: Store) -> PublishedMap:
    with store.read() as reading:
        published = reading.areas.load()
    assert published is not None
    return published


def publish_grids(work: UnitOfWork, given: list[Grid]) -> MapChange:
    return work.areas.publish(
        grids=given, layer="grids", source="grids.shp", clean=True, demo=False, at=NOON
    )


def test_no_map_yet(store: Store) -> None:
    with store.read() as reading:
        assert reading.areas.load() is None
        assert reading.areas.version() == 0
        assert reading.areas.versions() == []


def test_a_map_comes_back_bit_for_bit(store: Store) -> None:
    assert publish_sample(store) == MapChange(version=1, added=14, changed=0, removed=0)
    published = load(store)
    assert published == PublishedMap(
        1, tuple(divisions()), tuple(grids()), tuple(units()), clean=True, demo=True
    )
    # Equality of geometries compares coordinates; their bytes leave nothing out.
    for stored, given in zip(published.units, units(), strict=True):
        assert shapely.to_wkb(stored.geometry) == shapely.to_wkb(given.geometry)


def test_a_county_of_the_real_size(store: Store) -> None:
    big_grids, big_units = large_county(seed=1)
    started = time.process_time()
    with store.write() as work:
        work.areas.publish(
            grids=big_grids,  # type: ignore[arg-type]
            units=big_units,  # type: ignore[arg-type]
            layer="county",
            source="big",
            clean=False,
            demo=True,
            at=NOON,
        )
    assert time.process_time() - started < 10
    started = time.process_time()
    published = load(store)
    assert time.process_time() - started < 3
    assert len(published.grids) + len(published.units) == 22_808
    assert published.grids == tuple(sorted(big_grids, key=lambda one: one.code))
    assert published.units == tuple(sorted(big_units, key=lambda one: one.code))


def test_codes_sort_as_python_sorts_them_whatever_the_collation(store: Store) -> None:
    codes = ["9", "10", "B-1", "a-1", "_", "é"]
    with store.write() as work:
        publish_grids(work, [replace(grids()[0], code=code) for code in codes])
    assert [grid.code for grid in load(store).grids] == sorted(codes)


def test_only_what_differs_gets_a_new_row(store: Store) -> None:
    publish_sample(store)
    given = grids()
    given[0] = replace(given[0], residents=None)
    given[1] = replace(given[1], geometry=RING_WITH_A_HOLE)
    turned = shapely.MultiPolygon(
        [shapely.Polygon(shapely.get_coordinates(given[2].geometry)[[2, 3, 0, 1, 2]])]
    )
    assert shapely.to_wkb(turned) != shapely.to_wkb(given[2].geometry)
    given[2] = replace(given[2], geometry=turned)
    del given[8]
    given.append(replace(given[3], code="530324001001099", name="新网格"))
    with store.write() as work:
        assert publish_grids(work, given) == MapChange(version=2, added=1, changed=2, removed=1)
    published = load(store)
    assert published.version == 2
    assert published.grids[2].geometry == grids()[2].geometry  # the same polygon stays as it was
    assert {grid.code: grid.residents for grid in published.grids} == {
        grid.code: grid.residents for grid in given
    }
    assert published.grids[1].geometry == RING_WITH_A_HOLE
    with store.read() as reading:
        kept = reading.areas.connection.execute(
            text("SELECT code, from_version, to_version FROM grid ORDER BY code, from_version")
        ).all()
    assert len(kept) == 12
    assert (given[0].code, 1, 2) in kept
    assert (given[0].code, 2, None) in kept
    assert (grids()[8].code, 1, 2) in kept
    assert (given[2].code, 1, None) in kept


def test_a_layer_that_is_not_given_stays(store: Store) -> None:
    publish_sample(store)
    with store.write() as work:
        publish_grids(work, grids())
    published = load(store)
    assert published.divisions == tuple(divisions())
    assert published.units == tuple(units())
    assert not published.demo


def test_an_empty_layer_closes_every_row(store: Store) -> None:
    publish_sample(store)
    with store.write() as work:
        assert work.areas.publish(
            units=[], layer="units", source="", clean=True, demo=True, at=NOON
        ) == MapChange(2, 0, 0, 2)
    assert load(store).units == ()


def test_a_removed_grid_can_come_back(store: Store) -> None:
    for given in (grids(), grids()[1:], grids()):
        with store.write() as work:
            publish_grids(work, given)
    assert load(store).grids == tuple(grids())


def test_the_history_keeps_accepted_faults(store: Store) -> None:
    publish_sample(store)
    with store.write() as work:
        work.areas.publish(
            grids=grids(2),
            layer="grids",
            source="网格.shp",
            clean=False,
            demo=False,
            accepted_faults={"overlap": 3, "sliver": 1},
            at=NOON,
        )
        assert work.areas.version() == 2
    with store.read() as reading:
        first, second = reading.areas.versions()
    assert (first.version, first.added, first.demo) == (1, 14, True)
    assert (second.source, second.removed, second.clean) == ("网格.shp", 7, False)
    assert second.accepted_faults == {"overlap": 3, "sliver": 1}
    assert second.at == NOON


def test_every_repeated_code_is_named(store: Store) -> None:
    given = [*grids(3), *grids(2)]
    with pytest.raises(InputError) as refused, store.write() as work:
        publish_grids(work, given)
    assert [fault.where for fault in refused.value.faults] == [grid.code for grid in grids(2)]
    with store.read() as reading:
        assert reading.areas.version() == 0


@pytest.mark.parametrize(
    "shape", [shapely.box(0, 0, 1, 1), shapely.force_3d(RING_WITH_A_HOLE)], ids=["polygon", "z"]
)
def test_neither_store_takes_another_type(store: Store, shape: shapely.MultiPolygon) -> None:
    with pytest.raises(ValueError, match="two-dimensional MULTIPOLYGON"), store.write() as work:
        publish_grids(work, [replace(grids()[0], geometry=shape)])


def test_a_unit_belongs_to_a_known_grid(store: Store) -> None:
    with pytest.raises(ConflictError), store.write() as work:
        work.areas.publish(units=units(), layer="u", source="", clean=True, demo=True, at=NOON)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO grid (county, code, from_version, name, village, kind, geometry) SELECT "
        "county, code, 2, name, village, kind, geometry FROM grid WHERE code LIKE '%001'",
        "UPDATE grid SET to_version = from_version",
        "UPDATE grid SET kind = 'square'",
        "UPDATE grid SET residents = -1",
        "UPDATE grid SET geometry = NULL",
        "UPDATE division SET level = 'grid'",
        "UPDATE grid SET to_version = 99",
        "DELETE FROM area_code",
    ],
)
def test_the_database_itself_refuses(store: Store, statement: str) -> None:
    publish_sample(store)
    with store.write() as work:
        publish_grids(work, grids())
    with pytest.raises(ConflictError), store.write() as work:
        work.areas.connection.execute(text(statement))


def test_a_reading_keeps_its_snapshot(store: Store) -> None:
    publish_sample(store)
    with store.read() as reading:
        assert reading.areas.version() == 1
        with store.write() as work:
            publish_grids(work, grids(1))
        assert reading.areas.version() == 1
        seen = reading.areas.load()
        assert seen is not None
        assert len(seen.grids) == 9
    assert len(load(store).grids) == 1


def test_publications_do_not_interleave(store: Store) -> None:
    publish_sample(store)
    order: list[str] = []

    def second() -> None:
        with store.write() as work:
            assert work.areas.lock() == 2
            seen = work.areas.load()
            order.append("second has the map")
            assert seen is not None
            publish_grids(work, [*seen.grids, replace(grids()[0], code="530324001001900")])

    with store.write() as work:
        assert work.areas.lock() == 1
        other = threading.Thread(target=second)
        other.start()
        time.sleep(0.4)
        publish_grids(work, grids(1))
        order.append("first is done")
    other.join(20)
    assert order == ["first is done", "second has the map"]
    published = load(store)
    assert published.version == 3
    assert [grid.code for grid in published.grids] == [grids()[0].code, "530324001001900"]


def test_postgis_has_typed_columns_with_one_gist_index_each(postgres_store: Store) -> None:
    publish_sample(postgres_store)
    with postgres_store.read() as reading:
        connection = reading.areas.connection
        columns = connection.execute(
            text("SELECT f_table_name, f_geometry_column, type, srid FROM geometry_columns")
        ).all()
        indexes = connection.execute(
            text("SELECT tablename FROM pg_indexes WHERE indexdef LIKE '%USING gist%'")
        ).scalars()
        assert sorted(indexes) == sorted(row[0] for row in columns)
        lng = connection.execute(
            text("SELECT ST_XMax(geometry) FROM unit WHERE code LIKE '%02'")
        ).scalar_one()
    assert sorted(map(tuple, columns)) == [
        ("alert", "polygon", "MULTIPOLYGON", 4490),
        ("closure", "geometry", "GEOMETRY", 4490),
        ("division", "geometry", "MULTIPOLYGON", 4490),
        ("grid", "geometry", "MULTIPOLYGON", 4490),
        ("incident", "position", "POINT", 4490),
        ("responder", "home", "POINT", 4490),
        ("responder", "live", "POINT", 4490),
        ("road_edge", "geometry", "LINESTRING", 4490),
        ("unit", "geometry", "MULTIPOLYGON", 4490),
    ]
    assert lng == 104.60001
