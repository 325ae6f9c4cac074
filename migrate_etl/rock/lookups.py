"""The small tables every mapping leans on, read once per job and kept beside it: who is who, and what is in scope.

All ids are Int64; saved, and so in the lookups of a job, the large tables keep them as narrow as they are. Whether a
person or group is loaded is decided here, once, so that references agree with loads.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path

import polars as pl
from sqlalchemy import select

from migrate_etl.fields import campus_rule
from migrate_etl.rock.database import RockDatabase
from migrate_etl.rock.groups import read_group_types, read_groups
from migrate_etl.rock.index import Index
from migrate_etl.rock.persons import person_loaded, read_persons
from migrate_etl.spec import RockImportSpec

DUPLICATES = {"occurrence_id": pl.Int64, "person_id": pl.Int64, "keep_id": pl.Int64}

LARGE = ("persons", "aliases", "groups")

SAVED_ROWS = 100_000
"""Rows of a row group: what is unpacked at once."""


def narrow(frame: pl.DataFrame) -> pl.DataFrame:
    """Whole numbers in the fewest bytes that hold them."""
    return frame.with_columns(column.shrink_dtype() for column in frame if column.dtype.is_integer())


@dataclass(frozen=True)
class Lookups:
    """Frames, each with one row per key, and the large ones as an index.

    values: id, guid, value. persons: person_id, kind (person, business, nameless, rest_user, other), rule (why it is
    not moved, null if it is), anonymous, family_id, campus_id, giving_id, pulled_in, loaded. aliases: alias_id,
    person_id. groups: group_id, is_family, type_id, campus_id, rule, loaded. tree (loaded ordinary groups): group_id,
    parent_id (a loaded one), lost_parent, cut_cycle, depth. group_types: type_id, type_guid, type_name. roles: role_id,
    role_guid, is_leader. batches: batch_id, batch_name, batch_campus_id. accounts: fund_id, account_campus_id.
    refunds: refund_id, original_id, original_batch_id, found_original_id. campuses: id, name, is_active. funds: the
    rows of FinancialAccount. duplicates (of the partition that is mapped, see `with_duplicates`): occurrence_id,
    person_id, keep_id.
    """

    values: pl.DataFrame
    persons: pl.DataFrame
    aliases: pl.DataFrame
    groups: pl.DataFrame
    tree: pl.DataFrame
    group_types: pl.DataFrame
    roles: pl.DataFrame
    batches: pl.DataFrame
    accounts: pl.DataFrame
    refunds: pl.DataFrame
    campuses: pl.DataFrame
    funds: pl.DataFrame
    duplicates: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=DUPLICATES), init=False)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for one in fields(self):
            if one.init:
                frame: pl.DataFrame = getattr(self, one.name)
                slim = narrow(frame) if one.name in LARGE else frame
                slim.write_parquet(folder / f"{one.name}.parquet", row_group_size=SAVED_ROWS)

    @classmethod
    def load(cls, folder: Path) -> Lookups:
        """The lookups of a job: a million people in 50 MB."""
        return cls(*(pl.read_parquet(folder / f"{one.name}.parquet") for one in fields(cls) if one.init))

    def with_duplicates(self, found: pl.DataFrame) -> Lookups:
        """The same, with what one partition of attendance holds twice; indexes that were made are kept."""
        other = copy(self)
        object.__setattr__(other, "duplicates", found)
        return other

    @property
    def givers(self) -> pl.DataFrame:
        """`person_id` and `giving_id` of every person."""
        return self.persons.select("person_id", "giving_id")

    @cached_property
    def value(self) -> Index:
        return Index(self.values, "id")

    @cached_property
    def person(self) -> Index:
        return Index(self.persons, "person_id")

    @cached_property
    def alias(self) -> Index:
        return Index(self.aliases, "alias_id")

    @cached_property
    def group(self) -> Index:
        return Index(self.groups, "group_id")

    @cached_property
    def place_in_tree(self) -> Index:
        return Index(self.tree, "group_id")

    @cached_property
    def group_type(self) -> Index:
        return Index(self.group_types, "type_id")

    @cached_property
    def role(self) -> Index:
        return Index(self.roles, "role_id")

    @cached_property
    def batch(self) -> Index:
        return Index(self.batches, "batch_id")

    @cached_property
    def account(self) -> Index:
        return Index(self.accounts, "fund_id")

    @cached_property
    def refund(self) -> Index:
        return Index(self.refunds, "refund_id")

    def with_pulled_in(self, person_ids: pl.Series, campus_ids: tuple[int, ...]) -> Lookups:
        """The same, with the people whom in-scope gifts, attendance or requests name counted as loaded."""
        outside = campus_rule(campus_ids).is_not_null()
        persons = self.persons.with_columns(pulled_in=pl.col("person_id").is_in(person_ids.implode()) & outside)
        return replace(self, persons=persons.with_columns(loaded=person_loaded(campus_ids)))


def read_lookups(database: RockDatabase, spec: RockImportSpec) -> Lookups:
    """Read all lookups; nobody is pulled in yet. Raises what `RockDatabase.frame` raises."""
    tables = database.tables
    value, campus, role = tables["DefinedValue"], tables["Campus"], tables["GroupTypeRole"]
    values = database.frame(select(value.c.Id.label("id"), value.c.Guid.label("guid"), value.c.Value.label("value")))
    group_types = read_group_types(database)
    groups, tree = read_groups(database, spec, group_types)
    return Lookups(
        values=values,
        persons=read_persons(database, spec, values, groups),
        aliases=_aliases(database),
        groups=groups,
        tree=tree,
        group_types=group_types,
        roles=database.frame(
            select(role.c.Id.label("role_id"), role.c.Guid.label("role_guid"), role.c.IsLeader.label("is_leader"))
        ),
        batches=_batches(database),
        accounts=_accounts(database),
        refunds=_refunds(database),
        campuses=database.frame(
            select(campus.c.Id.label("id"), campus.c.Name.label("name"), campus.c.IsActive.label("is_active"))
        ),
        funds=_funds(database),
    )


def _aliases(database: RockDatabase) -> pl.DataFrame:
    alias = database.tables["PersonAlias"]
    pages = database.pages(select(alias.c.Id.label("id"), alias.c.PersonId.label("person_id")), alias.c.Id)
    return pl.concat(list(pages)).rename({"id": "alias_id"})


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
