"""Making the next item while the last one is used: two cores at work, at the price of one more item in memory."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def one_ahead(items: Iterator[T], pool: ThreadPoolExecutor) -> Generator[T]:
    """The items in their order, each made by a thread of `pool` while its predecessor is used.

    What making an item raises comes in the item's place. Closed early, it waits for the item that is being made.
    """
    end = object()
    coming = pool.submit(next, items, end)
    try:
        while (item := coming.result()) is not end:
            coming = pool.submit(next, items, end)
            yield item  # type: ignore[misc]
    finally:
        if not coming.cancel():
            coming.exception()
