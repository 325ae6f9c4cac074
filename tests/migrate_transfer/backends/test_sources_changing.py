"""What every source must do with names of any kind, and with what was renamed, replaced or removed meanwhile."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest

from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import ItemError
from migrate_transfer.core.names import shown
from migrate_transfer.engine.passage import digest
from tests.migrate_transfer.backends.kept import Kept

HELLO = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"


def test_what_was_replaced_since_the_listing_is_read_as_it_is_now(kept: Kept) -> None:
    """A cloud's item has another id then: it is not gone, for there is one of that name."""
    kept.write("a", b"before")
    listed = kept.item("a")
    kept.remove("a")
    kept.write("a", b"afterwards")
    assert digest(kept.source, listed, Control()) == sha256(b"afterwards").hexdigest()


def test_several_threads_read_at_once(kept: Kept) -> None:
    for number in range(8):
        kept.write(f"{number}", f"content {number}".encode() * 1_000)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda item: (item.key, digest(kept.source, item, Control())), kept.items() * 4))
    assert set(found) == {(f"{n}", sha256(f"content {n}".encode() * 1_000).hexdigest()) for n in range(8)}
    assert len(found) == 32


@pytest.mark.parametrize("name", ["a #1?&+=;b", "100%41", "%", "Größe 日本", "~$a, 'b' (c)", " a", "f /%2F/a"])
def test_whatever_its_name_a_file_is_listed_read_and_missed(kept: Kept, name: str) -> None:
    kept.write(name, b"hello")
    (item,) = kept.items()
    assert (shown(item.key), digest(kept.source, item, Control()), kept.source.is_gone(item.key)) == (
        name,
        HELLO,
        False,
    )
    kept.remove(name)
    assert kept.source.is_gone(item.key)


def test_a_listing_that_begins_anew_shows_what_came_and_went(kept: Kept) -> None:
    for key in ("a", "b/c", "d"):
        kept.write(key, b"-")
    assert len(kept.items()) == 3
    kept.remove("a")
    kept.write("b/e", b"-")
    kept.rename("d", "f")
    assert {item.key for item in kept.items()} == {"b/c", "b/e", "f"}


def test_an_item_keeps_its_id_when_it_is_renamed_and_no_other_has_it(kept: Kept) -> None:
    """Ids are not promised where it is empty."""
    kept.write("a", b"-")
    kept.write("b", b"-")
    before = kept.item("a").stable_id
    kept.rename("a", "c")
    assert (kept.item("c").stable_id, kept.item("b").stable_id == before != "") == (before, False)


def test_what_was_replaced_is_not_deleted_nor_gone(kept: Kept) -> None:
    """What is said to be gone was deleted by an earlier attempt, for all that the engine knows."""
    kept.write("a", b"-")
    item = kept.item("a")
    kept.remove("a")
    kept.write("a", b"another")
    with pytest.raises(ItemError) as caught:
        kept.source.delete(item)
    assert (caught.value.error_code, len(kept.items())) == ("SOURCE_CHANGED", 1)


def test_what_is_gone_is_not_deleted_again(kept: Kept) -> None:
    kept.write("a", b"-")
    item = kept.item("a")
    kept.source.delete(item)
    with pytest.raises(ItemError) as caught:
        kept.source.delete(item)
    assert caught.value.error_code == "SOURCE_GONE"
