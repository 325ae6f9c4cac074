"""One item's content on its way from a source to a sender: read once, counted and hashed in the same pass."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from migrate_transfer.core.backend import Item, Reader, Source, Upload
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import ItemError
from migrate_transfer.core.plan import origin

PIECE = 2**20


class Passage:
    """The content of `upload.item`, which becomes the item as it is when it is opened. Raises ItemError: SOURCE_SHORT,
    SOURCE_CHANGED and those of the source."""

    def __init__(self, source: Source, upload: Upload, *, hashing: bool = True) -> None:
        self.upload = upload
        self._source, self.hashing = source, hashing
        self._reader: Reader

    @contextmanager
    def open(self) -> Iterator[None]:
        with self._source.open(self.upload.item) as reader:
            self._reader = reader
            self.upload.item = reader.item
            self.upload.properties = self._properties(reader.item)
            self.upload.read = 0
            self._digest = hashlib.sha256()
            yield

    def _properties(self, item: Item) -> dict[str, str]:
        """What is kept with the object, to know it again by."""
        kept = {"source": self._source.mark}
        return {**kept, "version": origin(item)} if self._source.features.exact_versions else kept

    def read(self, size: int) -> bytes:
        """The next `size` bytes, or what is left of the item."""
        wanted = min(size, self.upload.item.size - self.upload.read)
        data = self._reader.read(wanted) if wanted else b""
        self.upload.read += len(data)
        if len(data) != wanted:
            raise ItemError(
                f"The source ended after {self.upload.read} of {self.upload.item.size} bytes.",
                code="SOURCE_SHORT",
                remedy="Run the job again when nobody writes the file; if it stays so, the source is damaged.",
            )
        if self.hashing:
            self._digest.update(data)
        return data

    def finish(self) -> None:
        """Make sure that all of one version was read."""
        if self._reader.read(1):
            raise ItemError(
                "The file grew while it was read.",
                code="SOURCE_CHANGED",
                remedy="Run the job again when nobody writes the file, or copy from a snapshot.",
            )
        self._reader.finish()
        if self.hashing:
            self.upload.sha256 = self._digest.hexdigest()


def read_through(source: Source, item: Item, control: Control) -> Upload:
    """The item as it is now, with the SHA-256 of its content. Raises ItemError, and Stopped: it may take hours."""
    passage = Passage(source, Upload(0, item))
    with passage.open():
        while passage.upload.read < passage.upload.item.size:
            control.check()
            passage.read(PIECE)
        passage.finish()
    return passage.upload


def digest(source: Source, item: Item, control: Control) -> str:
    """The SHA-256 of an item's content as it is now. Raises ItemError, Stopped."""
    return read_through(source, item, control).sha256


def is_missing(source: Source, item: Item) -> bool:
    """Whether there is nothing of the item's name to open. Raises FatalError."""
    try:
        with source.open(item):
            return False
    except ItemError as error:
        return error.error_code == "SOURCE_GONE"
