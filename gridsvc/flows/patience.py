"""A decision is taken anew where another transaction was in the way."""

from collections.abc import Callable
from typing import TypeVar

from gridsvc.domain.errors import ConflictError
from gridsvc.store import Store, UnitOfWork

ATTEMPTS = 5
"""How often a decision that another transaction was in the way of is taken anew."""

T = TypeVar("T")


class BeatenError(Exception):
    """Somebody was taken by another transaction first: the decision is taken anew without them."""


def patiently(store: Store, decide: Callable[[UnitOfWork], T]) -> T:
    """What ``decide`` returns, durable; tried anew where another transaction was in the way.

    Whoever turned out to be taken is not tried again, so that comes to an end by itself.
    """
    left = ATTEMPTS
    while True:
        try:
            with store.write() as work:
                return decide(work)
        except BeatenError:
            continue
        except ConflictError as error:
            left -= 1
            if not left or error.faults[0].code != "store_busy":
                raise
