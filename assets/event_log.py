"""The event log of an import's own process: Dagster's SQLite storage, on the same files, with its connections kept
open.

The stock storage makes an engine and a connection for every event, and compiles every statement anew; of a whole
import's overhead that was two thirds. Readers (web server, daemon) keep the stock one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy as sa
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.noop_compute_log_manager import NoOpComputeLogManager
from dagster._serdes import ConfigurableClassData
from sqlalchemy.pool import QueuePool

from assets.home import exclusive

BUSY_SECONDS = 60


class KeptSqliteEventLog(SqliteEventLogStorage):
    """For a process that writes one run: an engine per shard for the life of the process."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, sa.Engine] = {}
        self._tables: set[str] = set()
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data, config_value):  # type: ignore[no-untyped-def]
        return cls(inst_data=inst_data, **config_value)

    def has_table(self, table_name: str) -> bool:
        """A table that was there once stays; Dagster asks with every event."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        with self._db_lock, self._engine(shard).begin() as connection:
            yield connection

    def _engine(self, shard: str) -> sa.Engine:
        if shard not in self._engines:
            engine = sa.create_engine(
                self.conn_string_for_shard(shard),
                poolclass=QueuePool,
                pool_size=1,
                connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
            )
            sa.event.listen(engine, "connect", _relax)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            self._engines[shard] = engine
        return self._engines[shard]

    def dispose(self) -> None:
        super().dispose()
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()


def _relax(connection: sqlite3.Connection, record: object) -> None:
    """No flush with every event: a power cut may cost the last events, never the ledger, and damages nothing."""
    connection.execute("PRAGMA synchronous=NORMAL")


def open_instance(home: Path) -> dg.DagsterInstance:
    """The instance in a Dagster home, for a process that writes one run.

    Its event log, where that is the default one, is kept open. Output is not captured: an import prints nothing, and
    the capture costs four processes a run. Raises StorageError, AlreadyRunning.
    """
    stock = InstanceRef.from_dir(str(home))
    default = InstanceRef.config_defaults(str(home))["event_log_storage"]
    overrides: dict[str, Any] = {
        "compute_logs": {"module": NoOpComputeLogManager.__module__, "class": NoOpComputeLogManager.__name__}
    }
    if default is not None and stock.event_storage_data == default:
        kept = {"module": __name__, "class": KeptSqliteEventLog.__name__, "config": default.config_dict}
        overrides["event_log_storage"] = kept
    ours = InstanceRef.from_dir(str(home), overrides=overrides)
    # Dagster makes its tables without a lock: of two first attempts at once one would fail.
    with exclusive(home / ".opening.sqlite"):
        return dg.DagsterInstance.from_ref(ours)


def keep_open(instance: dg.DagsterInstance) -> None:
    """The same for a run that the web server or a schedule launched: its process has an instance that Dagster opened.

    Only a default event log is changed, and only in this process.
    """
    stock = instance.event_log_storage
    if type(stock) is SqliteEventLogStorage:
        kept = KeptSqliteEventLog(stock._base_dir, stock.inst_data)
        kept.register_instance(instance)
        instance._event_storage = kept
