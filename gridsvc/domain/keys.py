"""API keys: what a program other than this machine's own shows to be let in.

A secret is 256 random bits, so a plain SHA-256 of it is stored: there is no dictionary to try, and
a slow password hash would only slow every request.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from gridsvc.domain.rights import Caller, KeyRole, rights_of

SECRET_BYTES = 32
MAX_NAME = 64

_TOKEN = re.compile(r"gsk_([0-9a-f]{12})_([A-Za-z0-9_-]{43})", re.ASCII)
_NOBODYS = "0" * 64


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secret. ``hash`` is the secret's SHA-256 in hexadecimal digits, ``area``
    the division it is for, ``responder`` the id of the person whose own it is; moments are
    aware."""

    id: str
    name: str
    hash: str
    roles: tuple[KeyRole, ...]
    area: str
    created_at: datetime
    revoked_at: datetime | None = None
    responder: str | None = None

    @property
    def caller(self) -> Caller:
        """Who asks with this key."""
        return Caller(self.id, self.name, rights_of(self.roles), self.area, self.responder)


class KeyRing:
    """The keys that open, looked up without asking the store. Never changes."""

    def __init__(self, keys: Iterable[ApiKey] = ()) -> None:
        valid = [key for key in keys if key.revoked_at is None]
        self._held = MappingProxyType({key.id: (key.hash, key.caller) for key in valid})

    def __len__(self) -> int:
        return len(self._held)

    def caller(self, token: str) -> Caller | None:
        """Whose token it is; None for what is no token, unknown or revoked.

        An unknown id takes as long as a wrong secret: one digest and one comparison.
        """
        parts = _TOKEN.fullmatch(token)
        if parts is None:
            return None
        stored, caller = self._held.get(parts[1], (_NOBODYS, None))
        return caller if hmac.compare_digest(stored, hash_of(parts[2])) else None


def mint() -> tuple[str, str, str]:
    """Make a new id, the token to be shown once, and the hash to be stored."""
    id_, secret = secrets.token_hex(6), secrets.token_urlsafe(SECRET_BYTES)
    return id_, f"gsk_{id_}_{secret}", hash_of(secret)


def hash_of(secret: str) -> str:
    """The SHA-256 of an ASCII ``secret`` in hexadecimal digits."""
    return hashlib.sha256(secret.encode("ascii")).hexdigest()
