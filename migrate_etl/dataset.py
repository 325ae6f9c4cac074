"""A folder of Parquet chunks with a manifest: how frames larger than memory pass from stage to stage.

A dataset is complete or absent: chunks are written to a folder aside, which is renamed into place with its
manifest once it is on the disk, so that neither a killed writer nor a power cut leaves anything that a reader could
take for whole.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import polars as pl

from migrate_etl.durable import Sync, all_on_disk, on_disk
from migrate_transfer.core.errors import StorageError

MANIFEST = "manifest.json"
UPSTREAM_FIRST = (
    "Run it together with the stages before it (in Dagster: with all that is upstream). A finished job never changes:"
    " what runs after it begins a new job, which has read nothing yet."
)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """What goes wrong with the disk below, as StorageError: polars has a word of its own for a full one."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"Cannot write to {folder.name}: {error.strerror or error}") from error
    except pl.exceptions.ComputeError as error:
        if "os error" not in str(error):
            raise
        raise StorageError(f"Cannot write to {folder.name}: the disk is full or failed.") from error


class Dataset:
    """A complete dataset on disk: chunk files `00000.parquet` … in order, and free-form facts about them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self.facts: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
        except FileNotFoundError as error:
            raise StorageError(
                f"This job has no {folder.parent.name}/{folder.name} yet.",
                code="DATASET_MISSING",
                remedy=UPSTREAM_FIRST,
            ) from error
        if len(self.files()) != self.facts["chunks"]:
            raise StorageError(
                f"The dataset in {folder.name} has lost files: {len(self.files())} of {self.facts['chunks']} are left.",
                code="DATASET_DAMAGED",
                remedy=f"Remove the folder {folder.name} and run its stage again.",
            )

    @staticmethod
    def exists(folder: Path) -> bool:
        return (folder / MANIFEST).exists()

    @property
    def rows(self) -> int:
        return int(self.facts["rows"])

    def files(self) -> list[Path]:
        return sorted(self.folder.glob("*.parquet"))

    def chunks(self, columns: list[str] | None = None) -> Iterator[pl.DataFrame]:
        """The chunks in the order they were written."""
        for file in self.files():
            yield pl.read_parquet(file, columns=columns, memory_map=False)

    def scan(self) -> pl.LazyFrame:
        """All chunks as one lazy frame (an empty dataset still has one empty chunk, for its schema)."""
        return pl.scan_parquet(self.files())

    def head(self, rows: int) -> pl.DataFrame:
        return self.scan().head(rows).collect()


class DatasetWriter:
    """Writes a dataset; as a context manager it commits on success and leaves nothing on failure.

    `sync` puts a path on the disk; `made_again` for a dataset on which nothing relies after a power cut.
    """

    def __init__(self, folder: Path, sync: Sync = on_disk) -> None:
        self.folder, self._sync = folder, sync
        self._aside = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}")
        self._count = 0
        self.rows = 0

    def __enter__(self) -> Self:
        for left in self.folder.parent.glob(f".{self.folder.name}.*"):
            shutil.rmtree(left, ignore_errors=True)  # what a killed writer of this dataset left
        with writing(self.folder.parent):
            self._aside.mkdir(parents=True)
        return self

    def write(self, frame: pl.DataFrame) -> None:
        """Append a chunk; an empty frame is written only to carry the schema of a dataset without rows."""
        if frame.height == 0 and self._count:
            return
        with writing(self.folder.parent):
            frame.write_parquet(self._aside / f"{self._count:05d}.parquet", compression="lz4", statistics=False)
        self._count += 1
        self.rows += frame.height

    def commit(self, facts: Mapping[str, Any] | None = None) -> Dataset:
        """Put the dataset in place, replacing an older one of that name; it is on the disk when this returns."""
        manifest = {**(facts or {}), "rows": self.rows, "chunks": self._count}
        with writing(self.folder.parent):
            (self._aside / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True, default=str))
            all_on_disk(self._aside, self._sync)
            old = self.folder.with_name(f".{self.folder.name}.old")
            shutil.rmtree(old, ignore_errors=True)
            if self.folder.exists():
                os.replace(self.folder, old)
            os.replace(self._aside, self.folder)
            self._sync(self.folder.parent)
            shutil.rmtree(old, ignore_errors=True)
        return Dataset(self.folder)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._aside, ignore_errors=True)


def gathered(frames: Iterable[pl.DataFrame], rows: int) -> Iterator[pl.DataFrame]:
    """The same rows in frames of at least so many, but for the last."""
    waiting: list[pl.DataFrame] = []
    for frame in frames:
        waiting.append(frame)
        if sum(each.height for each in waiting) >= rows:
            yield pl.concat(waiting)
            waiting = []
    yield from waiting and [pl.concat(waiting)]
