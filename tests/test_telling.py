"""People are told: once, whoever tells; again after a failure; by the next channel in the end."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.app import create_app
from gridsvc.channels import Channels
from gridsvc.channels.reading import load_channels
from gridsvc.domain.case import Assignment
from gridsvc.domain.force import Role
from gridsvc.domain.lifecycle import AssignmentState, AssignmentStep
from gridsvc.domain.messages import TOO_LATE, Message, MessageKind, MessageState
from gridsvc.domain.offer_events import SecondChannelAsked
from gridsvc.flows import telling
from gridsvc.flows.dispatching import about
from gridsvc.flows.intake import Receipt
from gridsvc.flows.reports import Report
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings
from gridsvc.store import CaseFilter, Store
from gridsvc.teller import Teller
from tests.api_county import IN_U1, client_of, publish_county
from tests.api_county import REPORT as BODY
from tests.gateway import HANG, Gateway, channel_file, gateway, sms, voice

ROOT = Path(__file__).parents[1]
REPORT = Report(category="emergency", kind="sudden_illness", lng=IN_U1[0], lat=IN_U1[1])


@dataclass
class Desk:
    """A runtime on the small county, and the words and channels it has; its clock is ours."""

    runtime: Runtime
    channels: Channels
    now: datetime

    def teller(self) -> Teller:
        runtime = self.runtime
        return Teller(
            runtime.store,
            self.channels,
            speech=lambda: replace(runtime.speech(), channels=self.channels),
            find=lambda key: runtime.force().get(key),
            clock=lambda: self.now,
        )

    def messages(self, receipt: Receipt) -> list[Message]:
        with self.runtime.store.read() as reading:
            return list(reading.messages.of([one.id for one in sent(receipt)]))

    def assignment(self, id_: str) -> Assignment:
        with self.runtime.store.read() as reading:
            found = reading.cases.assignment(id_)
        assert found is not None
        return found

    def alarms(self) -> dict[str, int]:
        return self.runtime.page(CaseFilter(), limit=1, before=None, by=self.runtime.local).alarms


def sent(receipt: Receipt) -> tuple[Assignment, ...]:
    assert receipt.decision is not None
    assert receipt.decision.assignments
    return receipt.decision.assignments


@pytest.fixture
def there() -> Iterator[Gateway]:
    with gateway() as opened:
        yield opened


@pytest.fixture
def desk(store: Store, store_url: str, tmp_path: Path, there: Gateway) -> Iterator[Desk]:
    publish_county(store)
    settings = Settings.read(data=tmp_path, database_url=store_url, public_url="https://g.example/")
    runtime = Runtime.open(settings)
    path = channel_file(tmp_path, sms=sms(there.url, tries=3))
    opened = Desk(runtime, load_channels(path), runtime.clock())
    runtime.clock = lambda: opened.now
    yield opened
    runtime.close()


def work_off(teller: Teller, within_s: float = 20.0) -> None:
    """Look until nothing is due or under way."""
    until = time.monotonic() + within_s
    while True:
        teller.look()
        for sender in list(teller._senders):
            sender.join(until - time.monotonic())
        waiting = telling.due(teller.store)
        if not teller._senders and all(at > teller.clock() for at in waiting.values()):
            return
        assert time.monotonic() < until, waiting


def test_everybody_is_told_once_and_their_assignment_says_so(desk: Desk, there: Gateway) -> None:
    teller = desk.teller()
    teller.look()
    receipt = desk.runtime.receive(REPORT)
    assert {(one.state, one.notified_at) for one in sent(receipt)} == {
        (AssignmentState.OFFERED, None)
    }
    work_off(teller)
    work_off(desk.teller())
    told = Counter(one["phone"] for one in there.taken)
    assert told == Counter(f"1990000{one.responder[-4:]}" for one in sent(receipt))
    assert all("https://g.example/a/" in one["text"] for one in there.taken)
    for one in sent(receipt):
        after = desk.assignment(one.id)
        assert (after.state, after.changed_by) == (AssignmentState.OFFERED, "sms")
        assert after.notified_at == desk.now
    events = desk.runtime.show(receipt.incident.id, by=desk.runtime.local).events
    assert Counter(e.name for e in events)["message_sent"] == len(sent(receipt))
    assert all("phone" not in str(e.payload) and "1990000" not in str(e.payload) for e in events)


def test_what_happened_before_there_were_channels_is_not_told(desk: Desk, there: Gateway) -> None:
    desk.runtime.receive(REPORT)
    work_off(desk.teller())
    assert there.asked == []


def test_what_happens_before_the_first_look_of_a_new_service_is_told(
    desk: Desk, there: Gateway
) -> None:
    teller = desk.teller()
    teller.first = desk.runtime._seen
    receipt = desk.runtime.receive(REPORT)
    work_off(teller)
    assert len(there.taken) == len(sent(receipt))


def test_a_service_with_channels_tells_by_itself(
    desk: Desk, there: Gateway, tmp_path: Path
) -> None:
    settings = desk.runtime.settings.model_copy(update={"channels": tmp_path / "channels.yaml"})
    with client_of(create_app(Runtime.open(settings))) as client:
        told = client.post("/api/v1/incidents", json={**BODY, "drill": True}).json()
        path = f"/api/v1/incidents/{told['number']}"

        def told_of(answer: dict[str, Any]) -> set[bool]:
            return {one["notified_at"] is not None for one in answer["assignments"]}

        assert told_of(told) == {False}
        eventually(lambda: told_of(client.get(path).json()) == {True})
    assert len(there.taken) == len(told["assignments"])


def test_what_happened_while_nobody_was_there_is_told_unless_it_is_too_late(
    desk: Desk, there: Gateway
) -> None:
    work_off(desk.teller())
    receipt = desk.runtime.receive(replace(REPORT, drill=True))
    work_off(desk.teller())
    assert len(there.taken) == len(sent(receipt))
    later = desk.runtime.receive(replace(REPORT, drill=True))
    desk.now += TOO_LATE + timedelta(minutes=1)
    work_off(desk.teller())
    assert desk.messages(later) == []


def test_a_refused_message_is_tried_again_later_and_then_given_up_with_an_alarm(
    desk: Desk, there: Gateway
) -> None:
    there.answer = lambda _n, _body: 500
    teller = desk.teller()
    teller.look()
    receipt = desk.runtime.receive(REPORT)
    count = len(sent(receipt))
    for turn, pause_s in enumerate((5, 15, 45), 1):
        work_off(teller)
        assert len(there.asked) == turn * count
        (due,) = {one.state for one in desk.messages(receipt)}
        assert due is (MessageState.GIVEN_UP if turn == 3 else MessageState.FAILED)
        for each in desk.messages(receipt):
            assert (each.attempts, each.error) == (turn, "http_500")
            wait_s = (each.next_at - desk.now).total_seconds()
            assert turn == 3 or 0.79 * pause_s <= wait_s <= 1.21 * pause_s
        assert desk.alarms()["not_told"] == (1 if turn == 3 else 0)
        desk.now += timedelta(seconds=1.3 * pause_s if turn < 3 else 0)
    shown = desk.runtime.show(receipt.incident.id, by=desk.runtime.local)
    assert shown.file.case.not_told
    failures = [e.payload for e in shown.events if e.name == "message_failed"]
    assert Counter(e["given_up"] for e in failures) == {False: 2 * count, True: count}
    assert {e["error"] for e in failures} == {"http_500"}
    for one in sent(receipt):
        assert desk.assignment(one.id).notified_at is None
    accept, waits = AssignmentStep.ACCEPT, [one.id for one in sent(receipt)]
    while waits:
        assert desk.alarms()["not_told"] == 1
        desk.runtime.step_assignment(waits[0], accept, on_behalf=True, caller=desk.runtime.local)
        # Who is thanked meanwhile waits no more.
        waits = [id_ for id_ in waits if desk.assignment(id_).state is AssignmentState.OFFERED]
    assert desk.alarms()["not_told"] == 0
    desk.now += timedelta(minutes=20)
    work_off(teller)
    assert sum("请赶往现场" in asked["text"] for asked in there.asked) == 3 * count


def test_the_pause_grows_and_has_an_end() -> None:
    for attempts, pause_s in ((1, 5), (2, 15), (3, 45), (4, 135), (5, 405), (6, 600), (90, 600)):
        found = [telling.backoff_s(attempts) for _ in range(50)]
        assert all(0.8 * pause_s <= one <= 1.2 * pause_s for one in found)
        assert len(set(found)) > 1


def test_the_next_channel_steps_in_and_the_first_is_silent_then(
    desk: Desk, there: Gateway, tmp_path: Path
) -> None:
    with gateway(lambda _n, _body: 503) as dead:
        path = channel_file(tmp_path, "dead", "sms", dead=sms(dead.url), sms=sms(there.url))
        desk.channels = load_channels(path)
        teller = desk.teller()
        teller.look()
        receipt = desk.runtime.receive(REPORT)
        work_off(teller)
        assert there.asked == [], "the first has one more try"
        desk.now += timedelta(seconds=7)
        work_off(teller)
        assert len(there.taken) == len(sent(receipt))
        dead.answer = lambda _n, _body: 200
        desk.now += timedelta(minutes=2)
        work_off(teller)
        assert dead.taken == [], "told already"
    found = Counter((one.channel, one.state) for one in desk.messages(receipt))
    count = len(sent(receipt))
    assert found == {("dead", MessageState.DROPPED): count, ("sms", MessageState.SENT): count}
    assert desk.alarms()["not_told"] == 0


def test_whom_no_channel_reaches_is_an_alarm_at_once(desk: Desk, tmp_path: Path) -> None:
    path = channel_file(tmp_path, group={"kind": "apprise", "url": "json://127.0.0.1:9/x"})
    desk.channels = load_channels(path)
    route = replace(desk.channels.routes[0], app=True)  # nobody here has it
    desk.channels = replace(desk.channels, routes=(route,))
    teller = desk.teller()
    teller.look()
    desk.runtime.receive(REPORT)
    work_off(teller)
    assert desk.alarms()["not_told"] == 1


def test_a_channel_that_was_taken_out_gives_its_messages_to_the_next(
    desk: Desk, there: Gateway, tmp_path: Path
) -> None:
    teller = desk.teller()
    teller.look()
    receipt = desk.runtime.receive(REPORT)
    telling.enqueue(
        desk.runtime.store,
        desk.channels,
        find=teller.find,
        after=teller._seen or 0,
        now=desk.now,
    )
    desk.channels = load_channels(channel_file(tmp_path, other=sms(there.url)))
    work_off(desk.teller())
    assert len(there.taken) == len(sent(receipt))


def test_what_is_not_so_any_more_is_not_said(desk: Desk, there: Gateway) -> None:
    there.answer = lambda _n, _body: 500
    teller = desk.teller()
    teller.look()
    receipt = desk.runtime.receive(REPORT)
    first, second, *_ = sent(receipt)
    for one, step in ((first, AssignmentStep.ACCEPT), (second, AssignmentStep.STAND_DOWN)):
        desk.runtime.step_assignment(one.id, step, on_behalf=True, caller=desk.runtime.local)
    work_off(teller)
    assert not {f"1990000{one.responder[-4:]}" for one in (first, second)} & {
        one["phone"] for one in there.asked
    }, "who has accepted, or was called off before they were told, is not told"


def test_who_was_told_is_told_when_called_off(desk: Desk, there: Gateway) -> None:
    teller = desk.teller()
    teller.look()
    one = sent(desk.runtime.receive(REPORT))[0]
    work_off(teller)
    there.asked.clear()
    desk.runtime.step_assignment(
        one.id, AssignmentStep.STAND_DOWN, on_behalf=True, caller=desk.runtime.local
    )
    work_off(teller)
    told = {asked["phone"]: asked["text"] for asked in there.asked}
    assert len(told) == len(there.asked)
    assert "请勿前往" in told.pop(f"1990000{one.responder[-4:]}")
    assert ["人手已够" in text for text in told.values()] == [True], "their reserve"


def test_the_second_channel_rings_whom_it_is_asked_to(
    desk: Desk, there: Gateway, tmp_path: Path
) -> None:
    with gateway() as bell:
        path = channel_file(tmp_path, sms=sms(there.url), voice=voice(bell.url))
        desk.channels = load_channels(path)
        teller = desk.teller()
        teller.look()
        receipt = desk.runtime.receive(REPORT)
        work_off(teller)
        assert bell.asked == []
        ring = tuple(one.id for one in sent(receipt)[:2])
        with desk.runtime.store.write() as work:
            fields = about(receipt.incident, work.cases.county, "engine")
            work.events.record(SecondChannelAsked(**fields, assignments=ring))
        work_off(teller)
        assert len(bell.taken) == 2
        assert {one["id"] for one in bell.taken} == {
            one.id for one in desk.messages(receipt) if one.kind is MessageKind.CALL
        }


def test_a_drill_is_marked_and_a_sensitive_kind_is_silent(desk: Desk, there: Gateway) -> None:
    teller = desk.teller()
    teller.look()
    desk.runtime.receive(replace(REPORT, drill=True, address="东关街"))
    work_off(teller)
    assert there.taken
    assert all(one["text"].startswith("【演练】") for one in there.taken)
    there.taken.clear()
    desk.runtime.receive(replace(REPORT, kind="self_harm_drowning", urgency=1, address="东关街"))
    work_off(teller)
    assert there.taken
    for one in there.taken:
        assert "请致电指挥中心" in one["text"]
        assert not any(word in one["text"] for word in ("轻生", "溺水", "东关", "甲", "罗雄"))


def test_a_message_under_way_is_nobody_elses_until_its_sender_is_lost(desk: Desk) -> None:
    teller = desk.teller()
    teller.look()
    desk.runtime.receive(REPORT)
    store, speech = desk.runtime.store, teller.speech
    telling.enqueue(store, desk.channels, find=teller.find, after=teller._seen or 0, now=desk.now)
    taken = []
    while (one := telling.take(store, "sms", speech(), now=desk.now)) is not None:
        taken.append(one)
    assert len({one.message.id for one in taken}) == len(taken) > 1
    lost = taken[0].message
    desk.now += telling.LOST_AFTER
    assert telling.take(store, "sms", speech(), now=desk.now) is None
    desk.now += timedelta(seconds=3)
    again = telling.take(store, "sms", speech(), now=desk.now)
    assert again is not None
    assert (again.message.id, again.message.attempts) == (lost.id, 2)
    telling.sent(store, lost, now=desk.now)  # the lost one comes back: it is not its any more
    assert desk.assignment(lost.assignment).notified_at is None
    telling.sent(store, again.message, now=desk.now)
    assert desk.assignment(lost.assignment).notified_at == desk.now


def test_an_assignment_is_made_without_a_word_to_any_channel(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("a dispatch touched a channel")

    for name in ("enqueue", "take", "sent", "failed"):
        monkeypatch.setattr(telling, name, never)
    monkeypatch.setattr("gridsvc.teller.deliver", never)
    receipt = desk.runtime.receive(REPORT)
    assert desk.messages(receipt) == []


def test_a_dead_channel_holds_up_no_other(desk: Desk, there: Gateway, tmp_path: Path) -> None:
    lay = frozenset({Role.SENTINEL, Role.GRID_WORKER})
    with gateway(lambda _n, _body: HANG) as dead:
        hanging = sms(dead.url, timeout_s=30, at_once=1)
        found = load_channels(channel_file(tmp_path, dead=hanging, sms=sms(there.url)))
        first, second = found.routes
        routes = (replace(first, roles=frozenset(Role) - lay), replace(second, roles=lay))
        desk.channels = replace(found, routes=routes)
        teller = desk.teller()
        teller.look()
        receipts = [desk.runtime.receive(replace(REPORT, drill=True)) for _ in range(3)]
        people = [one.responder for receipt in receipts for one in sent(receipt)]
        teller.look()
        eventually(lambda: len(dead.asked) == 1)
        while teller._at_work.get("sms"):
            time.sleep(0.02)
        teller.look()
        eventually(
            lambda: len(there.taken) == sum(one in ("R0001", "R0002", "R0003") for one in people)
        )
        assert len(dead.asked) == 1, "one at once, as its line says"
        assert there.taken


def eventually(true: Callable[[], bool], *, within_s: float = 20.0) -> None:
    until = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < until, "it did not come true in time"
        time.sleep(0.02)


def child(url: str, folder: Path, channels: Path) -> subprocess.Popen[str]:
    """A process that follows the log and tells people, until it is ended."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.telling_child", url, str(folder), str(channels)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def ready(*children: subprocess.Popen[str]) -> list[subprocess.Popen[str]]:
    """The children, when each has said that it follows the log."""
    for process in children:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    return list(children)


