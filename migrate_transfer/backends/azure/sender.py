"""One thread's way into a container: uploads, reading back, tiers and deletions over one lane."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from migrate_transfer.backends.azure.answers import API_VERSION, GARBLED, item_error, refusal
from migrate_transfer.backends.azure.marks import Marks
from migrate_transfer.backends.azure.place import MIB, Place
from migrate_transfer.backends.azure.renewal import RenewingLane
from migrate_transfer.backends.azure.upload import Uploads
from migrate_transfer.core.backend import Content, Receipt, Rename, Streams, Tier, Upload
from migrate_transfer.core.errors import ConnectionLost, TransientError
from migrate_transfer.net.lane import Answer, Link, Request

RANGE = 64 * MIB
"""An object is read back in ranges of this size: a broken connection costs one of them."""
MEMORY = 24 * MIB
"""Bytes under way in one lane, at the most (but always one request)."""


@dataclass(slots=True)
class Reading:
    """An object that is being read back: digest so far, and at the start of the range under way."""

    key: str
    size: int | None = None
    offset: int = 0
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    before: hashlib._Hash = field(default_factory=hashlib.sha256)
    etag: str = ""


class BlobSender:
    """One thread's way into a container. Raises FatalError from every method when the container or access is gone."""

    def __init__(self, place: Place, link: Link, streams: Streams) -> None:
        self._place = place
        self._lane = RenewingLane(
            place.renewal, link, streams=streams, memory=MEMORY, authorize=place.headers, transient=GARBLED
        )

    def close(self) -> None:
        self._lane.close()

    def put_all(self, contents: Iterator[Content]) -> Iterator[tuple[Upload, Receipt | Exception]]:
        yield from Uploads(self._place, self._lane).put_all(contents)

    def reread_all(self, keys: Iterator[str]) -> Iterator[tuple[str, str | Exception]]:
        for request, answer in self._lane.exchange(self._range(Reading(key)) for key in keys):
            reading = request.owner
            if isinstance(answer, TransientError):
                yield reading.key, answer
            elif answer is not None and (result := self._after_range(reading, answer)) is not None:
                yield reading.key, result

    def _range(self, reading: Reading) -> Request[Reading]:
        reading.before = reading.digest.copy()
        headers = [f"x-ms-version: {API_VERSION}", f"x-ms-range: bytes={reading.offset}-{reading.offset + RANGE - 1}"]
        if reading.etag:
            headers.append(f"If-Match: {reading.etag}")

        def rewind() -> None:
            reading.digest = reading.before.copy()

        return Request(
            reading,
            "GET",
            self._place.address(reading.key),
            headers,
            sink=lambda data: reading.digest.update(data),
            rewind=rewind,
        )

    def _after_range(self, reading: Reading, answer: Answer) -> str | Exception | None:
        if answer.status == 416 and reading.offset == 0:
            return reading.digest.hexdigest()  # an empty object has no range
        if answer.status not in (200, 206):
            return item_error(refusal(answer, self._place))
        if not {"etag", "x-ms-request-id"} <= answer.headers.keys():  # a gateway's page may have an etag
            return ConnectionLost("It is not Azure Storage that answered.")
        whole = answer.headers.get("content-range", "").rpartition("/")[2] or answer.headers.get("content-length", "0")
        if not whole.isdecimal():
            return ConnectionLost("The answer of Azure Storage was cut or damaged.")
        reading.size, reading.etag = int(whole), answer.headers["etag"]
        reading.offset += RANGE
        if answer.status == 200 or reading.offset >= reading.size:
            return reading.digest.hexdigest()
        self._lane.push(self._range(reading))
        return None

    def tier_all(self, keys: Iterator[str], tier: Tier) -> Iterator[tuple[str, Exception | None]]:
        headers = [f"x-ms-version: {API_VERSION}", f"x-ms-access-tier: {tier.title()}"]
        yield from self._simple((key, "PUT", "comp=tier", headers) for key in keys)

    def delete_all(self, objects: Iterator[tuple[str, str]]) -> Iterator[tuple[str, Exception | None]]:
        version = f"x-ms-version: {API_VERSION}"
        yield from self._simple((key, "DELETE", "", [version, f'If-Match: "{etag}"']) for key, etag in objects)

    def mark_all(self, objects: Iterator[tuple[str, str]], *, moved: bool) -> Iterator[tuple[str, str | Exception]]:
        yield from Marks(self._place, self._lane, moved).all(objects)

    def copy_all(self, renames: Iterator[Rename]) -> Iterator[tuple[Rename, Receipt | Exception]]:
        for request, answer in self._lane.exchange(self._copy(one) for one in renames):
            if isinstance(answer, TransientError):
                yield request.owner, answer
            elif answer is not None and answer.headers.get("x-ms-copy-status") == "success":
                yield request.owner, Receipt(answer.headers.get("etag", "").strip('"'), 0)
            elif answer is not None:
                yield request.owner, item_error(refusal(answer, self._place))

    def _copy(self, one: Rename) -> Request[Rename]:
        headers = [
            f"x-ms-version: {API_VERSION}",
            f"x-ms-copy-source: {self._place.address(one.old_key)}",
            f'x-ms-source-if-match: "{one.etag}"',
            "If-None-Match: *",
            *self._place.wanted_tier(),
        ]
        return Request(one, "PUT", self._place.address(one.item.key), headers)

    def _simple(self, calls: Iterator[tuple[str, str, str, list[str]]]) -> Iterator[tuple[str, Exception | None]]:
        requests = (Request(key, how, self._place.address(key, query), headers) for key, how, query, headers in calls)
        for request, answer in self._lane.exchange(requests):
            key = request.owner
            if isinstance(answer, Answer):
                fine = 200 <= answer.status < 300 and "x-ms-request-id" in answer.headers  # a gateway's page has none
                yield key, None if fine else item_error(refusal(answer, self._place))
            elif answer is not None:
                yield key, answer
