"""Records answers as a process of its own: ``url folder alert up|down``; tells whom it recorded."""

import sys
from pathlib import Path

from gridsvc.domain.alerts import CallStep
from gridsvc.domain.errors import ConflictError
from gridsvc.flows import alerts
from gridsvc.runtime import Runtime
from gridsvc.settings import Settings


def main() -> None:
    """Try everybody, from one end or the other; whoever was recorded by the other is a conflict."""
    url, folder, key, way = sys.argv[1:]
    runtime = Runtime.open(Settings.read(data=Path(folder), database_url=url))
    everybody = [one.id for one in runtime.force().responders if one.id.startswith("X")]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    for one in everybody if way == "up" else reversed(everybody):
        try:
            alerts.record(
                *(key, one, CallStep.ANSWER),
                store=runtime.store,
                now=runtime.clock(),
                caller=runtime.local,
            )
        except ConflictError as error:
            if error.faults[0].code != "illegal_step":
                raise
        else:
            sys.stdout.write(f"{one}\n")
    runtime.close()


if __name__ == "__main__":
    main()
