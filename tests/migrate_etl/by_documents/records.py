"""Every record that Mission must hold, field by field, as the contract names the fields and the decisions fill them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from migrate_etl.spec import RockImportSpec
from tests.migrate_etl.by_documents.rows import Row, Rows
from tests.migrate_etl.by_documents.scope import BUSINESS, Scope

MALE, FEMALE = 1, 2
ADULT, CHILD = "2639f9a5-2aae-4e48-a8c3-4ffe86681e42", "c8b1814f-6aa7-4055-b2d7-48fe20429cb9"
MARRIED = "5fe5a540-7d9f-433e-b47e-4229d1472248"
REASON_DECEASED = "05d35bc4-5816-4210-965f-1bf44f35a16a"
INACTIVE, PENDING = "1dad99d5-41a9-4865-8366-f269902b80a4", "283999ec-7346-42e3-b807-bce9b2babb49"
VISITOR = "b91ba046-bc1e-400c-b85d-638c1f4e0ce2"
PHONES = (
    "407e7e45-7b2e-4fcd-9605-ecb1339f2453",
    "aa8732fb-2cea-4c76-8d6d-6aaa2c6a4303",
    "2cc66d5a-f61c-4b74-9af9-590a9847c13c",
)
HOME, FORMER = "8c52e53c-2a66-435a-ae6e-5ee307d9a0dc", "853d98f1-6e08-4321-861b-520b4106cfe0"
METHODS = {
    "f3adc889-1ee8-4eb6-b3fd-8c10f3c8af93": "Cash",
    "8b086a19-405a-451f-8d44-174e92d6b402": "Check",
    "928a2e04-c77b-4282-888f-ec549cee026a": "Card",
}
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
ADDRESS = {
    "street1": "Street1", "street2": "Street2", "city": "City",
    "state": "State", "postal_code": "PostalCode", "country": "Country",
}  # fmt: skip


class Records:
    """Per entity: external id -> record. Members are a mapping from person to role; moments bear a plain offset."""

    def __init__(self, rock: Rows, spec: RockImportSpec, scope: Scope) -> None:
        self.rock, self.spec, self.scope = rock, spec, scope
        self.parents = self._without_circles()
        made = {
            "people": ("person", "Person", self.person),
            "families": ("family", "Group", self.family),
            "groups": ("group", "Group", self.group),
            "contributions": ("contribution", "FinancialTransactionDetail", self.gift),
            "attendance": ("attendance", "Attendance", self.attendance),
            "prayer_requests": ("prayer_request", "PrayerRequest", self.prayer),
        }
        self.by_entity = {
            entity: {f"rock:{kind}:{id}": record(rock[table][id]) for id in scope.loaded[entity]}
            for entity, (kind, table, record) in made.items()
        }

    def reference(self, kind: str, id: int | None, among: str | None = None) -> str | None:
        """Null where Rock names nothing, or where it is not among the loaded of that entity."""
        known = id is not None and (among is None or id in self.scope.loaded[among])
        return f"rock:{kind}:{id}" if known else None

    def migrated(self, alias_id: int | None) -> str | None:
        person = self.rock.person_of(alias_id)
        return self.reference("person", person) if person in self.scope.migrated else None

    def moment(self, local: datetime) -> datetime:
        """An hour that does not exist moves forward, one that exists twice is the first."""
        zone = ZoneInfo(self.spec.time_zone)
        moved = local.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)
        return moved.replace(tzinfo=timezone(moved.utcoffset() or timedelta()))

    # people ------------------------------------------------------------------------------------------------------

    def person(self, row: Row) -> dict[str, Any]:
        connection = self.rock["DefinedValue"].get(row["ConnectionStatusValueId"] or 0, {})
        return {
            "first_name": text(row["FirstName"]) or "Unknown",
            "last_name": text(row["LastName"]) or "Unknown",
            "preferred_name": text(row["NickName"]),
            "record_type": "business" if self.rock.value(row["RecordTypeValueId"]) == BUSINESS else "person",
            "email": email(row),
            "phone": self.phone(row),
            "birth_date": day(born(row)),
            "gender": {MALE: "Male", FEMALE: "Female"}.get(row["Gender"]),
            "status": self.status(row),
            "connection_status": text(connection.get("Value")),
            "external_family_id": self.reference("family", row["PrimaryFamilyId"], "families"),
            "external_campus_id": self.reference("campus", self.rock.campus_of(row["Id"])),
        }

    def status(self, row: Row) -> str:
        record = self.rock.value(row["RecordStatusValueId"])
        if row["IsDeceased"] or self.rock.value(row["RecordStatusReasonValueId"]) == REASON_DECEASED:
            return "Deceased"
        if record == INACTIVE:
            return "Inactive"
        visits = self.rock.value(row["ConnectionStatusValueId"]) == VISITOR or record == PENDING
        return "Visitor" if visits else "Active"

    def phone(self, row: Row) -> str | None:
        """Mobile, else Home, else Work, else another; of several the lowest id; never an unlisted one."""
        numbers = self.rock.below("PhoneNumber", "PersonId", row["Id"])
        listed = [number for number in numbers if not number["IsUnlisted"] and text(number["Number"])]
        if not listed:
            return None
        kinds = {number["Id"]: self.rock.value(number["NumberTypeValueId"]) for number in listed}
        order = {guid: rank for rank, guid in enumerate(PHONES)}
        best = min(listed, key=lambda number: order.get(kinds[number["Id"]] or "", len(PHONES)))
        code, extension = text(best["CountryCode"]), text(best["Extension"])
        return "".join([f"+{code} " if code else "", best["Number"], f" x{extension}" if extension else ""])

    # groups ------------------------------------------------------------------------------------------------------

    def family(self, row: Row) -> dict[str, Any]:
        return {
            "name": text(row["Name"]) or "Family",
            "is_active": bool(row["IsActive"]),
            "address": self.address(row),
            "members": self.family_members(row),
            "external_campus_id": self.reference("campus", row["CampusId"]),
        }

    def address(self, family: Row) -> dict[str, str | None] | None:
        """Type Home, then mailing, mapped, highest id; never a former or an empty one."""
        found = []
        for link in self.rock.below("GroupLocation", "GroupId", family["Id"]):
            kind, place = self.rock.value(link["GroupLocationTypeValueId"]), self.rock["Location"][link["LocationId"]]
            written = {name: text(place[column]) for name, column in ADDRESS.items()}
            if kind != FORMER and any(written.values()):
                order = (kind == HOME, link["IsMailingLocation"], link["IsMappedLocation"], link["Id"])
                found.append((order, written))
        return max(found, key=lambda one: one[0])[1] if found else None

    def family_members(self, family: Row) -> dict[str, str]:
        """The first adult leads (male, female, unknown; birth date; id), the next is the spouse if married."""
        members = [
            (self.rock["Person"][row["PersonId"]], self.rock.guid("GroupTypeRole", row["GroupRoleId"]))
            for row in self.rock.below("GroupMember", "GroupId", family["Id"])
            if not row["IsArchived"] and row["PersonId"] in self.scope.loaded["people"]
        ]
        adults = {person["Id"]: person for person, role in members if role == ADULT}
        roles = {f"rock:person:{person['Id']}": "Child" for person, role in members if role == CHILD}
        for place, adult in enumerate(sorted(adults.values(), key=_as_rock_orders)):
            married = self.rock.value(adult["MaritalStatusValueId"]) == MARRIED
            role = "Head" if place == 0 else "Spouse" if place == 1 and married else "Other"
            roles[f"rock:person:{adult['Id']}"] = role
        return roles

    def group(self, row: Row) -> dict[str, Any]:
        return {
            "name": row["Name"],
            "description": text(row["Description"]),
            "group_type": self.rock["GroupType"][row["GroupTypeId"]]["Name"],
            "external_parent_id": self.reference("group", self.parents[row["Id"]]),
            "members": self.group_members(row),
            "external_campus_id": self.reference("campus", row["CampusId"]),
        }

    def group_members(self, group: Row) -> dict[str, str]:
        """Active, not archived, one per person; the leader role wins."""
        roles: dict[str, str] = {}
        for row in self.rock.below("GroupMember", "GroupId", group["Id"]):
            if (
                row["GroupMemberStatus"] == 1
                and not row["IsArchived"]
                and row["PersonId"] in self.scope.loaded["people"]
            ):
                leads = self.rock["GroupTypeRole"][row["GroupRoleId"]]["IsLeader"]
                person = f"rock:person:{row['PersonId']}"
                roles[person] = "Leader" if leads else roles.get(person, "Member")
        return roles

    def _without_circles(self) -> dict[int, int | None]:
        """The loaded parent of each loaded group; a circle is cut at its lowest id."""
        loaded = self.scope.loaded["groups"]
        above = {id: self.rock["Group"][id]["ParentGroupId"] for id in loaded}
        parents = {id: parent if parent in loaded else None for id, parent in above.items()}
        for id in sorted(parents):
            circle, at = [id], parents[id]
            while at is not None and at not in circle:
                circle, at = [*circle, at], parents[at]
            if at == id == min(circle):
                parents[id] = None
        return parents

    # giving, meetings, prayers -----------------------------------------------------------------------------------

    def gift(self, row: Row) -> dict[str, Any]:
        header = self.rock["FinancialTransaction"][row["TransactionId"]]
        refund = self.rock["FinancialTransactionRefund"].get(header["Id"])
        payment = self.rock["FinancialPaymentDetail"].get(header["FinancialPaymentDetailId"] or 0, {})
        batch = self.rock["FinancialBatch"].get(header["BatchId"] or 0, {})
        return {
            "external_transaction_id": self.reference("transaction", header["Id"]),
            "external_person_id": self.migrated(header["AuthorizedPersonAliasId"]),
            "external_fund_id": self.reference("fund", row["AccountId"]),
            "amount_cents": row["Amount"],
            "date": self.moment(header["TransactionDateTime"]),
            "payment_method": METHODS.get(self.rock.value(payment.get("CurrencyTypeValueId")) or "", "Other"),
            "external_batch_id": self.reference("batch", header["BatchId"]),
            "batch_name": text(batch.get("Name")),
            "is_anonymous": bool(header.get("ShowAsAnonymous")),
            "is_refund": refund is not None,
            "external_refund_of": self.reference("transaction", (refund or {}).get("OriginalTransactionId")),
            "non_positive": row["Amount"] <= 0,
            "external_campus_id": self.reference("campus", self.scope.campus_of_gift(row)),
        }

    def attendance(self, row: Row) -> dict[str, Any]:
        occurrence = self.rock["AttendanceOccurrence"][row["OccurrenceId"]]
        return {
            "external_person_id": self.migrated(row["PersonAliasId"]),
            "external_group_id": self.reference("group", occurrence["GroupId"], "groups"),
            "external_occurrence_id": self.reference("occurrence", occurrence["Id"]),
            "date": day(occurrence["OccurrenceDate"]),
            "attended_at": self.moment(row["StartDateTime"]),
            "external_campus_id": self.reference("campus", self.scope.campus_of_attendance(row)),
        }

    def prayer(self, row: Row) -> dict[str, Any]:
        """Public is what is public, approved, active and not expired on the day the job starts."""
        expires = row["ExpirationDate"]
        shown = row["IsPublic"] and row["IsApproved"] and row["IsActive"]
        return {
            "text": row["Text"],
            "visibility": "public" if shown and (not expires or expires >= self.spec.started_on) else "private",
            "is_approved": bool(row["IsApproved"]),
            "prayer_count": row["PrayerCount"] or 0,
            "external_person_id": self.migrated(row["RequestedByPersonAliasId"]),
            "entered_at": self.moment(row["EnteredDateTime"]),
            "expires_on": day(expires),
            "external_campus_id": self.reference("campus", self.scope.campus_of_prayer(row)),
        }


def text(value: str | None) -> str | None:
    """Without blanks at its ends; null, "" and blanks alone are nothing."""
    return (value or "").strip() or None


def email(row: Row) -> str | None:
    address = text(row["Email"]) or ""
    return address if row["IsEmailActive"] and EMAIL.fullmatch(address) else None


def born(row: Row) -> date | None:
    """From the three parts; what is partial or impossible is no date."""
    try:
        return date(row["BirthYear"], row["BirthMonth"], row["BirthDay"])
    except (TypeError, ValueError):
        return None


def day(value: date | None) -> str | None:
    return None if value is None else value.isoformat()


def _as_rock_orders(person: Row) -> tuple[int, date, int]:
    return {MALE: 0, FEMALE: 1}.get(person["Gender"], 2), born(person) or date.max, person["Id"]
