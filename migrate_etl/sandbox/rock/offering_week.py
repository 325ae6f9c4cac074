"""One week's gifts as rows: headers, details, payments, refunds, and the batches that hold them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from migrate_etl.sandbox.rock.build import Rock, date_key
from migrate_etl.sandbox.rock.giving import Giver
from migrate_etl.sandbox.rock.writer import column_names

Row = tuple[Any, ...]
TRANSACTION = column_names("""Id BatchId TransactionDateTime TransactionDateKey SundayDate TransactionTypeValueId
AuthorizedPersonAliasId FinancialPaymentDetailId TransactionCode Status StatusMessage SourceTypeValueId ShowAsAnonymous
CreatedDateTime ModifiedDateTime""")
DETAIL = ("Id", "TransactionId", "AccountId", "Amount", "EntityTypeId", "EntityId")
PAYMENT = ("Id", "CurrencyTypeValueId")
REFUND = ("Id", "OriginalTransactionId", "RefundReasonSummary")
BATCH = column_names("""Id Name BatchStartDateTime BatchEndDateTime Status CampusId ControlAmount ControlItemCount
CreatedDateTime""")
BATCH_NAMES = {"offering": "Sunday {} C{}", "online": "Online Giving {} C{}", "refund": "Online {} C{} - Refund"}
MISCOUNTED = 37
"""Every so many batches the counters were wrong by fifty."""


@dataclass(frozen=True, slots=True)
class Gift:
    """One transaction. `kind` is the batch it goes into: offering, online or refund."""

    giver: Giver
    moment: datetime
    parts: list[tuple[int, int]]
    """(account, cents)"""
    kind: str
    type_id: int
    status: str | None = None
    message: str | None = None
    link: tuple[int | None, int | None] = (None, None)
    """(entity type, entity) the details pay for."""


@dataclass(slots=True)
class OfferingWeek:
    """Collects the gifts of a week, then writes them."""

    rock: Rock
    sunday: date
    sources: tuple[int, int]
    """Source values of gifts in the service and of gifts online."""
    _transactions: list[Row] = field(default_factory=list)
    _details: list[Row] = field(default_factory=list)
    _payments: list[Row] = field(default_factory=list)
    _refunds: list[Row] = field(default_factory=list)
    _batches: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    """(campus, kind) -> [batch id, cents, items]"""

    def add(self, gift: Gift, refund_of: int | None = None) -> int:
        """The id of the transaction."""
        rock, giver = self.rock, gift.giver
        row_id, payment = rock.next_id("FinancialTransaction"), rock.next_id("FinancialPaymentDetail")
        self._transactions.append(
            (
                row_id,
                self._batch(gift),
                gift.moment,
                date_key(gift.moment),
                self.sunday,
                gift.type_id,
                giver.alias_id or None,
                payment,
                f"ch_{row_id:08d}" if giver.online else str(1_000 + row_id % 8_000),
                gift.status,
                gift.message,
                self.sources[giver.online],
                giver.anonymous,
                gift.moment,
                gift.moment,
            )
        )
        self._payments.append((payment, giver.tender))
        for fund, cents in gift.parts:
            self._details.append((rock.next_id("FinancialTransactionDetail"), row_id, fund, cents, *gift.link))
        if refund_of is not None:
            self._refunds.append((row_id, refund_of, "Giver asked for it back"))
        return row_id

    def _batch(self, gift: Gift) -> int:
        key = (gift.giver.campus_id, gift.kind)
        batch = self._batches.get(key)
        if batch is None:
            batch = self._batches[key] = [self.rock.next_id("FinancialBatch"), 0, 0]
        batch[1] += sum(cents for _, cents in gift.parts)
        batch[2] += 1
        return batch[0]

    def write(self, *, closed: bool) -> None:
        """All rows; the batches declare what they hold, but for a few."""
        start, status = datetime.combine(self.sunday, datetime.min.time()), 2 if closed else 1
        batches = [
            (
                batch,
                BATCH_NAMES[kind].format(self.sunday, campus),
                start,
                start + timedelta(days=1),
                status,
                campus,
                cents + (5_000 if batch % MISCOUNTED == 0 else 0),
                items,
                start,
            )
            for (campus, kind), (batch, cents, items) in self._batches.items()
        ]
        self.rock.bulk("FinancialBatch", BATCH, batches)
        self.rock.bulk("FinancialPaymentDetail", PAYMENT, self._payments)
        self.rock.bulk("FinancialTransaction", TRANSACTION, self._transactions)
        self.rock.bulk("FinancialTransactionDetail", DETAIL, self._details)
        self.rock.bulk("FinancialTransactionRefund", REFUND, self._refunds)
