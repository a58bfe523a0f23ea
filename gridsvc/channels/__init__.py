"""Ways to tell people: what is configured, and sending one message by it."""

from gridsvc.channels.config import Channel, ChannelKind, Channels, Route
from gridsvc.channels.sending import Outgoing, SendError, deliver

__all__ = [
    "Channel",
    "ChannelKind",
    "Channels",
    "Outgoing",
    "Route",
    "SendError",
    "deliver",
]
