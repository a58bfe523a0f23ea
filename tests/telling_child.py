"""Tells people as a process of its own: ``url folder channels``; says when it follows the log."""

import sys
from datetime import timedelta
from pathlib import Path

from gridsvc.flows import telling
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings


def main() -> None:
    """Follow until nobody listens any more, more impatient than in earnest."""
    telling.LOST_AFTER, telling._FIRST_S = timedelta(seconds=0.5), 0.2
    url, folder, channels = sys.argv[1:]
    settings = Settings.read(data=Path(folder), database_url=url, channels=Path(channels))
    runtime = Runtime.open(settings)
    runtime.watch()
    teller = runtime._teller
    assert teller is not None
    while teller._seen is None:
        runtime._stop.wait(0.01)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()
    runtime.close()


if __name__ == "__main__":
    main()
