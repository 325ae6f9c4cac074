"""What follows a copy that is to be proven: it is read back, marked as what may be the only copy, archived, then its
source is deleted, each only after the step before it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from migrate_transfer.core.backend import Destination, Item, Sender, Source, Upload
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import FatalError, ItemError, MigrateError
from migrate_transfer.engine.losses import Losses
from migrate_transfer.engine.passage import is_missing, read_through
from migrate_transfer.engine.refusals import corrupted, damaged, occupied, replaced, unreadable
from migrate_transfer.ledger.item_records import DONE, FAILED, UNCHANGED, Outcome
from migrate_transfer.spec import TransferSpec


class Landed(NamedTuple):
    """An item whose content is at the destination. `proven`: an earlier attempt has read it back. `moved`: it was
    marked before this attempt."""

    number: int
    item: Item
    sha256: str
    etag: str
    state: int
    sent: int = 0
    tier: str = ""
    proven: bool = False
    moved: bool = False

    def outcome(self, level: str) -> Outcome:
        return Outcome(self.number, self.state, self.sha256, self.etag, level, self.sent, item=self.item)

    def failed(self, error: MigrateError, level: str = "") -> Outcome:
        """It is there, and something that was to follow did not work."""
        there = self.outcome(level)
        return there._replace(state=FAILED, code=error.error_code, message=error.message, remedy=error.remedy)


class Doubtful(NamedTuple):
    """An object of the same size without a SHA-256: has it the content that the source has? `ours`: it came from this
    source, and may be replaced."""

    number: int
    item: Item
    sha256: str
    etag: str
    tier: str = ""
    moved: bool = False
    ours: bool = False


Step = Generator[Outcome, None, list[Landed]]
"""Yields the outcomes of those that end here, returns those that go on."""


@dataclass
class Prover:
    """Raises FatalError when a side is gone, and Stopped: what is not proven then stays in flight."""

    source: Source
    destination: Destination
    sender: Sender
    spec: TransferSpec
    control: Control
    losses: Losses
    note: Callable[[Sequence[tuple[str, str, int]]], None]
    """Writes down which copies were read back: SHA-256, etag and number."""
    again: Callable[[Upload], None]
    """Is given what is to be sent after all."""

    def prove(self, landed: Sequence[Landed], doubtful: Sequence[Doubtful]) -> Iterator[Outcome]:
        """Each one's outcome."""
        there = yield from self._compare(doubtful)
        if self.spec.level == "reread":
            there += yield from self._reread(landed)
            if self.spec.delete_source:
                there = yield from self._mark(there)
            if self.spec.delete_source or self.spec.tier == "archive":
                self.note([(one.sha256, one.etag, one.number) for one in there])
        else:
            level = self.spec.level or ""
            moved = yield from self._move(landed, level)
            yield from (one.outcome(level) for one in moved)
        there = yield from self._move(there, "reread")
        if self.spec.delete_source:
            there = yield from self._delete(there)
        yield from (one.outcome("reread") for one in there)

    def _reread(self, landed: Sequence[Landed], *, ours: bool = True) -> Step:
        proven, open_ones = [], {}
        for one in landed:
            if one.tier != "archive":
                open_ones[one.item.key] = one
            elif one.proven and (self.spec.tier == "archive" or self.spec.delete_source):
                if self._is_still(one):
                    proven.append(one)
                else:
                    yield one.failed(replaced())
            elif self.spec.tier == "archive" and not self.spec.delete_source:
                yield one.outcome("received")  # it is where it is to be, and nothing more leans on it
            else:
                yield one.failed(unreadable())
        wrong: dict[str, Landed] = {}
        for key, digest in self.sender.reread_all(iter(list(open_ones))):
            one = open_ones[key]
            if isinstance(digest, Exception):
                yield from self.losses.failed(one.failed(_item_error(digest)), digest)
            elif digest == one.sha256:
                proven.append(one)
            else:
                wrong[key] = one
        return proven + (yield from self._look_again(wrong, ours))

    def _is_still(self, one: Landed) -> bool:
        """Asked now: that it lies in the Archive tier, where nobody can change it, may be an old listing's word."""
        found = self.destination.find(one.item.key)
        return found is not None and (found.etag, found.tier) == (one.etag, one.tier)

    def _look_again(self, wrong: dict[str, Landed], ours: bool) -> Step:
        """A difference may have arisen on the way back: only the second one counts. A wrong copy is removed where it is
        `ours`, and not what somebody else has put in its place; and not where it is all that is left."""
        proven: list[Landed] = []
        bad: list[Landed] = []
        for key, digest in self.sender.reread_all(iter(list(wrong))):
            if isinstance(digest, Exception):
                yield from self.losses.failed(wrong[key].failed(_item_error(digest)), digest)
            else:
                (proven if digest == wrong[key].sha256 else bad).append(wrong[key])
        left = {one.item.key for one in bad if is_missing(self.source, one.item)}
        sent = [(one.item.key, one.etag) for one in bad if ours and one.state == DONE and one.item.key not in left]
        removed = {key for key, error in self.sender.delete_all(iter(sent)) if error is None}
        for one in bad:
            error = damaged() if one.item.key in left else corrupted(one.item.key in removed)
            yield one.failed(error if ours else replaced())
        return proven

    def _compare(self, doubtful: Iterable[Doubtful]) -> Step:
        equal, asked = [], {one.item.key: one for one in doubtful}
        for key, digest in self.sender.reread_all(iter(list(asked))):
            one = asked[key]
            landed = Landed(one.number, one.item, one.sha256, one.etag, UNCHANGED, tier=one.tier, moved=one.moved)
            if isinstance(digest, Exception):
                yield from self.losses.failed(landed.failed(_item_error(digest))._replace(sha256=""), digest)
            elif digest == one.sha256:
                equal.append(landed)
            elif one.ours:
                self.again(Upload(one.number, one.item, replaces=one.etag))
            else:
                yield landed.failed(occupied())._replace(sha256="")
        return equal

    def _mark(self, proven: Sequence[Landed]) -> Step:
        """From here on nothing of ours replaces or removes these objects. One that is not the one any more that was
        read back is read once more as it is now."""
        if not self.destination.features.marks:
            return list(proven)
        marked, changed = yield from self._marked(proven)
        if changed:
            found = {one.item.key: self.destination.find(one.item.key) for one in changed}
            there = [
                one._replace(etag=now.etag, moved=now.moved)
                for one in changed
                if (now := found[one.item.key]) is not None
            ]
            yield from (one.failed(replaced()) for one in changed if found[one.item.key] is None)
            again, changed = yield from self._marked((yield from self._reread(there, ours=False)))
            yield from (one.failed(replaced()) for one in changed)
            marked += again
        return marked

    def _marked(self, proven: Sequence[Landed]) -> Generator[Outcome, None, tuple[list[Landed], list[Landed]]]:
        """Those marked, with their new etag, and those whose object is another one. An earlier attempt has marked what
        it has archived."""
        asked = {one.item.key: one for one in proven if one.tier != "archive"}
        marked, changed = [one for one in proven if one.tier == "archive"], []
        objects = [(key, one.etag) for key, one in asked.items()]
        for key, result in self.sender.mark_all(iter(objects), moved=True):
            one = asked[key]
            if isinstance(result, str):
                marked.append(one._replace(etag=result))
            elif isinstance(result, MigrateError) and result.error_code == "DESTINATION_CHANGED":
                changed.append(one)
            else:
                yield from self.losses.failed(one.failed(_item_error(result), "reread"), result)
        return marked, changed

    def _move(self, landed: Sequence[Landed], level: str) -> Step:
        """What is not in the tier that is asked for goes there."""
        elsewhere = {one.item.key: one for one in landed if self.elsewhere(one)}
        there = [one for one in landed if one.item.key not in elsewhere]
        refused: list[tuple[Landed, ItemError]] = []
        for key, error in self.sender.tier_all(iter(list(elsewhere)), self.spec.tier):
            if error is None:
                there.append(elsewhere[key])
            elif isinstance(error, ItemError):
                refused.append((elsewhere[key], error))
            else:
                yield from self.losses.failed(elsewhere[key].failed(_item_error(error), level), error)
        yield from self._kept(refused, level, marked=self.spec.delete_source)
        return there

    def elsewhere(self, one: Landed) -> bool:
        """Whether it is to be moved to another tier; what was just sent went to its own, but for the Archive tier."""
        if self.spec.tier == "archive":
            return one.tier != "archive"
        return one.state == UNCHANGED and self.spec.moves(one.tier)

    def _delete(self, landed: Sequence[Landed]) -> Step:
        deleted, kept = [], list[tuple[Landed, ItemError]]()
        for one in landed:
            try:
                self._remove(one)
            except ItemError as error:
                if error.error_code != "SOURCE_GONE":
                    kept.append((one, error))
                    continue
            deleted.append(one)
        yield from self._kept(kept, "reread", marked=self.spec.tier != "archive")
        return deleted

    def _kept(self, kept: Sequence[tuple[Landed, ItemError]], level: str, *, marked: bool) -> Iterator[Outcome]:
        """Their sources are there still: what becomes of them may replace the copies. Where that cannot be said, the
        mark stays; and where it was there before: for another job, whose source is gone. What is archived nothing
        replaces, and the mark says that it was read back."""
        etags: dict[str, str | Exception] = {}
        if kept and marked and self.destination.features.marks:
            objects = [(one.item.key, one.etag) for one, _ in kept if not one.moved]
            etags.update(self.sender.mark_all(iter(objects), moved=False))
        for one, error in kept:
            etag = etags.get(one.item.key)
            yield one._replace(etag=etag if isinstance(etag, str) else one.etag).failed(error, level)

    def _remove(self, one: Landed) -> None:
        try:
            self.source.delete(one.item)
        except ItemError as error:
            if error.error_code != "SOURCE_CHANGED":
                raise
            now = read_through(self.source, one.item, self.control)
            if now.sha256 != one.sha256:
                raise
            self.source.delete(now.item)  # only its rights changed, or another link to it was deleted


def failed(number: int, error: MigrateError, sent: int = 0) -> Outcome:
    """The outcome of an item that did not get to the destination."""
    return Outcome(number, FAILED, sent=sent, code=error.error_code, message=error.message, remedy=error.remedy)


def _item_error(error: Exception) -> MigrateError:
    if isinstance(error, FatalError) or not isinstance(error, MigrateError):
        raise error
    return error
