"""Who is who: every person's record type, campus, family and giving id, and why one is not moved."""

from __future__ import annotations

import polars as pl
from sqlalchemy import Select, select

from migrate_etl.fields import campus_rule
from migrate_etl.rock import well_known as known
from migrate_etl.rock.database import RockDatabase
from migrate_etl.rock.index import Index
from migrate_etl.rock.tables import RockTables
from migrate_etl.spec import RockImportSpec

KIND = pl.Enum(["person", "business", "nameless", "rest_user", "other"])
RULE = pl.Enum(["nameless", "rest_user", "record_type", "system_person"])


def read_persons(
    database: RockDatabase, spec: RockImportSpec, values: pl.DataFrame, groups: pl.DataFrame
) -> pl.DataFrame:
    """person_id, kind, rule (null if moved), anonymous (Giver Anonymous), family_id, campus_id, giving_id, pulled_in,
    loaded; one row per Person, in id order.

    Read in pages, each cut down before the next is asked for: a million rows as they come would not fit.
    """
    person = database.tables["Person"]
    spelt = database.tables.spelt(*known.SYSTEM_PERSONS)
    shipped = database.frame(
        select(person.c.Id.label("id"), person.c.Guid.label("guid")).where(person.c.Guid.in_(spelt))
    )
    families = Index(groups.filter("is_family"), "group_id")
    types = Index(values, "id")
    lacks_giving_id = database.tables.lacks("Person", "GivingId")
    pages = [
        _slim(page, families, types, shipped, lacks_giving_id)
        for page in database.pages(_statement(database.tables), person.c.Id)
    ]
    return pl.concat(pages).with_columns(pulled_in=pl.lit(False)).with_columns(loaded=person_loaded(spec.campus_ids))


def person_loaded(campus_ids: tuple[int, ...]) -> pl.Expr:
    return pl.col("rule").is_null() & (campus_rule(campus_ids).is_null() | pl.col("pulled_in"))


def _statement(tables: RockTables) -> Select[tuple[object, ...]]:
    person = tables["Person"]
    return select(
        person.c.Id.label("id"),
        person.c.RecordTypeValueId.label("type_id"),
        tables.optional("Person", "PrimaryFamilyId").label("family_id"),
        tables.optional("Person", "PrimaryCampusId").label("own_campus_id"),
        tables.optional("Person", "GivingId").label("given_id"),
        person.c.GivingGroupId.label("giving_group_id"),
    )


def _slim(
    page: pl.DataFrame, families: Index, types: Index, shipped: pl.DataFrame, lacks_giving_id: bool
) -> pl.DataFrame:
    frame = families.beside(page, "family_id", family_campus_id="campus_id")
    frame = types.beside(frame, "type_id", type_guid="guid")
    kind = pl.col("type_guid").replace_strict(known.RECORD_TYPES, default="other", return_dtype=pl.String)
    anonymous = shipped.filter(pl.col("guid") == known.GIVER_ANONYMOUS)
    frame = frame.with_columns(
        kind=pl.when(pl.col("type_id").is_null()).then(pl.lit("person")).otherwise(kind),
        system=pl.col("id").is_in(shipped["id"].implode()),
    )
    return frame.select(
        pl.col("id").alias("person_id"),
        pl.col("kind").cast(KIND),
        _person_rule().cast(RULE).alias("rule"),
        pl.col("id").is_in(anonymous["id"].implode()).alias("anonymous"),
        "family_id",
        pl.coalesce("own_campus_id", "family_campus_id").alias("campus_id"),
        (_computed_giving_id() if lacks_giving_id else _stored_giving_id()).alias("giving_id"),
    )


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


def _stored_giving_id() -> pl.Expr:
    """Rock's own; blank ones, which direct SQL leaves, stand for the person alone."""
    stored = pl.col("given_id").str.strip_chars()
    return pl.when(stored != "").then(stored).otherwise(pl.format("P{}", "id"))


def _computed_giving_id() -> pl.Expr:
    """Before v10.2 Rock computed it when asked: the giving group, else the person."""
    grouped = pl.col("giving_group_id").is_not_null()
    return pl.when(grouped).then(pl.format("G{}", "giving_group_id")).otherwise(pl.format("P{}", "id"))
