"""Who may be sent, and in which order."""

from gridsvc.dispatch.force_index import ForceIndex
from gridsvc.dispatch.ranking import Candidate, Ranking, Refusal, rank

__all__ = ["Candidate", "ForceIndex", "Ranking", "Refusal", "rank"]
