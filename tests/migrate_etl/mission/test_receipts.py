"""The receipts book: what was accepted last, over many jobs, and what people corrected."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migrate_etl.mission.receipts import ReceiptsBook
from migrate_transfer.core.errors import StorageError

URL = "https://mission.example.org/secret-path"


def print_of(word: object) -> bytes:
    return str(word).encode().rjust(16, b"_")


def ids(*numbers: int | None) -> pl.Series:
    return pl.Series(numbers, dtype=pl.Int64)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[ReceiptsBook]:
    with ReceiptsBook.open(tmp_path / "books", URL, "grace") as opened:
        yield opened


def test_an_empty_book_knows_nothing(book: ReceiptsBook) -> None:
    assert book.lookup("people", ids(1, 2)).to_list() == [None, None]
    assert book.lookup("people", ids()).to_list() == []
    assert (book.known("people").to_list(), book.known("people").dtype) == ([], pl.Int64)
    assert book.corrections("people").height == 0


def test_fingerprints_come_in_the_order_they_are_asked_for(book: ReceiptsBook) -> None:
    book.accepted("people", "k1", [3, 1, 2], [print_of(3), print_of(1), print_of(2)])
    found = book.lookup("people", ids(2, 9, 3, 2, None, 1))
    assert found.to_list() == [print_of(2), None, print_of(3), print_of(2), None, print_of(1)]
    assert found.dtype == pl.Binary


def test_the_last_that_was_accepted_counts(book: ReceiptsBook) -> None:
    book.accepted("people", "k1", [1, 2], [print_of("old")] * 2)
    book.accepted("people", "k2", [2], [print_of("new")])
    assert book.lookup("people", ids(1, 2)).to_list() == [print_of("old"), print_of("new")]
    assert book.has("people", 2, print_of("new"))
    assert not book.has("people", 2, print_of("old"))


def test_twice_under_one_key_is_once_and_keeps_its_place(book: ReceiptsBook) -> None:
    book.accepted("people", "k1", [1], [print_of("old")])
    book.accepted("people", "k2", [1], [print_of("new")])
    book.accepted("people", "k1", [1], [print_of("old")])
    assert book.lookup("people", ids(1)).to_list() == [print_of("new")]
    assert book.known("people").to_list() == [1]


def test_entities_are_kept_apart(book: ReceiptsBook) -> None:
    book.accepted("people", "k1", [1], [print_of("p")])
    book.accepted("funds", "k1", [1], [print_of("f")])
    assert book.lookup("funds", ids(1)).to_list() == [print_of("f")]
    assert book.lookup("groups", ids(1)).to_list() == [None]


def test_a_batch_of_which_nothing_was_taken_leaves_no_trace(book: ReceiptsBook) -> None:
    book.accepted("people", "k1", [], [])
    assert book.known("people").to_list() == []


def test_a_record_without_its_fingerprint_is_refused(book: ReceiptsBook) -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        book.accepted("people", "k1", [1, 2], [print_of(1)])


def test_targets_have_books_of_their_own_that_do_not_name_them(tmp_path: Path) -> None:
    for organization in ("grace", "hope"):
        with ReceiptsBook.open(tmp_path, URL, organization) as book:
            book.accepted("people", "k", [len(organization)], [print_of(organization)])
            assert book.known("people").to_list() == [len(organization)]
    names = " ".join(path.name for path in tmp_path.iterdir())
    assert not any(word in names for word in ("secret", "mission", "grace", "hope"))


Batches = list[list[tuple[int, int]]]
batches = st.lists(st.lists(st.tuples(st.integers(-5, 40), st.integers(0, 3)), min_size=1, max_size=6), max_size=20)


@settings(deadline=None, max_examples=60)
@given(batches, st.lists(st.integers(-6, 41), max_size=30))
def test_any_history_reads_as_a_dictionary_would(
    tmp_path_factory: pytest.TempPathFactory, history: Batches, asked: list[int]
) -> None:
    truth: dict[int, bytes] = {}
    with ReceiptsBook(tmp_path_factory.mktemp("books") / "receipts.sqlite") as book:
        for number, batch in enumerate(history):
            book.accepted("people", str(number), [id for id, _ in batch], [print_of(word) for _, word in batch])
            truth.update({id: print_of(word) for id, word in batch})
        assert book.lookup("people", ids(*asked)).to_list() == [truth.get(id) for id in asked]
        assert book.known("people").to_list() == sorted(truth)


def test_a_scattered_book_is_put_in_order_and_answers_as_before(tmp_path: Path) -> None:
    draw = random.Random(7)
    with ReceiptsBook.open(tmp_path, URL, "grace") as book:
        for number in range(700):
            book.accepted("people", str(number), draw.sample(range(20_000), 20), [print_of(number)] * 20)
        book.accepted("funds", "k", [1], [print_of("fund")])
        known = book.known("people")
        before = book.lookup("people", known).to_list()
        size = segments(book)
    with ReceiptsBook.open(tmp_path, URL, "grace") as book:
        assert segments(book) < size / 100
        assert book.lookup("people", known).to_list() == before
        book.accepted("people", "later", [known[0]], [print_of("later")])
        assert book.lookup("people", known[:1]).to_list() == [print_of("later")]
        assert book.lookup("funds", ids(1)).to_list() == [print_of("fund")]


def segments(book: ReceiptsBook) -> int:
    with book._store.reading() as db:
        return int(db.execute("select count(*) from segment").fetchone()[0])


def test_the_last_correction_is_in_force_and_the_first_stays_on_file(book: ReceiptsBook) -> None:
    book.correct("contributions", 7, '{"amount":"1.00"}', '{"amount":"2.00"}', "Ann", "typo", "2026-01-01")
    book.correct("contributions", 5, "{}", "{}", "Ann", "other", "2026-01-02")
    book.correct("contributions", 7, '{"amount":"1.00"}', '{"amount":"3.00"}', "Bob", "again", "2026-01-03")
    in_force = book.corrections("contributions")
    assert in_force.select("id", "corrected", "author").rows() == [(5, "{}", "Ann"), (7, '{"amount":"3.00"}', "Bob")]
    with book._store.reading() as db:
        assert db.execute("select author from corrected where id = 7").fetchall() == [("Ann",), ("Bob",)]


WRITER = """
import sys
from pathlib import Path
from migrate_etl.mission.receipts import ReceiptsBook
with ReceiptsBook.open(Path(sys.argv[1]), sys.argv[2], "grace") as book:
    for number in range(int(sys.argv[3]), 10**9, 2):
        book.accepted("people", str(number), [number], [str(number).encode().rjust(16, b"_")])
        print(number, flush=True)
"""


def test_two_processes_write_are_killed_and_nothing_accepted_is_lost(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path), URL]
    children = [subprocess.Popen([*command, str(n)], stdout=subprocess.PIPE) for n in (0, 1)]
    said: list[int] = []
    for child in children:
        assert child.stdout is not None
        said += [int(child.stdout.readline()) for _ in range(50)]
    for child in children:
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
    with ReceiptsBook.open(tmp_path, URL, "grace") as book:
        assert book.lookup("people", ids(*said)).to_list() == [print_of(n) for n in said]


def test_a_damaged_book_says_what_to_do(tmp_path: Path) -> None:
    with ReceiptsBook.open(tmp_path, URL, "grace") as book:
        path = book.path
    path.write_bytes(b"no book" * 1000)
    with pytest.raises(StorageError) as caught:
        ReceiptsBook.open(tmp_path, URL, "grace")
    assert "Move the file away" in caught.value.remedy
