"""A county's own cards, and who is kept out, hold for every wave of offers."""

import logging
from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from gridsvc.dispatch import default_cards
from gridsvc.domain.lifecycle import AssignmentState
from gridsvc.domain.timers import Timer, TimerKind
from gridsvc.flows.carding import cards_in_force
from gridsvc.runtime import Runtime
from gridsvc.store import Store, migrate
from gridsvc.store.run_cards import KeptCard
from tests.card_county import START, Hands, due, named, report, sent, tick


def illness() -> dict[str, Any]:
    """The shipped card as plain values, to be changed."""
    return deepcopy(default_cards().as_data()["sudden_illness"])


def test_the_times_of_a_changed_card_are_those_of_its_offers(carded: Runtime, hands: Hands) -> None:
    data = illness() | {"waves": {"answer_s": 35, "township_s": 40}}
    carded.put_card("sudden_illness", data, version=0, reason="试行", caller=carded.local)
    incident = carded.receive(report()).incident
    file = carded.show(incident.number, by=carded.local).file
    assert {one.answer_by for one in file.assignments} == {START + timedelta(seconds=35)}
    hands.forward(seconds=35)
    tick(carded)
    file = carded.show(incident.number, by=carded.local).file
    again = [one for one in file.assignments if one.state is AssignmentState.OFFERED]
    assert {one.answer_by for one in again} <= {START + timedelta(seconds=70)}
    assert due(carded, incident.id, TimerKind.OFFERS) == START + timedelta(seconds=40)
    hands.forward(seconds=5)
    tick(carded)
    assert named(carded, incident.number, "township_alarmed")


@pytest.mark.parametrize("recused", [False, True])
def test_who_is_recused_meanwhile_is_not_asked_by_a_later_wave(
    carded: Runtime, hands: Hands, *, recused: bool
) -> None:
    number = carded.receive(report()).incident.number
    first = set(sent(carded, number))
    assert "S4" not in first
    if recused:
        carded.recuse(number, ["S4"], caller=carded.local)
    hands.forward(minutes=5)
    tick(carded)
    assert len(sent(carded, number)) > len(first) or recused
    assert ("S4" in sent(carded, number)) is not recused


def test_a_stored_card_that_is_refused_now_is_told_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    data = illness() | {"lay": "everybody"}
    kept = KeptCard("sudden_illness", 3, data, "local", START, "试行")
    with caplog.at_level(logging.WARNING):
        cards = cards_in_force([kept])
    assert cards["sudden_illness"] == default_cards()["sudden_illness"]
    (told,) = caplog.messages
    assert "sudden_illness, version 3" in told


def test_timers_that_were_set_before_there_were_cards_stay_set(empty_url: str) -> None:
    store = Store.open(empty_url)
    with migrate.migrating(store._engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS postgis"))
        migrate.upgrade_within(connection, "0006")
        at = "2026-11-23 03:00:00.000000"
        connection.execute(
            text(
                "INSERT INTO incident (county, id, number, received_at, category, kind, urgency,"
                " text, address, drill, source, confidential, given, stage, first_contact, owner,"
                " supervised, reminders) VALUES ('530324', 'i', '罗平-1', :at, 'emergency',"
                " 'sudden_illness', 1, '', '', false, 'api', false, '', 'paperwork_owed', 'local',"
                " '', false, 0)"
            ),
            {"at": at},
        )
        connection.execute(
            text(
                "INSERT INTO timer (county, id, incident, kind, due_at, payload)"
                " VALUES ('530324', 'offers-i', 'i', 'offers', :at, '{\"tries\": 2}')"
            ),
            {"at": at},
        )
    store.upgrade()
    with store.write() as work:
        (kept,) = work.timers.of_incident("i")
        assert (kept.kind, kept.due_at, kept.payload) == (TimerKind.OFFERS, START, {"tries": 2})
        for kind in (TimerKind.PLACE, TimerKind.HANDOVERS):
            work.timers.set(Timer(kind, "i", kind, START))
    store.close()
