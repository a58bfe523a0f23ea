"""Opening the store of the settings for as long as a command runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gridsvc.cli.collecting import uncollected
from gridsvc.settings import Settings

if TYPE_CHECKING:
    from gridsvc.store import Store


@contextmanager
def opened_store(settings: Settings) -> "Iterator[Store]":
    """The store, whatever its schema is at; closed at the end."""
    with uncollected():
        from gridsvc.store import Store

    store = Store.open(settings.url, county=settings.county)
    try:
        yield store
    finally:
        store.close()
