"""Who may be sent, and in which order."""

from gridsvc.dispatch.cards import CardSet, default_cards
from gridsvc.dispatch.force_index import ForceIndex
from gridsvc.dispatch.offers import next_wave
from gridsvc.dispatch.picks import Pick, picks
from gridsvc.dispatch.ranking import Candidate, Ranking, Refusal, rank
from gridsvc.dispatch.runcard import Card, card_for
from gridsvc.dispatch.shortfalls import Shortfall
from gridsvc.dispatch.view import View

__all__ = [
    "Candidate",
    "Card",
    "CardSet",
    "ForceIndex",
    "Pick",
    "Ranking",
    "Refusal",
    "Shortfall",
    "View",
    "card_for",
    "default_cards",
    "next_wave",
    "picks",
    "rank",
]
