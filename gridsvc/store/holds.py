"""Who is held by what: claims with the offers and cases behind them."""

from dataclasses import dataclass

from sqlalchemy import and_, select

from gridsvc.domain.lifecycle import AssignmentState
from gridsvc.store.repository import Repository
from gridsvc.store.tables import assignment, claim, incident


@dataclass(frozen=True, slots=True)
class Hold:
    """Somebody taken: by which assignment of which incident, and how far that is."""

    assignment: str
    incident: str
    number: str
    urgency: int
    state: AssignmentState
    reserve: bool


class HoldReader(Repository):
    """Claims of the county."""

    def all(self) -> dict[str, Hold]:
        """Return what holds whom, by the id of the responder."""
        a, c, i = assignment.c, claim.c, incident.c
        query = (
            select(c.responder, a.id, i.id, i.number, i.urgency, a.state, a.reserve)
            .join(assignment, and_(a.county == c.county, a.id == c.assignment))
            .join(incident, and_(i.county == a.county, i.id == a.incident))
            .where(c.county == self.county)
        )
        return {
            who: Hold(one, case, number, urgency, AssignmentState(state), reserve)
            for who, one, case, number, urgency, state, reserve in self.connection.execute(query)
        }
