"""The language of transfers: what a source lists, what a destination keeps, what each of them promises.

A backend is a class with the methods of `Source`, of `Destination` or of both; `Features` says as data what it can do,
so that the engine never asks which backend it has before it. Values only; nothing here moves a byte.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol, TypeAlias

from migrate_transfer.core.control import Control

Tier = Literal["hot", "cool", "cold", "archive"]
Level = Literal["received", "reread"]
"""How far a copy is proven: `received`, the service checked what reached it; `reread`, the object was read back."""


@dataclass(frozen=True, slots=True)
class Features:
    """What a backend promises. `folds_case` and `folds_unicode`: names that differ only so are one name there."""

    folds_case: bool = False
    folds_unicode: bool = False
    exact_versions: bool = False
    """The same version is the same content, always: it is kept with the object, and what has it still is not read."""
    resumes: bool = False
    tiers: bool = False
    copies: bool = False
    """An object can be given a second name without its bytes being sent again."""
    marks: bool = False
    """An object can be told that its source is deleted: it may be the only copy then."""
    longest_key: int = 4_096
    """In code units of UTF-16, as Azure counts: it takes 512 emoji at the most (azure-storage-cpp, issue 291)."""
    most_parts: int = 4_096
    largest: int = 2**63 - 1
    lanes: int = 1
    """Threads that pay for a source: one on the network keeps its thread waiting, a local disk does not."""
    small_lanes: int = 1
    """The same for files so small that it is not their bytes that take the time."""
    portable: bool = False
    """The source can be pickled, and opens the same items in another process of this machine."""


class Item(NamedTuple):
    """A file as the source listed it. Sizes in bytes, times in nanoseconds since 1970 (0: unknown)."""

    key: str
    size: int
    modified: int
    version: str
    """Differs when the content may differ: change time and number of a file (its number alone where the system keeps no
    change time), eTag of a cloud item. A sync reads what has another version than in its last pass."""
    created: int = 0
    stable_id: str = ""
    """Stays the same when the item is renamed; empty where the source knows nothing of the kind."""


class Oddity(NamedTuple):
    """Something listed that is not moved: `skipped` by the rule `code`, or `failed` with it."""

    key: str
    outcome: Literal["skipped", "failed"]
    code: str
    message: str
    remedy: str = ""
    size: int = 0
    folder: bool = False
    """It stands for all that lies in it."""
    modified: int = 0
    """What was known of a file that is out of reach."""


class Page(NamedTuple):
    """Some of a listing. With a `cursor`, all before it is listed, and `pages(cursor)` goes on behind it. `recalled`:
    these were not found; one of them may have been listed before a kill, and be gone since."""

    entries: Sequence[Item | Oddity]
    cursor: str | None
    recalled: bool = False


class Stored(NamedTuple):
    """What a destination says of an object. `sha256` and `modified` are what was stored with it, where it was ours."""

    key: str
    size: int
    etag: str
    sha256: str = ""
    modified: int = 0
    tier: str = ""
    source: str = ""
    """The mark of the source that it came from."""
    moved: bool = False
    """Its source was deleted for it: nobody replaces or removes it unasked."""
    version: str = ""
    """Of which version of which item it is the copy (`plan.origin`), where the source has exact ones."""


class Receipt(NamedTuple):
    """The destination's own word that the object is there. `sent` are the bytes that went over the wire for it.
    `moved`: somebody else has put it there since the listing, and its source was deleted for it."""

    etag: str
    sent: int
    moved: bool = False


class Reader(Protocol):
    """The content of one item, opened; its size may differ from the listed one, never while it is read."""

    @property
    def item(self) -> Item:
        """The item as it was when it was opened."""

    def read(self, size: int) -> bytes:
        """The next `size` bytes, fewer only at the end. Raises ItemError."""

    def finish(self) -> None:
        """Called after the last byte. Raises ItemError SOURCE_CHANGED when what was read may be of two versions."""


Meant: TypeAlias = Callable[[str], bool]
"""Whether something in the folder of that key may be wanted."""


def all_meant(folder: str) -> bool:
    return True


class Source(Protocol):
    """Where things are. ItemError: of one item; FatalError: the source is gone; TransientError: from `pages` only."""

    features: Features
    mark: str
    """Tells it from every other source: what it put somewhere it may replace there. 16 hex digits."""
    earlier: frozenset[str]
    """Marks of the same source, seen from machines that did this very job before: what they moved is moved."""

    def pages(self, cursor: str | None = None, meant: Meant = all_meant) -> Generator[Page]:
        """All there is, in an order that is the same the next time; from behind `cursor` on. A folder in which nothing
        is `meant` need not be listed: it is an Oddity then, skipped as `not_included`. Closed early, it lets go of
        what it holds. An empty page is a sign of life: between two, a stop is heard."""

    def place(self) -> str:
        """Differs when another place answers to the source's name: an empty folder where a share is not mounted."""

    def mounts(self) -> dict[str, str]:
        """The folders in it at which another place is to be seen now (a share, a disk), by key, and which place that
        is; so too where the source lies itself, by the empty key, `..` and so on. Empty where there can be none."""

    def is_gone(self, key: str) -> bool:
        """Whether there certainly is nothing of that name now: asked of what was not listed, before its copy is
        removed. What cannot be told is not gone."""

    def open(self, item: Item) -> AbstractContextManager[Reader]:
        """Raises ItemError SOURCE_GONE, SOURCE_DENIED, SOURCE_UNREADABLE."""

    def delete(self, item: Item) -> None:
        """Remove it if it still is that version. Raises ItemError SOURCE_CHANGED, SOURCE_NOT_DELETED, as `open`."""


