"""Datasets: whole or absent, whatever happens to their writer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from migrate_etl.dataset import Dataset, DatasetWriter, gathered, writing
from migrate_transfer.core.errors import StorageError

FRAME = pl.DataFrame({"id": range(20_000)})
FULL = """
import resource, sys
from pathlib import Path
import polars as pl
from migrate_etl.dataset import gathered, DatasetWriter
from migrate_transfer.core.errors import StorageError
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, resource.RLIM_INFINITY))
try:
    with DatasetWriter(Path(sys.argv[1])) as writer:
        writer.write(pl.DataFrame({"id": range(20_000)}))
        writer.commit()
except StorageError as error:
    sys.exit(error.message)
"""


def test_chunks_come_back_in_order_with_their_facts(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "people") as writer:
        for start in (0, 7, 3):
            writer.write(FRAME.slice(start, 2))
        written = writer.commit({"sum": "1.00"})
    assert (written.rows, written.facts["sum"]) == (6, "1.00")
    assert pl.concat(Dataset(tmp_path / "people").chunks())["id"].to_list() == [0, 1, 7, 8, 3, 4]
    assert written.head(1)["id"].to_list() == [0]


def test_one_without_rows_keeps_its_schema(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "people") as writer:
        writer.write(FRAME.clear())
        assert writer.commit().scan().collect().schema == FRAME.schema


def test_a_writer_that_fails_leaves_nothing_and_the_old_one_stays(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "people") as writer:
        writer.write(FRAME)
        writer.commit()
    half = pl.LazyFrame({"id": [1]}).select(pl.col("none"))
    with pytest.raises(pl.exceptions.ColumnNotFoundError), DatasetWriter(tmp_path / "people") as writer:
        writer.write(half.collect())
    assert Dataset(tmp_path / "people").rows == 20_000
    assert [file.name for file in tmp_path.iterdir()] == ["people"]


def test_everything_is_on_the_disk_before_it_stands_and_its_name_afterwards(tmp_path: Path) -> None:
    told: list[tuple[str, bool]] = []
    with DatasetWriter(tmp_path / "people", lambda path: told.append((path.name, (tmp_path / "people").exists()))) as w:
        w.write(FRAME)
        w.write(FRAME)
        w.commit()
    first = ["00000.parquet", "00001.parquet", "manifest.json"]
    assert told[:3] == [(name, False) for name in first]
    assert (told[3][0].startswith(".people."), told[3][1], told[4:]) == (True, False, [(tmp_path.name, True)])


def test_what_a_killed_writer_left_is_cleared_by_the_next(tmp_path: Path) -> None:
    (tmp_path / ".people.0badcafe").mkdir()
    (tmp_path / ".people.0badcafe" / "00000.parquet").write_bytes(b"half")
    with DatasetWriter(tmp_path / "people") as writer:
        writer.write(FRAME)
        writer.commit()
    assert [file.name for file in tmp_path.iterdir()] == ["people"]


def test_a_full_disk_is_a_storage_error_and_leaves_nothing(tmp_path: Path) -> None:
    child = subprocess.run([sys.executable, "-c", FULL, str(tmp_path / "people")], capture_output=True, text=True)
    assert (child.returncode, "Cannot write to" in child.stderr) == (1, True)
    assert not list(tmp_path.iterdir())


def test_a_missing_dataset_says_so(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught:
        Dataset(tmp_path / "people")
    assert caught.value.error_code == "DATASET_MISSING"


def test_only_the_disk_is_blamed_for_the_disk(tmp_path: Path) -> None:
    with pytest.raises(pl.exceptions.ComputeError), writing(tmp_path):
        raise pl.exceptions.ComputeError("something else")
    with pytest.raises(StorageError), writing(tmp_path):
        (tmp_path / "none" / "file").write_text("")


def test_small_frames_are_gathered() -> None:
    frames = [pl.DataFrame({"id": [n]}) for n in range(5)]
    assert [frame.height for frame in gathered(frames, 2)] == [2, 2, 1]
