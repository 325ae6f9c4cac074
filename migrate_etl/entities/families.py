"""Families: groups of the Family type with their adults, children and address."""

from __future__ import annotations

from typing import Any

import polars as pl
from sqlalchemy import ColumnElement, Select, select

from checks.schemas.families import MISSION, ROCK
from migrate_etl import fields
from migrate_etl.entities.findings import finding, findings
from migrate_etl.entity import Child, Entity, Mapped
from migrate_etl.rock import well_known as known
from migrate_etl.rock.lookups import Lookups
from migrate_etl.rock.tables import RockTables
from migrate_etl.spec import RockImportSpec

WIRE = ("external_id", "name", "is_active", "address", "members", "external_campus_id")
ADDRESS = ("street1", "street2", "city", "state", "postal_code", "country")
UNNAMED = "Family"
"""What Rock's own cleanup calls a family without a name."""


def rows(tables: RockTables) -> Select[Any]:
    group, kind = tables["Group"], tables["GroupType"]
    return (
        select(
            group.c.Id.label("id"),
            group.c.Name.label("family_name"),
            group.c.IsActive.label("is_active"),
            group.c.CampusId.label("campus_id"),
        )
        .join_from(group, kind, kind.c.Id == group.c.GroupTypeId)
        .where(kind.c.Guid.in_(tables.spelt(known.FAMILY_TYPE)))
    )


def key(tables: RockTables) -> ColumnElement[Any]:
    return tables["Group"].c.Id


def _members(tables: RockTables) -> Select[Any]:
    member, person, group = tables["GroupMember"], tables["Person"], tables["Group"]
    kind = tables["GroupType"]
    return (
        select(
            member.c.GroupId.label("parent_id"),
            member.c.Id.label("member_id"),
            member.c.PersonId.label("person_id"),
            member.c.GroupRoleId.label("role_id"),
            tables.optional("GroupMember", "IsArchived").label("archived"),
            person.c.Gender.label("gender_code"),
            person.c.BirthYear.label("birth_year"),
            person.c.BirthMonth.label("birth_month"),
            person.c.BirthDay.label("birth_day"),
            person.c.MaritalStatusValueId.label("marital_id"),
        )
        .join_from(member, group, group.c.Id == member.c.GroupId)
        .join(kind, kind.c.Id == group.c.GroupTypeId)
        .join(person, person.c.Id == member.c.PersonId, isouter=True)
        .where(kind.c.Guid.in_(tables.spelt(known.FAMILY_TYPE)))
        .order_by(member.c.GroupId, member.c.Id)
    )


def _locations(tables: RockTables) -> Select[Any]:
    link, location, group = tables["GroupLocation"], tables["Location"], tables["Group"]
    kind = tables["GroupType"]
    return (
        select(
            link.c.GroupId.label("parent_id"),
            link.c.Id.label("link_id"),
            link.c.GroupLocationTypeValueId.label("type_id"),
            link.c.IsMailingLocation.label("mailing"),
            link.c.IsMappedLocation.label("mapped"),
            location.c.Street1.label("street1"),
            location.c.Street2.label("street2"),
            location.c.City.label("city"),
            location.c.State.label("state"),
            location.c.PostalCode.label("postal_code"),
            location.c.Country.label("country"),
        )
        .join_from(link, group, group.c.Id == link.c.GroupId)
        .join(kind, kind.c.Id == group.c.GroupTypeId)
        .join(location, location.c.Id == link.c.LocationId)
        .where(kind.c.Guid.in_(tables.spelt(known.FAMILY_TYPE)))
        .order_by(link.c.GroupId, link.c.Id)
    )


def map(chunk: pl.DataFrame, lookups: Lookups, spec: RockImportSpec) -> Mapped:
    """Members in Rock's order with the roles Mission knows, and the home address; people not loaded are left off."""
    members = _people(chunk, lookups, spec.campus_ids)
    listed = (
        members.filter("loaded")
        .group_by("id", maintain_order=True)
        .agg(pl.struct(fields.reference("person", "person_id").alias("external_person_id"), "role").alias("members"))
    )
    frame = (
        lookups.group.beside(chunk.drop("members", "locations"), "id", skip="rule")
        .join(listed, on="id", how="left", maintain_order="left")
        .join(_addresses(chunk, lookups), on="id", how="left", maintain_order="left")
    )
    records = frame.select(
        "id",
        "skip",
        fields.reference("family", "id").alias("external_id"),
        fields.text("family_name").fill_null(UNNAMED).alias("name"),
        "is_active",
        "address",
        pl.col("members").fill_null([]),
        fields.reference("campus", "campus_id").alias("external_campus_id"),
    )
    kept = records.filter(pl.col("skip").is_null()).select("id")
    left_off = members.filter(~pl.col("loaded")).join(kept, on="id", how="semi")
    loaded = frame.join(kept, on="id", how="semi")
    found = [
        finding(left_off, "families", "member_not_loaded", pl.lit(True), detail="member_rule"),
        finding(loaded, "families", "family_without_members", pl.col("members").is_null()),
        finding(loaded, "families", "family_without_address", pl.col("address").is_null()),
    ]
    return Mapped(records, findings(found))


