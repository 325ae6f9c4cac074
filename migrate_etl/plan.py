"""The scan: what is in scope, written down once before anything moves: every stage and resume sees the same job."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import Select, extract, func, select

from migrate_etl.dataset import writing
from migrate_etl.durable import all_on_disk, on_disk
from migrate_etl.entities import ENTITIES
from migrate_etl.entity import UNDATED, Entity
from migrate_etl.referenced import referenced_people
from migrate_etl.rock.database import RockDatabase
from migrate_etl.rock.lookups import read_lookups
from migrate_etl.rock.tables import RockTables
from migrate_etl.spec import EntityName
from migrate_etl.workspace import Workspace, partition_order
from migrate_transfer.core.errors import InvalidRequest, StorageError


@dataclass(frozen=True, slots=True)
class Plan:
    """What the scan found.

    `high_water` is the largest Rock id of each entity's table when the scan ran: rows above it came later and are not
    part of the job. `discovered` counts the rows up to it, per partition (`""` where an entity has none).
    """

    started_at: str
    high_water: Mapping[str, int]
    discovered: Mapping[str, Mapping[str, int]]
    missing_columns: tuple[tuple[str, str, str | None], ...]

    def partitions(self, entity: EntityName) -> list[str | None]:
        """The entity's partitions in order; `[None]` for one that is not partitioned."""
        found = self.discovered[entity]
        if "" in found:
            return [None]
        return [*sorted(found, key=partition_order)]

    def years(self) -> list[str]:
        """All partition keys of the job: the years found in any entity, then `undated`."""
        keys = {key for counts in self.discovered.values() for key in counts if key}
        return sorted({UNDATED, *keys}, key=partition_order)

    def count(self, entity: EntityName, partition: str | None) -> int:
        return self.discovered[entity].get(partition or "", 0)

    def save(self, path: Path) -> None:
        aside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            aside.write_text(json.dumps(asdict(self), indent=1, sort_keys=True))
            on_disk(aside)
            os.replace(aside, path)
            on_disk(path.parent)
        except OSError as error:
            raise StorageError(f"Cannot write the plan: {error.strerror or error}") from error

    @classmethod
    def load(cls, path: Path) -> Plan:
        raw = json.loads(path.read_bytes())
        raw["missing_columns"] = tuple(tuple(row) for row in raw["missing_columns"])
        return cls(**raw)


def count_statement(entity: Entity, tables: RockTables, high_water: int) -> Select[*tuple[Any, ...]]:
    """Rows of the entity up to the high-water mark, by calendar year (`year`) where it is partitioned."""
    rows = entity.select(tables).where(entity.key(tables) <= high_water)
    count = func.count().label("rows")
    if entity.partition_date is None:
        return rows.with_only_columns(count, maintain_column_froms=True)
    year = extract("year", entity.partition_date(tables))
    return rows.with_only_columns(year.label("year"), count, maintain_column_froms=True).group_by(year)


def _counts(entity: Entity, database: RockDatabase, high_water: int) -> dict[str, int]:
    frame = database.frame(count_statement(entity, database.tables, high_water))
    if entity.partition_date is None:
        return {"": int(frame["rows"][0])}
    keys = frame["year"].cast(pl.Int64).cast(pl.String).fill_null(UNDATED)
    return {UNDATED: 0, **dict(zip(keys.to_list(), frame["rows"].to_list(), strict=True))}


def make_plan(workspace: Workspace, database: RockDatabase) -> Plan:
    """Scan the database once and write plan and lookups into the job folder; a job that has them keeps them.

    Raises InvalidRequest CAMPUS_UNKNOWN when the job names a campus that Rock has not."""
    if workspace.plan_path.exists():
        return Plan.load(workspace.plan_path)
    high_water: dict[str, int] = {}
    discovered: dict[str, dict[str, int]] = {}
    started = datetime.now(UTC).isoformat(timespec="seconds")
    for name in workspace.spec.entities:
        entity = ENTITIES[name]
        high_water[name] = int(database.scalar(select(func.max(entity.key(database.tables)))) or 0)
        discovered[name] = _counts(entity, database, high_water[name])
    lookups = read_lookups(database, workspace.spec)
    _require_campuses(workspace.spec.campus_ids, lookups.campuses)
    if workspace.spec.campus_ids:
        people = referenced_people(database, lookups, workspace.spec, high_water)
        lookups = lookups.with_pulled_in(people, workspace.spec.campus_ids)
    with writing(workspace.lookups):
        lookups.save(workspace.lookups)
        all_on_disk(workspace.lookups)
    plan = Plan(started, high_water, discovered, tuple(database.tables.missing()))
    plan.save(workspace.plan_path)
    return plan


def _require_campuses(wanted: Sequence[int], campuses: pl.DataFrame) -> None:
    """A campus that Rock has not would move nothing and call that a success."""
    if unknown := sorted(set(wanted) - set(campuses["id"].to_list())):
        known = ", ".join(f"{row['id']} ({row['name']})" for row in campuses.sort("id").iter_rows(named=True))
        raise InvalidRequest(
            f"Rock has no campus {', '.join(map(str, unknown))}.",
            code="CAMPUS_UNKNOWN",
            remedy=f"Choose among its campuses: {known}." if known else "Leave the campuses out: Rock has none.",
        )
