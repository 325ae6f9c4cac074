"""Reading through arrow-odbc: the same rows as pyodbc, column-wise, for the tables that grow.

Each column is asked for in the type the server has it, and made one of Rock's here: a driver told to make another of
it cuts or rounds without a word. Moments come as microseconds, for `datetime2(7)` would become nanoseconds, which end
in 2262. Text travels as UTF-16, the one encoding that does not depend on the locale.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import polars as pl

from migrate_etl.rock.columns import OutColumn, to_fitted
from migrate_etl.rock.failures import failure
from migrate_etl.rock.session import Session
from migrate_transfer.core.errors import ConnectionLost, MigrateError, SourceError

BLOCK_ROWS = 8_192
"""Rows the driver fills in one go; the block's room is rows times the widest row the schema allows."""

BLOCK_BYTES = 32 * 2**20
LONGEST_TEXT = 4_000
"""UTF-16 units of a text whose column names no length."""


def readable(columns: Sequence[OutColumn]) -> bool:
    """Texts without a limit go through pyodbc: here each would need room for the longest in every row."""
    return all(column.kind != "long_text" for column in columns)


def open_reader(
    session: Session, manners: Sequence[str], begin: Sequence[str], outcome: str | None
) -> tuple[ArrowReader | None, str | None]:
    """A reader beside the session, or None and the reason why there is none.

    `manners` are statements a server may refuse, `begin` those that start a snapshot. `outcome`: see `ArrowReader`.
    """
    text = session.text or ""
    if not text.isascii():
        # It would reach FreeTDS as Latin-1: a wrong password, and after a few the account is locked.
        return None, "arrow-odbc cannot hand on a user or password with letters beyond ASCII"
    try:
        reader = ArrowReader(text, session.timeout, session.longest, outcome)
        for sql in manners:
            with suppress(SourceError):
                reader.run(sql)
        for sql in begin:
            reader.run(sql)
    except (ImportError, OSError) as error:
        return None, f"arrow-odbc cannot be loaded ({type(error).__name__})"
    except MigrateError as error:
        return None, f"arrow-odbc could not connect ({error.error_code})"
    return reader, None


class ArrowReader:
    """A second connection, for reading by blocks. Raises ImportError or OSError where arrow-odbc cannot be loaded.

    `outcome` is a statement that asks the server with which error and how many rows the one before ended, for a
    driver that does not tell: FreeTDS ends a block at a lock time-out as if no more rows came.
    """

    def __init__(self, connection: str, timeout: int, longest: int, outcome: str | None = None) -> None:
        import arrow_odbc
        import pyarrow

        self._arrow, self._encoding = pyarrow, arrow_odbc.TextEncoding.UTF16
        self._errors = arrow_odbc.Error
        self._outcome, self._longest = outcome, longest
        with self._translated():
            self._connection: Any = arrow_odbc.connect(connection, login_timeout_sec=timeout)

    def run(self, sql: str) -> None:
        with self._translated():
            self._connection.execute(sql, query_timeout_sec=self._longest)

    def frame(self, sql: str, columns: Sequence[OutColumn]) -> pl.DataFrame:
        """All rows. Raises as `failures.failure` says, also for a text longer than its column should hold, and where
        the server sent more rows than came.
        """
        table = self._table(sql, columns)
        if self._outcome is not None:
            self._confirm(self._outcome, table.num_rows)
        frame = pl.DataFrame(pl.from_arrow(table))
        _refuse_cut_texts(frame)
        return to_fitted(columns, frame)

    def _confirm(self, outcome: str, came: int) -> None:
        ended = (OutColumn("error", "integer"), OutColumn("found", "integer"))
        try:
            answer = to_fitted(ended, pl.DataFrame(pl.from_arrow(self._table(outcome, ended)))).rows()
        except ConnectionLost:
            answer = []  # a server that ends connections at this question would do so at every page
        error, found = answer[0] if answer else (None, None)
        if error:
            raise failure(None, f"({error})", "reading")
        if found != came:
            raise SourceError("The driver lost rows on their way.", code="ROCK_ROWS_LOST")

    def _table(self, sql: str, columns: Sequence[OutColumn]) -> Any:
        schema: Any = None

        def agreed(came: Any) -> Any:
            nonlocal schema
            schema = self._schema(came, columns)
            return schema

        with self._translated():
            reader = self._connection.read_arrow_batches(
                sql,
                batch_size=BLOCK_ROWS,
                max_bytes_per_batch=BLOCK_BYTES,
                max_text_size=LONGEST_TEXT,
                map_schema=agreed,
                fetch_concurrently=False,
                query_timeout_sec=self._longest,
                payload_text_encoding=self._encoding,
            )
            return self._arrow.Table.from_batches(list(reader), schema=schema)

    def _schema(self, came: Any, columns: Sequence[OutColumn]) -> Any:
        """Raises SourceError for an answer that has no rows at all, which arrow-odbc takes for one without any."""
        if len(came) != len(columns):
            raise SourceError("The answer has other columns than were asked for.", code="ROCK_ROWS_LOST")
        types = (self._type(one.type) for one in came)
        return self._arrow.schema([(column.name, kind) for column, kind in zip(columns, types, strict=True)])

    def close(self) -> None:
        self._connection = None  # the binding closes it when the last reference goes

    def _type(self, came: Any) -> Any:
        return self._arrow.timestamp("us") if self._arrow.types.is_timestamp(came) else came

    @contextmanager
    def _translated(self) -> Iterator[None]:
        found: MigrateError | None = None
        try:
            yield
        except (self._errors, self._arrow.ArrowInvalid) as error:
            found = failure(*_state_and_text(str(error)), "reading")
        if found is not None:
            raise found


def _refuse_cut_texts(frame: pl.DataFrame) -> None:
    """FreeTDS fills the room and says nothing, where other drivers report the text's true length.

    The longest column the import reads by blocks has 250 letters. A text of LONGEST_TEXT units has at least half as
    many letters.
    """
    lengths = frame.select(pl.col(pl.String).str.len_chars().max())
    if any(
        longest is not None and longest >= LONGEST_TEXT // 2 for longest in (lengths.row(0) if lengths.width else ())
    ):
        raise SourceError("A text is longer than its column should hold.", code="ROCK_TEXT_TOO_LONG")


def _state_and_text(text: str) -> tuple[str | None, str]:
    """arrow-odbc words an error as `State: 42S02, Native error: 208, Message: ...`; we read numbers in brackets."""
    state = re.search(r"State: (\w{5})", text)
    return (state[1] if state else None), re.sub(r"Native error: (-?\d+)", r"(\1)", text)
