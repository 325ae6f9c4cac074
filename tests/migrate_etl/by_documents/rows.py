"""A Rock database in SQLite as dictionaries, row by row, and the few questions that every rule asks of it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any

Row = dict[str, Any]
READ = {"DATETIME": datetime.fromisoformat, "DATE": date.fromisoformat}


class Rows:
    """Every table of the database by id. Money is in whole cents; what the release lacks is no key of a row."""

    def __init__(self, path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection:
            named = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            self.tables = {name: _table(connection, name) for (name,) in named if name != "GroupTypeAssociation"}

    def __getitem__(self, table: str) -> dict[int, Row]:
        return self.tables[table]

    def guid(self, table: str, id: int | None) -> str | None:
        """In small letters; of no row, none."""
        return None if id is None else self[table][id]["Guid"].lower()

    def value(self, id: int | None) -> str | None:
        """The Guid of a defined value."""
        return self.guid("DefinedValue", id)

    def person_of(self, alias_id: int | None) -> int | None:
        """The surviving person, in one hop."""
        return None if alias_id is None else self["PersonAlias"][alias_id]["PersonId"]

    def campus_of(self, person_id: int | None) -> int | None:
        """The primary campus, else that of the primary family."""
        person = self["Person"].get(person_id or 0, {})
        family = self["Group"].get(person.get("PrimaryFamilyId") or 0, {})
        return first(person.get("PrimaryCampusId"), family.get("CampusId"))

    def below(self, table: str, column: str, id: int) -> list[Row]:
        """The rows of a table that name `id` in that column, by their own ids."""
        return [row for _, row in sorted(self[table].items()) if row[column] == id]


def first(*ids: int | None) -> int | None:
    """The first that is one."""
    return next((id for id in ids if id is not None), None)


def _table(connection: sqlite3.Connection, name: str) -> dict[int, Row]:
    kinds = {row[1]: row[2] for row in connection.execute(f'PRAGMA table_info("{name}")')}
    found = {}
    for cells in connection.execute(f'SELECT * FROM "{name}"'):
        row = dict(zip(kinds, cells, strict=True))
        found[row["Id"]] = {
            key: READ[kinds[key]](cell) if cell is not None and kinds[key] in READ else cell
            for key, cell in row.items()
        }
    return found
