"""The receipts book: what a target accepted last, over all jobs and through kills."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from migrate_etl.mission.encode import encode, fingerprints
from migrate_etl.mission.receipts import ReceiptsBook
from migrate_transfer.core.errors import StorageError

A, B, C = fingerprints([b"a", b"b", b"c"])
WRITER = """
import sys
from pathlib import Path
from migrate_etl.mission.receipts import ReceiptsBook
with ReceiptsBook(Path(sys.argv[1])) as book:
    for n in range(200):
        book.accepted("people", f"{sys.argv[2]}-{n}", [n], [bytes(16)])
"""


@pytest.fixture
def book(tmp_path: Path) -> ReceiptsBook:
    return ReceiptsBook.open(tmp_path / "books" / "grace.sqlite")


def asked(book: ReceiptsBook, *ids: int) -> list[bytes | None]:
    return book.lookup("people", pl.Series(ids, dtype=pl.Int64)).to_list()


def test_the_last_accepted_content_counts(book: ReceiptsBook) -> None:
    book.accepted("people", "1", [1, 2, 3], [A, A, A])
    book.accepted("people", "2", [2], [B])
    assert asked(book, 3, 2, 1, 4) == [A, B, A, None]
    assert asked(book) == []
    assert (book.has("people", 2, B), book.has("people", 2, A)) == (True, False)


def test_the_same_batch_again_does_not_become_the_newest(book: ReceiptsBook) -> None:
    for key, content in (("old", A), ("new", B), ("old", A)):
        book.accepted("people", key, [1], [content])
    assert asked(book, 1) == [B]


def test_entities_and_targets_are_apart(book: ReceiptsBook, tmp_path: Path) -> None:
    book.accepted("people", "1", [1], [A])
    assert book.lookup("groups", pl.Series([1], dtype=pl.Int64)).to_list() == [None]
    with ReceiptsBook.open(tmp_path / "books" / "grave.sqlite") as other:
        assert asked(other, 1) == [None]


def test_ids_in_any_order_and_of_any_size(book: ReceiptsBook) -> None:
    book.accepted("people", "1", [2**40, 7, -3], [A, B, C])
    assert asked(book, -3, 7, 2**40, 8) == [C, B, A, None]
    assert book.known("people").has(pl.Series([-3, 7, 2**40, 8, None])).to_list() == [True, True, True, False, False]


def test_a_correction_stands_until_the_next(book: ReceiptsBook) -> None:
    book.correct("people", 1, "{}", '{"a":1}', "Ann", "typo", "2026-01-01T00:00:00+00:00")
    book.correct("people", 1, "{}", '{"a":2}', "Ben", "typo again", "2026-01-02T00:00:00+00:00")
    assert book.corrections("people").select("corrected", "author").rows() == [('{"a":2}', "Ben")]
    assert book.corrections("groups").is_empty()


def test_processes_write_at_the_same_time_and_nothing_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "books.sqlite"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), name]) for name in ("a", "b", "c")]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    with ReceiptsBook(path) as book:
        assert book.known("people").has(pl.int_range(200, eager=True)).all()


def test_a_book_that_cannot_be_opened_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "books").write_text("a file where the folder should be")
    with pytest.raises(StorageError):
        ReceiptsBook.open(tmp_path / "books" / "grace.sqlite")


def test_a_book_that_is_no_book_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "book.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(StorageError, match="damaged"):
        ReceiptsBook(tmp_path / "book.sqlite")


def test_equal_content_has_equal_prints_and_an_empty_name_is_the_placeholder() -> None:
    names = {"id": [1, 2, 3], "external_id": ["x"] * 3, "first_name": [None, "Unknown", ""], "last_name": ["Hill"] * 3}
    records = pl.DataFrame(names, schema_overrides={"first_name": pl.String})
    encoded = encode(records, ("external_id", "first_name", "last_name"))
    assert encoded.lines[0] == b'{"external_id":"x","first_name":"Unknown","last_name":"Hill"}'
    assert encoded.fingerprints[0] == encoded.fingerprints[1] != encoded.fingerprints[2]
