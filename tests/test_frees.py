"""When the next one frees up: an estimate from the case that holds them, or from the roster."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from gridsvc.domain.clock import COUNTY_TIME
from gridsvc.domain.force import Capability
from gridsvc.runtime import Runtime
from tests.card_county import START, Hands, open_on, report
from tests.test_rosters import imported


def shortfall(runtime: Runtime, capability: Capability) -> dict[str, Any]:
    """The shortfall of a new case as it is kept."""
    number = runtime.receive(report()).incident.number
    kept = runtime.show(number, by=runtime.local).file.decision
    assert kept is not None
    found: dict[str, Any] = next(
        one for one in kept["shortfalls"] if one["capability"] == capability
    )
    return found


def test_the_case_that_holds_the_nearest_says_when(
    carded: Runtime, hands: Hands, store_url: str, tmp_path: Path
) -> None:
    first = carded.receive(report()).incident.number
    hands.forward(minutes=20)
    other = open_on(store_url, tmp_path, hands)
    for runtime in (carded, other):
        short = shortfall(runtime, Capability.FIRST_AID)
        assert short["nearest_busy"] == {"responder": "R0004", "case": first}
        # A sudden illness usually takes 60 minutes: the card says so.
        assert datetime.fromisoformat(short["frees_at"]) == START + timedelta(minutes=60)
        assert "估计" in short["frees_note"]["zh"]
        assert first in short["frees_note"]["en"]
    hands.forward(minutes=50)
    late = shortfall(carded, Capability.FIRST_AID)
    assert datetime.fromisoformat(late["frees_at"]) == hands.at
    assert "any time" in late["frees_note"]["en"]
    other.close()


def test_the_next_shift_says_when_where_that_is_sooner(
    carded: Runtime, hands: Hands, tmp_path: Path
) -> None:
    carded.receive(report())
    imported(carded, tmp_path / "r.csv", "R0006,1,08:00,08:30\nR0006,1,11:30,12:00\n")
    short = shortfall(carded, Capability.FIRST_AID)
    at = datetime(2026, 11, 23, 11, 30, tzinfo=COUNTY_TIME)
    assert datetime.fromisoformat(short["frees_at"]) == at
    assert "按排班" in short["frees_note"]["zh"]


def test_where_nothing_says_it_nothing_is_said(carded: Runtime) -> None:
    number = carded.receive(report("house_fire")).incident.number
    kept = carded.show(number, by=carded.local).file.decision
    assert kept is not None
    fire = next(one for one in kept["shortfalls"] if one["capability"] == "fire")
    assert (fire["frees_at"], fire["frees_note"]) == (None, None)
