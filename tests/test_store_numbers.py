"""Case numbers: one row of them a day, without gaps, whoever asks."""

import threading
from contextlib import suppress
from datetime import date, timedelta

import pytest

from gridsvc.store import Store
from tests.store_samples import incident, publish_sample

DAY = date(2026, 11, 23)


def take(store: Store, day: date = DAY) -> str:
    with store.write() as work:
        return work.numbers.next_case_number("罗平", day)


def test_numbers_can_be_read_aloud_and_start_anew_each_day(store: Store) -> None:
    assert [take(store), take(store)] == ["罗平-20261123-0001", "罗平-20261123-0002"]
    assert take(store, DAY + timedelta(days=1)) == "罗平-20261124-0001"
    assert take(store) == "罗平-20261123-0003"


def test_several_at_once(store: Store) -> None:
    take(store)
    with store.write() as work:
        many = work.numbers.next_case_numbers("罗平", DAY, 10_000)
        assert work.numbers.next_case_number("罗平", DAY) == "罗平-20261123-10002"
    assert many[0] == "罗平-20261123-0002"
    assert many[-1] == "罗平-20261123-10001"
    assert len(set(many)) == 10_000


def test_a_rollback_gives_the_number_back(store: Store) -> None:
    take(store)
    with suppress(ZeroDivisionError), store.write() as work:
        assert work.numbers.next_case_number("罗平", DAY) == "罗平-20261123-0002"
        raise ZeroDivisionError
    assert take(store) == "罗平-20261123-0002"


def test_threads_never_get_the_same(store: Store) -> None:
    taken: list[str] = []

    def work_off() -> None:
        taken.extend([take(store) for _ in range(10)])

    threads = [threading.Thread(target=work_off) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(taken) == [f"罗平-20261123-{n:04d}" for n in range(1, 61)]


def test_another_county_counts_for_itself(store: Store, store_url: str) -> None:
    take(store)
    other = Store.open(store_url, county="530325")
    with other.write() as work:
        assert work.numbers.next_case_number("师宗", DAY) == "师宗-20261123-0001"
    other.close()


def test_write_inside_write_is_a_mistake_not_a_deadlock(sqlite_store: Store) -> None:
    with (
        sqlite_store.write(),
        pytest.raises(RuntimeError, match="one decision"),
        sqlite_store.write(),
    ):
        pass


def test_numbers_that_came_with_imported_cases_are_never_given_again(store: Store) -> None:
    take(store)
    with store.write() as work:
        work.numbers.pass_over(
            ["罗平-20261123-0040", "罗平-20261123-0007", "A/17", "罗平-20261120-0002"]
        )
        work.numbers.pass_over(["罗平-20261123-0003"])
    assert take(store) == "罗平-20261123-0041"
    assert take(store, DAY - timedelta(days=3)) == "罗平-20261120-0003"
    assert take(store, DAY - timedelta(days=2)) == "罗平-20261121-0001"


def test_a_number_too_long_to_follow_lifts_nothing(store: Store) -> None:
    take(store)
    with store.write() as work:
        work.numbers.pass_over(["罗平-20261123-999999999", "罗平-20261123-1000000"])
    assert take(store) == "罗平-20261123-0002"


def test_a_number_that_a_case_has_is_never_given(store: Store) -> None:
    publish_sample(store)
    with store.write() as work:
        work.incidents.add_many([incident(2), incident(3), incident(5)])
        assert work.numbers.next_case_numbers("罗平", DAY, 3) == [
            f"罗平-20261123-{n:04d}" for n in (1, 4, 6)
        ]
        assert work.numbers.next_case_numbers("罗平", DAY, 1, avoid={"罗平-20261123-0007"}) == [
            "罗平-20261123-0008"
        ]


def test_imports_that_take_their_days_crosswise_wait_for_each_other(
    postgres_store: Store,
) -> None:
    days, passed = (DAY, DAY + timedelta(days=1)), threading.Barrier(2)
    failed: list[Exception] = []

    def bring(first: date, then: date) -> None:
        try:
            with postgres_store.write() as work:
                work.numbers.pass_over([f"罗平-{first:%Y%m%d}-0040"])
                with suppress(threading.BrokenBarrierError):
                    passed.wait(1)
                work.numbers.next_case_number("罗平", then)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=bring, args=order) for order in (days, days[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert failed == []
