"""What a database has of Rock's tables, found out with as little as its server may know.

The catalogue is asked first, because it hides what a login may not read. Where there is none, or it leaves a table
out, the table is asked itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from migrate_etl.rock import catalog
from migrate_etl.rock.dialects import DialectName
from migrate_etl.rock.failures import ADVICE
from migrate_etl.rock.session import Described
from migrate_etl.rock.tables import GUID, ROCK_COLUMNS, RockTables
from migrate_transfer.core.errors import SourceError

GUID_LETTERS = 36


@dataclass(frozen=True, slots=True)
class Questions:
    """Ways to ask the database: `described` raises what reading raises, `optional` answers None where it cannot."""

    dialect: DialectName
    described: Callable[[str], Sequence[Described]]
    optional: Callable[[str], list[tuple[Any, ...]] | None]


def survey(ask: Questions) -> RockTables:
    """The Rock tables as the database has them.

    Raises SourceError ROCK_PERMISSION_DENIED where the login may not read one, ROCK_COLUMN_TYPE where a type cannot be
    read as Rock means it.
    """
    present: dict[str, set[str]] = {}
    for table, column in _pairs(ask, catalog.columns_statement(ask.dialect)):
        present.setdefault(table.lower(), set()).add(column.lower())
    types: dict[str, Sequence[Described]] = {} if ask.dialect == "sqlite" else _types(ask, present)
    _refuse_offsets(_with_offset(ask, types))
    as_text = ask.dialect == "mssql" and any(_guids_are_text(table, told) for table, told in types.items())
    return RockTables(present, schema=catalog.SCHEMA[ask.dialect], guids_as_text=as_text)


def _pairs(ask: Questions, sql: str) -> list[tuple[str, str]]:
    """Table and column; nothing where the server cannot say, or says something else."""
    return [(str(row[0]), str(row[1])) for row in ask.optional(sql) or [] if len(row) == 2]


def _types(ask: Questions, present: dict[str, set[str]]) -> dict[str, Sequence[Described]]:
    """How each table describes its columns; `present` gets those that the catalogue left out."""
    refused, types = [], {}
    for table, columns in ROCK_COLUMNS.items():
        known = [column.name for column in columns if column.name.lower() in present.get(table.lower(), ())]
        try:
            told = _told(ask, table, known)
        except SourceError as error:
            refused += [table] if error.error_code == "ROCK_PERMISSION_DENIED" else []
            continue
        types[table] = told
        present.setdefault(table.lower(), set()).update(one.name.lower() for one in told)
    if refused:
        raise SourceError(
            f"The login may not read {', '.join(refused)}.",
            code="ROCK_PERMISSION_DENIED",
            remedy=ADVICE["ROCK_PERMISSION_DENIED"].remedy,
            details={"tables": refused},
        )
    return types


def _told(ask: Questions, table: str, known: Sequence[str]) -> Sequence[Described]:
    """A table the login may not read looks absent in the catalogue: only asking it tells the two apart."""
    return ask.described(catalog.probe(table, known, ask.dialect) if known else catalog.everything(table, ask.dialect))


def _with_offset(ask: Questions, types: dict[str, Sequence[Described]]) -> list[str]:
    """Moments with an offset, as the catalogue or the table itself tells; a server may hide either."""
    told = [] if ask.dialect == "sqlite" else _pairs(ask, catalog.columns_statement(ask.dialect, catalog.WITH_OFFSET))
    told += [(table, one.name) for table, columns in types.items() for one in columns if one.with_offset]
    rocks = {(table, column.name) for table, columns in ROCK_COLUMNS.items() for column in columns}
    return [f"{table}.{column}" for table, column in dict.fromkeys(told) if (table, column) in rocks]


def _refuse_offsets(named: Sequence[str]) -> None:
    if named:
        raise SourceError(
            f"Moments with an offset, where Rock keeps local ones without: {', '.join(named)}.",
            code="ROCK_COLUMN_TYPE",
            remedy="Read a database whose columns are of Rock's types: restore a copy, or undo the change of type.",
        )


def _guids_are_text(table: str, told: Sequence[Described]) -> bool:
    """Whether a Guid is sure to be none of SQL Server's own, which are 36 letters long to every driver."""
    guids = {column.name.lower() for column in ROCK_COLUMNS[table] if column.type is GUID}
    return any(one.size != GUID_LETTERS for one in told if one.name.lower() in guids)
