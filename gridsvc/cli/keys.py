"""``gridsvc keys``: who may ask from another machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from gridsvc.cli.opening import opened_store
from gridsvc.domain.clock import COUNTY_TIME
from gridsvc.domain.words import Text
from gridsvc.settings import Settings

if TYPE_CHECKING:
    from gridsvc.domain.keys import ApiKey
    from gridsvc.store import Store


@click.group()
def keys() -> None:
    """访问密钥：本机以外的访问都要用 / API keys: any other machine needs one."""


@keys.command()
@click.argument("name")
@click.option(
    "--role",
    "roles",
    multiple=True,
    help="角色，可多次给出 / viewer, reporter, officer, handler, supervisor, device, responder, "
    "admin",
)
@click.option("--area", help="区划编码，默认全县 / code of a division, by default the whole county")
@click.option("--responder", help="处置人员编号：本人的密钥 / id of a responder: their own key")
def add(name: str, roles: tuple[str, ...], area: str | None, responder: str | None) -> None:
    """新建密钥，只显示这一次 / Make a key; its token is shown this once."""
    from gridsvc.flows.keys import add_key
    from gridsvc.runtime import now

    settings = Settings.read()
    if responder is not None and not roles:
        roles = ("responder",)
    with _opened(settings) as store:
        key, token = add_key(
            store,
            name=name,
            roles=roles,
            area=area,
            responder=responder,
            scheme=settings.code_scheme,
            now=now(),
        )
    told = Text(
        f"密钥 {key.id} 已建立。下面的令牌只显示这一次，请立即妥善保存：",
        f"key {key.id} was made. Its token is shown this once, keep it safe now:",
    )
    # The token alone goes to standard output, so that a script can take it.
    click.echo(told.pick(settings.lang), err=True)
    click.echo(token)


@keys.command(name="list")
def list_() -> None:
    """列出密钥，不含令牌 / List the keys, without their tokens."""
    settings = Settings.read()
    with _opened(settings) as store, store.read() as reading:
        found = reading.keys.all()
    if not found:
        none = Text(
            "尚无密钥：gridsvc keys add 新建", "there are no keys: gridsvc keys add makes one"
        )
        click.echo(none.pick(settings.lang))
    for key in found:
        click.echo(_line(key).pick(settings.lang))


@keys.command()
@click.argument("id_", metavar="ID")
def revoke(id_: str) -> None:
    """撤销密钥，一秒内生效 / Revoke a key; every running process knows within a second."""
    from gridsvc.flows.keys import revoke_key
    from gridsvc.runtime import now

    settings = Settings.read()
    with _opened(settings) as store:
        revoked = revoke_key(store, id_, now=now())
    text = (
        Text(f"密钥 {id_} 已撤销", f"key {id_} was revoked")
        if revoked
        else Text(f"密钥 {id_} 此前已撤销", f"key {id_} had been revoked before")
    )
    click.echo(text.pick(settings.lang))


def _line(key: "ApiKey") -> Text:
    roles = ",".join(key.roles)
    made = f"{key.created_at.astimezone(COUNTY_TIME):%Y-%m-%d %H:%M}"
    whose = f"{key.responder}  " if key.responder else ""
    head = f"{key.id}  {key.name}  {roles}  {key.area}  {whose}"
    if key.revoked_at is None:
        return Text(f"{head}{made} 建立", f"{head}made {made}")
    ended = f"{key.revoked_at.astimezone(COUNTY_TIME):%Y-%m-%d %H:%M}"
    return Text(f"{head}{made} 建立，{ended} 撤销", f"{head}made {made}, revoked {ended}")


@contextmanager
def _opened(settings: Settings) -> "Iterator[Store]":
    with opened_store(settings) as store:
        if store.revision()[0] is None:
            store.upgrade()
        yield store
