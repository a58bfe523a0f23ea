"""Who could be there first, against brute force, and every reason why somebody is not sent."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsvc.dispatch import Card, ForceIndex, Ranking, card_for, rank
from gridsvc.dispatch.eligibility import LAY_REASONS, Busy, eligible, is_night, refusals
from gridsvc.dispatch.ranking import CHOSEN, EVERYBODY, REFUSED_SHOWN
from gridsvc.domain.force import Capability, LivePosition, Responder, Role, Vehicle
from gridsvc.domain.geo import LngLat
from gridsvc.domain.kinds import KINDS, KINDS_BY_CODE, Kind, Lay
from tests.dispatch_people import (
    CASE,
    FRAME,
    HERE,
    NIGHT,
    NOON,
    TRAVEL,
    busy_of,
    counts_for,
    crew,
    free,
    in_order,
    people,
    person,
    score,
    sentinel,
    view_of,
    worker,
)


def usual(kind: str) -> Card:
    return card_for(KINDS_BY_CODE[kind], urgency=KINDS_BY_CODE[kind].urgency)


def reasons(
    one: Responder, kind: str = "sudden_illness", at: datetime = NOON, busy: Busy | None = None
) -> list[str]:
    return [text.en for text in refusals(one, card=usual(kind), at=at, busy=busy or {})]


def ranked(
    force: list[Responder], kind: str, at: datetime = NOON, busy: Busy | None = None
) -> Ranking:
    return rank(view_of(force, at), usual(kind), travel=TRAVEL, busy=busy or {})


def ids(found: list[Responder]) -> list[str]:
    return [one.id for one in found]


@given(people)
def test_law_everybody_within_reach_comes_once_in_order(force: list[Responder]) -> None:
    view = view_of(force)
    walked = [view.one(number) for number in view.walk_all()]
    assert [near.responder.id for near in walked] == ids(in_order(force))
    assert [(near.score_s, near.eta_s) for near in walked] == [score(o) for o in in_order(force)]


@given(people, st.frozensets(st.sampled_from(Capability)), st.sampled_from([NOON, NIGHT]))
def test_law_a_walk_over_the_able_leaves_out_the_others(
    force: list[Responder], able: frozenset[Capability], at: datetime
) -> None:
    view = view_of(force, at)
    expected = [
        one.id
        for one in in_order(force)
        if one.capabilities & able
        and one.on_duty
        and (one.phone or one.app)
        and (one.night or at is NOON)
        and one.role is not Role.MEDIATOR
    ]
    found = [view.one(n).responder.id for n in view.walk(able, {Role.MEDIATOR})]
    assert found == expected


def test_a_crowd_in_rings_comes_in_the_same_order() -> None:
    force = [person(f"{n * 7919 % 3000:04d}", 104.3 + n % 97 * 1e-3) for n in range(3000)]
    view = view_of(force)
    expected = ids(in_order(force))
    assert [view.one(n).responder.id for n in view.walk_all()] == expected
    assert [view.one(n).responder.id for n in view.walk({Capability.FIRST_AID})] == expected
    assert [view.one(n).responder.id for n in view.walk({Capability.FIRST_AID})] == expected


def test_a_fresh_live_position_counts_and_an_old_one_falls_back_to_home() -> None:
    live = LivePosition(LngLat(104.31, 24.9), NOON - timedelta(minutes=15))
    index = ForceIndex([person("a", 104.4, 24.9, live=live)], FRAME)
    now = index.view(lng=104.31, lat=24.9, at=NOON, travel=TRAVEL).find("a")
    assert now is not None
    assert (now.from_live, round(now.distance_m), now.eta_s, now.score_s) == (True, 0, 0, 60)
    late = NOON + timedelta(microseconds=1)
    later = index.view(lng=104.31, lat=24.9, at=late, travel=TRAVEL).find("a")
    assert later is not None
    assert not later.from_live
    assert later.distance_m > 9000
    again = index.view(lng=104.31, lat=24.9, at=NOON, travel=TRAVEL).find("a")
    assert again == now


@given(
    st.lists(st.one_of(st.none(), st.integers(-1500, 1500)), max_size=8),
    st.lists(st.integers(-2500, 2500), min_size=1, max_size=8),
)
def test_law_what_counts_as_live_depends_on_the_moment_alone(
    seen: list[int | None], asked: list[int]
) -> None:
    force = [
        person(
            f"{n}",
            live=None if s is None else LivePosition(LngLat(*HERE), NOON + timedelta(seconds=s)),
        )
        for n, s in enumerate(seen)
    ]
    index = ForceIndex(force, FRAME)
    for moment in asked:
        view = index.view(
            lng=HERE[0], lat=HERE[1], at=NOON + timedelta(seconds=moment), travel=TRAVEL
        )
        found = [view.one(n).from_live for n in range(len(force))]
        assert found == [s is not None and moment - 900 <= s <= moment + 300 for s in seen]


def test_a_move_makes_a_new_snapshot_and_leaves_the_old_one() -> None:
    force = [person("a", 104.31), person("b", 104.32), Responder("c", "c", Role.DOCTOR, "1", None)]
    before = ForceIndex(force, FRAME)
    live = LivePosition(LngLat(*HERE), NOON)

    def found(index: ForceIndex) -> list[tuple[str, bool]]:
        view = index.view(lng=HERE[0], lat=HERE[1], at=NOON, travel=TRAVEL)
        return [(one.responder.id, one.from_live) for one in map(view.one, view.walk_all())]

    assert found(before) == [("a", False), ("b", False)]
    after = before.moved({"c": live, "b": live, "nobody": live})
    assert found(before) == [("a", False), ("b", False)]
    assert found(after) == [("b", True), ("c", True), ("a", False)]
    assert [one.live for one in after.responders] == [None, live, live]
    assert (before.without_place, after.without_place) == (1, 0)
    assert found(after.moved({"b": None, "c": None})) == found(before)


def test_without_any_place_nobody_is_found_and_it_is_counted() -> None:
    lost = Responder("a", "a", Role.DOCTOR, "530324", None)
    view = view_of([lost])
    assert list(view.walk_all()) == []
    assert view.find("a") is None
    assert view.find("nobody") is None
    assert view.index.without_place == 1
    assert view.index.get("a") is lost
    assert view.index.get("nobody") is None
    assert list(view_of([]).walk_all()) == []


def test_who_needs_more_than_four_hours_is_not_looked_for() -> None:
    far = person("far", 104.4)
    assert ranked([far], "sudden_illness").chosen == ()
    cycling = replace(far, vehicle=Vehicle.MOTORCYCLE)
    assert len(ranked([cycling], "sudden_illness").chosen) == 1


def test_every_reason_at_once() -> None:
    one = person("a", on_duty=False, phone="", night=False, capabilities=frozenset())
    assert reasons(one, "road_accident", NIGHT, {"a": CASE}) == [
        "off duty",
        "no way to reach them",
        "not reachable at night",
        f"assigned to {CASE}",
        "cannot do any of: first on the scene, grid duty, first aid",
    ]
    assert reasons(person("a")) == []


def test_an_office_is_never_taken() -> None:
    office = person("d", role=Role.DEPARTMENT)
    assert reasons(office, busy={"d": CASE}) == []
    assert eligible(office, card=usual("sudden_illness"), at=NOON, busy={"d": CASE})
    assert [role for role in Role if not role.exclusive] == [Role.DEPARTMENT]


def test_nobody_unarmed_goes_to_a_knife_and_is_told_why() -> None:
    card = card_for(KINDS_BY_CODE["neighbour_quarrel"], urgency=1, text="持刀")
    for role in Role:
        found = refusals(
            person("a", role=role, capabilities=frozenset(Capability)), card=card, at=NOON
        )
        assert any("未携带武器" in reason.zh for reason in found)
        assert any("110" in reason.zh for reason in found)


@pytest.mark.parametrize("kind", [k.code for k in KINDS if k.lay is Lay.NONE])
def test_no_lay_person_where_lay_people_must_stay_away(kind: str) -> None:
    every = frozenset(Capability)
    for role in (Role.SENTINEL, Role.GRID_WORKER, Role.MEDIATOR):
        assert "lay people must stay away from this kind" in reasons(
            person("a", role=role, capabilities=every), kind
        )


@pytest.mark.parametrize("urgency", [1, 2, 3, 4])
def test_a_sentinel_is_not_sent_into_a_family(urgency: int) -> None:
    card = card_for(KINDS_BY_CODE["family_dispute"], urgency=urgency)
    assert refusals(sentinel("s", capabilities=frozenset(Capability)), card=card, at=NOON)


@pytest.mark.parametrize(
    ("local", "night"), [("21:59", False), ("22:00", True), ("05:59", True), ("06:00", False)]
)
def test_night_is_ten_to_six_in_the_county(local: str, night: bool) -> None:
    assert is_night(datetime.fromisoformat(f"2026-11-23T{local}:00+08:00")) is night


def test_the_lay_rule_speaks_of_lay_people_and_not_of_two_roles() -> None:
    assert "群众力量" in LAY_REASONS[Lay.NONE].zh
    assert "网格员" not in LAY_REASONS[Lay.NONE].zh


def test_the_nearest_for_each_capability_follows_the_nearest_few() -> None:
    aid = [person(f"{n}", 104.3 + n * 1e-3) for n in range(9)]
    car = crew("car", Role.AMBULANCE, Capability.AMBULANCE, lng=104.5)
    ranking = ranked([*aid, car], "sudden_illness")
    assert [c.responder.id for c in ranking.chosen] == [*map(str, range(CHOSEN)), "car"]
    assert ranking.missing == (Capability.FIRST_ON_SCENE, Capability.GRID_DUTY)
    assert ranking.hand_over == ("120",)


def test_a_car_far_off_is_before_somebody_on_foot() -> None:
    walking = person("a", 104.31)
    driving = crew("b", Role.AMBULANCE, Capability.FIRST_AID, lng=104.35)
    assert [c.responder.id for c in ranked([walking, driving], "road_accident").chosen] == [
        "b",
        "a",
    ]


def test_the_own_people_are_before_nearer_ones() -> None:
    other = sentinel("a", 104.3, area="another")
    ranking = ranked([other, sentinel("z", 104.301)], "sudden_illness")
    assert [(c.responder.id, c.near.own) for c in ranking.chosen] == [("z", True), ("a", False)]
    assert {term.code: term.seconds for term in ranking.chosen[0].terms} == {
        "travel": score(sentinel("z", 104.301))[1],
        "home": 120,
        "telephone": 60,
        "own": -300,
    }


def test_lay_people_at_a_fight_are_told_to_stand_off() -> None:
    ranking = ranked([worker("w")], "fight")
    assert "to stand off and evacuate only" in [t.en for t in ranking.chosen[0].reasons]


def test_the_age_of_a_live_position_is_told() -> None:
    live = LivePosition(LngLat(104.31, 24.9), NOON - timedelta(minutes=7, seconds=30))
    ranking = ranked([person("a", live=live)], "sudden_illness")
    assert "live position, 7 minutes ago" in [t.en for t in ranking.chosen[0].reasons]
    assert [term.code for term in ranking.chosen[0].terms] == ["travel", "telephone"]


def test_an_office_among_the_first_does_not_stand_in_for_a_professional() -> None:
    office = person("d", role=Role.DEPARTMENT, capabilities=frozenset(Capability))
    ranking = rank(view_of([office]), card_for(KINDS_BY_CODE["fight"], urgency=1), travel=TRAVEL)
    assert [one.responder.id for one in ranking.chosen] == ["d"]
    assert Capability.ORDER in ranking.missing


kinds, moments = st.sampled_from(KINDS), st.sampled_from([NOON, NIGHT])
urgencies, every = st.integers(1, 4), st.integers(0, 4)
texts = st.sampled_from(["", "有人持刀", "煤气泄漏"])


@given(people, kinds, urgencies, texts, moments, every)
def test_law_eligible_is_without_a_reason_to_refuse(
    force: list[Responder], kind: Kind, urgency: int, text: str, at: datetime, every: int
) -> None:
    card, busy = card_for(kind, urgency=urgency, text=text), busy_of(force, every)
    for one in force:
        refused = refusals(one, card=card, at=at, busy=busy)
        assert eligible(one, card=card, at=at, busy=busy) is not bool(refused)


@given(people, kinds, urgencies, texts, moments, every)
def test_law_the_answer_is_that_of_a_walk_over_everybody(
    force: list[Responder], kind: Kind, urgency: int, text: str, at: datetime, every: int
) -> None:
    card, busy = card_for(kind, urgency=urgency, text=text), busy_of(force, every)
    able = free(force, card, at, busy)
    lacking = {c: card.wanted(c) for c in card.required}
    chosen: list[Responder] = []
    for one in able:
        brings = [c for c, count in lacking.items() if count > 0 and counts_for(one, c)]
        if len(chosen) < CHOSEN or brings:
            chosen.append(one)
            lacking |= {c: lacking[c] - 1 for c in brings}
    ranking = rank(view_of(force, at), card, travel=TRAVEL, busy=busy)
    assert [one.responder.id for one in ranking.chosen] == ids(chosen)
    assert {one.capability: one.wanted - one.found for one in ranking.shortfalls} == {
        c: count for c, count in lacking.items() if count > 0
    }
    for terms, near in (
        *((told.terms, told.near) for told in ranking.chosen),
        *((told.terms, told.near) for told in ranking.refused),
    ):
        assert sum(term.seconds for term in terms) == near.score_s
    assert all(told.reasons for told in ranking.chosen)


@given(people, kinds, urgencies, moments, every)
def test_law_the_refused_are_those_passed_over_on_the_way(
    force: list[Responder], kind: Kind, urgency: int, at: datetime, every: int
) -> None:
    card, busy = card_for(kind, urgency=urgency), busy_of(force, every)
    order, able = in_order(force), free(force, card, at, busy)
    last = order.index(able[CHOSEN - 1]) if len(able) >= CHOSEN else len(order)
    passed = [one for one in order[: min(last, EVERYBODY)] if one not in able]
    ranking = rank(view_of(force, at), card, travel=TRAVEL, busy=busy)
    refused = [one.responder for one in ranking.refused]
    strangers = [one for one in passed if score(one)[0] - score(one)[1] >= 120]
    assert len(refused) <= REFUSED_SHOWN
    assert refused == in_order(refused)
    shown = [one for one in refused if one in strangers]
    assert shown == strangers[: len(shown)]
    assert len(refused) == REFUSED_SHOWN or set(refused) >= set(passed)
    assert all(one in passed or score(one)[0] < score(one)[1] + 120 for one in refused)
    for told in ranking.refused:
        assert told.reasons == refusals(told.responder, card=card, at=at, busy=busy) != ()


def test_who_is_behind_the_last_of_the_first_few_is_not_passed_over() -> None:
    able = [person(f"{n}", 104.3 + n * 1e-3) for n in range(CHOSEN)]
    between, behind = (person(k, at, on_duty=False) for k, at in (("b", 104.302), ("z", 104.31)))
    ranking = ranked([*able, between, behind], "sudden_illness")
    assert [one.responder.id for one in ranking.refused] == ["b"]


def test_an_own_sentinel_who_cannot_go_is_told_of_though_others_are_nearer() -> None:
    near = [person(f"{n}") for n in range(9)]
    off = sentinel("own", 104.32, on_duty=False)
    ranking = ranked([*near, off], "sudden_illness")
    assert [one.responder.id for one in ranking.refused] == ["own"]
    assert [reason.en for reason in ranking.refused[0].reasons] == ["off duty"]


def test_a_shortfall_says_why() -> None:
    def told(force: list[Responder], busy: Busy | None = None, at: datetime = NOON) -> str:
        found = ranked(force, "house_fire", at, busy).shortfalls
        return next(one.reason.en for one in found if one.capability is Capability.FIRE)

    def fire(key: str, **more: Any) -> Responder:
        return crew(key, Role.FIRE_CREW, Capability.FIRE, **more)

    assert told([person("a")]) == "nobody in the county has this capability"
    assert told([sentinel("lay", capabilities=frozenset({Capability.FIRE}))]).startswith("nobody")
    force = [fire("a"), fire("b", lng=104.31), fire("c", night=False), fire("d", lng=107.0)]
    busy = {"b": "罗平-20261123-0002", "a": CASE}
    assert told(force, busy, NIGHT) == (
        "1 wanted, 0 can go: of 4 in the county with this capability 2 are assigned, 1 off duty or "
        "unreachable, 1 without a place or more than 4 hours away"
    )
    found = ranked(force, "house_fire", NIGHT, busy).shortfalls
    assert next(o for o in found if o.capability is Capability.FIRE).nearest_busy == ("a", CASE)


def test_one_grid_worker_where_two_are_wanted_is_a_shortfall_but_not_missing() -> None:
    ranking = ranked([worker("w")], "fight")
    (order, grid) = ranking.shortfalls
    assert (order.capability, order.wanted, order.found) == (Capability.ORDER, 1, 0)
    assert (grid.capability, grid.wanted, grid.found) == (Capability.GRID_DUTY, 2, 1)
    assert grid.reason.en.startswith("2 wanted, 1 can go: of 1 in the county")
    assert "0 are assigned" in grid.reason.en
    assert ranking.missing == (Capability.ORDER,)


def test_what_is_kept_holds_no_personal_data() -> None:
    live = LivePosition(LngLat(104.3, 24.9), NOON)
    force = [
        replace(sentinel("S1"), name="赵春", phone="00012345678"),
        replace(crew("A1", Role.AMBULANCE, Capability.AMBULANCE, live=live), name="钱夏"),
        replace(person("V1", on_duty=False), name="孙秋", phone="00087654321"),
    ]
    kept = ranked(force, "sudden_illness", busy={"A1": CASE}).as_json()
    text = repr(kept)
    for secret in ("赵春", "钱夏", "孙秋", "12345678", "87654321", "104.3", "24.9"):
        assert secret not in text
    assert kept["chosen"][0]["responder"] == "S1"
    assert kept["basis"] == "straight_line"
    assert "直线距离" in kept["travel_note"]["zh"]
    (short,) = [one for one in kept["shortfalls"] if one["capability"] == "ambulance"]
    assert short["nearest_busy"] == {"responder": "A1", "case": CASE}


def test_a_storm_of_taken_people_is_walked_past() -> None:
    force = [person(f"{n:05d}", 104.3 + n * 1e-6) for n in range(20_000)]
    busy = {one.id: CASE for one in force[:-3]}
    ranking = ranked(force, "sudden_illness", busy=busy)
    assert [one.responder.id for one in ranking.chosen] == ids(force[-3:])
