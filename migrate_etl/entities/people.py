"""People: every Person row; human beings and businesses are loaded, Rock's own records are skipped by rule."""

from __future__ import annotations

from typing import Any

import polars as pl
from sqlalchemy import ColumnElement, Select, select

from checks.schemas.people import MISSION, ROCK
from migrate_etl import fields
from migrate_etl.entities.findings import finding, findings
from migrate_etl.entity import Child, Entity, Mapped
from migrate_etl.rock import well_known as known
from migrate_etl.rock.lookups import Lookups
from migrate_etl.rock.tables import RockTables
from migrate_etl.spec import RockImportSpec

WIRE = (
    "external_id",
    "first_name",
    "last_name",
    "preferred_name",
    "record_type",
    "email",
    "phone",
    "birth_date",
    "gender",
    "status",
    "connection_status",
    "external_family_id",
    "external_campus_id",
)
UNKNOWN = "Unknown"
DIALABLE = 7
"""Digits that a number needs to be more than a part of one."""


def rows(tables: RockTables) -> Select[Any]:
    person = tables["Person"]
    return select(
        person.c.Id.label("id"),
        person.c.FirstName.label("first"),
        person.c.NickName.label("nick"),
        person.c.LastName.label("last"),
        person.c.Email.label("address"),
        person.c.IsEmailActive.label("email_active"),
        person.c.BirthYear.label("birth_year"),
        person.c.BirthMonth.label("birth_month"),
        person.c.BirthDay.label("birth_day"),
        person.c.Gender.label("gender_code"),
        person.c.IsDeceased.label("deceased"),
        person.c.RecordStatusValueId.label("status_id"),
        person.c.RecordStatusReasonValueId.label("reason_id"),
        person.c.ConnectionStatusValueId.label("connection_id"),
    )


def key(tables: RockTables) -> ColumnElement[Any]:
    return tables["Person"].c.Id


def _phones(tables: RockTables) -> Select[Any]:
    phone = tables["PhoneNumber"]
    return select(
        phone.c.PersonId.label("parent_id"),
        phone.c.Id.label("phone_id"),
        phone.c.CountryCode.label("country_code"),
        phone.c.Number.label("number"),
        phone.c.Extension.label("extension"),
        phone.c.NumberTypeValueId.label("type_id"),
        phone.c.IsUnlisted.label("unlisted"),
    ).order_by(phone.c.PersonId, phone.c.Id)


def map(chunk: pl.DataFrame, lookups: Lookups, spec: RockImportSpec) -> Mapped:
    """Names, contact data and status of each person; a family that is not loaded becomes null."""
    frame = _joined(chunk, lookups).with_columns(
        first_name=fields.text("first"), last_name=fields.text("last"), email=fields.email("address")
    )
    nameless = pl.col("first_name").is_null() & pl.col("last_name").is_null()
    frame = frame.with_columns(
        nameless=nameless,
        birth_date=fields.real_date("birth_year", "birth_month", "birth_day").cast(pl.String),
        skip=pl.coalesce("rule", pl.when(~pl.col("pulled_in")).then(fields.campus_rule(spec.campus_ids))),
    )
    records = frame.select("id", "skip", *_wire(spec), pl.col("pulled_in").alias("_pulled_in"))
    return Mapped(records, _findings(frame))


def _joined(chunk: pl.DataFrame, lookups: Lookups) -> pl.DataFrame:
    frame = lookups.person.beside(
        chunk, "id", kind="kind", rule="rule", family_id="family_id", campus_id="campus_id", pulled_in="pulled_in"
    )
    frame = lookups.group.beside(frame, "family_id", is_family="is_family", family_loaded="loaded")
    frame = lookups.value.beside(frame, "status_id", status_guid="guid")
    frame = lookups.value.beside(frame, "reason_id", reason_guid="guid")
    frame = lookups.value.beside(frame, "connection_id", connection_guid="guid", connection_word="value")
    return frame.join(_best_phones(chunk, lookups), on="id", how="left", maintain_order="left").with_columns(
        pl.col("pulled_in").fill_null(False),
        pl.col("email_active").fill_null(True),
        family_loaded=pl.col("is_family").fill_null(False) & pl.col("family_loaded").fill_null(False),
    )


