"""The small tables every mapping leans on, read once per job and kept beside it: who is who, and what is in scope.

All ids are Int64. Whether a person or group is loaded is decided here, once, so that references agree with loads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

import polars as pl
from sqlalchemy import func, select

from migrate_etl.rock import well_known as known
from migrate_etl.rock.database import RockDatabase
from migrate_etl.rock.tables import RockTables
from migrate_etl.spec import RockImportSpec


@dataclass(frozen=True, slots=True)
class Lookups:
    """Frames, each with one row per key.

    values: id, guid, value. persons: person_id, kind (person, business, nameless, rest_user, other), rule (why it is
    not moved, null if it is), family_id, campus_id, giving_id, pulled_in, loaded. aliases: alias_id,
    person_id. groups: group_id, is_family, type_guid, type_name, campus_id, parent_id (a loaded one), lost_parent,
    cut_cycle, rule, loaded, depth. batches: batch_id, batch_name, batch_campus_id. accounts: fund_id, account_campus_id.
    refunds: refund_id, original_id, original_batch_id. duplicates: occurrence_id, person_id, keep_id. campuses: id,
    name, is_active. funds: the rows of FinancialAccount.
    """

    values: pl.DataFrame
    persons: pl.DataFrame
    aliases: pl.DataFrame
    groups: pl.DataFrame
    roles: pl.DataFrame
    batches: pl.DataFrame
    accounts: pl.DataFrame
    refunds: pl.DataFrame
    duplicates: pl.DataFrame
    campuses: pl.DataFrame
    funds: pl.DataFrame

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for field in fields(self):
            getattr(self, field.name).write_parquet(folder / f"{field.name}.parquet")

    @classmethod
    def load(cls, folder: Path) -> Lookups:
        return cls(*(pl.read_parquet(folder / f"{field.name}.parquet") for field in fields(cls)))

    def guid_of(self, column: str, name: str) -> pl.DataFrame:
        """`values` shaped for joining on a `...ValueId` column: the column and the value's GUID as `name`."""
        return self.values.select(pl.col("id").alias(column), pl.col("guid").alias(name))

    def with_pulled_in(self, person_ids: pl.Series, campus_ids: tuple[int, ...]) -> Lookups:
        """The same, with the people whom in-scope gifts, attendance or requests name counted as loaded."""
        persons = self.persons.with_columns(
            pulled_in=pl.col("person_id").is_in(person_ids.implode()) & campus_rule(campus_ids).is_not_null()
        )
        return replace(self, persons=persons.with_columns(loaded=_person_loaded(campus_ids)))


def campus_rule(campus_ids: tuple[int, ...], column: str = "campus_id") -> pl.Expr:
    """`no_campus` or `other_campus` where a campus filter leaves the row out, else null."""
    if not campus_ids:
        return pl.lit(None, dtype=pl.String)
    outside = pl.when(~pl.col(column).is_in(campus_ids)).then(pl.lit("other_campus"))
    return pl.when(pl.col(column).is_null()).then(pl.lit("no_campus")).otherwise(outside)


def _person_loaded(campus_ids: tuple[int, ...]) -> pl.Expr:
    return pl.col("rule").is_null() & (campus_rule(campus_ids).is_null() | pl.col("pulled_in"))


def read_lookups(database: RockDatabase, spec: RockImportSpec) -> Lookups:
    """Read all lookups; nobody is pulled in yet. Raises what `RockDatabase.frame` raises."""
    tables = database.tables
    value, campus, alias = tables["DefinedValue"], tables["Campus"], tables["PersonAlias"]
    values = database.frame(select(value.c.Id.label("id"), value.c.Guid.label("guid"), value.c.Value.label("value")))
    groups = _groups(database, spec)
    role = tables["GroupTypeRole"]
    return Lookups(
        values=values,
        persons=_persons(database, spec, values, groups),
        aliases=database.frame(select(alias.c.Id.label("alias_id"), alias.c.PersonId.label("person_id"))),
        groups=groups,
        roles=database.frame(
            select(role.c.Id.label("role_id"), role.c.Guid.label("role_guid"), role.c.IsLeader.label("is_leader"))
        ),
        batches=_batches(database),
        accounts=_accounts(database),
        refunds=_refunds(database),
        duplicates=_duplicates(database),
        campuses=database.frame(
            select(campus.c.Id.label("id"), campus.c.Name.label("name"), campus.c.IsActive.label("is_active"))
        ),
        funds=_funds(database),
    )


