"""The seven kinds of record: their fields, what they refer to, and their tables. One place to change with the contract.

Every kind has a table named after it, with these columns:
  position      INTEGER PRIMARY KEY: the order of reading back
  organization  TEXT: the organisation's slug
  <field>       one for each field of the record, named like it; TEXT, or INTEGER for flags (0, 1) and prayer_count
  batch_id      TEXT: the import batch that last stored the record; NULL where it was planted by hand
`contributions.amount` is kept as `amount_cents` (INTEGER). `members` and `address` are JSON text. (organization,
external_id) is unique. Totals and read-back are computed from these columns whenever they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from migrate_etl.sandbox.mission.values import (
    Reader,
    Stored,
    Unfit,
    address,
    cents,
    count,
    day,
    email,
    external_id,
    flag,
    members,
    moment,
    one_of,
    optional,
    phone,
    text,
)

INTEGERS = (cents, count, flag)
reference = optional(external_id)
description = optional(text(0, 65_535))


@dataclass(frozen=True)
class Shape:
    """One kind of record. `refers` maps a field to the kind it names and to the error code where that is not held."""

    entity: str
    fields: Mapping[str, Reader]
    refers: Mapping[str, tuple[str, str]]

    @property
    def path(self) -> str:
        return f"/api/import/{self.entity.replace('_', '-')}"

    @cached_property
    def columns(self) -> tuple[str, ...]:
        return tuple("amount_cents" if read is cents else name for name, read in self.fields.items())

    @cached_property
    def _readers(self) -> tuple[tuple[str, Reader], ...]:
        return tuple(self.fields.items())

    def row(self, record: Mapping[str, Any]) -> tuple[Stored, ...]:
        """The record as the books keep it, in the order of `columns`. Raises Unfit, naming the field."""
        if record.keys() != self.fields.keys():
            raise Unfit(_odd_fields(record, self.fields))
        row = []
        for name, read in self._readers:
            try:
                row.append(read(record[name]))
            except Unfit as error:
                raise Unfit(f"{name}: {error}") from error
        return tuple(row)

    def named(self, record: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
        """What a fit record refers to: field, kind, external id."""
        for name, (kind, _) in self.refers.items():
            if name == "members":
                yield from ((name, kind, member["external_person_id"]) for member in record["members"])
            elif record[name] is not None:
                yield name, kind, record[name]

    @property
    def table(self) -> str:
        typed = [
            f"{column} {'INTEGER' if read in INTEGERS else 'TEXT'}"
            for column, read in zip(self.columns, self.fields.values(), strict=True)
        ]
        return (
            f"CREATE TABLE IF NOT EXISTS {self.entity} (position INTEGER PRIMARY KEY, organization TEXT NOT NULL, "
            f"{', '.join(typed)}, batch_id TEXT, UNIQUE (organization, external_id)) STRICT"
        )


def _odd_fields(record: Mapping[str, Any], fields: Mapping[str, Reader]) -> str:
    missing = [name for name in fields if name not in record]
    unknown = len(record.keys() - fields.keys())
    return f"{missing[0]}: missing" if missing else f"{unknown} unknown field(s)"


PERSON = ("people", "PERSON_NOT_FOUND")
GROUP = ("groups", "GROUP_NOT_FOUND")
FUND = ("funds", "FUND_NOT_FOUND")

FUNDS = Shape(
    "funds",
    {
        "external_id": external_id,
        "name": text(1, 100),
        "description": description,
        "is_active": flag,
        "is_tax_deductible": flag,
        "external_parent_id": reference,
        "external_campus_id": reference,
    },
    {"external_parent_id": ("funds", "PARENT_NOT_FOUND")},
)
PEOPLE = Shape(
    "people",
    {
        "external_id": external_id,
        "first_name": text(1, 100),
        "last_name": text(1, 100),
        "preferred_name": optional(text(1, 100)),
        "record_type": one_of("person", "business"),
        "email": optional(email),
        "phone": optional(phone),
        "birth_date": optional(day),
        "gender": optional(one_of("Male", "Female")),
        "status": one_of("Active", "Inactive", "Visitor", "Deceased"),
        "connection_status": optional(text(1, 250)),
        "external_family_id": reference,
        "external_campus_id": reference,
    },
    {},
)
FAMILIES = Shape(
    "families",
    {
        "external_id": external_id,
        "name": text(1, 100),
        "is_active": flag,
        "address": address,
        "members": members("Head", "Spouse", "Child", "Other"),
        "external_campus_id": reference,
    },
    {"members": PERSON},
)
GROUPS = Shape(
    "groups",
    {
        "external_id": external_id,
        "name": text(1, 100),
        "description": description,
        "group_type": text(1, 100),
        "external_parent_id": reference,
        "members": members("Leader", "Member"),
        "external_campus_id": reference,
    },
    {"external_parent_id": ("groups", "PARENT_NOT_FOUND"), "members": PERSON},
)
CONTRIBUTIONS = Shape(
    "contributions",
    {
        "external_id": external_id,
        "external_transaction_id": external_id,
        "external_person_id": reference,
        "external_fund_id": external_id,
        "amount": cents,
        "date": moment,
        "payment_method": one_of("Cash", "Check", "Card", "Online", "Other"),
        "external_batch_id": reference,
        "batch_name": optional(text(0, 100)),
        "is_anonymous": flag,
        "is_refund": flag,
        "external_refund_of": reference,
        "non_positive": flag,
        "external_campus_id": reference,
    },
    {"external_fund_id": FUND, "external_person_id": PERSON},
)
ATTENDANCE = Shape(
    "attendance",
    {
        "external_id": external_id,
        "external_person_id": external_id,
        "external_group_id": reference,
        "external_occurrence_id": external_id,
        "date": day,
        "attended_at": moment,
        "external_campus_id": reference,
    },
    {"external_person_id": PERSON, "external_group_id": GROUP},
)
PRAYER_REQUESTS = Shape(
    "prayer_requests",
    {
        "external_id": external_id,
        "text": text(1, 65_535),
        "visibility": one_of("public", "private"),
        "is_approved": flag,
        "prayer_count": count,
        "external_person_id": reference,
        "entered_at": moment,
        "expires_on": optional(day),
        "external_campus_id": reference,
    },
    {"external_person_id": PERSON},
)
SHAPES: Mapping[str, Shape] = {
    shape.entity: shape for shape in (FUNDS, PEOPLE, FAMILIES, GROUPS, CONTRIBUTIONS, ATTENDANCE, PRAYER_REQUESTS)
}