@dataclass(slots=True)
class Upload:
    """One item on its way: what is to be put, and what came of it."""

    number: int
    """The item's row in the ledger."""
    item: Item
    replaces: str | None = None
    """The etag of the object that this one may replace; None: there must be none."""
    overwrite: bool = False
    """Whatever is there may be replaced."""
    resumed: bool = False
    """An earlier attempt began this item: parts of it may lie at the destination already."""
    properties: Mapping[str, str] = field(default_factory=dict)
    """Kept with the object, ASCII."""
    sha256: str = ""
    read: int = 0


class Rename(NamedTuple):
    """An object of that etag that is to be had under another key too."""

    number: int
    item: Item
    old_key: str
    etag: str
    sha256: str


class Content(Protocol):
    """What a sender reads of an upload; the SHA-256 is made in the same pass, where `hashing`."""

    upload: Upload
    hashing: bool

    def open(self) -> AbstractContextManager[None]:
        """Raises ItemError."""

    def read(self, size: int) -> bytes:
        """The next bytes. Raises ItemError, SOURCE_SHORT when the source ends before its size."""

    def finish(self) -> None:
        """After the last byte: sets `upload.sha256`, `upload.read`. Raises ItemError SOURCE_CHANGED."""


class Meter:
    """Bytes that went over the wire, while they go: a file that takes an hour is seen moving. Thread-safe."""

    def __init__(self) -> None:
        self.total = 0
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        with self._lock:
            self.total += count


class Streams:
    """Leave for so many requests at once, shared by the threads of one job; `meter` counts what they send."""

    def __init__(self, count: int, meter: Meter | None = None) -> None:
        self.count, self._free = count, count
        self.meter = meter or Meter()
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Whether there was one free; it is the caller's now."""
        with self._lock:
            free = self._free > 0
            self._free -= free
            return free

    def give(self) -> None:
        with self._lock:
            self._free += 1


class Sender(Protocol):
    """One thread's way into a destination. Yields what came of each upload, in the order in which they end."""

    def put_all(self, contents: Iterator[Content]) -> Iterator[tuple[Upload, Receipt | Exception]]:
        """Put each, several at once where the destination can. ItemErrors are yielded, FatalErrors raised."""

    def reread_all(self, keys: Iterator[str]) -> Iterator[tuple[str, str | Exception]]:
        """The SHA-256 of each object as it is stored now."""

    def tier_all(self, keys: Iterator[str], tier: Tier) -> Iterator[tuple[str, Exception | None]]:
        """Move each object to a tier."""

    def delete_all(self, objects: Iterator[tuple[str, str]]) -> Iterator[tuple[str, Exception | None]]:
        """Remove each object (key and etag) that still is that one; any other is an error of the item."""

    def mark_all(self, objects: Iterator[tuple[str, str]], *, moved: bool) -> Iterator[tuple[str, str | Exception]]:
        """Keep with each such object (key and etag) whether its source is deleted for it; its new etag."""

    def copy_all(self, renames: Iterator[Rename]) -> Iterator[tuple[Rename, Receipt | Exception]]:
        """Give each object its new name too, where nothing has that name; with its properties."""

    def close(self) -> None:
        """Let connections go."""


class Away(Protocol):
    """A way into a destination that another process can take: values that can be pickled."""

    @property
    def access(self) -> str:
        """What is needed to get in now; secret."""

    def sender(self, streams: Streams, control: Control, access: Callable[[], str]) -> Sender:
        """A sender there, which asks `access` for what is needed to get in."""


class Destination(Protocol):
    """Where things go."""

    features: Features

    def prepare(self) -> None:
        """Make sure that the place is there and can be written. Raises FatalError."""

    def stored(self) -> Iterator[Stored]:
        """All objects there, in any order. Raises FatalError."""

    def find(self, key: str) -> Stored | None:
        """One object, asked anew."""

    def sender(self, streams: Streams, control: Control) -> Sender:
        """A way in for one thread, which shares `streams` with the others."""

    def away(self) -> Away | None:
        """A way in for another process, as it is now; None where there is none, or it would not pay."""

    def name(self, key: str) -> str:
        """The object's full name, as a person would look for it."""
