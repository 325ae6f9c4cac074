"""What was mounted below a sync's source while its passes listed it. They are few: a row each."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from migrate_transfer.ledger.store import Store

TABLE = (
    "create table if not exists mount (key text not null, place text not null, judged integer not null,"
    " primary key (key, place)) without rowid"
)
LAST = chr(0x10FFFF)
"""Sorts after every key."""
STEADY = "steady"
"""The fact of the places that were there whenever the pass looked: what it listed there lies on them."""
PLAIN = ""
"""The place of a folder at which nothing is mounted."""


@dataclass
class Mounts:
    """For each folder the places that the sync has seen there, and of which it may know files. One place is as it
    should be; with a second one it cannot be told whose files are gone and whose are only away. Raises StorageError."""

    store: Store

    def see(self, mounted: Mapping[str, str]) -> None:
        """These are there now: keys and places."""
        with self.store.writing() as db:
            db.executemany("insert or ignore into mount values (?, ?, 0)", mounted.items())
            steady = {key: place for key, place in _steady(db, mounted).items() if mounted.get(key) == place}
            db.execute("insert or replace into fact values (?, ?)", (STEADY, json.dumps(steady)))

    def judge(self) -> None:
        """Once the pass has listed: a place that is new is the one that was there before, under another name, if half
        of the files that the last pass knew there are there still, as large and as old: a few are alike on many shares.
        One in which nothing lies does not count. One that came, or went, while the pass listed is another: the files
        that were listed may lie on the first one."""
        with self.store.writing() as db:
            steady = _steady(db, {})
            for key, place in db.execute("select key, place from mount where not judged").fetchall():
                if steady.get(key) == place and _goes_on(db, key):
                    db.execute("delete from mount where key = ? and place <> ?", (key, place))
                elif _holds(db, "known", key):
                    db.execute(
                        "insert into mount select ?1, ?2, 1"
                        " where not exists (select 1 from mount where key = ?1 and place <> ?3)",
                        (key, PLAIN, place),
                    )
                if _holds(db, "item", key):
                    db.execute("update mount set judged = 1 where key = ? and place = ?", (key, place))
                else:
                    db.execute("delete from mount where key = ? and place = ?", (key, place))

    def away(self, mounted: Mapping[str, str]) -> list[str]:
        """Folders of which another place was seen than the one that is mounted there now."""
        with self.store.reading() as db:
            seen = db.execute("select key, place from mount").fetchall()
        return sorted({key for key, place in seen if mounted.get(key, PLAIN) != place})

    def forget(self) -> None:
        """Those below which nothing is known any more."""
        with self.store.writing() as db:
            for (key,) in db.execute("select distinct key from mount").fetchall():
                if not _holds(db, "known", key):
                    db.execute("delete from mount where key = ?", (key,))


def _steady(db: sqlite3.Connection, first: Mapping[str, str]) -> Mapping[str, str]:
    """What the pass has seen all the time; `first`, where it did not look yet."""
    row = db.execute("select value from fact where name = ?", (STEADY,)).fetchone()
    found: Mapping[str, str] = first if row is None else json.loads(row[0])
    return found


def _goes_on(db: sqlite3.Connection, key: str) -> bool:
    known, alike = db.execute(
        "select count(*), count(item.key) from known left join item using (key, size, modified)"
        " where known.key > ? and known.key < ?",
        _below(key),
    ).fetchone()
    return bool(alike and 2 * alike >= known)


def _holds(db: sqlite3.Connection, table: str, key: str) -> bool:
    query = f"select 1 from {table} where key > ? and key < ? limit 1"  # noqa: S608  names of ours
    return db.execute(query, _below(key)).fetchone() is not None


def _below(key: str) -> tuple[str, str]:
    """Between these are all keys in a folder ("0" comes after "/"), or all there are."""
    return ("", LAST) if is_above(key) else (key + "/", key + "0")


def is_above(key: str) -> bool:
    """Whether it is where the source itself lies, or a folder above."""
    return key.partition("/")[0] in ("", "..")
