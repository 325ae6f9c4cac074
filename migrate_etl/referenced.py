"""Who is named by what is in scope: people load before what names them, so this is found out in the scan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
from sqlalchemy import Select

from migrate_etl.entities import ENTITIES
from migrate_etl.fields import campus_rule
from migrate_etl.rock.database import RockDatabase
from migrate_etl.rock.lookups import Lookups
from migrate_etl.spec import EntityName, RockImportSpec

REFERRING: tuple[EntityName, ...] = ("contributions", "prayer_requests", "attendance")
"""Entities whose records name a person; attendance last, for whom the others name it need not be looked at twice."""
PEOPLE_AT_ONCE = 200
"""Some tens of thousands of attendances."""


def referenced_people(
    database: RockDatabase, lookups: Lookups, spec: RockImportSpec, high_water: Mapping[str, int]
) -> pl.Series:
    """Rock ids of everybody whom a gift, attendance or request in scope names: one scan over the whole job's scope."""
    scan = _Scan(database, lookups, spec, high_water)
    found = pl.Series("person_id", [], dtype=pl.Int64)
    for name in REFERRING:
        if name in spec.entities:
            named = scan.named(name, ENTITIES[name].select(database.tables))
            found = pl.concat([found, scan.without_duplicates(named, found) if name == "attendance" else named])
    return found.unique().sort()


@dataclass(frozen=True, slots=True)
class _Scan:
    database: RockDatabase
    lookups: Lookups
    spec: RockImportSpec
    high_water: Mapping[str, int]

    def named(self, name: EntityName, statement: Select[Any]) -> pl.Series:
        """Whom those of the rows name that are loaded, as far as each row says by itself."""
        found = pl.Series("person_id", [], dtype=pl.Int64)
        for page in self._pages(name, statement):
            found = pl.concat([found, self._named_in(name, page, self.lookups)]).unique()
        return found

    def without_duplicates(self, named: pl.Series, known: pl.Series) -> pl.Series:
        """Without people whom only duplicates name: the record that stays may lie outside the campuses.

        That takes all attendance of a person, so it is asked again of those alone whom attendance would pull in.
        """
        outside = self.lookups.persons.filter(campus_rule(self.spec.campus_ids).is_not_null())["person_id"]
        doubted = named.filter(named.is_in(outside.implode()) & ~named.is_in(known.implode())).sort()
        portions = range(0, doubted.len(), PEOPLE_AT_ONCE)
        stayed = [self._who_stay(doubted.slice(start, PEOPLE_AT_ONCE)) for start in portions]
        return pl.concat([named.filter(~named.is_in(doubted.implode())), *stayed])

    def _who_stay(self, people: pl.Series) -> pl.Series:
        entity, tables = ENTITIES["attendance"], self.database.tables
        aliases = self.lookups.aliases.filter(pl.col("person_id").is_in(people.implode()))["alias_id"].to_list()
        theirs = entity.select(tables).where(tables["Attendance"].c.PersonAliasId.in_(aliases))
        rows = pl.concat(self._pages("attendance", theirs))
        assert entity.beforehand is not None
        return self._named_in("attendance", rows, entity.beforehand(rows.lazy(), self.lookups)).unique()

    def _pages(self, name: EntityName, statement: Select[Any]) -> Iterator[pl.DataFrame]:
        key = ENTITIES[name].key(self.database.tables)
        return self.database.pages(statement, key, upto=self.high_water[name])

    def _named_in(self, name: EntityName, rows: pl.DataFrame, lookups: Lookups) -> pl.Series:
        records = ENTITIES[name].map(rows, lookups, self.spec).records
        return records.filter(pl.col("skip").is_null())["_person_id"].drop_nulls().alias("person_id")
