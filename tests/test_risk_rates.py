"""Rates against published numbers, a loop, and the laws of shrinking."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gridsvc.risk.rates import MIN_COUNT, URGENCY_WEIGHTS, rates, shrink, weights

# Homicides 1979-84 and population of the 78 counties round St. Louis (columns HC7984, PO7984 of
# GeoDa's stl_hom), and what PySAL's documentation gives for the first ten with
# `esda.smoothing.Empirical_Bayes`.
ST_LOUIS = (
    "4/189087 19/425580 3/69649 2/88540 2/33697 28/774843 61/1056438 3/172182 7/224033 3/113497 "
    "4/218510 0/87628 1/36354 12/316661 0/53222 2/141872 6/103469 6/193449 3/295848 4/99013 "
    "0/34772 2/65947 9/155266 2/123387 23/612258 5/135365 2/133297 2/186877 0/68404 2/68779 "
    "10/192789 4/96686 95/1480530 8/92864 31/905683 0/93388 407/5863876 5/109086 10/265200 "
    "1238/2658090 3/199528 14/347829 0/79838 2/72381 18/432159 369/1605518 5/110883 0/48352 "
    "3/121762 0/92348 40/891502 9/225007 7/113880 1/46260 3/108510 2/55620 8/213680 5/131792 "
    "11/109953 12/108864 8/205880 10/260154 2/90841 8/255875 7/253540 25/372227 6/100389 "
    "19/345641 6/87410 2/66694 2/64680 6/127071 9/107508 0/43056 1/61456 13/353841 3/47507 "
    "4/68218"
)
PYSAL_FIRST_TEN = (
    2.36718950e-05, 4.54539167e-05, 4.78114019e-05, 2.76907146e-05, 6.58989323e-05,
    3.66494122e-05, 5.79952721e-05, 2.03064590e-05, 3.31152999e-05, 3.02748380e-05,
)  # fmt: skip


def test_shrink_gives_the_rates_pysal_publishes() -> None:
    table = np.array([pair.split("/") for pair in ST_LOUIS.split()], dtype=float)
    assert len(table) == 78
    found = shrink(table[:, 0], table[:, 1])
    np.testing.assert_allclose(found[:10], PYSAL_FIRST_TEN, rtol=1e-7)


def test_equal_rates_stay_and_chance_alone_goes_to_the_mean() -> None:
    np.testing.assert_allclose(shrink([2.0, 4.0, 6.0], [1.0, 2.0, 3.0]), [2.0, 2.0, 2.0])
    # One more or less among few is what a Poisson count does by itself: no variance is left over.
    np.testing.assert_allclose(shrink([1.0, 2.0, 1.0, 2.0], [1.0] * 4), [1.5] * 4)


def test_many_residents_keep_their_rate_and_few_lose_it() -> None:
    found = shrink([100.0, 1.0, 0.0, 30.0, 3.0], [10.0, 0.1, 0.1, 10.0, 1.0])
    mean = 134.0 / 21.2
    assert abs(found[0] - 10.0) < 0.5
    assert abs(found[1] - mean) < abs(10.0 - mean) / 4
    assert abs(found[2] - mean) < mean / 4


events = arrays(np.float64, st.integers(2, 40), elements=st.floats(0, 1e4))


@given(events, st.data())
def test_a_shrunk_rate_lies_between_the_areas_own_and_its_groups(
    y: np.ndarray, data: st.DataObject
) -> None:
    n = data.draw(arrays(np.float64, len(y), elements=st.floats(0.001, 1e3)))
    mean = y.sum() / n.sum()
    found = shrink(y, n)
    slack = 1e-9 * (1 + np.maximum(mean, y / n))
    assert (found >= np.minimum(mean, y / n) - slack).all()
    assert (found <= np.maximum(mean, y / n) + slack).all()


def test_weights_follow_urgency_and_halve_every_thirty_days() -> None:
    found = weights(urgency=[1, 2, 3, 4, 1, 4], age_days=[0, 0, 0, 0, 30, 60])
    np.testing.assert_allclose(found, [8, 4, 2, 1, 4, 0.25])
    assert sorted(URGENCY_WEIGHTS.values(), reverse=True) == list(URGENCY_WEIGHTS.values())


@pytest.mark.parametrize(
    ("urgency", "age", "half_life", "said"),
    [
        ([0], [0], 30, "urgency is 1 to 4"),
        ([5], [0], 30, "urgency is 1 to 4"),
        ([1], [-1], 30, "after the end"),
        ([1], [0], 0, "positive"),
        ([1], [0], float("nan"), "positive"),
    ],
)
def test_weights_refuse_what_cannot_be(
    urgency: list[int], age: list[int], half_life: float, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        weights(urgency=urgency, age_days=age, half_life_days=half_life)


def test_rates_equal_a_plain_loop() -> None:
    rng = np.random.default_rng(7)
    areas, rows = 60, 900
    area = rng.integers(0, areas, rows)
    number = rng.integers(1, 4, rows)
    weight = weights(urgency=rng.integers(1, 5, rows), age_days=rng.integers(0, 90, rows))
    residents = rng.integers(1, 300, areas).astype(float)
    residents[[3, 40]] = np.nan, 0.0
    group = rng.integers(0, 4, areas)
    found = rates(area=area, number=number, weight=weight, residents=residents, group=group)

    known = [i for i in range(areas) if residents[i] > 0]
    rows_of: list[list[tuple[int, float]]] = [[] for _ in range(areas)]
    for a, n, w in zip(area, number, weight, strict=True):
        rows_of[a].append((n, w))
    y = [sum(n * w for n, w in mine) for mine in rows_of]
    y2 = [sum(n * w * w for n, w in mine) for mine in rows_of]
    for i in range(areas):
        assert found.count[i] == sum(n for n, _ in rows_of[i])
        assert found.weighted[i] == pytest.approx(y[i])
        if i not in known:
            assert np.isnan(found.raw[i])
            assert np.isnan(found.smoothed[i])
            assert not found.shown[i]
            continue
        mates = [j for j in known if group[j] == group[i]]
        share = {j: residents[j] / 1000 for j in mates}
        mean = sum(y[j] for j in mates) / sum(share.values())
        f = sum(y2[j] for j in mates) / sum(y[j] for j in mates)
        s2 = sum(share[j] * (y[j] / share[j] - mean) ** 2 for j in mates) / sum(share.values())
        a = max(0.0, s2 - f * mean / (sum(share.values()) / len(mates)))
        b = a / (a + f * mean / share[i])
        assert found.raw[i] == pytest.approx(y[i] / share[i])
        assert found.smoothed[i] == pytest.approx(mean + b * (y[i] / share[i] - mean))


def test_nothing_is_shown_below_three_reports() -> None:
    found = rates(
        area=[0, 1, 2], number=[2, 3, 50], weight=[1.0] * 3, residents=[50, 50, 0], group=[0, 0, 0]
    )
    assert MIN_COUNT == 3
    assert found.shown.tolist() == [False, True, False]


def test_no_reports_at_all_is_a_rate_of_nothing() -> None:
    found = rates(area=[], number=[], weight=[], residents=[10, np.nan], group=[0, 1])
    assert found.count.tolist() == [0, 0]
    assert found.smoothed[0] == 0.0
    assert not found.shown.any()
