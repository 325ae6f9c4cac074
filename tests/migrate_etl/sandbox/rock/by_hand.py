"""A sample counted once more, row by row in plain Python: what `truth_of` counts by SQL must come to the same.

Slow on purpose: rules read like the decisions they come from.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from migrate_etl.sandbox.rock.truth import Sum, Truth

PERSON = "36cf10d6-c695-413d-8e7c-4546efef385e"
BUSINESS = "bf64add3-e70a-44ce-9c4b-e76bbed37550"
REST = "e2261a84-831d-4234-9be0-4d628bbe751e"
NAMELESS = "721300ed-1267-4da0-b4f2-6c6b5b17b1c5"
SHIPPED = {
    "802235dc-3ca5-94b0-4326-aace71180f48",
    "7ebc167b-512d-4683-9d80-98b6bb02e1b9",
    "817e7c25-6cb1-4ed0-b224-ff3c4da0b716",
}
FAMILY = "790e3215-3b10-442b-af69-616c0dcb998e"
LEFT_OUT = {
    FAMILY,
    "aece949f-704c-483e-a4fb-93d5e4720c4c",
    "e0c5a0e2-b7b3-4ef4-820d-bbf7f9a374ef",
    "8c0e5852-f08f-4327-9aa5-87800a6ab53e",
    "d1d95777-ffa3-cbb3-4a6d-658706daed33",
    "3311132b-268d-44e9-811a-a56a0835e50a",
    "3981cf6d-7d15-4b57-aace-c0e25d28bd49",
}
CONTRIBUTION = "2d607262-52d6-4724-910d-5c6e8fb89acc"


class _Books:
    """The rows of every table as dictionaries, by id."""

    def __init__(self, url: str) -> None:
        engine = sa.create_engine(url)
        tables = sa.MetaData()
        tables.reflect(engine)
        with engine.connect() as connection:
            self.tables = {
                name: {row.get("Id"): dict(row) for row in connection.execute(table.select()).mappings()}
                for name, table in tables.tables.items()
            }
        self.cents = engine.dialect.name == "sqlite"
        engine.dispose()

    def __getitem__(self, table: str) -> dict[int, dict[str, Any]]:
        return self.tables[table]

    def guid(self, value_id: int | None, table: str = "DefinedValue") -> str | None:
        return None if value_id is None else str(self[table][value_id]["Guid"]).lower()

    def money(self, value: Any) -> Decimal:
        return Decimal(value) / 100 if self.cents else Decimal(value)


def count_by_hand(url: str, campus_ids: tuple[int, ...] = (), date_range_start: date | None = None) -> Truth:
    """Count what an import of the whole database at `url` must come to under the given filters."""
    books = _Books(url)
    truth = Truth()
    rules = _person_rules(books)
    campus = _person_campuses(books)
    named: set[int] = set()
    _gifts(books, truth, rules, campus, named, campus_ids, date_range_start)
    _attendance(books, truth, rules, named, campus_ids, date_range_start)
    _prayers(books, truth, rules, campus, named, campus_ids)
    _people(books, truth, rules, campus, named, campus_ids)
    _groups(books, truth, campus_ids)
    return truth


def _record(truth: Truth, entity: str, rules: list[str | None]) -> None:
    truth.discovered[entity] = len(rules)
    truth.loaded[entity] = rules.count(None)
    truth.skipped[entity] = Counter(rule for rule in rules if rule)


def _outside(campus: int | None, campus_ids: tuple[int, ...]) -> str | None:
    if not campus_ids or campus in campus_ids:
        return None
    return "no_campus" if campus is None else "other_campus"


def _person_rules(books: _Books) -> dict[int, str | None]:
    rules: dict[int, str | None] = {}
    for id, row in books["Person"].items():
        kind = books.guid(row["RecordTypeValueId"])
        if kind == NAMELESS:
            rules[id] = "nameless"
        elif kind == REST:
            rules[id] = "rest_user"
        elif kind not in (None, PERSON, BUSINESS):
            rules[id] = "record_type"
        else:
            rules[id] = "system_person" if str(row["Guid"]).lower() in SHIPPED else None
    return rules


def _person_campuses(books: _Books) -> dict[int, int | None]:
    found: dict[int, int | None] = {}
    for id, row in books["Person"].items():
        family = books["Group"].get(row.get("PrimaryFamilyId") or 0, {})
        own = row.get("PrimaryCampusId")
        found[id] = own if own is not None else family.get("CampusId")
    return found


def _person_of(books: _Books, alias_id: int | None) -> int | None:
    alias = books["PersonAlias"].get(alias_id) if alias_id is not None else None
    return alias["PersonId"] if alias and alias["PersonId"] in books["Person"] else None


def _gifts(
    books: _Books,
    truth: Truth,
    rules: dict[int, str | None],
    campus: dict[int, int | None],
    named: set[int],
    campus_ids: tuple[int, ...],
    start: date | None,
) -> None:
    found: list[str | None] = []
    for row in books["FinancialTransactionDetail"].values():
        header = books["FinancialTransaction"][row["TransactionId"]]
        amount, kind = books.money(row["Amount"]), books.guid(header["TransactionTypeValueId"]) or ""
        donor = _person_of(books, header["AuthorizedPersonAliasId"])
        place = _gift_campus(books, row, header, campus.get(donor or 0))
        rule = _gift_rule(kind, header, start) or _outside(place, campus_ids)
        found.append(rule)
        if kind == CONTRIBUTION:
            truth.all_time += amount
        else:
            truth.other_types.setdefault(kind, Sum()).add(1, amount)
        if rule:
            truth.by_rule[rule] = truth.by_rule.get(rule, Decimal(0)) + amount
        else:
            known = donor if donor is not None and rules[donor] is None else None
            named |= {known} - {None}
            refund = header["Id"] in books["FinancialTransactionRefund"]
            _loaded_gift(truth, row["AccountId"], header["TransactionDateTime"], amount, (refund, known is None))
    _record(truth, "contributions", found)


def _gift_rule(kind: str, header: dict[str, Any], start: date | None) -> str | None:
    moment: datetime | None = header["TransactionDateTime"]
    if kind != CONTRIBUTION:
        return "transaction_type"
    if header.get("FutureProcessingDateTime") is not None:
        return "queued"
    if moment is None:
        return "no_date"
    return "outside_date_range" if start and moment.date() < start else None


def _loaded_gift(truth: Truth, fund: int, moment: datetime, amount: Decimal, flags: tuple[bool, bool]) -> None:
    refund, without_donor = flags
    key = (fund, moment.year, moment.month)
    truth.cells[key] = truth.cells.get(key, Decimal(0)) + amount
    truth.cell_counts[key] = truth.cell_counts.get(key, 0) + 1
    for counts, total in (
        (refund, truth.refunds),
        (amount <= 0, truth.non_positive),
        (without_donor, truth.without_donor),
    ):
        if counts:
            total.add(1, amount)


def _gift_campus(books: _Books, row: dict[str, Any], header: dict[str, Any], donor_campus: int | None) -> int | None:
    batch_id = header["BatchId"]
    refund = books["FinancialTransactionRefund"].get(header["Id"])
    if refund and refund["OriginalTransactionId"] in books["FinancialTransaction"]:
        batch_id = books["FinancialTransaction"][refund["OriginalTransactionId"]]["BatchId"]
    batch = books["FinancialBatch"].get(batch_id or 0, {})
    account = books["FinancialAccount"][row["AccountId"]]
    for choice in (batch.get("CampusId"), account["CampusId"], donor_campus):
        if choice is not None:
            return int(choice)
    return None


def _attendance(
    books: _Books,
    truth: Truth,
    rules: dict[int, str | None],
    named: set[int],
    campus_ids: tuple[int, ...],
    start: date | None,
) -> None:
    found: list[str | None] = []
    seen: set[tuple[int, int]] = set()
    for _, row in sorted(books["Attendance"].items()):
        occurrence = books["AttendanceOccurrence"][row["OccurrenceId"]]
        group = books["Group"].get(occurrence["GroupId"] or 0, {})
        person = _person_of(books, row["PersonAliasId"])
        place = row["CampusId"] if row["CampusId"] is not None else group.get("CampusId")
        rule = None
        if not row["DidAttend"]:
            rule = "did_not_attend"
        elif row["PersonAliasId"] is None:
            rule = "no_person"
        elif person is None or rules[person] is not None:
            rule = "person_not_migrated"
        elif (row["OccurrenceId"], person) in seen:
            rule = "duplicate"
        elif start and occurrence["OccurrenceDate"] < start:
            rule = "outside_date_range"
        else:
            rule = _outside(place, campus_ids)
        if row["DidAttend"] and person is not None:
            seen.add((row["OccurrenceId"], person))
        if rule is None and person is not None:
            named.add(person)
        found.append(rule)
    _record(truth, "attendance", found)


def _prayers(
    books: _Books,
    truth: Truth,
    rules: dict[int, str | None],
    campus: dict[int, int | None],
    named: set[int],
    campus_ids: tuple[int, ...],
) -> None:
    found: list[str | None] = []
    for row in books["PrayerRequest"].values():
        person = _person_of(books, row["RequestedByPersonAliasId"])
        own = row.get("CampusId")
        rule = _outside(own if own is not None else campus.get(person or 0), campus_ids)
        if rule is None and person is not None and rules[person] is None:
            named.add(person)
        found.append(rule)
    _record(truth, "prayer_requests", found)


def _people(
    books: _Books,
    truth: Truth,
    rules: dict[int, str | None],
    campus: dict[int, int | None],
    named: set[int],
    campus_ids: tuple[int, ...],
) -> None:
    found: list[str | None] = []
    for id, rule in rules.items():
        outside = _outside(campus[id], campus_ids)
        if rule is None and outside and id in named:
            truth.pulled_in += 1
            outside = None
        found.append(rule or outside)
    _record(truth, "people", found)


def _groups(books: _Books, truth: Truth, campus_ids: tuple[int, ...]) -> None:
    families: list[str | None] = []
    groups: list[str | None] = []
    for row in books["Group"].values():
        kind = books.guid(row["GroupTypeId"], "GroupType")
        outside = _outside(row["CampusId"], campus_ids)
        archived = "archived" if row.get("IsArchived") else None
        if kind == FAMILY:
            families.append(archived or outside)
        if kind in LEFT_OUT:
            groups.append("group_type")
        elif row["IsSecurityRole"]:
            groups.append("security_role")
        elif archived or row["IsActive"]:
            groups.append(archived or outside)
        else:
            groups.append("inactive")
    _record(truth, "families", families)
    _record(truth, "groups", groups)
