"""A key is given out, or taken back."""

from collections.abc import Sequence
from datetime import datetime

from gridsvc.domain.codes import CodeScheme
from gridsvc.domain.errors import Fault, InputError, NotFoundError
from gridsvc.domain.events import ApiKeyAdded, ApiKeyRevoked
from gridsvc.domain.force import unknown_responder
from gridsvc.domain.keys import MAX_NAME, ApiKey, mint
from gridsvc.domain.rights import ROLE_NAMES, KeyRole
from gridsvc.domain.words import Text
from gridsvc.store import Store, UnitOfWork

_LEVELS = ("county", "township", "village")


def add_key(
    store: Store,
    *,
    name: str,
    roles: Sequence[str],
    area: str | None = None,
    responder: str | None = None,
    scheme: CodeScheme,
    now: datetime,
) -> tuple[ApiKey, str]:
    """Make a key; its token is in the answer and nowhere else.

    Parameters
    ----------
    store
        Where its hash goes.
    name
        What people call the program or device that gets it.
    roles
        Names of `KeyRole`, one or several.
    area
        Code of the county, a township or a village; None for the whole county. It must be on the
        map where there is one.
    responder
        Id of the person whose own key it is; asked for by the role ``responder`` and by it alone.
    scheme
        What codes look like.
    now
        The present, aware.

    Returns
    -------
    tuple
        The key and its token.

    Raises
    ------
    InputError
        With everything that is wrong.
    """
    code = store.county if area is None else scheme.division(area.strip())
    called = name.strip()
    with store.write() as work:
        faults = [
            *_name_faults(called),
            *_role_faults(roles),
            *_area_faults(code, store.county, scheme, work.keys.divisions()),
            *_responder_faults(work, responder, roles),
        ]
        if faults:
            raise InputError(faults)
        id_, token, hashed = mint()
        held = tuple(role for role in KeyRole if role in roles)
        key = ApiKey(id_, called, hashed, held, code, now, responder=responder)
        work.keys.add(key)
        work.events.record(ApiKeyAdded(id_))
    return key, token


def revoke_key(store: Store, id: str, *, now: datetime) -> bool:  # noqa: A002
    """Take a key back for good; False where that was done before.

    Raises
    ------
    NotFoundError
        No key is known under ``id``.
    """
    with store.write() as work:
        revoked = work.keys.revoke(id, at=now)
        if revoked:
            work.events.record(ApiKeyRevoked(id))
    if revoked is None:
        # What was given is not repeated: it may be a whole token.
        raise NotFoundError(
            Fault(
                "unknown_key",
                Text(
                    "没有这个编号的密钥：请用 gridsvc keys list 查看编号（不是整个密钥）",
                    "no key is known under that id: gridsvc keys list shows the ids "
                    "(an id is not the whole token)",
                ),
                "id",
            )
        )
    return revoked


def _name_faults(name: str) -> list[Fault]:
    if 0 < len(name) <= MAX_NAME and name.isprintable():
        return []
    return [
        Fault(
            "bad_key_name",
            Text(
                f"密钥名称无效：应为 1 到 {MAX_NAME} 个可见字符，说明谁在用，例如 值班大厅",
                f"not a name for a key: 1 to {MAX_NAME} printable characters that say who uses it",
            ),
            "name",
        )
    ]


def _role_faults(roles: Sequence[str]) -> list[Fault]:
    known_zh = "、".join(f"{role}（{ROLE_NAMES[role].zh}）" for role in KeyRole)
    known_en = ", ".join(f"{role} ({ROLE_NAMES[role].en})" for role in KeyRole)
    if not roles:
        text = Text(
            f"缺少角色：请至少给一个 --role，可选 {known_zh}",
            f"a role is missing: give at least one --role of {known_en}",
        )
        return [Fault("no_role", text, "role")]
    unknown = [role for role in dict.fromkeys(roles) if role not in set(KeyRole)]
    return [
        Fault(
            "unknown_role",
            Text(
                f"没有角色“{role}”：可选 {known_zh}",
                f"there is no role {role!r}: choose from {known_en}",
            ),
            "role",
        )
        for role in unknown
    ]


def _responder_faults(work: UnitOfWork, responder: str | None, roles: Sequence[str]) -> list[Fault]:
    if (responder is not None) is not (KeyRole.RESPONDER in roles):
        text = Text(
            "角色 responder 与 --responder 须同时给出：密钥属于哪一位处置人员",
            "the role responder and --responder belong together: say whose own key it is",
        )
        return [Fault("responder_and_role", text, "responder")]
    if responder is None or work.force.person(responder)[0]:
        return []
    return list(unknown_responder(responder).faults)


def _area_faults(
    code: str, county: str, scheme: CodeScheme, divisions: frozenset[str]
) -> list[Fault]:
    if code == county or code in divisions:
        return []
    shaped = scheme.level_of(code) in _LEVELS and code.startswith(county)
    if shaped and not divisions:
        return []
    text = (
        Text(
            f"现行地图上没有区划 {code}：请检查编码，或先导入区划",
            f"the current map has no division {code}: check the code, or import it first",
        )
        if shaped
        else Text(
            f"区域“{code}”无效：应为本县（{county}）、其乡镇或村的区划编码",
            f"{code!r} is not an area for a key: give the code of this county ({county}), "
            "of one of its townships or villages",
        )
    )
    return [Fault("unknown_area", text, "area")]
