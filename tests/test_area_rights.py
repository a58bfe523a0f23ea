"""A key of one township: what it may move, and what it is told of its neighbours."""

import pytest

from gridsvc.domain.errors import InputError, NotFoundError
from gridsvc.domain.rights import Caller, KeyRole, rights_of
from gridsvc.flows.reports import Report
from gridsvc.runtime import Runtime
from gridsvc.store import CaseFilter
from tests.api_county import G2, G3, IN_G2

TOWN, OTHER = "530324001", "530324102"
IN_G3 = (104.3205, 24.895)


def officer(area: str, name: str = "town") -> Caller:
    return Caller(name, name, rights_of([KeyRole.OFFICER]), area)


def report(at: tuple[float, float] = IN_G2, **given: object) -> Report:
    known = {"category": "livelihood", "kind": "old_and_young", "lng": at[0], "lat": at[1]}
    return Report(**{**known, **given})  # type: ignore[arg-type]


def test_a_case_of_others_is_not_moved_out_of_sight(county_runtime: Runtime) -> None:
    runtime, town = county_runtime, officer(TOWN)
    number = runtime.receive(report()).incident.number
    before = runtime.show(number, by=town)
    with pytest.raises(InputError) as refused:
        runtime.place(number, report(IN_G3), caller=town)
    (fault,) = refused.value.faults
    assert (fault.code, fault.where) == ("outside_your_area", "position")
    assert all(word in fault.text.zh for word in ("板桥镇", OTHER, "罗雄街道", "全县"))
    assert runtime.show(number, by=town) == before
    moved = runtime.place(number, report((104.316, 24.895)), caller=town)
    assert moved.incident.placement is not None
    assert moved.incident.placement.grid == G2


def test_who_took_a_call_corrects_it_to_anywhere_and_goes_on_seeing_it(
    county_runtime: Runtime,
) -> None:
    runtime, town = county_runtime, officer(TOWN)
    number = runtime.receive(report(), caller=town).incident.number
    moved = runtime.place(number, report(IN_G3), caller=town)
    assert moved.incident.placement is not None
    assert moved.incident.placement.grid == G3
    assert runtime.show(number, by=town).file.incident == moved.incident
    with pytest.raises(NotFoundError):
        runtime.show(number, by=officer(TOWN, "colleague"))


def test_the_whole_county_moves_anything(county_runtime: Runtime) -> None:
    runtime = county_runtime
    number = runtime.receive(report(), caller=officer(TOWN)).incident.number
    moved = runtime.place(number, report(IN_G3), caller=officer("530324"))
    assert moved.incident.placement is not None
    assert moved.incident.placement.township == OTHER


def test_possible_duplicates_of_a_neighbour_are_not_told(county_runtime: Runtime) -> None:
    runtime, town = county_runtime, officer(TOWN)
    near_edge = (104.3199, 24.895)
    theirs = runtime.receive(report(IN_G3)).incident.number
    mine = runtime.receive(report(IN_G3), caller=town).incident.number

    def told(caller: Caller) -> set[str]:
        found = runtime.receive(report(near_edge), caller=caller).duplicates
        return {one.number for one in found}

    assert told(officer("530324")) == {theirs, mine}
    ours = told(town)
    assert theirs not in ours
    assert mine in ours, "a case that the caller took itself is told of"
    number = runtime.receive(report(IN_G2)).incident.number
    placed = runtime.place(number, report(near_edge), caller=town)
    assert theirs not in {one.number for one in placed.duplicates}


def test_a_page_does_not_begin_at_a_case_of_others(county_runtime: Runtime) -> None:
    runtime, town = county_runtime, officer(TOWN)
    mine = runtime.receive(report()).incident.number
    theirs = runtime.receive(report(IN_G3)).incident.number
    refusals = []
    for before in (theirs, "罗平-20991231-0001"):
        with pytest.raises(NotFoundError) as refused:
            runtime.page(CaseFilter(), limit=5, before=before, by=town)
        (fault,) = refused.value.faults
        refusals.append((fault.code, fault.where, fault.text.zh.replace(before, "")))
    assert refusals[0] == refusals[1], "unknown and not yours are one answer"
    page = runtime.page(CaseFilter(), limit=5, before=theirs, by=officer("530324"))
    assert [one.number for one, _ in page.cases] == [mine]
