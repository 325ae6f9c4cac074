"""The passes of a sync in its ledger: what one of them came to, and what the next may lean on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from migrate_transfer.ledger import mounts
from migrate_transfer.ledger.item_records import DONE, FAILED, SKIPPED, SOURCE, UNCHANGED, Before, FileTotals, Known
from migrate_transfer.ledger.store import Store

SLICE = 2_000
LISTED_AT, SHARES = "listed_at", "shares"
"""Facts: which place the source was when the listing was begun, and what was mounted below it then."""
RENAMED = (
    "exists (select 1 from item where item.stable_id = known.stable_id and item.stable_id != ''"
    " and item.size = known.size and item.modified = known.modified"
)
"""A file system gives the number of a file that is gone to the next new one: the number alone is no rename. Open for
more conditions."""


@dataclass
class Passes:
    """Raises StorageError when the disk fails."""

    store: Store

    def prepare(self) -> None:
        """Make the books of what was read back and of what was mounted, which a sync begun by an earlier release does
        not have."""
        with self.store.writing() as db:
            db.execute(mounts.TABLE)
            db.execute("create table if not exists proven (key text primary key, sha256 blob not null) without rowid")

    def end(self, totals: FileTotals, *, renamed: bool) -> None:
        """The pass is over: remember what is known now, what was known of items that failed, what was put there of
        items that could not be read any more, what should have been removed and is still there (of what is gone only
        what was `renamed`, or all; all too where something failed, for then it may only be out of reach), and what came
        of the pass."""
        counts = totals.counts
        with self.store.writing(durable=True) as db:
            db.execute(
                "delete from known where exists (select 1 from item where item.key = known.key and item.state = ?)"  # noqa: S608
                " or not exists (select 1 from there where there.key = known.key and there.etag = known.etag)"
                f" or (? and not exists (select 1 from item where item.key = known.key) and not {RENAMED}))",
                (SKIPPED, renamed and not counts.failed),
            )
            db.execute(
                "insert or replace into known select key, iif(state = ?1, '', version), etag, stable_id, size, modified"
                " from item where state in (?2, ?3) or state = ?1 and etag <> '' and code like ?4 || '%'",
                (FAILED, DONE, UNCHANGED, SOURCE),
            )
            db.execute("delete from proven")
            db.execute(
                "insert into proven select key, item.sha256 from item join there using (key, etag)"
                " where item.state = ? and there.sha256 = '' and length(item.sha256) > 0",
                (UNCHANGED,),
            )
            db.execute(
                "insert into pass (done, unchanged, skipped, failed, moved, sent) values (?, ?, ?, ?, ?, ?)",
                (counts.done, counts.unchanged, counts.skipped, counts.failed, totals.moved, totals.sent),
            )
            db.execute("update scan set complete = 2")

    @property
    def ended(self) -> bool:
        """Whether the next is still to begin."""
        with self.store.reading() as db:
            row = db.execute("select complete from scan").fetchone()
        return bool(row and row[0] == 2)

    def begin(self) -> None:
        """Forget the listings of the pass that ended."""
        with self.store.writing() as db:
            for table in ("item", "there", "scan"):
                db.execute(f"delete from {table}")  # noqa: S608  names of ours
            db.execute(
                "delete from fact where name in ('destination_listed', 'source_listed', ?, ?, ?)",
                (LISTED_AT, SHARES, mounts.STEADY),
            )
            db.execute("create index if not exists item_by_key on item (key)")
            db.execute("create index if not exists item_by_id on item (stable_id) where stable_id != ''")

    def begin_again(self) -> None:
        """One that has listed nothing of its source yet begins with what that is now: a link may lead elsewhere, and
        another share may be mounted."""
        nothing = "not exists (select 1 from scan where cursor is not null)"
        with self.store.writing() as db:
            query = f"delete from fact where name in (?, ?, ?) and {nothing}"  # noqa: S608  words of ours
            db.execute(query, (LISTED_AT, SHARES, mounts.STEADY))
            db.execute(f"delete from mount where not judged and {nothing}")  # noqa: S608

    def moved(self) -> tuple[int, int, int]:
        """How many passes have ended, and what they moved together: items, bytes."""
        with self.store.reading() as db:
            count, done, moved = db.execute("select count(*), sum(done), sum(moved) from pass").fetchone()
        return count, done or 0, moved or 0

    def known(self, keys: Sequence[str]) -> dict[str, Known]:
        """What the last pass left under these keys."""
        with self.store.reading() as db:
            places = ",".join("?" * len(keys))
            rows = db.execute(
                "select key, version, size, modified, etag, lower(hex(sha256)) from known"  # noqa: S608
                f" left join proven using (key) where key in ({places})",
                keys,
            ).fetchall()
        return {key: Known(*known) for key, *known in rows}

    def before(self, stable_id: str) -> Before | None:
        """Where the item was, if it is not listed there any more."""
        with self.store.reading() as db:
            row = db.execute(
                "select key, etag, size, modified from known where stable_id = ? and stable_id != ''"
                " and not exists (select 1 from item where item.key = known.key)",
                (stable_id,),
            ).fetchone()
        return None if row is None else Before(*row)

    def removed(self, keys: Sequence[str]) -> None:
        """These are not at the destination any more."""
        with self.store.writing() as db:
            db.executemany("delete from there where key = ?", [(key,) for key in keys])

    def left_over(self, *, renamed: bool) -> Iterator[tuple[str, str]]:
        """Objects (key and etag) that the last pass knew and this one's source does not list; with `renamed` only those
        whose content is at the destination under the item's new key, by the SHA-256 of both."""
        last = ""
        while True:
            with self.store.reading() as db:
                rows = db.execute(
                    "select there.key, there.etag from there join known using (key, etag) where there.key > ?"  # noqa: S608
                    " and not exists (select 1 from item where item.key = there.key)"
                    f" and (? or there.sha256 <> '' and {RENAMED} and lower(hex(item.sha256)) = there.sha256"
                    " and item.state in (?, ?)))"
                    " order by 1 limit ?",
                    (last, not renamed, DONE, UNCHANGED, SLICE),
                ).fetchall()
            yield from rows
            if len(rows) < SLICE:
                return
            last = rows[-1][0]
