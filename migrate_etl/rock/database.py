"""RockDatabase: reads a Rock database, gently, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, Self, TypeVar

import polars as pl
from sqlalchemy import ColumnElement, Select

from migrate_etl.rock import catalog
from migrate_etl.rock.arrow import ArrowReader, open_reader, readable
from migrate_etl.rock.columns import OutColumn, columns_of
from migrate_etl.rock.connection import Place, parse_connection
from migrate_etl.rock.dialects import DialectName, compile_text
from migrate_etl.rock.odbc import certificate_unchecked, is_freetds
from migrate_etl.rock.opening import ENOUGH, gentle, open_session, tolerant
from migrate_etl.rock.release import require_rock
from migrate_etl.rock.session import Described, Session
from migrate_etl.rock.survey import Questions, survey
from migrate_etl.rock.watch import Watch
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import ConnectionLost, MigrateError, SourceError, Stopped
from migrate_transfer.core.retry import RetryPolicy

T = TypeVar("T")

SILENCES = 3
"""Statements in a row that a server may leave without an answer."""

Consistency = Literal["snapshot", "pages"]
"""How reading holds together: one view of the whole database, or short pages that each see their own moment."""


class RockDatabase:
    """A Rock database open for reading; one thread at a time.

    Where the database keeps row versions (SQL Server with snapshot isolation allowed, PostgreSQL, SQLite in WAL
    mode) what is read until `renew()` or `close()` is one moment of it, or two where pages come by Arrow: open it
    once per stage. Elsewhere each page is its own short statement under READ COMMITTED; never NOLOCK. `consistency`
    says which.
    """

    def __init__(self, place: Place, *, page_size: int, control: Control, retry: RetryPolicy) -> None:
        self._place, self._page_size, self._control, self._retry = place, page_size, control, retry
        self._losses: Counter[str] = Counter()
        self._silences = 0
        self._watch = Watch(control)
        session = retry.run(self._opened, control)
        self._session: Session | None = session
        self._reader: ArrowReader | None = None
        self.dialect: DialectName = session.dialect
        self.driver = session.driver
        self.refused_manners = tuple(session.refused)
        """Statements for gentle reading that the server did without."""
        self.certificate_unchecked = certificate_unchecked(self.driver, session.text or "")
        self.consistency: Consistency = "pages"
        self.no_arrow: str | None = None if session.text else "only ODBC databases are read by Arrow"
        """Why pages do not come by Arrow blocks; None while they do or may."""
        self.reconnects = 0
        """How often the connection broke and was made again: what was read before and after are two moments."""
        try:
            self.tables = survey(Questions(self.dialect, self._described, self._optional))
            require_rock(self.tables)
            self.renew()
        except (MigrateError, Stopped):
            self.close()
            raise

    @classmethod
    def open(
        cls,
        connection: str,
        *,
        page_size: int = 25_000,
        control: Control | None = None,
        retry: RetryPolicy | None = None,
    ) -> RockDatabase:
        """Open a connection string (see `connection.py`). Raises SourceError with the documented code and remedy."""
        place = parse_connection(connection)
        return cls(place, page_size=page_size, control=control or Control(), retry=retry or RetryPolicy())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    def close(self) -> None:
        """End the snapshot and the connections; closing twice is no error."""
        self._watch.close()
        self._drop_reader()
        session, self._session = self._session, None
        if session is not None:
            self._end(session)
            session.close()

    def renew(self) -> None:
        """End the snapshot; what is read next is the database as it is then."""
        self._drop_reader()
        session = self._session
        if session is None:
            return
        begun = self._begin(session) if self._end(session) else None
        self.consistency = begun or "pages"
        if begun is None:  # what cannot be ended ends with its connection
            self._session = None
            session.close()

    def frame(self, statement: Select[Any]) -> pl.DataFrame:
        """The whole result. Raises SourceError, or a TransientError when patience with a broken link is used up."""
        columns, sql = columns_of(statement), compile_text(statement, self.dialect)
        return self._patiently(lambda session: session.frame(sql, columns))

    def scalar(self, statement: Select[Any]) -> Any:
        """The first value of the first row, None without rows."""
        frame = self.frame(statement)
        return frame.item(0, 0) if frame.height else None

    def fact(self, wording: Mapping[DialectName, str]) -> str | None:
        """A fact about the database itself, as text; None where the database does not tell."""
        rows = self._optional(wording[self.dialect])
        return None if not rows or rows[0][0] is None else str(rows[0][0])

    def pages(
        self, statement: Select[Any], key: ColumnElement[Any], *, after: int = 0, upto: int | None = None
    ) -> Iterator[pl.DataFrame]:
        """Pages of at most `page_size` rows in key order, above `after` and not above `upto`.

        The statement yields its key, unique and named `id`. At least one frame comes, if only to carry the schema. A
        page that fails for a while is asked for again, so no row is lost or doubled.
        """
        last, first = after, True
        while True:
            wanted = statement.where(key > last) if upto is None else statement.where(key > last, key <= upto)
            page = self._blocks(wanted.order_by(key).limit(self._page_size))
            if page.height or first:
                yield page
            if page.height < self._page_size:
                return
            last, first = int(page["id"][-1]), False

    def children(self, select: Select[Any], parent_key: ColumnElement[Any], low: int, high: int) -> pl.DataFrame:
        """Rows whose parent key is from `low` to `high`, both included."""
        rows = select.where(parent_key.between(low, high))
        return self._blocks(rows.limit(-1) if self.dialect == "sqlite" else rows)  # see Session.block

    def _blocks(self, statement: Select[Any]) -> pl.DataFrame:
        """Like `frame`, by columns where the database can; the statement has a limit."""
        columns, sql = columns_of(statement), compile_text(statement, self.dialect)
        if not readable(columns):
            return self._patiently(lambda session: session.block(sql, columns))
        return self._patiently(lambda session: self._block(session, sql, columns))

    def _block(self, session: Session, sql: str, columns: Sequence[OutColumn]) -> pl.DataFrame:
        if self._reader is None and self.no_arrow is None:
            self._open_reader(session)
        if self._reader is None:
            return session.block(sql, columns)
        try:
            return self._reader.frame(sql, columns)
        except SourceError as error:
            if error.error_code == "ROCK_COLUMN_TYPE":
                raise
            # Whatever arrow-odbc and this driver disagree on, pyodbc reads the same rows, only slower.
            self._drop_reader()
            self.no_arrow = f"arrow-odbc could not read a page ({error.error_code})"
            return session.frame(sql, columns)

    def _open_reader(self, session: Session) -> None:
        begin = catalog.BEGIN_SNAPSHOT[self.dialect] if self.consistency == "snapshot" else ()
        # FreeTDS drops errors that come after the first rows of a block.
        outcome = catalog.OUTCOME if self.dialect == "mssql" and is_freetds(session.driver) else None
        self._reader, self.no_arrow = open_reader(session, gentle(self.dialect, self._losses), begin, outcome)

    def _drop_reader(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def _described(self, sql: str) -> list[Described]:
        return self._patiently(lambda session: session.described(sql))

    def _optional(self, sql: str) -> list[tuple[Any, ...]] | None:
        """What a server need not know: None where it refuses, or connections break at it."""

        def asked() -> list[tuple[Any, ...]] | None:
            if self._losses[sql] >= ENOUGH:
                return None
            try:
                return self._attempt(lambda session: session.values(sql), essential=False)
            except SourceError:
                return None
            except ConnectionLost:
                self._losses[sql] += 1
                raise

        return replace(self._retry, patience=max(ENOUGH, self._retry.patience)).run(asked, self._control)

    def _patiently(self, read: Callable[[Session], T]) -> T:
        return self._retry.run(lambda: self._attempt(read), self._control)

    def _attempt(self, read: Callable[[Session], T], *, essential: bool = True) -> T:
        session = self._session or self._reconnected()
        try:
            found = self._watch.call(lambda: read(session), session.longest) if session.text else read(session)
        except (ConnectionLost, Stopped) as lost:
            self._forget(session)
            if isinstance(lost, ConnectionLost):
                self._require_an_answer(lost)
            raise
        except MigrateError as error:
            spoilt = essential and self.consistency == "snapshot" and error.error_code == "ROCK_QUERY_FAILED"
            if spoilt:  # perhaps by the snapshot, which not every server has that says so
                self._losses[catalog.ALLOWS_SNAPSHOT[self.dialect]] = ENOUGH
            self.renew()  # a failed statement ends the transaction in some databases
            if spoilt:
                return self._attempt(read)
            raise
        self._silences = 0
        return found

    def _forget(self, session: Session) -> None:
        """A call that was given up still uses the connections; they end with the process."""
        if not self._watch.given_up:
            self._drop_reader()
            session.close()
        self._reader = self._session = None
        self.reconnects += 1

    def _require_an_answer(self, lost: ConnectionLost) -> None:
        """Raises SourceError when the server has left us waiting too often: each time lasts as long as it may."""
        if lost.error_code != "ROCK_NO_ANSWER":
            return
        self._silences += 1
        if self._silences >= SILENCES:
            raise SourceError(lost.message, code=lost.error_code, remedy=lost.remedy, details=lost.details) from None

    def _begin(self, session: Session) -> Consistency | None:
        """Start a snapshot if the database has them; one that does not say so clearly is read page by page.

        None where the connection broke at the question.
        """
        question = catalog.ALLOWS_SNAPSHOT[self.dialect]
        if self._losses[question] >= ENOUGH:
            return "pages"
        try:
            allowed = session.values(question)
        except ConnectionLost as lost:
            self._require_an_answer(lost)
            self._losses[question] += 1
            return None
        except MigrateError:
            return "pages"
        if allowed not in ([(1,)], [("1",)], [(True,)]):
            return "pages"
        begun = all(tolerant(session, sql) for sql in catalog.BEGIN_SNAPSHOT[self.dialect])
        return "snapshot" if begun else "pages"

    def _end(self, session: Session) -> bool:
        """Whether the session has no snapshot any more."""
        if self.consistency == "pages":
            return True
        return all(tolerant(session, sql) for sql in catalog.END_SNAPSHOT[self.dialect])

    def _reconnected(self) -> Session:
        """Raises ConnectionLost while the server cannot be reached: it was there before, so it is worth waiting for."""
        begun = None
        while begun is None:
            try:
                session = self._opened()
            except SourceError as error:
                if error.error_code != "ROCK_UNREACHABLE":
                    raise
                raise ConnectionLost(error.message, code=error.error_code, remedy=error.remedy) from None
            begun = self._begin(session)
            if begun is None:
                session.close()
        self._session, self.consistency = session, begun
        return session

    def _opened(self) -> Session:
        try:
            return open_session(self._place, self._losses)
        except ConnectionLost as lost:
            self._require_an_answer(lost)
            raise
