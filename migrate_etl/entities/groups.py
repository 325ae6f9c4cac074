"""Groups: every Group row; what is no ordinary, open group is skipped by rule. Parents are loaded first."""

from __future__ import annotations

from typing import Any

import polars as pl
from sqlalchemy import ColumnElement, Select, select

from checks.schemas.groups import MISSION, ROCK
from migrate_etl import fields
from migrate_etl.entities.findings import finding, findings
from migrate_etl.entity import Child, Entity, Mapped
from migrate_etl.rock import well_known as known
from migrate_etl.rock.lookups import Lookups
from migrate_etl.rock.tables import RockTables
from migrate_etl.spec import RockImportSpec

WIRE = ("external_id", "name", "description", "group_type", "external_parent_id", "members", "external_campus_id")
ACTIVE_MEMBER = 1
"""GroupMemberStatus: 0 inactive, 1 active, 2 pending."""


def rows(tables: RockTables) -> Select[Any]:
    group = tables["Group"]
    return select(
        group.c.Id.label("id"),
        group.c.Name.label("group_name"),
        group.c.Description.label("about"),
        group.c.CampusId.label("campus_id"),
    )


def key(tables: RockTables) -> ColumnElement[Any]:
    return tables["Group"].c.Id


def _members(tables: RockTables) -> Select[Any]:
    """Active members of groups of ordinary types; relationship groups, one or two a person, would flood the extract."""
    member, group, kind = tables["GroupMember"], tables["Group"], tables["GroupType"]
    return (
        select(
            member.c.GroupId.label("parent_id"),
            member.c.Id.label("member_id"),
            member.c.PersonId.label("person_id"),
            member.c.GroupRoleId.label("role_id"),
            tables.optional("GroupMember", "IsArchived").label("archived"),
        )
        .join_from(member, group, group.c.Id == member.c.GroupId)
        .join(kind, kind.c.Id == group.c.GroupTypeId)
        .where(member.c.GroupMemberStatus == ACTIVE_MEMBER, kind.c.Guid != known.FAMILY_TYPE)
        .order_by(member.c.GroupId, member.c.Id)
    )


def map(chunk: pl.DataFrame, lookups: Lookups, spec: RockImportSpec) -> Mapped:
    """Current members, one a person, the leader role winning; a parent that is not loaded becomes null."""
    own_words = {guid.lower().strip("{}"): word for guid, word in spec.value_maps.group_type.items()}
    members = _people(chunk, lookups)
    listed = (
        members.filter("loaded")
        .group_by("id", maintain_order=True)
        .agg(pl.struct(fields.reference("person", "person_id").alias("external_person_id"), "role").alias("members"))
    )
    groups = lookups.groups.drop("campus_id").rename({"group_id": "id", "rule": "own_rule"})
    frame = (
        chunk.drop("members")
        .join(groups, on="id", how="left", maintain_order="left")
        .join(listed, on="id", how="left", maintain_order="left")
        .with_columns(skip=pl.when("is_family").then(pl.lit("group_type")).otherwise("own_rule"))
    )
    word = pl.col("type_guid").replace_strict(own_words, default=None, return_dtype=pl.String)
    records = frame.select(
        "id",
        "skip",
        fields.reference("group", "id").alias("external_id"),
        fields.text("group_name").fill_null("Group").alias("name"),
        fields.text("about").alias("description"),
        pl.coalesce(word, "type_name").fill_null("Group").alias("group_type"),
        fields.reference("group", "parent_id").alias("external_parent_id"),
        pl.col("members").fill_null([]),
        fields.reference("campus", "campus_id").alias("external_campus_id"),
        pl.col("depth").alias("_depth"),
    )
    loaded = frame.filter(pl.col("skip").is_null())
    left_off = members.filter(~pl.col("loaded")).join(loaded.select("id"), on="id", how="semi")
    found = [
        finding(loaded, "groups", "parent_not_loaded", pl.col("lost_parent").fill_null(False)),
        finding(loaded, "groups", "parent_cycle", pl.col("cut_cycle").fill_null(False)),
        finding(left_off, "groups", "member_not_loaded", pl.lit(True), detail="member_rule"),
    ]
    return Mapped(records, findings(found))


def _people(chunk: pl.DataFrame, lookups: Lookups) -> pl.DataFrame:
    persons = lookups.persons.select(
        "person_id", "loaded", pl.col("rule").fill_null("other_campus").alias("member_rule")
    )
    leader = pl.col("is_leader").fill_null(False)
    return (
        chunk.select("id", "members")
        .explode("members")
        .drop_nulls("members")
        .unnest("members")
        .filter(~pl.col("archived").fill_null(False))
        .join(lookups.roles.select("role_id", "is_leader"), on="role_id", how="left", maintain_order="left")
        .join(persons, on="person_id", how="left", maintain_order="left")
        .with_columns(
            loaded=pl.col("loaded").fill_null(False),
            role=pl.when(leader).then(pl.lit("Leader")).otherwise(pl.lit("Member")),
        )
        .sort("id", ~leader, "member_id")
        .unique(["id", "person_id"], keep="first", maintain_order=True)
    )


ENTITY = Entity(
    name="groups",
    path="/api/import/groups",
    prefix="rock:group:",
    select=rows,
    key=key,
    map=map,
    raw_contract=ROCK,
    wire_contract=MISSION,
    wire=WIRE,
    children=(Child("members", _members, lambda tables: tables["GroupMember"].c.GroupId),),
    load_order="_depth",
)
