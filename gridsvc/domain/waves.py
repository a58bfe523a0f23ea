"""How an emergency is offered to people until enough of them have accepted."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Waves:
    """When whom is asked, in seconds since the first offer; every card may have its own.

    ``together``: everybody the card asks for and ``reserves`` more for each capability are
    offered at once, and every ``answer_s`` whoever has not answered gives way to the next; else
    one at a time for each place, ``answer_s`` seconds each. ``second_channel_s``: who has not
    answered is rung. ``township_s`` and ``leader_s``: the township's and the county's leader on
    duty are called; None for never. Somebody on the scene who is silent for ``silence_s`` is rung:
    their safety is a case too. While nobody is left to be asked it is looked for somebody again
    after ``again_s``, each time twice as long, at most ``AGAIN_AT_MOST_S``. ``redirects``: this
    case may take people who are on their way to a less urgent one.
    """

    together: bool
    reserves: int = 0
    answer_s: float = 60.0
    second_channel_s: float | None = 20.0
    township_s: float | None = None
    leader_s: float | None = None
    silence_s: float = 20 * 60.0
    redirects: bool = False
    again_s: float = 60.0


CRITICAL = Waves(
    together=True,
    reserves=1,
    answer_s=45.0,
    township_s=90.0,
    leader_s=180.0,
    redirects=True,
)
"""Urgency 1."""

URGENT = Waves(together=False)
"""Urgency 2: one by one, a minute each."""

ORDINARY = Waves(together=False)
"""For cases that only a person sends people to: how long somebody on the scene may be silent."""

AGAIN_AT_MOST_S = 600.0
"""Seconds between two looks for somebody who can be asked, at most."""

FORGIVEN_S = 300.0
"""Somebody who did not answer is asked again after so many seconds, where nobody else is left."""

WAVES: dict[int, Waves] = {1: CRITICAL, 2: URGENT}
"""By urgency. Others are recommended and confirmed by a person."""