def _people(chunk: pl.DataFrame, lookups: Lookups, campus_ids: tuple[int, ...]) -> pl.DataFrame:
    """One row per family and person, not archived: adults first, in Rock's order; `role` for those who are loaded."""
    members = chunk.select("id", "members").explode("members").drop_nulls("members").unnest("members")
    members = members.filter(~pl.col("archived").fill_null(False))
    members = lookups.role.beside(members, "role_id", role_guid="role_guid")
    members = lookups.value.beside(members, "marital_id", marital_guid="guid")
    members = lookups.person.beside(members, "person_id", loaded="loaded", rule="rule", campus_id="campus_id")
    members = members.with_columns(
        loaded=pl.col("loaded").fill_null(False),
        member_rule=pl.coalesce("rule", fields.campus_rule(campus_ids)),
        adult=pl.col("role_guid").eq_missing(pl.lit(known.ADULT_ROLE)),
        married=pl.col("marital_guid").eq_missing(pl.lit(known.MARRIED)),
        sex=pl.col("gender_code").replace_strict({1: 0, 2: 1}, default=2, return_dtype=pl.Int8),
        born=fields.real_date("birth_year", "birth_month", "birth_day"),
    )
    order = ("sex", "born", "person_id", "member_id")
    members = members.sort("id", ~pl.col("adult"), *order, nulls_last=True, maintain_order=True)
    members = members.unique(["id", "person_id"], keep="first", maintain_order=True)
    return pl.concat([_with_roles(members.filter("loaded")), members.filter(~pl.col("loaded"))], how="diagonal")


def _with_roles(members: pl.DataFrame) -> pl.DataFrame:
    """Head, Spouse, Child or Other, of members in order: the first adult leads, the next is the spouse if married."""
    place = pl.col("adult").cum_sum().over("id")
    role = (
        pl.when(pl.col("adult") & (place == 1))
        .then(pl.lit("Head"))
        .when(pl.col("adult") & (place == 2) & pl.col("married"))
        .then(pl.lit("Spouse"))
        .when(pl.col("role_guid").eq_missing(pl.lit(known.CHILD_ROLE)))
        .then(pl.lit("Child"))
        .otherwise(pl.lit("Other"))
    )
    return members.with_columns(role=role)


def _addresses(chunk: pl.DataFrame, lookups: Lookups) -> pl.DataFrame:
    """The family's address: type Home first, then mailing, mapped, highest id; never a former or an empty one."""
    home = pl.col("type_guid").eq_missing(pl.lit(known.HOME_LOCATION))
    former = pl.col("type_guid").eq_missing(pl.lit(known.PREVIOUS_LOCATION))
    parts = [fields.text(part).alias(part) for part in ADDRESS]
    places = chunk.select("id", "locations").explode("locations").drop_nulls("locations").unnest("locations")
    return (
        lookups.value.beside(places, "type_id", type_guid="guid")
        .with_columns(*parts, home=home)
        .filter(~former, pl.any_horizontal(pl.col(ADDRESS).is_not_null()))
        .sort("id", ~pl.col("home"), ~pl.col("mailing"), ~pl.col("mapped"), -pl.col("link_id"))
        .unique("id", keep="first", maintain_order=True)
        .select("id", pl.struct(ADDRESS).alias("address"))
    )


ENTITY = Entity(
    name="families",
    path="/api/import/families",
    prefix="rock:family:",
    select=rows,
    key=key,
    map=map,
    raw_contract=ROCK,
    wire_contract=MISSION,
    wire=WIRE,
    children=(
        Child("members", _members, lambda tables: tables["GroupMember"].c.GroupId),
        Child("locations", _locations, lambda tables: tables["GroupLocation"].c.GroupId),
    ),
)
