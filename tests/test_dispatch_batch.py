"""Places filled together: against every filling there is, and against an integer programme."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, linear_sum_assignment, milp

from gridsvc.dispatch import batch
from gridsvc.dispatch.batch import WEIGHTS, Nearest, match
from gridsvc.domain.geo import Floats

NEVER = np.inf


def nearest_in(cost: Floats) -> Nearest:
    """Candidates of a table of costs (places by people), infinite for who is not able."""
    order = np.argsort(cost, axis=1, kind="stable")
    able = np.isfinite(cost).sum(axis=1)

    def nearest(place: int, k: int) -> tuple[np.ndarray, Floats]:
        numbers = order[place, : min(k, able[place])]
        return numbers, cost[place, numbers]

    return nearest


def worth(urgencies: list[int], cost: Floats, who: np.ndarray) -> tuple[float, ...]:
    """Empty places of urgency 1, 2, 3 and 4, then the weighted time: the less the better."""
    empty = [
        sum(u == level and w < 0 for u, w in zip(urgencies, who, strict=True)) for level in WEIGHTS
    ]
    filled = [
        (u, cost[p, w]) for p, (u, w) in enumerate(zip(urgencies, who, strict=True)) if w >= 0
    ]
    return (*empty, sum(WEIGHTS[u] * c for u, c in filled))


def best(urgencies: list[int], cost: Floats) -> tuple[float, ...]:
    """The least worth over every filling."""
    places, people = cost.shape
    choices = [*range(people), *[-1] * places]
    return min(
        worth(urgencies, cost, np.array(who))
        for who in set(permutations(choices, places))
        if all(w < 0 or np.isfinite(cost[p, w]) for p, w in enumerate(who))
    )


tables = st.integers(1, 3).flatmap(
    lambda places: st.integers(1, 4).flatmap(
        lambda people: st.tuples(
            st.lists(st.integers(1, 4), min_size=places, max_size=places),
            st.lists(
                st.lists(
                    st.one_of(st.just(NEVER), st.integers(-300, 14_400).map(float)),
                    min_size=people,
                    max_size=people,
                ),
                min_size=places,
                max_size=places,
            ).map(np.array),
        )
    )
)


@settings(max_examples=200)
@given(tables)
def test_the_best_of_every_filling(case: tuple[list[int], Floats]) -> None:
    urgencies, cost = case
    who = match(urgencies, nearest_in(cost)).who
    filled = who[who >= 0]
    assert len(set(filled.tolist())) == len(filled)
    assert worth(urgencies, cost, who) == best(urgencies, cost)


def by_integer_programme(urgencies: list[int], cost: Floats) -> tuple[float, ...]:
    """The same by four counts kept one after the other and the time at the end."""
    places, people = cost.shape
    able = Bounds(0, np.isfinite(cost).ravel().astype(float))
    whole = np.ones(cost.size, dtype=np.int64)
    seconds = np.where(np.isfinite(cost), cost, 0.0)
    weight = np.array([WEIGHTS[u] for u in urgencies])
    once = [np.kron(np.eye(places), np.ones(people)), np.kron(np.ones(places), np.eye(people))]
    limits = [LinearConstraint(each, ub=1) for each in once]
    found: list[float] = []
    for level in WEIGHTS:
        of_level = np.repeat(np.array(urgencies) == level, people).astype(float)
        done = milp(-of_level, constraints=limits, integrality=whole, bounds=able)
        assert done.fun is not None
        filled = round(-done.fun)
        found.append(urgencies.count(level) - filled)
        limits.append(LinearConstraint(of_level, lb=filled))
    times = (seconds * weight[:, None]).ravel()
    done = milp(times, constraints=limits, integrality=whole, bounds=able)
    assert done.fun is not None
    return (*found, done.fun)


@pytest.mark.parametrize("seed", range(12))
def test_an_integer_programme_finds_nothing_better(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "FIRST_LOOK", 2)
    rng = np.random.default_rng(seed)
    places, people = int(rng.integers(5, 30)), int(rng.integers(3, 45))
    cost = rng.integers(0, 4000, (places, people)).astype(float)
    cost[rng.random(cost.shape) < 0.5] = NEVER
    urgencies = rng.integers(1, 5, places).tolist()
    found = worth(urgencies, cost, match(urgencies, nearest_in(cost)).who)
    assert found == pytest.approx(by_integer_programme(urgencies, cost))


@pytest.mark.parametrize("spread", [1.0, 0.01])
def test_short_lists_lose_nothing(spread: float) -> None:
    """Everybody wants the same few: the lists must grow until the answer is the best."""
    rng = np.random.default_rng(7)
    places, people = 90, 300
    here, there = rng.random((places, 2)) * spread, rng.random((people, 2))
    cost = np.rint(10_000 * np.linalg.norm(here[:, None] - there[None], axis=2))
    found = match([1] * places, nearest_in(cost))
    row, column = linear_sum_assignment(cost)
    assert cost[np.arange(places), found.who].sum() == cost[row, column].sum()
    assert (found.looked_at > batch.FIRST_LOOK) == (spread < 1)


def test_the_only_one_goes_to_the_critical_incident_however_far() -> None:
    cost = np.array([[1.0], [14_400.0], [1.0]])
    assert match([4, 1, 2], nearest_in(cost)).who.tolist() == [-1, 0, -1]


def test_an_urgent_place_is_not_left_empty_to_fill_several_lesser_ones() -> None:
    # The first can only be filled by 0; all others want 0 and have far people besides.
    cost = np.array([[9000.0, NEVER, NEVER], [1.0, 14_000.0, NEVER], [1.0, NEVER, 14_000.0]])
    assert match([1, 4, 4], nearest_in(cost)).who.tolist() == [0, 1, 2]


def test_no_places_no_people() -> None:
    assert match([], nearest_in(np.zeros((0, 0)))).who.tolist() == []
    assert match([1, 2], nearest_in(np.zeros((2, 0)))).who.tolist() == [-1, -1]
