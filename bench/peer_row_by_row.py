"""The plain pipeline most people would write first: SQLAlchemy rows, a pydantic model a row, httpx `json=`.

Contributions and attendance only, without ledger, checks or reconciliation: what it is compared with does all of these.
`python bench/peer_row_by_row.py ROCK.sqlite MISSION_URL` prints the records sent.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import httpx
from pydantic import BaseModel
from sqlalchemy import create_engine, text

ZONE = ZoneInfo("America/Chicago")

GIFTS = """
select d.Id, d.TransactionId, d.AccountId, d.Amount, t.TransactionDateTime, t.BatchId, a.PersonId, v.Value, b.Name,
       t.ShowAsAnonymous, r.OriginalTransactionId, r.Id as RefundId
from FinancialTransactionDetail d join FinancialTransaction t on t.Id = d.TransactionId
left join PersonAlias a on a.Id = t.AuthorizedPersonAliasId
left join FinancialPaymentDetail p on p.Id = t.FinancialPaymentDetailId
left join DefinedValue v on v.Id = p.CurrencyTypeValueId
left join FinancialBatch b on b.Id = t.BatchId
left join FinancialTransactionRefund r on r.Id = t.Id
where t.TransactionDateTime is not null order by d.Id
"""
ATTENDANCE = """
select x.Id, x.OccurrenceId, o.GroupId, o.OccurrenceDate, x.StartDateTime, a.PersonId, x.CampusId
from Attendance x join AttendanceOccurrence o on o.Id = x.OccurrenceId
join PersonAlias a on a.Id = x.PersonAliasId where x.DidAttend = 1 order by x.Id
"""


class Contribution(BaseModel):
    external_id: str
    external_transaction_id: str
    external_person_id: str | None
    external_fund_id: str
    amount: Decimal
    date: datetime
    payment_method: str
    external_batch_id: str | None
    batch_name: str | None
    is_anonymous: bool
    is_refund: bool
    external_refund_of: str | None


class Attendance(BaseModel):
    external_id: str
    external_person_id: str
    external_group_id: str | None
    external_occurrence_id: str
    date: str
    attended_at: datetime


def _ref(kind: str, rock_id: int | None) -> str | None:
    return None if rock_id is None else f"rock:{kind}:{rock_id}"


def _moment(value: str) -> datetime:
    return datetime.fromisoformat(str(value)).replace(tzinfo=ZONE)


def contributions(rows: Iterator[tuple]) -> Iterator[dict]:
    for id_, transaction, fund, cents, moment, batch, person, tender, batch_name, anonymous, original, refund in rows:
        yield Contribution(
            external_id=f"rock:contribution:{id_}",
            external_transaction_id=f"rock:transaction:{transaction}",
            external_person_id=_ref("person", person),
            external_fund_id=f"rock:fund:{fund}",
            amount=Decimal(cents) / 100,
            date=_moment(moment),
            payment_method=tender or "Other",
            external_batch_id=_ref("batch", batch),
            batch_name=batch_name,
            is_anonymous=bool(anonymous),
            is_refund=refund is not None,
            external_refund_of=_ref("transaction", original),
        ).model_dump(mode="json")


def attendance(rows: Iterator[tuple]) -> Iterator[dict]:
    for id_, occurrence, group, day, start, person, _campus in rows:
        yield Attendance(
            external_id=f"rock:attendance:{id_}",
            external_person_id=f"rock:person:{person}",
            external_group_id=_ref("group", group),
            external_occurrence_id=f"rock:occurrence:{occurrence}",
            date=str(day)[:10],
            attended_at=_moment(start),
        ).model_dump(mode="json")


def _post(client: httpx.Client, path: str, batch: list[dict]) -> None:
    body = {"organization": "bench", "records": batch}
    client.post(f"/api/import/{path}", json=body).raise_for_status()


def main(database: str, url: str) -> int:
    sent = 0
    engine = create_engine(f"sqlite:///{database}")
    with engine.connect() as connection, httpx.Client(base_url=url) as client:
        for path, statement, build in (("contributions", GIFTS, contributions), ("attendance", ATTENDANCE, attendance)):
            batch: list[dict] = []
            rows = connection.execution_options(yield_per=10_000).execute(text(statement))
            for record in build(tuple(row) for row in rows):
                batch.append(record)
                if len(batch) == 500:
                    _post(client, path, batch)
                    sent += len(batch)
                    batch = []
            if batch:
                _post(client, path, batch)
                sent += len(batch)
    return sent


if __name__ == "__main__":
    print(main(sys.argv[1], sys.argv[2]))