def _best_phones(chunk: pl.DataFrame, lookups: Lookups) -> pl.DataFrame:
    """One listed number a person: Mobile, else Home, else Work, else another; of several, the lowest id.

    `phone` has its digits only, with country code and extension where Rock has them; it is null, and `phone_partial`
    true, where none of the numbers has a digit.
    """
    numbers = chunk.select("id", "phones").explode("phones").drop_nulls("phones").unnest("phones")
    rank = pl.col("type_guid").replace_strict(known.PHONE_ORDER, default=3, return_dtype=pl.Int8).fill_null(3)
    listed = (
        lookups.value.beside(numbers.filter(~pl.col("unlisted")), "type_id", type_guid="guid")
        .filter(fields.text("number").is_not_null())
        .with_columns(
            digits=fields.digits("number"), rank=rank, code=fields.digits("country_code"), ext=fields.text("extension")
        )
        .sort("id", pl.col("digits").is_null(), "rank", "phone_id")
        .unique("id", keep="first", maintain_order=True)
    )
    number = pl.when(pl.col("code").is_not_null()).then(pl.format("+{} {}", "code", "digits")).otherwise("digits")
    with_extension = pl.when(pl.col("ext").is_not_null()).then(pl.format("{} x{}", number, "ext")).otherwise(number)
    partial = pl.col("digits").str.len_chars().fill_null(0) < DIALABLE
    phone = pl.when(pl.col("digits").is_not_null()).then(with_extension)
    return listed.select("id", phone.alias("phone"), partial.alias("phone_partial"))


def _status(spec: RockImportSpec) -> pl.Expr:
    own = {guid.lower().strip("{}"): word for guid, word in spec.value_maps.status.items()}
    mapped = pl.col("connection_guid").replace_strict(own, default=None, return_dtype=pl.String)
    visitor = pl.col("connection_guid").eq_missing(pl.lit(known.CONNECTION_VISITOR)) | pl.col("status_guid").eq_missing(
        pl.lit(known.STATUS_PENDING)
    )
    return (
        pl.when(pl.col("deceased") | pl.col("reason_guid").eq_missing(pl.lit(known.REASON_DECEASED)))
        .then(pl.lit("Deceased"))
        .when(pl.col("status_guid").eq_missing(pl.lit(known.STATUS_INACTIVE)))
        .then(pl.lit("Inactive"))
        .when(mapped.is_not_null())
        .then(mapped)
        .when(visitor)
        .then(pl.lit("Visitor"))
        .otherwise(pl.lit("Active"))
    )


def _wire(spec: RockImportSpec) -> list[pl.Expr]:
    unknown = pl.when("nameless").then(pl.lit(UNKNOWN))
    return [
        fields.reference("person", "id").alias("external_id"),
        pl.coalesce(unknown, "first_name").alias("first_name"),
        pl.coalesce(unknown, "last_name").alias("last_name"),
        fields.text("nick").alias("preferred_name"),
        pl.when(pl.col("kind") == "business").then(pl.lit("business")).otherwise(pl.lit("person")).alias("record_type"),
        pl.when("email_active").then("email").alias("email"),
        pl.col("phone"),
        pl.col("birth_date"),
        pl.col("gender_code")
        .replace_strict({1: "Male", 2: "Female"}, default=None, return_dtype=pl.String)
        .alias("gender"),
        _status(spec).alias("status"),
        fields.text("connection_word").alias("connection_status"),
        pl.when("family_loaded").then(fields.reference("family", "family_id")).alias("external_family_id"),
        fields.reference("campus", "campus_id").alias("external_campus_id"),
    ]


def _findings(frame: pl.DataFrame) -> pl.DataFrame:
    loaded = frame.filter(pl.col("skip").is_null())
    given = fields.text("address").is_not_null()
    parts = [pl.col(part).is_not_null() for part in ("birth_year", "birth_month", "birth_day")]
    conditions = {
        "name_missing": pl.col("nameless"),
        "invalid_email": given & pl.col("email").is_null(),
        "inactive_email": pl.col("email").is_not_null() & ~pl.col("email_active"),
        "malformed_phone": pl.col("phone_partial").fill_null(False),
        "impossible_birth_date": parts[0] & parts[1] & parts[2] & pl.col("birth_date").is_null(),
        "partial_birth_date": (parts[0] | parts[1] | parts[2]) & ~(parts[0] & parts[1] & parts[2]),
        "family_not_loaded": pl.col("family_id").is_not_null() & ~pl.col("family_loaded"),
    }
    return findings([finding(loaded, "people", rule, where) for rule, where in conditions.items()])


def address_print() -> pl.Expr:
    """64 bits of the e-mail address, whatever its case: of a million different ones, one chance in 30 million that two
    have the same. The addresses themselves would take six times the memory."""
    lower = pl.col("email").str.to_lowercase()
    return pl.when(lower.is_not_null()).then(lower.hash()).alias("address")


def shared_addresses(people: pl.DataFrame) -> pl.DataFrame:
    """A finding for every person whose e-mail address another one has too (`id`, `address`)."""
    return finding(people.drop_nulls("address"), "people", "duplicate_email", pl.col("address").is_duplicated())


ENTITY = Entity(
    name="people",
    path="/api/import/people",
    prefix="rock:person:",
    select=rows,
    key=key,
    map=map,
    raw_contract=ROCK,
    wire_contract=MISSION,
    wire=WIRE,
    across=((address_print(),), shared_addresses),
    children=(Child("phones", _phones, lambda tables: tables["PhoneNumber"].c.PersonId),),
)
