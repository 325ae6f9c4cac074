"""Enters everything the source lists into the ledger, each item once, with the rule or the error of those not moved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import chain, islice
from time import monotonic

from migrate_transfer.core.backend import Destination, Item, Oddity, Page, Source, Stored
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import SourceError
from migrate_transfer.core.plan import Filters, folded, misfit
from migrate_transfer.engine.shares import Shares
from migrate_transfer.ledger.item_records import DONE, FAILED, IN_FLIGHT, PENDING, SKIPPED, UNCHANGED
from migrate_transfer.ledger.items import ItemLedger
from migrate_transfer.ledger.passes import LISTED_AT

SLICE = 2_000
LONGEST = 1.0
"""Seconds after which what was listed is entered, and told of, though it is little."""


def scan(
    source: Source,
    destination: Destination,
    ledger: ItemLedger,
    filters: Filters,
    control: Control,
    tell: Callable[[], None],
) -> None:
    """List both sides; goes on where a killed scan was. What is at its end is not begun again: of the source it would
    be entered twice. Raises FatalError, TransientError, Stopped."""
    if ledger.fact("destination_listed") is None:
        ledger.doubt()  # what a listing that was broken off saw may be gone
        destination.prepare()
        if ledger.fact("source_listed") is None:
            _require_same_place(source, ledger)  # to list the destination may take long: it begins with this source
        for some in _slices(destination.stored()):
            control.check()
            ledger.there(some)
            tell()
        ledger.miss()
        ledger.note("destination_listed", "yes")
    if ledger.fact("source_listed") is None:
        _list_source(source, destination, ledger, filters, control, tell)
    ledger.scan_ended()


def _list_source(
    source: Source,
    destination: Destination,
    ledger: ItemLedger,
    filters: Filters,
    control: Control,
    tell: Callable[[], None],
) -> None:
    filters = replace(filters, ignore_case=source.features.folds_case)
    sieve = Sieve(filters, destination)
    _require_same_place(source, ledger)
    shares = Shares(source, ledger)
    cursor = ledger.scan_begins()
    ledger.enter(sieve.failing(shares.lost()), None)
    with closing(source.pages(cursor, filters.reaches)) as pages:
        for page in together(shares.watched(pages), control):
            entries = ledger.not_entered(page.entries) if page.recalled else page.entries
            ledger.enter(sieve.sift(entries), page.cursor)
            tell()
    ledger.enter(sieve.failing(shares.lost()), None)
    if destination.features.folds_case or destination.features.folds_unicode:
        ledger.settle_collisions(lambda key: folded(key, destination.features))


def _require_same_place(source: Source, ledger: ItemLedger) -> None:
    """A job that goes on, and finds the folder below a share that is not mounted now, would take that for all there is,
    or for the rest. What is mounted when it begins counts. Raises SourceError."""
    place, begun = source.place(), ledger.fact(LISTED_AT)
    if begun is None:
        Shares(source, ledger).note()
        ledger.note(LISTED_AT, place)
    elif begun != place:
        raise _another()


def require_listed(source: Source, ledger: ItemLedger) -> None:
    """What was listed, and is to be read now, would be gone in the folder below a share that is not mounted: another
    place, which has nothing of it. (A share may have another number after each mount.) Raises SourceError."""
    if ledger.fact(LISTED_AT) in (None, source.place()):
        return
    left, ended = ledger.entries(PENDING, IN_FLIGHT, FAILED), ledger.entries(DONE, UNCHANGED, SKIPPED)
    if all(source.is_gone(entry.key) for entry in chain(left, ended)):  # those that are there are found first
        raise _another()


def _another() -> SourceError:
    return SourceError(
        "The source is another folder than the one whose listing was begun: what is left of it would be missed.",
        code="SOURCE_NOT_MOUNTED",
        remedy="Mount the share, then start again. If it is a new folder, begin a new job (another --out).",
    )


def together(pages: Iterable[Page], control: Control) -> Iterator[Page]:
    """Fewer pages for the same entries: each is a transaction of the ledger, and most folders are small. What a kill
    costs is listed again. Raises Stopped."""
    entries, cursor, due = list[Item | Oddity](), None, 0.0
    for page in pages:
        control.check()
        if page.cursor is None and cursor is not None:  # its entries are not before that cursor
            yield Page(entries, cursor)
            entries, cursor = [], None
        entries += page.entries
        due = due or monotonic() + LONGEST
        if page.cursor is None or len(entries) >= SLICE or monotonic() >= due:
            yield Page(entries, page.cursor, page.recalled)
            entries, cursor, due = [], None, 0.0
        else:
            cursor = page.cursor
    if cursor is not None:
        yield Page(entries, cursor)


class Sieve:
    """Which items are meant and can be kept. Most need but a look at their size and the length of their name."""

    def __init__(self, filters: Filters, destination: Destination) -> None:
        self._filters, self._prefix, self._features = filters, destination.name(""), destination.features
        most = min(self._features.longest_key // 2, 2 * self._features.most_parts)
        self._short = -1 if filters.any else most - 2 * len(self._prefix)
        """No name so short is too long or too deep, whatever letters it has."""

    def sift(self, entries: Iterable[Item | Oddity]) -> Iterator[Item | Oddity]:
        short, largest = self._short, self._features.largest
        for entry in entries:
            if isinstance(entry, Item) and len(entry.key) <= short and entry.size <= largest:
                yield entry
            else:
                yield self._look(entry)

    def failing(self, folders: Iterable[Oddity]) -> Iterator[Oddity]:
        """Those of them in which something is meant."""
        return (one for one in folders if self._filters.excuse(one) is None)

    def _look(self, entry: Item | Oddity) -> Item | Oddity:
        if isinstance(entry, Oddity):
            excuse = self._filters.excuse(entry) if entry.outcome == "failed" else None
            return entry if excuse is None else _left_out(entry, excuse)
        rule = self._filters.rule(entry)
        if rule is not None:
            return _left_out(entry, rule)
        return misfit(entry, self._prefix, self._features) or entry


def _left_out(entry: Item | Oddity, rule: str) -> Oddity:
    return Oddity(entry.key, "skipped", rule, "The job's filters leave it out.", size=entry.size)


def _slices(stored: Iterable[Stored]) -> Iterator[list[Stored]]:
    them = iter(stored)
    while some := list(islice(them, SLICE)):
        yield some
