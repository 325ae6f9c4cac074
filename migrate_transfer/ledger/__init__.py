"""The ledger: every item of a job once, with exactly one outcome, on disk before anything moves."""

from migrate_transfer.ledger.ledger import Ledger
from migrate_transfer.ledger.records import Batch, FailedItem, PlannedBatch, Totals

__all__ = ["Batch", "FailedItem", "Ledger", "PlannedBatch", "Totals"]
