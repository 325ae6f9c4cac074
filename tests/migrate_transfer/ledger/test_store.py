"""A SQLite file as our books are kept in: what can be wrong with it, in our words."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from migrate_transfer.core.errors import StorageError
from migrate_transfer.ledger.store import Store

SCHEMA = "create table if not exists fact (id integer primary key, word text);"


def opened(path: Path) -> Store:
    return Store(path, SCHEMA, version=3, remedy="Take the backup.")


def test_a_transaction_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    store = opened(tmp_path / "book.sqlite")
    with pytest.raises(sqlite3.IntegrityError), store.writing() as db:
        db.executemany("insert into fact values (?, 'half')", [(1,), (1,)])
    with store.writing(durable=True) as db:
        db.execute("insert into fact values (2, 'whole')")
    with store.reading() as db:
        assert db.execute("select word from fact").fetchall() == [("whole",)]
    store.close()


def test_reading_sees_one_moment(tmp_path: Path) -> None:
    reader, writer = opened(tmp_path / "book.sqlite"), opened(tmp_path / "book.sqlite")
    with reader.reading() as db:
        before = db.execute("select count(*) from fact").fetchone()
        with writer.writing() as other:
            other.execute("insert into fact values (1, 'new')")
        assert db.execute("select count(*) from fact").fetchone() == before == (0,)
    reader.close()
    writer.close()


def test_a_damaged_file_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "book.sqlite").write_bytes(b"this is no database at all, but long enough to be taken for one" * 99)
    with pytest.raises(StorageError) as caught:
        opened(tmp_path / "book.sqlite")
    assert (caught.value.error_code, caught.value.remedy) == ("STORAGE_DAMAGED", "Take the backup.")


def test_a_file_of_another_release_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "book.sqlite") as db:
        db.execute("pragma user_version = 99")
    db.close()
    before = (tmp_path / "book.sqlite").read_bytes()
    with pytest.raises(StorageError, match="another release"):
        opened(tmp_path / "book.sqlite")
    assert (tmp_path / "book.sqlite").read_bytes()[100:] == before[100:]


def test_a_folder_in_the_file_s_place_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught:
        opened(tmp_path)
    assert caught.value.error_code == "STORAGE_UNREACHABLE"


def test_a_folder_that_cannot_be_made_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        opened(tmp_path / "file" / "book.sqlite")


def test_a_mistake_of_ours_does_not_look_like_a_full_disk(tmp_path: Path) -> None:
    store = opened(tmp_path / "book.sqlite")
    with pytest.raises(sqlite3.IntegrityError), store.writing() as db:
        db.executemany("insert into fact values (?, 'twice')", [(1,), (1,)])
    store.close()


OPENER = """
import sys
from pathlib import Path
from migrate_transfer.ledger.store import Store
sys.stdin.readline()
Store(Path(sys.argv[1]), sys.argv[2], version=3, remedy="").close()
"""


def test_several_processes_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OPENER, str(tmp_path / "book.sqlite"), SCHEMA]
    children = [subprocess.Popen(command, stdin=subprocess.PIPE) for _ in range(4)]
    for child in children:
        assert child.stdin is not None
        child.stdin.write(b"go\n")
        child.stdin.flush()
    for child in children:
        child.communicate()
    assert [child.returncode for child in children] == [0] * 4


def test_a_block_within_a_block_is_part_of_it(tmp_path: Path) -> None:
    store = opened(tmp_path / "book.sqlite")

    def fails_after_its_inner_block() -> None:
        with store.writing() as db:
            with store.writing() as inner:
                inner.execute("insert into fact values (1, 'inner')")
            db.execute("insert into fact values (2, 'outer')")
            raise KeyError

    with pytest.raises(KeyError):
        fails_after_its_inner_block()
    with store.reading() as db:
        assert db.execute("select count(*) from fact").fetchone() == (0,)
    store.close()


def test_what_must_be_durable_is_no_part_of_something_else(tmp_path: Path) -> None:
    store = opened(tmp_path / "book.sqlite")
    with pytest.raises(ValueError, match="durable"), store.writing(), store.writing(durable=True):
        pass
    store.close()
