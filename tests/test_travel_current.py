"""Roads and closures count for the next question: in every process, and only while they hold."""

from datetime import UTC, datetime, timedelta

import numpy as np
import shapely

from gridsvc.domain.events import RoadsImported
from gridsvc.domain.force import Vehicle
from gridsvc.domain.travel import Basis
from gridsvc.flows.closures import Order
from gridsvc.runtime import Runtime
from gridsvc.travel.current import CurrentTimes
from tests.listening import eventually
from tests.road_samples import crossing

pytest_plugins = ("tests.api_fixtures",)

NOON = datetime(2026, 11, 24, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)


def seconds(runtime: Runtime, at: datetime) -> float:
    """By motorcycle along the road that is closed below."""
    frame = runtime.map().frame
    start, to = (frame.point(lng=lng, lat=24.885) for lng in (104.304, 104.310))
    travel = runtime.travel_at(at)
    found = travel.seconds(to=to, start=np.array([start]), vehicle=np.array([1], np.int8))
    return float(found[0])


def test_other_processes_take_over_roads_and_closures(county_runtime: Runtime) -> None:
    other = Runtime.open(county_runtime.settings, clock=lambda: NOON)
    other.watch()
    try:
        assert other.travel.basis is Basis.STRAIGHT_LINE
        with county_runtime.store.write() as work:
            one = work.roads.publish(crossing(), source="roads.gpkg", at=NOON)
            work.events.record(RoadsImported(version=one.version, nodes=9, edges=9))
        eventually(lambda: other.travel.basis is Basis.ROAD)
        free = seconds(other, NOON)
        here = Runtime.open(county_runtime.settings, clock=lambda: NOON)
        order = Order(
            geometry=shapely.LineString([(104.303, 24.885), (104.311, 24.885)]),
            edges=(),
            vehicles=frozenset(Vehicle),
            starts_at=NOON + HOUR,
            ends_at=NOON + 3 * HOUR,
            reason="塌方",
        )
        made = here.close_road(order, caller=here.local)
        eventually(lambda: len(other.closures()) == 1)
        for runtime in (here, other):
            assert seconds(runtime, NOON) == free
            assert seconds(runtime, NOON + HOUR) > free
            assert seconds(runtime, NOON + 2 * HOUR) > free
            assert seconds(runtime, NOON + 3 * HOUR) == free
            assert seconds(runtime, NOON + 2 * HOUR) > free, "also when it is asked backwards"
        here.lift_closure(made.closure.id, caller=here.local)
        eventually(lambda: not other.closures())
        assert seconds(other, NOON + 2 * HOUR) == free
        here.close()
    finally:
        other.close()


def test_between_two_turns_it_is_the_same_object(county_runtime: Runtime) -> None:
    times = CurrentTimes(crossing(), frame=county_runtime.map().frame)
    assert times.at((), NOON) is times.at((), NOON + HOUR)
    assert times.at((), NOON).basis is Basis.ROAD
    without = CurrentTimes(None, frame=county_runtime.map().frame)
    assert without.at((), NOON).basis is Basis.STRAIGHT_LINE
