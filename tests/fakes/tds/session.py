"""One login's session: what a statement is answered, and what it changes."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlglot

from tests.fakes.tds import answers, tsql
from tests.fakes.tds.calls import called_in_words
from tests.fakes.tds.settings import Odd, TdsServer, Trouble
from tests.fakes.tds.tokens import BEGUN, ROLLED_BACK, changed_bytes, done, refused
from tests.fakes.tds.types import Column, column_of, described, row


class Session:
    def __init__(self, server: TdsServer, database: psycopg.Connection[Any]) -> None:
        self.server, self.database = server, database
        self.snapshot = self.killed = False
        self.last = (0, 0)
        """Error and rows of the statement before."""
        self.transaction = bytes(8)
        """Its descriptor, which the client has to name with every statement; zero without one."""
        self.odd: Odd | None = None
        """What becomes of the statement under way."""
        self.tabular = False
        """Whether its answer has rows."""

    def answer(self, sql: str, headers: bytes) -> bytes:
        self.server.statements.append(sql)
        if headers[10:18] != self.transaction:
            return refused(3971, "The server failed to resume the transaction.")
        self.odd, self.tabular = self.server.oddness(sql), False
        if self.odd == "closes":
            raise EOFError
        if isinstance(self.odd, int):
            return self._refused(self.odd, "Odd.")
        answer = self._about_the_last(sql)
        if answer is None:
            self.last = (0, 0)
            answer = self._manners(sql) or self._facts(sql) or called_in_words(sql) or self._select(sql)
        return answer

    def manage(self, said: bytes) -> bytes:
        """Transactions as drivers begin and end them without a statement."""
        (wanted,) = struct.unpack_from("<H", said)
        if isinstance(odd := self.server.oddness("BEGIN TRANSACTION"), int):
            return self._refused(odd, "Odd.")
        return self._begin() if wanted == 5 else self._roll_back() + done()

    def _about_the_last(self, sql: str) -> bytes | None:
        if "@@ROWCOUNT" not in sql:
            return None
        if self.server.outcome == "unknown":
            return self._refused(137, 'Must declare the scalar variable "@@ROWCOUNT".', 15)
        names = sqlglot.parse_one(sql, read="tsql").named_selects
        return self._table(
            [Column(name, "int", 4, nullable=self.odd == "nulls") for name in names],
            [(0, 0) if self.server.outcome == "zero" else self.last],
        )

    def _refused(self, number: int, text: str, severity: int = 16) -> bytes:
        self.last = (number, 0)
        return refused(number, text, severity)

    def _manners(self, sql: str) -> bytes | None:
        words = sql.upper()
        if (wait := tsql.number(r"SET LOCK_TIMEOUT (\d+)", sql)) is not None:
            self.database.execute(f"SET lock_timeout = {wait // self.server.hurry}".encode())
        elif words.startswith("SET TRANSACTION ISOLATION LEVEL "):
            self.snapshot = words.endswith(" SNAPSHOT")
        elif words == "BEGIN TRANSACTION":
            return self._begin()
        elif words == "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION":
            return self._roll_back() + done()
        elif not words.startswith("SET "):
            return None
        return done()

    def _begin(self) -> bytes:
        level = b"REPEATABLE READ" if self.snapshot else b"READ COMMITTED"
        self.database.execute(b"BEGIN ISOLATION LEVEL " + level)
        self.transaction = struct.pack("<Q", len(self.server.statements))
        return changed_bytes(BEGUN, self.transaction) + done()

    def _roll_back(self) -> bytes:
        ended, self.transaction = self.transaction, bytes(8)
        self.database.execute("ROLLBACK" if any(ended) else "SELECT 1")
        return changed_bytes(ROLLED_BACK, b"", ended) if any(ended) else b""

    def _facts(self, sql: str) -> bytes | None:
        if "sys.databases" in sql:
            if self.server.snapshot_state is None:
                return refused(229, "The SELECT permission was denied on the object 'databases'.", 14)
            return self._table([Column("snapshot_isolation_state", "int", 4)], [(self.server.snapshot_state,)])
        if "DATABASEPROPERTYEX" in sql:
            return self._table([Column("", "text", 256)], [("SQL_Latin1_General_CP1_CI_AS",)])
        return None

    def _select(self, sql: str) -> bytes:
        none = self.server.snapshot_state != 1 or not self.server.snapshots
        if self.snapshot and any(self.transaction) and none:
            return self._refused(3952, "Snapshot isolation transaction failed accessing database 'RockDB'.")
        try:
            return self._rows(tsql.select(sql))
        except sqlglot.errors.SqlglotError:
            return self._refused(102, "Incorrect syntax.", 15)

    def _rows(self, sql: str) -> bytes:
        try:
            # A failed statement does not end SQL Server's transaction.
            with self.database.transaction() if any(self.transaction) else _nothing(), self.database.cursor() as cursor:
                cursor.execute(sql.encode())
                columns, values = self._columns(cursor), cursor.fetchall()
        except psycopg.Error as wrong:
            number, text, severity = tsql.said_of(wrong)
            rolled_back = self._roll_back() if number == tsql.DEADLOCK[0] else b""
            return rolled_back + self._refused(number, text, severity)
        trouble = self.server.troubles.get(self.server.answers + 1)
        if trouble is not None:
            return self._troubled(trouble, columns, values)
        self.last = (0, len(values))
        return self._table(columns, values)

    def _table(self, columns: list[Column], values: list[tuple[Any, ...]]) -> bytes:
        self.tabular = True
        if self.odd == "no rows":
            values = []
        if self.odd == "nulls":
            values = [(None,) * len(columns) for _ in values]
        return answers.answer(columns, values, self.server.manners)

    def _troubled(self, trouble: Trouble, columns: list[Column], values: list[tuple[Any, ...]]) -> bytes:
        self.killed, self.tabular = trouble.severity >= 20, True
        sent = b"".join(row(columns, some) for some in values[: trouble.after_rows])
        rolled_back = self._roll_back() if trouble.number == tsql.DEADLOCK[0] else b""
        failed = self._refused(trouble.number, trouble.text, trouble.severity)
        return described(columns) + sent + rolled_back + failed

    def _columns(self, cursor: psycopg.Cursor[Any]) -> list[Column]:
        found, result = cursor.description or [], cursor.pgresult
        assert result is not None
        places = [(result.ftable(at), result.ftablecol(at)) for at in range(len(found))]
        known = self._known({table for table, _ in places} - {0})
        plain = len({table for table, _ in places} - {0}) == 1
        columns = []
        for column, place in zip(found, places, strict=True):
            name, never_null = known.get(place, ("", False))
            sent = self.server.types.get(column.name) or self.server.types.get(name)
            if place == (0, 0) and column.type_code in (20, 21, 23):
                sent = sent or self.server.computed
            # An outer join's columns may be null whatever their table says, so only plain reads ask.
            columns.append(column_of(column, not (plain and never_null), sent))
        return columns

    def _known(self, tables: set[int]) -> dict[tuple[int, int], tuple[str, bool]]:
        """(table, number) of a column -> its name, and whether it is never null."""
        wanted = "SELECT attrelid, attnum, attname, attnotnull FROM pg_attribute WHERE attrelid = ANY(%s)"
        found = self.database.execute(wanted, [list(tables)]) if tables else ()
        return {(table, number): (name, never_null) for table, number, name, never_null in found}


@contextmanager
def _nothing() -> Iterator[None]:
    yield
