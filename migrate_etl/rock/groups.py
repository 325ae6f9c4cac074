"""What every group is, whether it is moved, and the tree of those that are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
from sqlalchemy import Select, select

from migrate_etl.fields import campus_rule
from migrate_etl.rock import well_known as known
from migrate_etl.rock.database import RockDatabase
from migrate_etl.rock.index import Index
from migrate_etl.rock.tables import RockTables
from migrate_etl.spec import RockImportSpec

RULE = pl.Enum(["group_type", "security_role", "archived", "inactive", "no_campus", "other_campus"])


def read_group_types(database: RockDatabase) -> pl.DataFrame:
    """type_id, type_guid, type_name."""
    kind = database.tables["GroupType"]
    return database.frame(
        select(kind.c.Id.label("type_id"), kind.c.Guid.label("type_guid"), kind.c.Name.label("type_name"))
    )


def read_groups(database: RockDatabase, spec: RockImportSpec, types: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """All groups, families among them, and the tree of the ordinary ones that are loaded.

    Groups: group_id, is_family, type_id, campus_id, rule, loaded. Tree: group_id, parent_id (a loaded one), lost_parent
    (it has one that is not loaded), cut_cycle, depth. Read in pages, as persons are: Rock has up to two relationship
    groups for every person.
    """
    key = database.tables["Group"].c.Id
    index = Index(types, "type_id")
    pages, edges = [], []
    for page in database.pages(_statement(database.tables), key):
        frame = index.beside(page, "type_id", type_guid="type_guid")
        frame = frame.with_columns(is_family=pl.col("type_guid").eq_missing(pl.lit(known.FAMILY_TYPE)))
        frame = frame.with_columns(rule=group_rule(spec).cast(RULE)).with_columns(loaded=pl.col("rule").is_null())
        pages.append(
            frame.select(pl.col("id").alias("group_id"), "is_family", "type_id", "campus_id", "rule", "loaded")
        )
        edges.append(frame.filter("loaded", ~pl.col("is_family")).select("id", "parent_id"))
    return pl.concat(pages), tree_of(pl.concat(edges))


def _statement(tables: RockTables) -> Select[Any]:
    group = tables["Group"]
    return select(
        group.c.Id.label("id"),
        group.c.GroupTypeId.label("type_id"),
        group.c.CampusId.label("campus_id"),
        group.c.ParentGroupId.label("parent_id"),
        group.c.IsSecurityRole.label("security"),
        group.c.IsActive.label("active"),
        tables.optional("Group", "IsArchived").label("archived"),
    )


def group_rule(spec: RockImportSpec) -> pl.Expr:
    """The first rule that leaves a group (or family) out, else null.

    Relationship groups are never ordinary ones, not even when named: their members are not read.
    """
    guid = pl.col("type_guid")
    wrong_type = guid.is_in(known.OWN_GROUP_TYPES)
    if spec.include_group_types:
        wrong_type = ~guid.is_in(spec.include_group_types) | guid.is_in(known.RELATIONSHIP_TYPES)
    wrong_type = wrong_type.fill_null(bool(spec.include_group_types))
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


def tree_of(edges: pl.DataFrame) -> pl.DataFrame:
    """The tree of loaded groups from `id` and the stored `parent_id`; see `read_groups`."""
    stored: dict[int, int | None] = dict(edges.iter_rows())
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
            "depth": pl.Int64,
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
    """Depth of a group and of all above it; a loop instead of a call each, for a tree may be deep."""
    road = []
    at: int | None = group_id
    while at is not None and at not in depth:
        road.append(at)
        at = parents[at]
    below = 0 if at is None else depth[at] + 1
    for id in reversed(road):
        depth[id] = below
        below += 1
