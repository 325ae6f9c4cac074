"""Writer: puts rows into a Rock database, one at a time or by the million. What the rows mean is not its business."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from itertools import islice
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa

from migrate_etl.rock.tables import Money

BLOCK = 20_000
"""Rows converted and sent at a time: memory does not grow with the table."""
NEUTRAL: dict[type, Any] = {
    int: 0,
    bool: False,
    str: "",
    datetime: datetime(2000, 1, 1),
    date: date(1753, 1, 1),
    Decimal: 0,
    object: 0,
}
"""What a column that may not be null gets when nobody gives it a value, by Python type (money has none of its own)."""


def column_names(text: str) -> list[str]:
    """Columns written one after the other."""
    return text.split()


class Writer:
    """Rows into the tables of one database, in one transaction. Ids count up per table; money is given in cents.

    Use `with`: it commits at the end, or nothing at all after an error. A column or table that the release lacks is
    passed over.
    """

    def __init__(self, engine: sa.Engine, tables: sa.MetaData) -> None:
        self.engine, self.tables = engine, tables
        self._connection = engine.connect()
        self._connection.begin()
        self._ids: dict[str, int] = {}
        self._numbers = {name: number for number, name in enumerate(tables.tables)}
        self._dates = {
            name: {column.name for column in table.c if isinstance(column.type, sa.Date | sa.DateTime | sa.Time)}
            for name, table in tables.tables.items()
        }
        self._fill = {name: _fill(table) for name, table in tables.tables.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._connection.commit()
        self._connection.close()
        self.engine.dispose()

    def close(self) -> None:
        """Commit and let go of the database."""
        self.__exit__(None, None, None)

    def has(self, table: str, column: str = "Id") -> bool:
        """Whether the release has the column."""
        return table in self.tables.tables and column in self.tables.tables[table].c

    def next_id(self, table: str, skip: int = 0) -> int:
        """The next id of a table, leaving a gap of `skip` ids as deleted rows do."""
        self._ids[table] = self._ids.get(table, 0) + 1 + skip
        return self._ids[table]

    def last_id(self, table: str) -> int:
        return self._ids.get(table, 0)

    def reserve(self, table: str, last: int) -> None:
        """Ids up to `last` are taken."""
        self._ids[table] = max(last, self._ids.get(table, 0))

    def add(self, table: str, **values: Any) -> int:
        """One row; returns its id. Columns that may not be null and are not given get a neutral value."""
        row_id: int = values.pop("Id", None) or self.next_id(table)
        self.reserve(table, row_id)
        self.bulk(table, ["Id", *values], [(row_id, *values.values())])
        return row_id

    def bulk(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Many rows of the given columns, `Id` among them; the others that may not be null get neutral values."""
        if table not in self.tables.tables:
            return
        known = self.tables.tables[table].c
        keep = [n for n, column in enumerate(columns) if column in known]
        names = [columns[n] for n in keep]
        fill = {name: value for name, value in self._fill[table].items() if name not in names}
        stream = iter(rows)
        while block := list(islice(stream, BLOCK)):
            cells = list(zip(*block, strict=True))
            self._send(table, names, [cells[n] for n in keep], fill)

    def _send(self, table: str, names: list[str], cells: list[tuple[Any, ...]], fill: dict[str, Any]) -> None:
        with_guid = "Guid" in self.tables.tables[table].c and "Guid" not in names
        raw: Any = self._connection.connection.driver_connection
        if isinstance(raw, sqlite3.Connection):
            guid = (self._numbers[table], names.index("Id")) if with_guid else None
            dates = self._dates[table]
            texts = [_texts(c) if n in dates else c for n, c in zip(names, cells, strict=True)]
            raw.executemany(_insert(table, names, fill, guid), zip(*texts, strict=True))
            return
        money = {column.name for column in self.tables.tables[table].c if isinstance(column.type, Money)}
        ready: list[Sequence[Any]] = [_decimal(c) if n in money else c for n, c in zip(names, cells, strict=True)]
        size = len(cells[0])
        if with_guid:
            ready.append([guid_of(self._numbers[table], row_id) for row_id in cells[names.index("Id")]])
            names = [*names, "Guid"]
        ready += [[value] * size for value in fill.values()]
        self._stream(table, [*names, *fill], zip(*ready, strict=True))

    def _stream(self, table: str, names: list[str], rows: Iterator[tuple[Any, ...]]) -> None:
        """By COPY into PostgreSQL, by plain inserts into any other database."""
        if self.engine.dialect.name != "postgresql":
            records = [dict(zip(names, row, strict=True)) for row in rows]
            self._connection.execute(self.tables.tables[table].insert(), records)
            return
        raw: Any = self._connection.connection.driver_connection
        quoted = ", ".join(f'"{name}"' for name in names)
        with raw.cursor().copy(f'copy "{table}" ({quoted}) from stdin') as copy:
            for row in rows:
                copy.write_row(row)

    def execute(self, statement: Any) -> sa.CursorResult[Any]:
        """Any other statement, in the same transaction."""
        return self._connection.execute(statement)

    def build_indexes(self) -> None:
        """The indexes of every table; quicker after the rows than before."""
        for table in self.tables.tables.values():
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
                index.create(self._connection)


def guid_of(table: int, row_id: int) -> str:
    """The GUID a row gets when none is given: its table's number and its id."""
    return f"{table:08x}-0000-4000-8000-{row_id:012x}"


def _insert(table: str, names: list[str], fill: dict[str, Any], guid: tuple[int, int] | None) -> str:
    """SQLite writes the constants and the GUID by itself, which is far quicker than handing them over row by row."""
    constants = {name: _literal(value) for name, value in fill.items()}
    if guid is not None:
        constants["Guid"] = f"printf('%08x-0000-4000-8000-%012x', {guid[0]}, ?{guid[1] + 1})"
    columns = ", ".join(f'"{name}"' for name in [*names, *constants])
    values = ", ".join([*(f"?{n + 1}" for n in range(len(names))), *constants.values()])
    return f'insert into "{table}" ({columns}) values ({values})'


def _literal(value: Any) -> str:
    return str(int(value)) if isinstance(value, int) else f"'{_moment(value) if isinstance(value, date) else value}'"


def _texts(cells: Sequence[date | time | None]) -> list[str | None]:
    """Dates and moments as SQLAlchemy keeps them in SQLite, to the last digit: readers compare them as text."""
    known: dict[date | time | None, str] = {cell: _moment(cell) for cell in set(cells) if cell is not None}
    return [known.get(cell) for cell in cells]


def _moment(value: date | time) -> str:
    if isinstance(value, time):
        return value.isoformat("microseconds")
    return value.isoformat(" ", "microseconds") if isinstance(value, datetime) else value.isoformat()


def _decimal(cents: Sequence[int | None]) -> list[Decimal | None]:
    return [None if value is None else Decimal(value).scaleb(-2) for value in cents]


def _fill(table: sa.Table) -> dict[str, Any]:
    skip = ("Id", "Guid")
    return {c.name: NEUTRAL[c.type.python_type] for c in table.c if not c.nullable and c.name not in skip}
