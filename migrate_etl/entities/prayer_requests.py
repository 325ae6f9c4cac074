"""Prayer requests: every PrayerRequest row; public only where Rock would show it in public."""

from __future__ import annotations

from typing import Any

import polars as pl
from sqlalchemy import ColumnElement, Select, select

from checks.schemas.prayer_requests import MISSION, ROCK
from migrate_etl import fields
from migrate_etl.entities.findings import finding, findings
from migrate_etl.entity import Entity, Mapped
from migrate_etl.rock.lookups import Lookups
from migrate_etl.rock.tables import RockTables
from migrate_etl.spec import RockImportSpec

WIRE = (
    "external_id",
    "text",
    "visibility",
    "is_approved",
    "prayer_count",
    "external_person_id",
    "entered_at",
    "expires_on",
    "external_campus_id",
)


def rows(tables: RockTables) -> Select[Any]:
    """Without `OriginalRequest`, names and addresses typed into the form: they never leave Rock."""
    request = tables["PrayerRequest"]
    return select(
        request.c.Id.label("id"),
        request.c.Text.label("words"),
        request.c.RequestedByPersonAliasId.label("alias_id"),
        request.c.EnteredDateTime.label("entered"),
        request.c.ExpirationDate.label("expires"),
        request.c.IsPublic.label("public"),
        request.c.IsActive.label("active"),
        request.c.IsApproved.label("approved"),
        request.c.PrayerCount.label("prayers"),
        tables.optional("PrayerRequest", "CampusId").label("own_campus_id"),
    )


def key(tables: RockTables) -> ColumnElement[Any]:
    return tables["PrayerRequest"].c.Id


def map(chunk: pl.DataFrame, lookups: Lookups, spec: RockImportSpec) -> Mapped:
    """Text, visibility on the day the job was created, and the requester where one is known."""
    frame = lookups.alias.beside(chunk, "alias_id", person_id="person_id")
    frame = lookups.person.beside(
        frame, "person_id", person_rule="rule", person_campus_id="campus_id", found_person_id="person_id"
    )
    frame = frame.with_columns(_campus_id=pl.coalesce("own_campus_id", "person_campus_id")).with_columns(
        skip=fields.campus_rule(spec.campus_ids, "_campus_id"),
        requester_id=pl.when(pl.col("person_rule").is_null()).then("found_person_id"),
    )
    current = pl.col("expires").is_null() | (pl.col("expires") >= pl.lit(spec.started_on))
    shown = pl.all_horizontal(pl.col("public", "approved", "active").fill_null(False)) & current
    records = frame.select(
        "id",
        "skip",
        fields.reference("prayer_request", "id").alias("external_id"),
        pl.col("words").alias("text"),
        pl.when(shown).then(pl.lit("public")).otherwise(pl.lit("private")).alias("visibility"),
        pl.col("approved").fill_null(False).alias("is_approved"),
        pl.col("prayers").fill_null(0).clip(lower_bound=0).alias("prayer_count"),
        fields.reference("person", "requester_id").alias("external_person_id"),
        fields.wire_moments(frame["entered"], spec.time_zone).alias("entered_at"),
        pl.col("expires").cast(pl.String).alias("expires_on"),
        fields.reference("campus", "_campus_id").alias("external_campus_id"),
        pl.col("requester_id").alias("_person_id"),
    )
    loaded = frame.filter(pl.col("skip").is_null())
    found = [
        finding(loaded, "prayer_requests", "requester_not_migrated", pl.col("person_rule").is_not_null()),
        finding(loaded, "prayer_requests", "empty_request", fields.text("words").is_null()),
    ]
    return Mapped(records, findings(found))


ENTITY = Entity(
    name="prayer_requests",
    path="/api/import/prayer-requests",
    prefix="rock:prayer_request:",
    select=rows,
    key=key,
    map=map,
    raw_contract=ROCK,
    wire_contract=MISSION,
    wire=WIRE,
)
