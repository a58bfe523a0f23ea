"""One timer is fired inside one unit of work: whoever deletes its row does what it says."""

from dataclasses import dataclass
from datetime import datetime

from gridsvc.domain.timers import Timer, TimerKind
from gridsvc.flows.answering import silent
from gridsvc.flows.offering import settle
from gridsvc.flows.patience import patiently
from gridsvc.flows.scene import Scene
from gridsvc.store import Store, UnitOfWork


@dataclass(frozen=True, slots=True)
class Fired:
    """A timer that this process fired, ``late_s`` seconds after its time."""

    timer: Timer
    late_s: float


def fire(timer: Timer, *, scene: Scene, store: Store, now: datetime) -> Fired | None:
    """Do what a timer says; None where another process has done so, or has its case locked.

    The incident is locked before the row is deleted, as everywhere: a timer fires once however
    many processes look, and the timer of what follows is set in the same transaction.
    """

    def once(work: UnitOfWork) -> Fired | None:
        if not work.timers.lock(timer.incident):
            return None
        taken = work.timers.take(timer.id, due_by=now)
        if taken is None:
            return None
        _act(work, taken, scene, now)
        return Fired(taken, (now - taken.due_at).total_seconds())

    return patiently(store, once)


def _act(work: UnitOfWork, timer: Timer, scene: Scene, now: datetime) -> None:
    incident, case = work.cases.known(timer.incident)
    match timer.kind:
        case TimerKind.OFFERS:
            told = timer.payload
            look_at = datetime.fromisoformat(told["look_at"]) if "look_at" in told else None
            tries = int(told.get("tries", 0))
            settle(work, incident, case, scene=scene, now=now, tries=tries, look_at=look_at)
        case TimerKind.SILENCE:
            if timer.assignment is not None:
                silent(work, incident, case, timer.assignment, now=now)
        case TimerKind.RECALL:
            pass  # it was not confirmed in time


def fire_due(*, scene: Scene, store: Store, now: datetime, limit: int = 100) -> list[Fired]:
    """Fire every timer that is due at ``now`` (aware), the longest due first, at most ``limit``.

    For tests and simulations, whose clock is their own; a process serves with `Clockwork`.
    """
    with store.read() as reading:
        due = reading.timers.due(now, limit=limit)
    fired = (fire(timer, scene=scene, store=store, now=now) for timer in due)
    return [one for one in fired if one is not None]
