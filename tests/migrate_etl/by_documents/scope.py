"""What of a Rock database is moved and what is left out under which rule, as the decisions say it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime, time

from migrate_etl.spec import ENTITY_NAMES, RockImportSpec
from tests.migrate_etl.by_documents.rows import Row, Rows, first

PERSON, BUSINESS = "36cf10d6-c695-413d-8e7c-4546efef385e", "bf64add3-e70a-44ce-9c4b-e76bbed37550"
OTHER_RECORDS = {
    "721300ed-1267-4da0-b4f2-6c6b5b17b1c5": "nameless",
    "e2261a84-831d-4234-9be0-4d628bbe751e": "rest_user",
}
SHIPPED = {
    "802235dc-3ca5-94b0-4326-aace71180f48",
    "7ebc167b-512d-4683-9d80-98b6bb02e1b9",
    "817e7c25-6cb1-4ed0-b224-ff3c4da0b716",
}
FAMILY = "790e3215-3b10-442b-af69-616c0dcb998e"
ROCKS_OWN = {
    "aece949f-704c-483e-a4fb-93d5e4720c4c",
    "e0c5a0e2-b7b3-4ef4-820d-bbf7f9a374ef",
    "8c0e5852-f08f-4327-9aa5-87800a6ab53e",
    "d1d95777-ffa3-cbb3-4a6d-658706daed33",
    "3311132b-268d-44e9-811a-a56a0835e50a",
    "3981cf6d-7d15-4b57-aace-c0e25d28bd49",
}
CONTRIBUTION = "2d607262-52d6-4724-910d-5c6e8fb89acc"


class Scope:
    """`loaded`: per entity the ids that are moved; `skips`: how many are left out under each rule; `pulled_in`."""

    def __init__(self, rock: Rows, spec: RockImportSpec) -> None:
        self.rock, self.spec = rock, spec
        self.loaded: dict[str, set[int]] = {name: set() for name in ENTITY_NAMES}
        self.skips: dict[str, Counter[str]] = defaultdict(Counter)
        self.migrated = {id for id, person in rock["Person"].items() if self.record_rule(person) is None}
        self._judge("contributions", "FinancialTransactionDetail", self.gift_rule)
        self._seen: set[tuple[int, int]] = set()
        self._judge("attendance", "Attendance", self.attendance_rule)
        self._judge("prayer_requests", "PrayerRequest", lambda row: self.campus_rule(self.campus_of_prayer(row)))
        named, self.pulled_in = self._named(), 0
        self._judge("people", "Person", lambda row: self.person_rule(row, named))
        self._judge("families", "Group", self.family_rule)
        self._judge("groups", "Group", self.group_rule)

    def _judge(self, entity: str, table: str, rule_of: Callable[[Row], str | None]) -> None:
        for id, row in sorted(self.rock[table].items()):
            rule = rule_of(row)
            if rule is None:
                self.loaded[entity].add(id)
            elif rule != "no family":
                self.skips[entity][rule] += 1

    def campus_rule(self, campus: int | None) -> str | None:
        """A record with no campus at all is outside a campus filter."""
        if not self.spec.campus_ids or campus in self.spec.campus_ids:
            return None
        return "no_campus" if campus is None else "other_campus"

    # people ------------------------------------------------------------------------------------------------------

    def record_rule(self, person: Row) -> str | None:
        kind = self.rock.value(person["RecordTypeValueId"])
        if kind not in (None, PERSON, BUSINESS):
            return OTHER_RECORDS.get(kind, "record_type")
        return "system_person" if person["Guid"].lower() in SHIPPED else None

    def person_rule(self, person: Row, named: set[int]) -> str | None:
        outside = self.campus_rule(self.rock.campus_of(person["Id"]))
        rule = self.record_rule(person)
        if rule is None and outside and person["Id"] in named:
            self.pulled_in += 1
            return None
        return rule or outside

    def _named(self) -> set[int]:
        """Whom an in-scope gift, attendance or request names."""
        detail, transaction = self.rock["FinancialTransactionDetail"], self.rock["FinancialTransaction"]
        gifts = {
            transaction[detail[id]["TransactionId"]]["AuthorizedPersonAliasId"] for id in self.loaded["contributions"]
        }
        came = {self.rock["Attendance"][id]["PersonAliasId"] for id in self.loaded["attendance"]}
        asked = {self.rock["PrayerRequest"][id]["RequestedByPersonAliasId"] for id in self.loaded["prayer_requests"]}
        return {person for alias in gifts | came | asked if (person := self.rock.person_of(alias)) is not None}

    # groups ------------------------------------------------------------------------------------------------------

    def family_rule(self, group: Row) -> str | None:
        if self.rock.guid("GroupType", group["GroupTypeId"]) != FAMILY:
            return "no family"
        return "archived" if group["IsArchived"] else self.campus_rule(group["CampusId"])

    def group_rule(self, group: Row) -> str | None:
        kind, wanted = self.rock.guid("GroupType", group["GroupTypeId"]), set(self.spec.include_group_types)
        if kind == FAMILY or (kind not in wanted if wanted else kind in ROCKS_OWN):
            return "group_type"
        if group["IsSecurityRole"]:
            return "security_role"
        if group["IsArchived"]:
            return "archived"
        return self.campus_rule(group["CampusId"]) if group["IsActive"] else "inactive"

    # giving ------------------------------------------------------------------------------------------------------

    def gift_rule(self, detail: Row) -> str | None:
        header, since = self.rock["FinancialTransaction"][detail["TransactionId"]], self.spec.date_range_start
        moment = header["TransactionDateTime"]
        if self.rock.value(header["TransactionTypeValueId"]) != CONTRIBUTION:
            return "transaction_type"
        if header.get("FutureProcessingDateTime") is not None:
            return "queued"
        if moment is None:
            return "no_date"
        if since and moment < datetime.combine(since, time()):
            return "outside_date_range"
        return self.campus_rule(self.campus_of_gift(detail))

    def campus_of_gift(self, detail: Row) -> int | None:
        """The batch's (of a refund the original's batch), else the account's, else the donor's."""
        header = self.rock["FinancialTransaction"][detail["TransactionId"]]
        refund = self.rock["FinancialTransactionRefund"].get(header["Id"], {})
        asked = self.rock["FinancialTransaction"].get(refund.get("OriginalTransactionId") or 0, header)
        batch = self.rock["FinancialBatch"].get(asked["BatchId"] or 0, {})
        account = self.rock["FinancialAccount"][detail["AccountId"]]
        donor = self.rock.person_of(header["AuthorizedPersonAliasId"])
        return first(batch.get("CampusId"), account["CampusId"], self.rock.campus_of(donor))

    # meetings and prayers ----------------------------------------------------------------------------------------

    def attendance_rule(self, row: Row) -> str | None:
        """Asked in the order of ids, for the first of a person in an occurrence stays: before any scope."""
        person, since = self.rock.person_of(row["PersonAliasId"]), self.spec.date_range_start
        if not row["DidAttend"]:
            return "did_not_attend"
        if person is None:
            return "no_person"
        if person not in self.migrated:
            return "person_not_migrated"
        if (row["OccurrenceId"], person) in self._seen:
            return "duplicate"
        self._seen.add((row["OccurrenceId"], person))
        if since and self.rock["AttendanceOccurrence"][row["OccurrenceId"]]["OccurrenceDate"] < since:
            return "outside_date_range"
        return self.campus_rule(self.campus_of_attendance(row))

    def campus_of_attendance(self, row: Row) -> int | None:
        group = self.rock["AttendanceOccurrence"][row["OccurrenceId"]]["GroupId"]
        return first(row["CampusId"], self.rock["Group"].get(group or 0, {}).get("CampusId"))

    def campus_of_prayer(self, row: Row) -> int | None:
        requester = self.rock.person_of(row["RequestedByPersonAliasId"])
        return first(row.get("CampusId"), self.rock.campus_of(requester))
