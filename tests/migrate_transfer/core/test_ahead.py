"""One item ahead: order, errors in their place, nothing made after the reader has gone."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, current_thread

import pytest

from migrate_transfer.core.ahead import one_ahead


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


def test_items_come_in_order_and_are_made_by_the_pool(pool: ThreadPoolExecutor) -> None:
    made = one_ahead(((n, current_thread()) for n in range(100)), pool)
    assert [(n, thread is current_thread()) for n, thread in made] == [(n, False) for n in range(100)]


def test_nothing_comes_from_nothing(pool: ThreadPoolExecutor) -> None:
    assert list(one_ahead(iter(()), pool)) == []


def test_none_is_an_item_like_any_other(pool: ThreadPoolExecutor) -> None:
    assert list(one_ahead(iter([None, 1, None]), pool)) == [None, 1, None]


def test_the_next_is_made_while_one_is_used(pool: ThreadPoolExecutor) -> None:
    second = Event()

    def items() -> Iterator[int]:
        yield 1
        second.set()
        yield 2

    for item in one_ahead(items(), pool):
        assert item == 2 or second.wait(10)


def test_an_error_comes_where_its_item_would(pool: ThreadPoolExecutor) -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise OSError("broken")

    coming = one_ahead(items(), pool)
    assert [next(coming), next(coming)] == [1, 2]
    with pytest.raises(OSError, match="broken"):
        next(coming)


def test_closed_early_it_makes_no_more(pool: ThreadPoolExecutor) -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for n in range(1_000):
            made.append(n)
            yield n

    coming = one_ahead(items(), pool)
    assert next(coming) == 0
    coming.close()
    count = len(made)
    assert count <= 3
    assert pool.submit(lambda: len(made)).result() == count
