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
NOT_READ = (known.FAMILY_TYPE, *known.RELATIONSHIP_TYPES)
"""Types whose members are not read here: they would be most of the table."""


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
    """Active members of all groups but families and relationship groups."""
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
        .where(member.c.GroupMemberStatus == ACTIVE_MEMBER, kind.c.Guid.not_in(tables.spelt(*NOT_READ)))
        .order_by(member.c.GroupId, member.c.Id)
    )


def map(chunk: pl.DataFrame, lookups: Lookups, spec: RockImportSpec) -> Mapped:
    """Current members, one a person, the leader role winning; a parent that is not loaded becomes null."""
    own_words = {guid.lower().strip("{}"): word for guid, word in spec.value_maps.group_type.items()}
    members = _people(chunk, lookups, spec.campus_ids)
    listed = (
        members.filter("loaded")
        .group_by("id", maintain_order=True)
        .agg(pl.struct(fields.reference("person", "person_id").alias("external_person_id"), "role").alias("members"))
    )
    frame = lookups.group.beside(chunk.drop("members"), "id", type_id="type_id", is_family="is_family", own_rule="rule")
    frame = lookups.group_type.beside(frame, "type_id", type_guid="type_guid", type_name="type_name")
    frame = (
        lookups.place_in_tree.beside(
            frame, "id", parent_id="parent_id", lost_parent="lost_parent", cut_cycle="cut_cycle", depth="depth"
        )
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
        pl.coalesce(word, fields.text("type_name"), pl.lit("Group")).alias("group_type"),
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


def _people(chunk: pl.DataFrame, lookups: Lookups, campus_ids: tuple[int, ...]) -> pl.DataFrame:
    leader = pl.col("is_leader").fill_null(False)
    members = chunk.select("id", "members").explode("members").drop_nulls("members").unnest("members")
    members = lookups.role.beside(
        members.filter(~pl.col("archived").fill_null(False)), "role_id", is_leader="is_leader"
    )
    return (
        lookups.person.beside(members, "person_id", loaded="loaded", rule="rule", campus_id="campus_id")
        .with_columns(
            loaded=pl.col("loaded").fill_null(False),
            member_rule=pl.coalesce("rule", fields.campus_rule(campus_ids)),
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
