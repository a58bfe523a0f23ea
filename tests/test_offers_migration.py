"""A county that was at work before there were offers goes on where it was."""

from sqlalchemy import text

from gridsvc.domain.lifecycle import AssignmentState
from gridsvc.store import Store, migrate

_AT = "2026-11-23 03:00:00.000000"
_STATES = ("assigned", "notified", "accepted", "done", "declined", "stood_down")


def _before(store: Store) -> None:
    """The schema of 0003 with one case and somebody in every state."""
    with migrate.migrating(store._engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS postgis"))
        migrate.upgrade_within(connection, "0003")
        add = connection.execute
        add(
            text(
                "INSERT INTO incident (county, id, number, received_at, category, kind, urgency,"
                " text, address, drill, source, confidential, given, stage, first_contact, owner,"
                " supervised, reminders) VALUES ('530324', 'i', '罗平-1', :at, 'emergency',"
                " 'sudden_illness', 1, '', '', false, 'api', false, '', 'paperwork_owed', 'local',"
                " '', false, 0)"
            ),
            {"at": _AT},
        )
        for n, state in enumerate(_STATES):
            who = {"id": f"R{n}", "state": state, "at": _AT}
            add(
                text("INSERT INTO person (county, id, name, phone) VALUES ('530324', :id, '', '')"),
                who,
            )
            add(
                text(
                    "INSERT INTO responder (county, id, role, area, capabilities, app, night,"
                    " on_duty, vehicle) VALUES ('530324', :id, 'doctor', '530324', '[]', false,"
                    " false, true, 'foot')"
                ),
                who,
            )
            add(
                text(
                    "INSERT INTO assignment (county, id, incident, responder, capability, state,"
                    " stand_off, eta_s, distance_m, basis, assigned_at, changed_at, changed_by)"
                    " VALUES ('530324', :id, 'i', :id, 'first_aid', :state, false, 60, 100,"
                    " 'straight_line', :at, :at, 'local')"
                ),
                who,
            )


def test_what_was_assigned_is_offered_and_who_was_told_stays_told(empty_url: str) -> None:
    store = Store.open(empty_url)
    _before(store)
    store.upgrade()
    with store.read() as reading:
        sent = {one.id: one for one in reading.cases.assignments("i")}
        _, case = reading.cases.known("i")
        assert reading.timers.of_incident("i") == []
    assert [sent[f"R{n}"].state.value for n in range(len(_STATES))] == [
        *("offered", "offered", "accepted", "done", "declined", "stood_down"),
    ]
    assert sent["R0"].state_name.zh == "已指派·未通知"
    assert sent["R1"].state_name.zh == "已通知·待接单"
    assert all(one.answer_by is None and one.also == () for one in sent.values())
    assert (case.unanswered_since, case.escalation, case.by_hand) == (None, 0, False)
    with store.write() as work:
        work.cases.connection.execute(
            text("UPDATE assignment SET state = :state"), {"state": AssignmentState.EXPIRED.value}
        )
    store.close()
