"""The Rock tables and columns the import reads, and which of them a release may lack.

Facts from the schema of Rock RMS v18, with the first release of each column; a column without `since` is older than
v8. Nothing here is read that holds card, check or account numbers, or text that Rock keeps confidential.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Date,
    DateTime,
    FromClause,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    Unicode,
    UnicodeText,
    cast,
    null,
)
from sqlalchemy.dialects import mssql, postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine


class Guid(TypeDecorator[str]):
    """`uniqueidentifier`; text in SQLite. Compare in lower case: SQL Server hands out upper case."""

    impl = String(36)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "mssql":
            return dialect.type_descriptor(mssql.UNIQUEIDENTIFIER())
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.UUID(as_uuid=False))
        return dialect.type_descriptor(String(36))


class Money(TypeDecorator[Any]):
    """`decimal(18,2)`; whole cents in SQLite, which would turn a decimal into a float.

    Only `rock/database.py` reads values of this type, and it yields polars `Decimal(18, 2)` for every database.
    """

    impl = Numeric(18, 2)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(Integer())
        return dialect.type_descriptor(Numeric(18, 2))


GUID = Guid()
MONEY = Money()


@dataclass(frozen=True, slots=True)
class RockColumn:
    """One column as a current release has it; `since` is the first release that does."""

    name: str
    type: TypeEngine[Any] | type[TypeEngine[Any]]
    nullable: bool
    primary_key: bool
    since: str | None


def _c(
    name: str,
    type_: TypeEngine[Any] | type[TypeEngine[Any]],
    *,
    key: bool = False,
    null: bool = True,
    since: str | None = None,
) -> RockColumn:
    return RockColumn(name, type_, null and not key, key, since)


ROCK_COLUMNS: Mapping[str, tuple[RockColumn, ...]] = {
    "Person": (
        _c("Id", Integer, key=True),
        _c("Guid", GUID, null=False),
        _c("RecordTypeValueId", Integer),
        _c("RecordStatusValueId", Integer),
        _c("RecordStatusReasonValueId", Integer),
        _c("ConnectionStatusValueId", Integer),
        _c("IsDeceased", Boolean, null=False),
        _c("FirstName", Unicode(50)),
        _c("NickName", Unicode(50)),
        _c("LastName", Unicode(50)),
        _c("BirthDay", Integer),
        _c("BirthMonth", Integer),
        _c("BirthYear", Integer),
        _c("Gender", Integer, null=False),
        _c("MaritalStatusValueId", Integer),
        _c("Email", Unicode(75)),
        _c("IsEmailActive", Boolean, null=False),
        _c("GivingGroupId", Integer),
        _c("GivingId", Unicode(50), since="v10.2"),
        _c("PrimaryFamilyId", Integer, since="v8.0"),
        _c("PrimaryCampusId", Integer, since="v10.0"),
        _c("CreatedDateTime", DateTime),
        _c("ModifiedDateTime", DateTime),
    ),
    "PersonAlias": (
        _c("Id", Integer, key=True),
        _c("PersonId", Integer, null=False),
        _c("AliasPersonId", Integer),
    ),
    "PhoneNumber": (
        _c("Id", Integer, key=True),
        _c("PersonId", Integer, null=False),
        _c("CountryCode", Unicode(3)),
        _c("Number", Unicode(20), null=False),
        _c("Extension", Unicode(20)),
        _c("NumberTypeValueId", Integer),
        _c("IsUnlisted", Boolean, null=False),
    ),
    "Campus": (
        _c("Id", Integer, key=True),
        _c("Guid", GUID, null=False),
        _c("Name", Unicode(100), null=False),
        _c("ShortCode", Unicode(50)),
        _c("IsActive", Boolean),
    ),
    "Group": (
        _c("Id", Integer, key=True),
        _c("Guid", GUID, null=False),
        _c("ParentGroupId", Integer),
        _c("GroupTypeId", Integer, null=False),
        _c("CampusId", Integer),
        _c("Name", Unicode(100), null=False),
        _c("Description", UnicodeText),
        _c("IsSecurityRole", Boolean, null=False),
        _c("IsActive", Boolean, null=False),
        _c("IsArchived", Boolean, null=False, since="v8.0"),
        _c("CreatedDateTime", DateTime),
        _c("ModifiedDateTime", DateTime),
    ),
    "GroupType": (
        _c("Id", Integer, key=True),
        _c("Guid", GUID, null=False),
        _c("Name", Unicode(100), null=False),
        _c("GroupTypePurposeValueId", Integer),
    ),
    "GroupTypeRole": (
        _c("Id", Integer, key=True),
        _c("Guid", GUID, null=False),
        _c("GroupTypeId", Integer, null=False),
        _c("Name", Unicode(100), null=False),
        _c("IsLeader", Boolean, null=False),
    ),
    "GroupMember": (
        _c("Id", Integer, key=True),
        _c("GroupId", Integer, null=False),
        _c("PersonId", Integer, null=False),
        _c("GroupRoleId", Integer, null=False),
        _c("GroupMemberStatus", Integer, null=False),
        _c("IsArchived", Boolean, null=False, since="v8.0"),
        _c("GroupOrder", Integer),
    ),
    "GroupLocation": (
        _c("Id", Integer, key=True),
        _c("GroupId", Integer, null=False),
        _c("LocationId", Integer, null=False),
        _c("GroupLocationTypeValueId", Integer),
        _c("IsMailingLocation", Boolean, null=False),
        _c("IsMappedLocation", Boolean, null=False),
    ),
    "Location": (
        _c("Id", Integer, key=True),
        _c("Street1", Unicode(100)),
        _c("Street2", Unicode(100)),
        _c("City", Unicode(50)),
        _c("State", Unicode(50)),
        _c("PostalCode", Unicode(50)),
        _c("Country", Unicode(50)),
    ),
    "DefinedType": (
        _c("Id", Integer, key=True),
        _c("Guid", GUID, null=False),
        _c("Name", Unicode(100), null=False),
    ),
    "DefinedValue": (
        _c("Id", Integer, key=True),
        _c("Guid", GUID, null=False),
        _c("DefinedTypeId", Integer, null=False),
        _c("Value", Unicode(250), null=False),
        _c("IsActive", Boolean, null=False),
    ),
    "FinancialTransaction": (
        _c("Id", Integer, key=True),
        _c("BatchId", Integer),
        _c("TransactionDateTime", DateTime),
        _c("TransactionTypeValueId", Integer, null=False),
        _c("AuthorizedPersonAliasId", Integer),
        _c("FinancialPaymentDetailId", Integer),
        _c("Status", Unicode(50)),
        _c("ShowAsAnonymous", Boolean, null=False, since="v9.0"),
        _c("FutureProcessingDateTime", DateTime, since="v9.0"),
        _c("CreatedDateTime", DateTime),
        _c("ModifiedDateTime", DateTime),
    ),
    "FinancialTransactionDetail": (
        _c("Id", Integer, key=True),
        _c("TransactionId", Integer, null=False),
        _c("AccountId", Integer, null=False),
        _c("Amount", MONEY, null=False),
        _c("CreatedDateTime", DateTime),
        _c("ModifiedDateTime", DateTime),
    ),
    "FinancialTransactionRefund": (
        _c("Id", Integer, key=True),
        _c("OriginalTransactionId", Integer),
    ),
    "FinancialBatch": (
        _c("Id", Integer, key=True),
        _c("Name", Unicode(50), null=False),
        _c("BatchStartDateTime", DateTime),
        _c("Status", Integer, null=False),
        _c("CampusId", Integer),
        _c("ControlAmount", MONEY, null=False),
    ),
    "FinancialAccount": (
        _c("Id", Integer, key=True),
        _c("ParentAccountId", Integer),
        _c("CampusId", Integer),
        _c("Name", Unicode(50), null=False),
        _c("PublicName", Unicode(50)),
        _c("Description", UnicodeText),
        _c("IsTaxDeductible", Boolean, null=False),
        _c("IsActive", Boolean, null=False),
        _c("StartDate", Date),
        _c("EndDate", Date),
    ),
    "FinancialPaymentDetail": (
        _c("Id", Integer, key=True),
        _c("CurrencyTypeValueId", Integer),
    ),
    "Attendance": (
        _c("Id", Integer, key=True),
        _c("OccurrenceId", Integer, null=False, since="v8.0"),
        _c("PersonAliasId", Integer),
        _c("CampusId", Integer),
        _c("StartDateTime", DateTime, null=False),
        _c("DidAttend", Boolean),
        _c("CreatedDateTime", DateTime),
        _c("ModifiedDateTime", DateTime),
    ),
    "AttendanceOccurrence": (
        _c("Id", Integer, key=True),
        _c("GroupId", Integer),
        _c("OccurrenceDate", Date, null=False),
        _c("DidNotOccur", Boolean),
    ),
    "PrayerRequest": (
        _c("Id", Integer, key=True),
        _c("RequestedByPersonAliasId", Integer),
        _c("Text", UnicodeText, null=False),
        _c("EnteredDateTime", DateTime, null=False),
        _c("ExpirationDate", Date),
        _c("IsPublic", Boolean),
        _c("IsActive", Boolean),
        _c("IsApproved", Boolean),
        _c("PrayerCount", Integer),
        _c("CampusId", Integer, since="v9.0"),
        _c("CreatedDateTime", DateTime),
        _c("ModifiedDateTime", DateTime),
    ),
}
"""Table name -> the columns the import reads."""


class RockTables:
    """The tables as one database has them.

    `present` maps table name -> column names found there (any case); pass None for a current release.
    A column that the release lacks is left out of its table; `optional()` stands in for it. With a `schema` the
    tables come from there under their own name as alias, so that no column is written in three parts, which SQL
    Server discourages.
    """

    def __init__(
        self,
        present: Mapping[str, Collection[str]] | None = None,
        *,
        schema: str | None = None,
        guids_as_text: bool = False,
    ) -> None:
        self._guids_as_text = guids_as_text
        self._metadata = MetaData(schema=schema)
        self._present = (
            None if present is None else {t.lower(): {c.lower() for c in columns} for t, columns in present.items()}
        )

    def lacks(self, table: str, column: str) -> bool:
        """Whether this database has no such column."""
        return self._present is not None and column.lower() not in self._present.get(table.lower(), ())

    def missing(self) -> list[tuple[str, str, str | None]]:
        """(table, column, since) for every column we know and this database lacks; a wholly absent table lists `Id`."""
        return [
            (table, column.name, column.since)
            for table, columns in ROCK_COLUMNS.items()
            for column in columns
            if self.lacks(table, column.name)
        ]

    @cached_property
    def _tables(self) -> dict[str, Table]:
        return {
            name: Table(
                name,
                self._metadata,
                *(
                    Column(c.name, c.type, primary_key=c.primary_key, nullable=c.nullable, autoincrement=False)
                    for c in columns
                    if not self.lacks(name, c.name)
                ),
            )
            for name, columns in ROCK_COLUMNS.items()
        }

    def __getitem__(self, table: str) -> FromClause:
        return self._named[table]

    @cached_property
    def _named(self) -> dict[str, FromClause]:
        if self._metadata.schema is None:
            return dict(self._tables)
        return {name: table.alias(name) for name, table in self._tables.items()}

    def spelt(self, *guids: str) -> list[str]:
        """Guids in every spelling that their column may have, to compare with: text tells upper case from lower.

        In braces or without dashes only where columns are text: nothing says that SQL Server takes such for a Guid.
        """
        cases = [spelling for guid in guids for spelling in (guid.lower(), guid.upper())]
        if not self._guids_as_text:
            return cases
        return [*cases, *(f"{{{guid}}}" for guid in cases), *(guid.replace("-", "") for guid in cases)]

    def optional(self, table: str, column: str, source: Any = None) -> ColumnElement[Any]:
        """The column, or a typed NULL labelled with its name where the release lacks it.

        `source` is the table or an alias of it to take the column from.
        """
        if not self.lacks(table, column):
            found: ColumnElement[Any] = (self[table] if source is None else source).c[column]
            return found
        kind = next(c.type for c in ROCK_COLUMNS[table] if c.name == column)
        # A bare NULL is an int to SQL Server, which its own driver does not hand out as a moment.
        return cast(null(), kind).label(column)
