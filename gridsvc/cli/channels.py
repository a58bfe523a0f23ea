"""``gridsvc channels``: whether people can be told."""

from typing import TYPE_CHECKING

import click

from gridsvc.domain.errors import Fault, InputError, SettingsError
from gridsvc.domain.words import Text
from gridsvc.settings import Settings

if TYPE_CHECKING:
    from gridsvc.channels import Channels


@click.group()
def channels() -> None:
    """通知渠道：短信、企业微信、钉钉、语音、邮件 / How people are told of assignments."""


@channels.command()
def check() -> None:
    """检查渠道文件，列出全部错误 / Check the file of channels, with every fault at once."""
    settings, found = _read()
    for name, channel in found.by_name.items():
        link = Text("含接单链接", "with the link") if channel.link else Text("无链接", "no link")
        click.echo(f"{name}  {channel.kind}  {link.pick(settings.lang)}")
    if any(channel.link for channel in found.by_name.values()) and not settings.public_url:
        text = Text(
            "未设 GRIDSVC_PUBLIC_URL：消息中不含接单链接",
            "GRIDSVC_PUBLIC_URL is not set: messages hold no link",
        )
        click.echo(text.pick(settings.lang), err=True)


@channels.command()
@click.argument("name")
@click.option("--phone", default="", help="收件号码 / the telephone number to reach")
@click.option("--responder", default="test", help="人员编号 / id of the responder [test]")
def test(name: str, phone: str, responder: str) -> None:
    """发一条测试消息 / Send one test message by a channel."""
    from gridsvc.channels import Outgoing, SendError, deliver

    settings, found = _read()
    channel = found.by_name.get(name)
    if channel is None:
        known = "、".join(found.by_name), ", ".join(found.by_name)
        text = Text(f"没有渠道“{name}”：可用 {known[0]}", f"no channel {name!r}: use {known[1]}")
        raise InputError(Fault("unknown_channel", text, "name"))
    if channel.asks_for("phone") and not phone:
        text = Text("此渠道需要号码：请给出 --phone", "this channel needs a number: give --phone")
        raise InputError(Fault("no_phone", text, "phone"))
    words = Text("【演练】通知渠道测试，无需处理。", "[DRILL] A test of this channel, do nothing.")
    said = words.pick(settings.lang)
    try:
        deliver(channel, Outgoing("test", responder, said, said, phone, responder))
    except SendError as error:
        text = Text(
            f"渠道 {name} 未能送出（{error.code}）：请检查地址、网络和对方服务",
            f"channel {name} did not take it ({error.code}): check its address, the network and "
            "the service behind it",
        )
        raise InputError(Fault("not_sent", text, name)) from None
    click.echo(Text("已送出", "sent").pick(settings.lang))


def _read() -> "tuple[Settings, Channels]":
    from gridsvc.channels.reading import load_channels

    settings = Settings.read()
    if settings.channels is None:
        text = Text(
            "未设 GRIDSVC_CHANNELS：没有通知渠道，派单一律为“已指派·未通知”",
            "GRIDSVC_CHANNELS is not set: there are no channels, and nobody is told",
        )
        raise SettingsError(Fault("no_channels", text, "GRIDSVC_CHANNELS"))
    return settings, load_channels(settings.channels)
