"""Enters everything the source lists into the ledger, each item once, with the rule or the error of those not moved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice

from migrate_transfer.core.backend import Destination, Item, Oddity, Source, Stored
from migrate_transfer.core.control import Control
from migrate_transfer.core.plan import Filters, folded, misfit
from migrate_transfer.ledger.items import ItemLedger

SLICE = 2_000


def scan(
    source: Source,
    destination: Destination,
    ledger: ItemLedger,
    filters: Filters,
    control: Control,
    tell: Callable[[], None],
) -> None:
    """List both sides; goes on where a killed scan was. Raises FatalError, TransientError, Stopped."""
    if ledger.fact("destination_listed") is None:
        destination.prepare()
        for some in _slices(destination.stored()):
            control.check()
            ledger.there(some)
            tell()
        ledger.miss()
        ledger.note("destination_listed", "yes")
    filters = replace(filters, ignore_case=source.features.folds_case)
    for page in source.pages(ledger.scan_begins(), filters.reaches):
        control.check()
        ledger.enter(page, [_entry(entry, filters, destination) for entry in page.entries])
        tell()
    if destination.features.folds_case or destination.features.folds_unicode:
        ledger.settle_collisions(lambda key: folded(key, destination.features))
    ledger.scan_ended()


def _entry(entry: Item | Oddity, filters: Filters, destination: Destination) -> Item | Oddity:
    if isinstance(entry, Oddity):
        excuse = filters.excuse(entry) if entry.outcome == "failed" else None
        return entry if excuse is None else _left_out(entry, excuse)
    rule = filters.rule(entry)
    if rule is not None:
        return _left_out(entry, rule)
    return misfit(entry, destination.name(""), destination.features) or entry


def _left_out(entry: Item | Oddity, rule: str) -> Oddity:
    return Oddity(entry.key, "skipped", rule, "The job's filters leave it out.", size=entry.size)


def _slices(stored: Iterable[Stored]) -> Iterator[list[Stored]]:
    them = iter(stored)
    while some := list(islice(them, SLICE)):
        yield some
