"""People in the small county, near enough to be sent and few enough to run out."""

from collections.abc import Sequence

from gridsvc.domain.force import Capability, Responder, Role
from gridsvc.domain.geo import LngLat
from gridsvc.store import Store
from tests.api_county import publish_county


def publish_crowded_county(store: Store, crews: Sequence[tuple[Role, Capability]]) -> None:
    """Publish the county with one more person for each of ``crews``, in a row to the east."""
    publish_county(store)
    people = [
        Responder(
            id=f"X{n:04d}",
            name=f"人{n}",
            role=role,
            area="530324",
            home=LngLat(104.30 + n * 1e-4, 24.885),
            phone="1",
            capabilities=frozenset({capability}),
            night=True,
        )
        for n, (role, capability) in enumerate(crews)
    ]
    with store.write() as work:
        work.force.upsert(people)
