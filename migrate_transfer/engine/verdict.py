"""What is to be done with an item, given what the destination holds under its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from migrate_transfer.core.backend import Destination, Item, Rename, Source, Stored, Upload
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import ItemError, MigrateError
from migrate_transfer.core.plan import origin, same
from migrate_transfer.engine.passage import digest, is_missing
from migrate_transfer.engine.proof import Doubtful, Landed, failed
from migrate_transfer.engine.refusals import archived, occupied, only_copy
from migrate_transfer.ledger.item_records import DONE, UNCHANGED, Before, Known, Outcome, Row
from migrate_transfer.spec import TransferSpec

DOUBTFUL = 1_000
"""So many objects of unknown origin are collected before they are read."""


Verdict: TypeAlias = Upload | Rename | Outcome | Landed | None


@dataclass
class Judge:
    """Raises ItemError when the source cannot be read, FatalError when a side is gone, and Stopped."""

    source: Source
    destination: Destination
    spec: TransferSpec
    control: Control
    before: Callable[[str], Before | None] | None = None
    """Where the item of a stable id was in the last pass of a sync; None where there was none."""
    _doubtful: list[Doubtful] = field(default_factory=list)

    @property
    def full(self) -> bool:
        """So many are in doubt that they should be looked at."""
        return len(self._doubtful) >= DOUBTFUL

    @property
    def doubts(self) -> bool:
        """Some are in doubt."""
        return bool(self._doubtful)

    def take_doubtful(self) -> list[Doubtful]:
        taken, self._doubtful = self._doubtful, []
        return taken

    def judge(self, row: Row, listed: Stored | None, known: Known | None) -> Verdict:
        """Send it; give it another name; it is at its end; it is there already; or (None) it is in doubt."""
        stored = self.destination.find(row.item.key) if row.resumed else listed
        if stored is None:
            return self._renamed(row) or Upload(row.number, row.item, resumed=row.resumed)
        mine = row.resumed and not _was_there(stored, listed)
        if row.etag == stored.etag and is_missing(self.source, row.item):
            return self._finished(row, stored, mine)
        if not stored.sha256:
            return self._foreign(row, stored, known, mine)
        if not mine and self._quiet(row.item, stored, known):
            return _unchanged(row.number, row.item, stored)
        if self._is_of_version(row.item, stored) or self._is_alike(row, stored):
            state, sent = (DONE, stored.size) if mine else (UNCHANGED, 0)
            proven = (row.sha256, row.etag) == (stored.sha256, stored.etag) or self._was_proven(stored)
            there = _unchanged(row.number, row.item._replace(size=stored.size), stored)
            return there._replace(state=state, sent=sent, proven=proven)
        return self._replace(row, stored)

    def _was_proven(self, stored: Stored) -> bool:
        """Nothing is marked that was not read back; and nobody can change what is archived."""
        ours = stored.source == self.source.mark or stored.source in self.source.earlier
        return stored.moved and stored.tier == "archive" and ours

    def _finished(self, row: Row, stored: Stored, mine: bool) -> Outcome | Landed:
        """An earlier attempt had proven this copy and deleted the source; only that was not written down any more. Or
        somebody else has deleted it, before the copy was archived."""
        state, sent = (DONE, stored.size) if mine else (UNCHANGED, 0)
        item = row.item._replace(size=stored.size, modified=stored.modified or row.item.modified)
        if self.spec.tier == "archive" and stored.tier != "archive":
            there = _unchanged(row.number, item, stored)
            return there._replace(sha256=row.sha256, state=state, sent=sent)
        return Outcome(row.number, state, row.sha256, stored.etag, "reread", sent, item=item)

    def _replace(self, row: Row, stored: Stored) -> Upload | Outcome:
        """What came from this source may be replaced, anything else only where that is wanted."""
        if stored.source != self.source.mark and not self.spec.overwrite:
            return failed(row.number, occupied())
        if stored.moved and not self.spec.overwrite:
            return failed(row.number, only_copy(stored.tier))
        if stored.tier == "archive":
            return failed(row.number, archived())
        return Upload(row.number, row.item, replaces=stored.etag, resumed=row.resumed)

    def _renamed(self, row: Row) -> Rename | None:
        """Whether it is at the destination under the name that it had in the last pass."""
        if self.before is None or not row.item.stable_id or not self.destination.features.copies:
            return None
        before = self.before(row.item.stable_id)
        if before is None or (before.size, before.modified) != (row.item.size, row.item.modified):
            return None
        old = self.destination.find(before.key)
        if old is None or old.source != self.source.mark or old.etag != before.etag:
            return None
        if old.moved or old.tier == "archive" or not old.sha256:
            return None
        if not self._is_of_version(row.item, old) and old.sha256 != digest(self.source, row.item, self.control):
            return None
        return Rename(row.number, row.item, before.key, before.etag, old.sha256)

    def _quiet(self, item: Item, stored: Stored, known: Known | None) -> bool:
        """Whether nothing is to be read: enough for a sync, and without verification where no source is deleted. Of a
        sync's later passes the version has a say too: files that took each other's names, or whose time was set back,
        have the size and time of what is there. Of another's object they say nothing."""
        if self.spec.kind != "sync" and self.spec.level is not None:
            return False
        alike = stored.source == self.source.mark and same(item, stored)
        if self.before is None:
            return alike
        return known is not None and known.has(item) and (known.etag == stored.etag or alike)

    def _is_of_version(self, item: Item, stored: Stored) -> bool:
        """Whether this source says that the object is its copy still. The size has no say: of what is made for the
        download, as the text of a document, it is not known before."""
        exact = self.source.features.exact_versions and stored.source == self.source.mark
        return exact and stored.version == origin(item)

    def _compared(self, item: Item, stored: Stored, known: Known | None) -> bool:
        """Whether an earlier pass has read back this very object, and found in it what the source has still."""
        return known is not None and known.sha256 != "" and known.has(item) and known.etag == stored.etag

    def _is_alike(self, row: Row, stored: Stored) -> bool:
        """Whether the source is read and found to be what is there, or was deleted for it."""
        if stored.size != row.item.size:
            return False
        try:
            return digest(self.source, row.item, self.control) == stored.sha256
        except ItemError as error:
            if self._was_moved(error, row.item, stored, resumed=row.resumed):
                return True
            raise

    def moved(self, upload: Upload, error: MigrateError) -> Landed | None:
        """What could not be read any more, if it is there: it is read back as every copy is."""
        if error.error_code != "SOURCE_GONE" or not self.spec.delete_source:
            return None
        stored = self.destination.find(upload.item.key)
        if stored is None or not stored.sha256 or not self._was_moved(error, upload.item, stored, resumed=False):
            return None
        if stored.etag == upload.replaces:  # it has other content, though it may be as large and as old
            return None
        return _unchanged(upload.number, upload.item, stored)._replace(proven=self._was_proven(stored))

    def _was_moved(self, error: MigrateError, item: Item, stored: Stored, *, resumed: bool) -> bool:
        """Whether an earlier attempt had proven the copy and deleted the source; or another agent, which had the job in
        between or has not heard yet that it lost it. One on another machine has left its own mark."""
        ours = resumed or stored.source == self.source.mark or (stored.moved and stored.source in self.source.earlier)
        return error.error_code == "SOURCE_GONE" and self.spec.delete_source and ours and same(item, stored)

    def _foreign(self, row: Row, stored: Stored, known: Known | None, mine: bool) -> Upload | Outcome | Landed | None:
        """An object without a SHA-256 of ours: somebody else's, or put without verification."""
        if self.spec.level is None and self._quiet(row.item, stored, known):
            state = DONE if mine else UNCHANGED
            return Landed(row.number, row.item, "", stored.etag, state, tier=stored.tier)
        if self.spec.level == "received" and self._compared(row.item, stored, known):
            assert known is not None
            return Outcome(row.number, UNCHANGED, known.sha256, stored.etag, "reread", item=row.item)
        ours = stored.source == self.source.mark
        if (ours and self.spec.level is None) or self.spec.overwrite or stored.size != row.item.size:
            return self._replace(row, stored)
        sha256 = digest(self.source, row.item, self.control)
        there = (stored.etag, stored.tier, stored.moved, ours and not stored.moved)
        self._doubtful.append(Doubtful(row.number, row.item, sha256, *there))
        return None


def _unchanged(number: int, item: Item, stored: Stored) -> Landed:
    return Landed(number, item, stored.sha256, stored.etag, UNCHANGED, tier=stored.tier, moved=stored.moved)


def _was_there(stored: Stored, listed: Stored | None) -> bool:
    """Whether the object lay there before this job put anything: it may have been marked since, and has another etag
    then."""
    if listed is None:
        return False
    alike = (listed.size, listed.sha256) == (stored.size, stored.sha256)
    return listed.etag == stored.etag or (stored.moved and alike)
