"""Who may do what: one set of rights, held by the keys of programs and by this machine itself."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from gridsvc.domain.words import Text

COUNTY_DIGITS = 6
"""Length of a county's code: GB/T 2260 gives every county six digits."""


class Right(StrEnum):
    """What a caller may do. Every route asks for one of them."""

    READ = "read"
    READ_SENSITIVE = "read_sensitive"
    REPORT = "report"
    DISPATCH = "dispatch"
    HANDLE = "handle"
    SUPERVISE = "supervise"
    FORCE = "force"
    OWN = "own"
    MAP = "map"
    CARDS = "cards"
    KEYS = "keys"


RIGHT_NAMES: dict[Right, Text] = {
    Right.READ: Text("查看", "read"),
    Right.READ_SENSITIVE: Text("查看敏感类事件详情", "read the particulars of sensitive kinds"),
    Right.REPORT: Text("上报事件", "report incidents"),
    Right.DISPATCH: Text("派单调度", "dispatch"),
    Right.HANDLE: Text("办理事件", "handle cases"),
    Right.SUPERVISE: Text("督办催办", "supervise and remind"),
    Right.FORCE: Text("更新力量位置", "update the force"),
    Right.OWN: Text("处理本人任务", "answer one's own assignments"),
    Right.MAP: Text("维护地图", "keep the map"),
    Right.CARDS: Text("维护预案", "keep the run cards"),
    Right.KEYS: Text("管理密钥", "manage keys"),
}
"""What each right is called on screen."""


class KeyRole(StrEnum):
    """What a key is for. A key has one role or several and the rights of them all."""

    VIEWER = "viewer"
    REPORTER = "reporter"
    OFFICER = "officer"
    HANDLER = "handler"
    SUPERVISOR = "supervisor"
    DEVICE = "device"
    RESPONDER = "responder"
    ADMIN = "admin"


ROLE_NAMES: dict[KeyRole, Text] = {
    KeyRole.VIEWER: Text("只读大屏", "screens that only show"),
    KeyRole.REPORTER: Text("上报系统", "systems that only report"),
    KeyRole.OFFICER: Text("值班员", "duty officers"),
    KeyRole.HANDLER: Text("承办单位", "those who handle cases"),
    KeyRole.SUPERVISOR: Text("督查", "supervision"),
    KeyRole.DEVICE: Text("定位终端", "devices that tell where people are"),
    KeyRole.RESPONDER: Text("处置人员本人", "one responder's own app"),
    KeyRole.ADMIN: Text("管理员", "administrators"),
}
"""Whom each role is meant for."""

RIGHTS_OF: dict[KeyRole, frozenset[Right]] = {
    KeyRole.VIEWER: frozenset({Right.READ}),
    KeyRole.REPORTER: frozenset({Right.REPORT}),
    KeyRole.OFFICER: frozenset(
        {Right.READ, Right.READ_SENSITIVE, Right.REPORT, Right.DISPATCH, Right.HANDLE}
    ),
    KeyRole.HANDLER: frozenset({Right.READ, Right.HANDLE}),
    KeyRole.SUPERVISOR: frozenset({Right.READ, Right.READ_SENSITIVE, Right.SUPERVISE}),
    KeyRole.DEVICE: frozenset({Right.FORCE}),
    KeyRole.RESPONDER: frozenset({Right.OWN}),
    KeyRole.ADMIN: frozenset(Right),
}
"""Role -> its rights."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. ``area`` is a division code; the county's own means everywhere. ``responder`` is
    the id of the person who shows their own key, None for everybody else."""

    id: str
    name: str
    rights: frozenset[Right]
    area: str
    responder: str | None = None

    def may(self, right: Right) -> bool:
        """Whether the caller holds ``right``."""
        return right in self.rights


def local_caller(county: str) -> Caller:
    """The person at this machine, who holds every right in all of ``county``."""
    return Caller("local", "本机", frozenset(Right), county)


def rights_of(roles: Collection[KeyRole]) -> frozenset[Right]:
    """The rights of several roles together."""
    return frozenset().union(*(RIGHTS_OF[role] for role in roles))


def within(area: str, areas: Collection[str]) -> bool:
    """Whether something that lies in ``areas`` is the business of a caller of ``area``.

    Parameters
    ----------
    area
        The caller's: the code of a county, township or village.
    areas
        Codes of the county, township, village, grid and unit known so far of an incident. While
        none is known only a caller of the whole county sees it.
    """
    return len(area) == COUNTY_DIGITS or area in areas