def test_two_processes_tell_everybody_once_though_one_is_killed(
    store: Store, store_url: str, tmp_path: Path
) -> None:
    publish_county(store)

    def answer(number: int, body: dict[str, Any]) -> int:
        return HANG if number < hanging[0] else 500 if number % 3 == 0 else 200

    hanging = [0]
    with gateway(answer) as there:
        path = channel_file(tmp_path, sms=sms(there.url))
        children = ready(*(child(store_url, tmp_path, path) for _ in range(2)))
        try:
            runtime = Runtime.open(Settings.read(data=tmp_path, database_url=store_url))
            receipts = [runtime.receive(replace(REPORT, drill=True)) for _ in range(4)]
            made = [one.id for receipt in receipts for one in sent(receipt)]

            def told() -> bool:
                with runtime.store.read() as reading:
                    found = reading.messages.of(made)
                return {one.assignment for one in found if one.sent_at} == set(made)

            eventually(told, within_s=60)
            assert len(there.taken) == len(made)
            assert there.overlaps == []
            # Now one dies in the middle of a request that nobody answers.
            hanging[0] = len(there.asked) + 1
            children[1].kill()
            more = runtime.receive(replace(REPORT, drill=True))
            eventually(lambda: len(there.asked) == hanging[0] + len(sent(more)) - 1)
            children[0].kill()
            children += ready(child(store_url, tmp_path, path))
            made = [one.id for one in sent(more)]
            eventually(told, within_s=60)
            runtime.close()
        finally:
            for process in children:
                process.kill()
                process.wait()
