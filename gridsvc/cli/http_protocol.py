"""HTTP as the server speaks it: parsed by httptools, and for HTTP/1.0 by h11.

uvicorn's httptools protocol cuts every answer of unknown length into chunks, which HTTP/1.0 does
not know: the event stream would reach such a client with the chunks' sizes among its lines.
"""

import re

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_LONGEST_LINE = 8192
_OLD = re.compile(rb"[^\r\n]* HTTP/1\.0\r?\n")


class Protocol(HttpToolsProtocol):
    """Hands a connection over to h11 where its first request is of HTTP/1.0."""

    _first: bytes | None = b""

    def data_received(self, data: bytes) -> None:
        """Take what the client has sent; its first line is waited for."""
        if self._first is None:
            super().data_received(data)
            return
        self._first += data
        if b"\n" not in self._first and len(self._first) < _LONGEST_LINE:
            return
        told, self._first = self._first, None
        if _OLD.match(told):
            self._hand_over(told)
        else:
            super().data_received(told)

    def _hand_over(self, told: bytes) -> None:
        self.connections.discard(self)
        other = H11Protocol(self.config, self.server_state, self.app_state, self.loop)
        other.connection_made(self.transport)
        self.transport.set_protocol(other)
        other.data_received(told)
