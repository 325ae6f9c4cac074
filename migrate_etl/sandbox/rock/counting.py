"""truth_of: counts a finished Rock database by SQL of its own, straight from the decisions, apart from the product.

Nothing of the mapping is shared: no table definition, no frame, no rule. Works on SQLite and PostgreSQL, any size.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from migrate_etl.sandbox.rock.truth import Sum, Truth

CONTRIBUTION = "2d607262-52d6-4724-910d-5c6e8fb89acc"
NAMELESS = "721300ed-1267-4da0-b4f2-6c6b5b17b1c5"
REST_USER = "e2261a84-831d-4234-9be0-4d628bbe751e"
PEOPLE = ("36cf10d6-c695-413d-8e7c-4546efef385e", "bf64add3-e70a-44ce-9c4b-e76bbed37550")
SHIPPED = (
    "802235dc-3ca5-94b0-4326-aace71180f48",
    "7ebc167b-512d-4683-9d80-98b6bb02e1b9",
    "817e7c25-6cb1-4ed0-b224-ff3c4da0b716",
)
FAMILY = "790e3215-3b10-442b-af69-616c0dcb998e"
NO_GROUPS = (
    FAMILY,
    "aece949f-704c-483e-a4fb-93d5e4720c4c",
    "e0c5a0e2-b7b3-4ef4-820d-bbf7f9a374ef",
    "8c0e5852-f08f-4327-9aa5-87800a6ab53e",
    "d1d95777-ffa3-cbb3-4a6d-658706daed33",
    "3311132b-268d-44e9-811a-a56a0835e50a",
    "3981cf6d-7d15-4b57-aace-c0e25d28bd49",
)


def truth_of(database: str | Path, campus_ids: Sequence[int] = (), date_range_start: date | None = None) -> Truth:
    """Count what an import of the whole database (SQLite file or SQLAlchemy URL) must come to under the filters."""
    text = str(database)
    engine = sa.create_engine(text if "://" in text else f"sqlite:///{text}")
    try:
        with engine.connect() as connection:
            count = _Count(connection, campus_ids, date_range_start)
            count.persons()
            count.gifts()
            count.attendance()
            count.prayers()
            count.people()
            count.groups()
            return count.truth
    finally:
        engine.dispose()


class _Count:
    """One count; its temporary tables die with the connection."""

    def __init__(self, connection: sa.Connection, campus_ids: Sequence[int], start: date | None) -> None:
        self.truth = Truth()
        self._connection, self._sqlite = connection, connection.dialect.name == "sqlite"
        self._campuses = ", ".join(str(int(campus)) for campus in campus_ids)
        self._start = start
        self._columns = {
            table: {column["name"] for column in columns}
            for (_, table), columns in sa.inspect(connection).get_multi_columns().items()
        }

    def persons(self) -> None:
        """Every person with the rule that leaves it out, if any, and its campus."""
        primary, family = self._column("Person", "PrimaryCampusId", "p"), self._column("Person", "PrimaryFamilyId", "p")
        self._run(f"""
            create temp table truth_person as
            select p."Id" as id, coalesce({primary}, f."CampusId") as campus,
                case when {_guid("v")} = '{NAMELESS}' then 'nameless'
                     when {_guid("v")} = '{REST_USER}' then 'rest_user'
                     when {_guid("v")} not in {PEOPLE} then 'record_type'
                     when {_guid("p")} in {SHIPPED} then 'system_person' end as rule
            from "Person" p
            left join "DefinedValue" v on v."Id" = p."RecordTypeValueId"
            left join "Group" f on f."Id" = {family}""")
        self._run("create unique index truth_person_id on truth_person (id)")
        self._run("create temp table truth_named (id integer primary key)")

    def gifts(self) -> None:
        """Details by rule, fund and month; the donors of those in scope are named."""
        self._run(f"create temp table truth_gift as {self._gift_rows()}")
        self._name("select person from truth_gift where rule is null and donor_rule is null and person is not null")
        rules: Counter[str] = Counter()
        discovered = 0
        for fund, year, month, rule, type_guid, count, amount in self._rows("""
                select fund, year, month, rule, type_guid, count(*), sum(amount) from truth_gift
                group by fund, year, month, rule, type_guid"""):
            money, discovered = self._money(amount), discovered + count
            if type_guid == CONTRIBUTION:
                self.truth.all_time += money
            else:
                self.truth.other_types.setdefault(type_guid, Sum()).add(count, money)
            if rule is None:
                self.truth.cells[fund, year, month] = money
                self.truth.cell_counts[fund, year, month] = count
            else:
                rules[rule] += count
                self.truth.by_rule[rule] = self.truth.by_rule.get(rule, Decimal(0)) + money
        self._record("contributions", discovered, rules)
        self.truth.refunds = self._sum_where("refund = 1")
        self.truth.non_positive = self._sum_where("amount <= 0")
        self.truth.without_donor = self._sum_where("person is null or donor_rule is not null")

    def _gift_rows(self) -> str:
        """A refund whose original is there goes with the original's batch."""
        queued = self._column("FinancialTransaction", "FutureProcessingDateTime", "h")
        moment = 'h."TransactionDateTime"'
        early = f"{moment} < '{self._start}'" if self._start else "1 = 0"
        campus = 'coalesce(b."CampusId", a."CampusId", p.campus)'
        return f"""
            select d."AccountId" as fund, d."Amount" as amount, {_guid("t")} as type_guid, p.id as person,
                p.rule as donor_rule, {self._part("year", moment)} as year, {self._part("month", moment)} as month,
                case when r."Id" is null then 0 else 1 end as refund,
                case when {_guid("t")} <> '{CONTRIBUTION}' then 'transaction_type'
                     when {queued} is not null then 'queued'
                     when {moment} is null then 'no_date'
                     when {early} then 'outside_date_range'
                     {self._outside(campus)} end as rule
            from "FinancialTransactionDetail" d
            join "FinancialTransaction" h on h."Id" = d."TransactionId"
            join "DefinedValue" t on t."Id" = h."TransactionTypeValueId"
            join "FinancialAccount" a on a."Id" = d."AccountId"
            left join "FinancialTransactionRefund" r on r."Id" = h."Id"
            left join "FinancialTransaction" o on o."Id" = r."OriginalTransactionId"
            left join "FinancialBatch" b on b."Id" = case when o."Id" is null then h."BatchId" else o."BatchId" end
            left join "PersonAlias" l on l."Id" = h."AuthorizedPersonAliasId"
            left join truth_person p on p.id = l."PersonId" """

    def attendance(self) -> None:
        """Of several rows of one person in one occurrence the lowest id stays, whatever is in scope."""
        early = f"o.\"OccurrenceDate\" < '{self._start}'" if self._start else "1 = 0"
        self._run(f"""
            create temp table truth_attendance as
            select p.id as person,
                case when a."DidAttend" is null or not a."DidAttend" then 'did_not_attend'
                     when a."PersonAliasId" is null then 'no_person'
                     when p.id is null or p.rule is not null then 'person_not_migrated'
                     when first.id < a."Id" then 'duplicate'
                     when {early} then 'outside_date_range'
                     {self._outside('coalesce(a."CampusId", g."CampusId")')} end as rule
            from "Attendance" a
            join "AttendanceOccurrence" o on o."Id" = a."OccurrenceId"
            left join "Group" g on g."Id" = o."GroupId"
            left join "PersonAlias" l on l."Id" = a."PersonAliasId"
            left join truth_person p on p.id = l."PersonId"
            left join (
                select e."OccurrenceId" as occurrence, m."PersonId" as person, min(e."Id") as id
                from "Attendance" e join "PersonAlias" m on m."Id" = e."PersonAliasId"
                where e."DidAttend" group by e."OccurrenceId", m."PersonId" having count(*) > 1
            ) first on first.occurrence = a."OccurrenceId" and first.person = l."PersonId" """)
        self._tally("attendance", "truth_attendance")
        self._name("select person from truth_attendance where rule is null")

    def prayers(self) -> None:
        own = self._column("PrayerRequest", "CampusId", "q")
        self._run(f"""
            create temp table truth_prayer as
            select p.id as person, p.rule as person_rule, case {self._outside(f"coalesce({own}, p.campus)")} end as rule
            from "PrayerRequest" q
            left join "PersonAlias" l on l."Id" = q."RequestedByPersonAliasId"
            left join truth_person p on p.id = l."PersonId" """)
        self._tally("prayer_requests", "truth_prayer")
        self._name("select person from truth_prayer where rule is null and person_rule is null and person is not null")

    def people(self) -> None:
        """Those outside a campus filter are pulled in where a record in scope names them."""
        self._run(f"""
            create temp table truth_people as
            select n.id as named, case when p.rule is not null then p.rule {self._outside("p.campus")} end as rule
            from truth_person p left join truth_named n on n.id = p.id""")
        outside = "rule in ('no_campus', 'other_campus') and named is not null"
        self.truth.pulled_in = self._connection.execute(
            sa.text(f"select count(*) from truth_people where {outside}")
        ).scalar_one()
        self._run(f"update truth_people set rule = null where {outside}")
        self._tally("people", "truth_people")

    def groups(self) -> None:
        archived = self._column("Group", "IsArchived", "g")
        source = 'from "Group" g join "GroupType" t on t."Id" = g."GroupTypeId"'
        self._run(f"""
            create temp table truth_family as
            select case when {archived} then 'archived' {self._outside('g."CampusId"')} end as rule
            {source} where {_guid("t")} = '{FAMILY}'""")
        self._run(f"""
            create temp table truth_group as
            select case when {_guid("t")} in {NO_GROUPS} then 'group_type'
                        when g."IsSecurityRole" then 'security_role'
                        when {archived} then 'archived'
                        when not g."IsActive" then 'inactive'
                        {self._outside('g."CampusId"')} end as rule
            {source}""")
        self._tally("families", "truth_family")
        self._tally("groups", "truth_group")

    # ---------------------------------------------------------------------------------------------------------------

    def _column(self, table: str, column: str, alias: str) -> str:
        """The column, or NULL where the release lacks it."""
        kind = "boolean" if column.startswith("Is") else "integer"
        return f'{alias}."{column}"' if column in self._columns[table] else f"cast(null as {kind})"

    def _outside(self, campus: str) -> str:
        if not self._campuses:
            return "when 1 = 0 then ''"
        return f"when {campus} is null then 'no_campus' when {campus} not in ({self._campuses}) then 'other_campus'"

    def _part(self, part: str, moment: str) -> str:
        if not self._sqlite:
            return f"cast(extract({part} from {moment}) as integer)"
        place = "1, 4" if part == "year" else "6, 2"
        return f"cast(substr({moment}, {place}) as integer)"

    def _money(self, amount: int | Decimal) -> Decimal:
        return Decimal(amount).scaleb(-2) if self._sqlite else Decimal(amount)

    def _sum_where(self, condition: str) -> Sum:
        ((count, amount),) = self._rows(
            f"select count(*), coalesce(sum(amount), 0) from truth_gift where rule is null and ({condition})"
        )
        return Sum(count, self._money(amount))

    def _tally(self, entity: str, table: str) -> None:
        counts: dict[str | None, int] = dict(self._rows(f"select rule, count(*) from {table} group by rule"))
        self._record(entity, sum(counts.values()), Counter({rule: n for rule, n in counts.items() if rule}))

    def _record(self, entity: str, discovered: int, rules: Counter[str]) -> None:
        self.truth.discovered[entity] = discovered
        self.truth.skipped[entity] = rules
        self.truth.loaded[entity] = discovered - rules.total()

    def _name(self, persons: str) -> None:
        self._run(
            f"insert into truth_named select distinct person from ({persons}) s where true on conflict do nothing"
        )

    def _run(self, statement: str) -> None:
        self._connection.execute(sa.text(statement))

    def _rows(self, statement: str) -> Sequence[Any]:
        return self._connection.execute(sa.text(statement)).all()


def _guid(alias: str) -> str:
    return f'lower(cast({alias}."Guid" as varchar(36)))'
