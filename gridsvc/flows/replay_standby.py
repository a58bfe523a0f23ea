"""Standby advice as a replay follows it."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from gridsvc.coverage.advice import LIMIT_S, MOVE_LIMIT_S, Standby, Table, advise
from gridsvc.coverage.groups import GROUP_ROLES, Group
from gridsvc.coverage.reach import ROLES, Supply
from gridsvc.coverage.villages import Villages
from gridsvc.domain.force import Responder
from gridsvc.domain.geo import Floats
from gridsvc.domain.travel import BASES, VEHICLES, Numbers, TravelTimes
from gridsvc.flows.advising import ADVISED

Bools = npt.NDArray[np.bool_]


class Standing:
    """Who stands by where, and for whom.

    The advised move is made where a dispatch leaves a village without anybody, and ended when the
    one it was made for is free again. Whoever drives home or to a standby place counts as there.
    """

    def __init__(
        self,
        villages: Villages,
        truth: TravelTimes,
        people: Sequence[Responder],
        home: Floats,
        busy_fraction: float,
    ) -> None:
        self._villages, self._truth, self._people = villages, truth, people
        self._home, self._busy_fraction = home, busy_fraction
        self._vehicle = np.array([VEHICLES.index(one.vehicle) for one in people], dtype=np.int8)
        self._role = np.array([ROLES.index(one.role) for one in people], dtype=np.int8)
        self._members = {group: _members(people, group) for group in ADVISED}
        self._place = np.full(len(people), -1, dtype=np.intp)
        self._for: dict[int, list[int]] = {}
        self._columns: dict[tuple[float, float, int], Floats] = {}
        used = set(self._vehicle.tolist())
        self._standby = tuple(
            np.column_stack([self._column(xy, v) <= LIMIT_S for xy in villages.xy]).astype(np.intp)
            if v in used
            else None
            for v in range(len(VEHICLES))
        )

    def after(self, taken: Sequence[int], busy: Bools, on_duty: Bools) -> Iterator[Standby]:
        """The moves to make once ``taken`` are gone, at most one a group."""
        for who in taken:
            self._leave(who)
        for members in self._members.values():
            gone = [who for who in taken if who in set(members.tolist())]
            if gone:
                move = self._advised(members, gone, busy, on_duty)
                if move is not None:
                    self._leave(move.who)
                    self._place[move.who] = move.to
                    self._for.setdefault(gone[0], []).append(move.who)
                    yield move

    def relieved(self, free: int, busy: Bools) -> list[int]:
        """Who may drive home because the one they stood by for is free again."""
        self._place[free] = -1
        back = [who for who in self._for.pop(free, []) if not busy[who] and self._place[who] >= 0]
        for who in back:
            self._place[who] = -1
        return back

    def _leave(self, who: int) -> None:
        """Somebody no longer stands by."""
        self._place[who] = -1
        for others in self._for.values():
            if who in others:
                others.remove(who)

    def _advised(
        self, members: Numbers, gone: Sequence[int], busy: Bools, on_duty: Bools
    ) -> Standby | None:
        free = members[~busy[members] & on_duty[members]]
        both = np.concatenate([free, np.array(gone, dtype=np.intp)])
        start = np.where(
            self._place[both, None] >= 0, self._villages.xy[self._place[both]], self._home[both]
        )
        supply = Supply(start, self._vehicle[both], self._role[both])
        seconds = np.column_stack(
            [self._column(xy, int(self._vehicle[who])) for who, xy in zip(both, start, strict=True)]
        )
        basis = np.full(seconds.shape, BASES.index(self._truth.basis), dtype=np.intp)
        reached = (seconds <= LIMIT_S).astype(np.intp)
        limited = np.where(seconds <= MOVE_LIMIT_S, seconds, np.inf)
        table = Table(self._villages, limited, basis, reached, self._standby)
        found = advise(
            table,
            supply,
            free=np.arange(len(free)),
            taken=np.arange(len(free), len(both)),
            busy_fraction=self._busy_fraction,
        )
        if not found.lost or found.standby is None:
            return None
        move = found.standby
        return Standby(
            int(both[move.who]), move.to, move.seconds, move.basis, move.gain, move.restored
        )

    def _column(self, xy: Floats, vehicle: int) -> Floats:
        """Seconds from a place to every village, kept."""
        x, y = xy.tolist()
        found = self._columns.get((x, y, vehicle))
        if found is None:
            found = self._truth.nearest(
                to=self._villages.xy,
                start=np.array([[x, y]]),
                vehicle=np.array([vehicle], dtype=np.int8),
            ).seconds
            self._columns[x, y, vehicle] = found
        return found


def _members(people: Sequence[Responder], group: Group) -> Numbers:
    return np.array(
        [number for number, one in enumerate(people) if one.role in GROUP_ROLES[group]],
        dtype=np.intp,
    )
