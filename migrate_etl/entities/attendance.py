"""Attendance: every Attendance row; those who came, once per occurrence, are loaded."""

from __future__ import annotations

from typing import Any

import polars as pl
from sqlalchemy import ColumnElement, Select, select

from checks.schemas.attendance import MISSION, ROCK
from migrate_etl import fields
from migrate_etl.entities.findings import finding, findings
from migrate_etl.entity import Entity, Mapped
from migrate_etl.rock.lookups import Lookups
from migrate_etl.rock.tables import RockTables
from migrate_etl.spec import RockImportSpec

WIRE = (
    "external_id",
    "external_person_id",
    "external_group_id",
    "external_occurrence_id",
    "date",
    "attended_at",
    "external_campus_id",
)

AT_ONCE = 250_000
"""Rows looked at together for who is named twice: some 25 MB."""


def rows(tables: RockTables) -> Select[Any]:
    attendance, occurrence = tables["Attendance"], tables["AttendanceOccurrence"]
    return select(
        attendance.c.Id.label("id"),
        attendance.c.OccurrenceId.label("occurrence_id"),
        attendance.c.PersonAliasId.label("alias_id"),
        attendance.c.CampusId.label("own_campus_id"),
        attendance.c.StartDateTime.label("started"),
        attendance.c.DidAttend.label("did_attend"),
        occurrence.c.GroupId.label("group_id"),
        occurrence.c.OccurrenceDate.label("day"),
        occurrence.c.DidNotOccur.label("did_not_occur"),
    ).join_from(attendance, occurrence, occurrence.c.Id == attendance.c.OccurrenceId, isouter=True)


def key(tables: RockTables) -> ColumnElement[Any]:
    return tables["Attendance"].c.Id


def date(tables: RockTables) -> ColumnElement[Any]:
    return tables["AttendanceOccurrence"].c.OccurrenceDate


def beforehand(extracted: pl.LazyFrame, lookups: Lookups) -> Lookups:
    """Persons named more than once in one occurrence, under whatever alias: the lowest attendance id stays.

    An occurrence has one date, so all of its rows are in one partition.
    """
    came = extracted.filter("did_attend").select("id", "occurrence_id", "alias_id")
    portions = came.select(pl.len()).collect().item() // AT_ONCE + 1
    found = [
        _named_twice(came.filter(pl.col("occurrence_id") % portions == portion).collect(), lookups)
        for portion in range(portions)
    ]
    return lookups.with_duplicates(pl.concat(found))


def _named_twice(rows: pl.DataFrame, lookups: Lookups) -> pl.DataFrame:
    named = lookups.alias.beside(rows, "alias_id", person_id="person_id").drop_nulls("person_id")
    times = named.group_by("occurrence_id", "person_id").agg(pl.col("id").min().alias("keep_id"), pl.len())
    return times.filter(pl.col("len") > 1).drop("len")


def map(chunk: pl.DataFrame, lookups: Lookups, spec: RockImportSpec) -> Mapped:
    """Who came to what and when; a group that is not loaded becomes null."""
    frame = _joined(chunk, lookups).with_columns(_campus_id=pl.coalesce("own_campus_id", "group_campus_id"))
    frame = frame.with_columns(skip=_rule(spec))
    group = pl.when("group_loaded").then("group_id")
    records = frame.select(
        "id",
        pl.coalesce("skip", fields.campus_rule(spec.campus_ids, "_campus_id")).alias("skip"),
        fields.reference("attendance", "id").alias("external_id"),
        fields.reference("person", "person_id").alias("external_person_id"),
        pl.when("group_loaded").then(fields.reference("group", "group_id")).alias("external_group_id"),
        fields.reference("occurrence", "occurrence_id").alias("external_occurrence_id"),
        pl.col("day").cast(pl.String).alias("date"),
        fields.wire_moments(frame["started"], spec.time_zone).alias("attended_at"),
        fields.reference("campus", "_campus_id").alias("external_campus_id"),
        pl.col("day").dt.year().alias("_year"),
        "_campus_id",
        pl.col("person_id").alias("_person_id"),
        group.alias("_group_id"),
    )
    loaded = frame.with_columns(records["skip"]).filter(pl.col("skip").is_null())
    lost_group = pl.col("group_id").is_not_null() & ~pl.col("group_loaded").fill_null(False)
    found = [
        finding(loaded, "attendance", "group_not_loaded", lost_group),
        finding(loaded, "attendance", "cancelled_but_attended", pl.col("did_not_occur").fill_null(False)),
    ]
    return Mapped(records, findings(found))


def _joined(chunk: pl.DataFrame, lookups: Lookups) -> pl.DataFrame:
    frame = lookups.alias.beside(chunk, "alias_id", person_id="person_id")
    frame = lookups.person.beside(frame, "person_id", person_rule="rule", found_person_id="person_id")
    frame = lookups.group.beside(
        frame, "group_id", group_campus_id="campus_id", group_loaded="loaded", is_family="is_family"
    )
    return frame.join(
        lookups.duplicates, on=["occurrence_id", "person_id"], how="left", maintain_order="left"
    ).with_columns(group_loaded=pl.col("group_loaded") & ~pl.col("is_family"))


def _rule(spec: RockImportSpec) -> pl.Expr:
    rule = (
        pl.when(~pl.col("did_attend").fill_null(False))
        .then(pl.lit("did_not_attend"))
        .when(pl.col("alias_id").is_null())
        .then(pl.lit("no_person"))
        .when(pl.col("person_rule").is_not_null() | pl.col("found_person_id").is_null())
        .then(pl.lit("person_not_migrated"))
        .when(pl.col("keep_id").is_not_null() & (pl.col("keep_id") != pl.col("id")))
        .then(pl.lit("duplicate"))
    )
    if spec.date_range_start:
        rule = rule.when(pl.col("day") < pl.lit(spec.date_range_start)).then(pl.lit("outside_date_range"))
    return rule.otherwise(pl.lit(None, dtype=pl.String))


ENTITY = Entity(
    name="attendance",
    path="/api/import/attendance",
    prefix="rock:attendance:",
    select=rows,
    key=key,
    map=map,
    raw_contract=ROCK,
    wire_contract=MISSION,
    wire=WIRE,
    partition_date=date,
    beforehand=beforehand,
)