def _persons(database: RockDatabase, spec: RockImportSpec, values: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    tables = database.tables
    person = tables["Person"]
    frame = database.frame(
        select(
            person.c.Id.label("person_id"),
            person.c.Guid.label("guid"),
            person.c.RecordTypeValueId.label("type_id"),
            tables.optional("Person", "PrimaryFamilyId").label("family_id"),
            tables.optional("Person", "PrimaryCampusId").label("own_campus_id"),
            tables.optional("Person", "GivingId").label("given_id"),
            person.c.GivingGroupId.label("giving_group_id"),
        )
    )
    families = groups.select(pl.col("group_id").alias("family_id"), pl.col("campus_id").alias("family_campus_id"))
    types = values.select(pl.col("id").alias("type_id"), pl.col("guid").alias("type_guid"))
    frame = frame.join(families, on="family_id", how="left").join(types, on="type_id", how="left")
    kind = pl.col("type_guid").replace_strict(known.RECORD_TYPES, default="other", return_dtype=pl.String)
    frame = frame.select(
        "person_id",
        pl.when(pl.col("type_id").is_null()).then(pl.lit("person")).otherwise(kind).alias("kind"),
        pl.col("guid").is_in(known.SYSTEM_PERSONS).alias("system"),
        pl.col("guid").eq(known.GIVER_ANONYMOUS).alias("anonymous"),
        "family_id",
        pl.coalesce("own_campus_id", "family_campus_id").alias("campus_id"),
        _giving_id(tables).alias("giving_id"),
        pl.lit(False).alias("pulled_in"),
    )
    return frame.with_columns(rule=_person_rule()).with_columns(loaded=_person_loaded(spec.campus_ids))


def _giving_id(tables: RockTables) -> pl.Expr:
    """Rock's stored giving id; blank ones, which direct SQL leaves, stand for the person alone."""
    alone = pl.format("P{}", "person_id")
    if tables.lacks("Person", "GivingId"):
        return (
            pl.when(pl.col("giving_group_id").is_not_null()).then(pl.format("G{}", "giving_group_id")).otherwise(alone)
        )
    stored = pl.col("given_id").str.strip_chars()
    return pl.when(stored.is_not_null() & (stored != "")).then(stored).otherwise(alone)


def _person_rule() -> pl.Expr:
    return (
        pl.when(pl.col("kind") == "nameless")
        .then(pl.lit("nameless"))
        .when(pl.col("kind") == "rest_user")
        .then(pl.lit("rest_user"))
        .when(pl.col("kind") == "other")
        .then(pl.lit("record_type"))
        .when(pl.col("system"))
        .then(pl.lit("system_person"))
    )


def _groups(database: RockDatabase, spec: RockImportSpec) -> pl.DataFrame:
    tables = database.tables
    group, kind = tables["Group"], tables["GroupType"]
    frame = database.frame(
        select(
            group.c.Id.label("group_id"),
            kind.c.Guid.label("type_guid"),
            kind.c.Name.label("type_name"),
            group.c.CampusId.label("campus_id"),
            group.c.ParentGroupId.label("stored_parent_id"),
            group.c.IsSecurityRole.label("security"),
            group.c.IsActive.label("active"),
            tables.optional("Group", "IsArchived").label("archived"),
        ).join_from(group, kind, kind.c.Id == group.c.GroupTypeId, isouter=True)
    ).with_columns(is_family=pl.col("type_guid").eq_missing(pl.lit(known.FAMILY_TYPE)))
    frame = frame.with_columns(rule=group_rule(spec)).with_columns(loaded=pl.col("rule").is_null())
    return frame.join(_parents(frame), on="group_id", how="left")


def group_rule(spec: RockImportSpec) -> pl.Expr:
    """The first rule that leaves a group (or family) out, else null."""
    guid = pl.col("type_guid")
    if spec.include_group_types:
        wrong_type = ~guid.is_in(spec.include_group_types).fill_null(False)
    else:
        wrong_type = guid.is_in(known.OWN_GROUP_TYPES).fill_null(False)
    archived = pl.when(pl.col("archived").fill_null(False)).then(pl.lit("archived"))
    ordinary = (
        pl.when(wrong_type)
        .then(pl.lit("group_type"))
        .when(pl.col("security"))
        .then(pl.lit("security_role"))
        .when(pl.col("archived").fill_null(False))
        .then(pl.lit("archived"))
        .when(~pl.col("active"))
        .then(pl.lit("inactive"))
    )
    own = pl.when(pl.col("is_family")).then(archived).otherwise(ordinary)
    return pl.coalesce(own, campus_rule(spec.campus_ids))


def _parents(groups: pl.DataFrame) -> pl.DataFrame:
    """parent_id, lost_parent, cut_cycle and depth of the loaded ordinary groups."""
    stored = dict(groups.filter("loaded", ~pl.col("is_family")).select("group_id", "stored_parent_id").iter_rows())
    parents = {id: parent if parent in stored else None for id, parent in stored.items()}
    cut = _cut_cycles(parents)
    depth: dict[int, int] = {}
    for group_id in parents:
        _measure(group_id, parents, depth)
    return pl.DataFrame(
        {
            "group_id": list(parents),
            "parent_id": list(parents.values()),
            "lost_parent": [stored[id] is not None and stored[id] not in stored for id in parents],
            "cut_cycle": [id in cut for id in parents],
            "depth": [depth[id] for id in parents],
        },
        schema={
            "group_id": pl.Int64,
            "parent_id": pl.Int64,
            "lost_parent": pl.Boolean,
            "cut_cycle": pl.Boolean,
            "depth": pl.Int32,
        },
    )


def _cut_cycles(parents: dict[int, int | None]) -> set[int]:
    """Sets the parent of the lowest id of every cycle to None; returns those ids."""
    cut: set[int] = set()
    finished: set[int] = set()
    for start in parents:
        road: dict[int, None] = {}
        at: int | None = start
        while at is not None and at not in finished and at not in road:
            road[at] = None
            at = parents[at]
        if at is not None and at in road:
            members = list(road)
            lowest = min(members[members.index(at) :])
            parents[lowest] = None
            cut.add(lowest)
        finished.update(road)
    return cut


def _measure(group_id: int, parents: Mapping[int, int | None], depth: dict[int, int]) -> None:
    road = []
    at: int | None = group_id
    while at is not None and at not in depth:
        road.append(at)
        at = parents[at]
    below = 0 if at is None else depth[at] + 1
    for id in reversed(road):
        depth[id] = below
        below += 1


def _batches(database: RockDatabase) -> pl.DataFrame:
    batch = database.tables["FinancialBatch"]
    return database.frame(
        select(
            batch.c.Id.label("batch_id"), batch.c.Name.label("batch_name"), batch.c.CampusId.label("batch_campus_id")
        )
    )


def _accounts(database: RockDatabase) -> pl.DataFrame:
    account = database.tables["FinancialAccount"]
    return database.frame(select(account.c.Id.label("fund_id"), account.c.CampusId.label("account_campus_id")))


def _funds(database: RockDatabase) -> pl.DataFrame:
    account = database.tables["FinancialAccount"]
    return database.frame(
        select(
            account.c.Id.label("id"),
            account.c.Name.label("name"),
            account.c.PublicName.label("public_name"),
            account.c.Description.label("description"),
            account.c.IsActive.label("is_active"),
            account.c.IsTaxDeductible.label("is_tax_deductible"),
            account.c.ParentAccountId.label("parent_id"),
            account.c.CampusId.label("campus_id"),
        ).order_by(account.c.Id)
    )


def _refunds(database: RockDatabase) -> pl.DataFrame:
    refund, original = database.tables["FinancialTransactionRefund"], database.tables["FinancialTransaction"]
    return database.frame(
        select(
            refund.c.Id.label("refund_id"),
            refund.c.OriginalTransactionId.label("original_id"),
            original.c.BatchId.label("original_batch_id"),
            original.c.Id.label("found_original_id"),
        ).join_from(refund, original, original.c.Id == refund.c.OriginalTransactionId, isouter=True)
    )


def _duplicates(database: RockDatabase) -> pl.DataFrame:
    """Persons named more than once in one occurrence, under whatever alias: the lowest attendance id stays."""
    attendance, alias = database.tables["Attendance"], database.tables["PersonAlias"]
    return database.frame(
        select(
            attendance.c.OccurrenceId.label("occurrence_id"),
            alias.c.PersonId.label("person_id"),
            func.min(attendance.c.Id).label("keep_id"),
        )
        .join_from(attendance, alias, alias.c.Id == attendance.c.PersonAliasId)
        .where(attendance.c.DidAttend == True)  # noqa: E712
        .group_by(attendance.c.OccurrenceId, alias.c.PersonId)
        .having(func.count() > 1)
    )
