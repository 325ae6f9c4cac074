"""The manifest: a line of JSON for every item of a transfer, after a first line that says of what; and its check.

{"manifest": 1, "source": …, "destination": …, "items": 3}
{"path": …, "size": …, "modified": …, "outcome": …, "sha256": …, "etag": …, "level": …, "code": …, "message": …}
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import orjson

from migrate_transfer.core.backend import Destination, Sender, Streams
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import FatalError, InvalidRequest, ItemError, MigrateError, TransientError
from migrate_transfer.ledger.item_records import Entry
from migrate_transfer.ledger.items import ItemLedger
from migrate_transfer.spec import TransferSpec

VERSION = 1
NAMES = ("path", *Entry._fields[1:])
THERE = ("done", "unchanged")
SLICE = 1_000
AT_ONCE = 8
"""So many archived objects are asked about together."""
MANY = 8
"""After so many objects that could not be reached, the destination is asked whether it is there at all."""
Found = Literal["same", "missing", "different", "archived", "unreadable", "unproven", "failed", "pending"]
OTHER = "Its content is not what was copied."


def write_manifest(ledger: ItemLedger, spec: TransferSpec, path: Path) -> None:
    """Written aside and put in place whole. Raises OSError."""
    head = {"manifest": VERSION, "source": spec.source, "destination": spec.destination}
    aside = path.with_name(path.name + ".part")
    with aside.open("wb") as file:
        # The source's path may be no Unicode, which orjson does not write.
        file.write(json.dumps({**head, "items": ledger.totals().counts.discovered}).encode() + b"\n")
        for entry in ledger.entries():
            fields = {name: value for name, value in zip(NAMES, entry, strict=True) if value != ""}
            file.write(orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE))
    aside.replace(path)


@dataclass(frozen=True, slots=True)
class Line:
    """An item that the manifest says is at the destination, or (`absent`, and why) that its job did not bring there."""

    key: str
    size: int
    sha256: str
    etag: str = ""
    absent: Literal["failed", "pending"] | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """What was found of an item that is not `same`."""

    key: str
    found: Found
    message: str


@dataclass
class Verified:
    """Counts by what was found, and the first differences."""

    counts: dict[Found, int] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)

    def add(self, line: Line, found: Found, message: str = "") -> None:
        self.counts[found] = self.counts.get(found, 0) + 1
        if found != "same" and len(self.differences) < SLICE:
            self.differences.append(Difference(line.key, found, message))

    @property
    def clean(self) -> bool:
        """Whether nothing differs; what is archived cannot be read and counts as told, not as different."""
        return not set(self.counts) - {"same", "archived"}


def read_head(path: Path) -> dict[str, Any]:
    """What the manifest is of. Raises InvalidRequest when it is none."""
    try:
        with path.open(encoding="utf-8") as file:
            head = json.loads(file.readline())
    except OSError as error:
        raise InvalidRequest(f"Cannot read {path}: {error.strerror}.", code="NO_MANIFEST") from error
    except ValueError:
        head = None
    if not isinstance(head, dict) or head.get("manifest") != VERSION:
        raise InvalidRequest(
            f"{path} is no manifest of this release.", code="NO_MANIFEST", remedy="Name a transfer's manifest.jsonl."
        )
    return head


def read_lines(path: Path) -> Iterator[Line]:
    """The items that are to be there. Raises InvalidRequest for a manifest that was cut or damaged."""
    head, count = read_head(path), 0
    with path.open(encoding="utf-8") as file:
        for text in islice(file, 1, None):
            try:
                fields = json.loads(text)
                line, outcome = _line(fields), fields["outcome"]
            except (ValueError, KeyError, TypeError):
                raise _damaged(path) from None
            count += 1
            if outcome != "skipped":
                yield line
    if count != head["items"]:
        raise _damaged(path)


def _line(fields: Mapping[str, Any]) -> Line:
    """Raises KeyError."""
    found = (fields["path"], fields["size"], fields.get("sha256", ""), fields.get("etag", ""))
    if fields["outcome"] in THERE:
        return Line(*found)
    if fields["outcome"] == "failed":
        return Line(*found, "failed", f"{fields.get('code')}: {fields.get('message', '')}")
    return Line(*found, "pending", "The job did not come to it.")


def _damaged(path: Path) -> InvalidRequest:
    return InvalidRequest(
        f"{path} is damaged: it is not as it was written.",
        code="MANIFEST_DAMAGED",
        remedy="Take the copy in the job's folder.",
    )


def verify(
    path: Path, destination: Destination, streams: int, control: Control, tell: Callable[[int], None]
) -> Verified:
    """Read every object of the manifest back; `tell` hears how many were looked at. Raises FatalError, TransientError
    when the destination is away, Stopped."""
    verified = Verified()
    lines = _there(read_lines(path), verified)
    sender = destination.sender(Streams(streams), control)
    try:
        while some := {line.key: line for line in islice(lines, SLICE)}:
            wrong = _read(sender, some, destination, verified)
            for key in _read(sender, wrong, destination, verified):
                verified.add(wrong[key], "different", OTHER)
            tell(len(some))
    finally:
        sender.close()
    return verified


def _there(lines: Iterator[Line], verified: Verified) -> Iterator[Line]:
    """Those that are to be read; the others are noted."""
    for line in lines:
        if line.absent is None:
            yield line
        else:
            verified.add(line, line.absent, line.message)


def _read(sender: Sender, lines: Mapping[str, Line], destination: Destination, verified: Verified) -> dict[str, Line]:
    """Those whose content is another one; it may have become so on its way back. What else was found is noted."""
    wrong, shut, lost = {}, list[Line](), 0
    for key, digest in sender.reread_all(iter(list(lines))):
        line = lines[key]
        if isinstance(digest, TransientError):
            lost += 1
            if lost % MANY == 0:
                destination.find(key)  # is it there at all?
        if isinstance(digest, MigrateError) and digest.error_code == "DESTINATION_ARCHIVED":
            shut.append(line)
        elif isinstance(digest, Exception):
            _note(line, digest, verified)
        elif not line.sha256:
            verified.add(line, "unproven", "It was copied without a SHA-256: there is nothing to compare it with.")
        elif digest == line.sha256:
            verified.add(line, "same")
        else:
            wrong[key] = line
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for line, (found, message) in zip(shut, pool.map(partial(_said, destination), shut), strict=True):
            verified.add(line, found, message)
    return wrong


def _said(destination: Destination, line: Line) -> tuple[Found, str]:
    """Of an archived object, which cannot be read: whether it says of itself that it is what was copied."""
    try:
        stored = destination.find(line.key)
    except ItemError as error:
        return "unreadable", error.message
    if stored is None:
        return "missing", "The object is not there."
    alike = line.sha256 != "" and (stored.size, stored.sha256) == (line.size, line.sha256)
    return ("archived", "Not re-read: archived.") if alike or stored.etag == line.etag else ("different", OTHER)


def _note(line: Line, error: Exception, verified: Verified) -> None:
    if isinstance(error, FatalError) or not isinstance(error, MigrateError):
        raise error
    verified.add(line, "missing" if error.error_code == "DESTINATION_GONE" else "unreadable", error.message)
