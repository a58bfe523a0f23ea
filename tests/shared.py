"""Real data of others that some tests read, of which none is shipped; and how long a soak is."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
KILLS = int(os.environ.get("SOAK_KILLS") or 100)
"""How often `make soak` kills in each store; fewer to see that it works."""


def shared_data(*parts: str) -> Path:
    """Return a path in the shared data, or skip the test where it is absent.

    The folder is ``GRIDSVC_SHARED_DATA``, or ``shared/data`` beside the checkout.
    """
    folder = Path(os.environ.get("GRIDSVC_SHARED_DATA") or ROOT.parent / "shared" / "data")
    path = folder.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"shared data is absent: {'/'.join(parts)} (see GRIDSVC_SHARED_DATA)")
    return path
