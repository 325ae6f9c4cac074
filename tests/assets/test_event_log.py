"""A run's event log with its connections kept open is the stock one's files."""

from pathlib import Path

import dagster as dg
from dagster._core.instance.ref import InstanceRef

from assets.event_log import KeptSqliteEventLog, keep_open


def opened(home: Path) -> dg.DagsterInstance:
    """As Dagster's own processes open it."""
    return dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home)))


def test_what_a_launched_run_writes_the_stock_log_reads(tmp_path: Path) -> None:
    with opened(tmp_path) as launched, opened(tmp_path) as reader:
        keep_open(launched)
        launched.add_dynamic_partitions("years", ["2024"])
        assert reader.get_dynamic_partitions("years") == ["2024"]


def test_a_launched_run_keeps_its_connections(tmp_path: Path) -> None:
    with opened(tmp_path) as launched:
        keep_open(launched)
        assert isinstance(launched.event_log_storage, KeptSqliteEventLog)


def test_another_event_log_is_left_alone() -> None:
    instance = dg.DagsterInstance.ephemeral()
    before = instance.event_log_storage
    keep_open(instance)
    assert instance.event_log_storage is before
