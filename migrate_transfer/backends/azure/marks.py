"""The mark of an object whose source is deleted: `moved` in its metadata, beside all that is there already.

https://learn.microsoft.com/rest/api/storageservices/set-blob-metadata
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from migrate_transfer.backends.azure.answers import API_VERSION, KEPT, item_error, refusal, written
from migrate_transfer.backends.azure.place import Place
from migrate_transfer.core.errors import RejectedItem, TransientError
from migrate_transfer.net.lane import Answer, Lane, Request

MOVED = "x-ms-meta-moved"
IMMUTABLE = ("BlobImmutableDueToPolicy", "BlobImmutableDueToLegalHold")
"""Such an object cannot be marked, and needs no mark while the policy holds: nobody can replace or remove it."""


@dataclass(slots=True)
class Marks:
    """Azure replaces all metadata at once: they are asked first. Raises FatalError when the container or access is
    gone."""

    place: Place
    lane: Lane
    moved: bool

    def all(self, objects: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str | Exception]]:
        """Each object (key and etag) that still is that one, with its new etag."""
        for request, answer in self.lane.exchange(self._request("HEAD", key, etag) for key, etag in objects):
            key, etag = request.owner
            if isinstance(answer, TransientError):
                yield key, answer
            elif answer is not None and (result := self._next(request, answer, etag)) is not None:
                yield key, result

    def _request(self, method: str, key: str, etag: str, *metadata: str) -> Request[tuple[str, str]]:
        address = self.place.address(key, "comp=metadata")
        headers = [f"x-ms-version: {API_VERSION}", f'If-Match: "{etag}"', *metadata]
        return Request((key, etag), method, address, headers)

    def _next(self, request: Request[tuple[str, str]], answer: Answer, etag: str) -> str | Exception | None:
        if answer.status != 200:
            if answer.headers.get("x-ms-error-code") in IMMUTABLE:
                return etag
            return item_error(refusal(answer, self.place))
        if request.method == "PUT":
            return answer.headers.get("etag", "").strip('"')
        kept = {name: value for name, value in answer.headers.items() if name.startswith(KEPT) and name != MOVED}
        if not all(value.isascii() for value in kept.values()):
            return RejectedItem(
                "The object has metadata that are not ASCII: they would be lost with the mark that its source goes.",
                remedy="Rewrite the object's metadata; then retry the failed items.",
            )
        if self.moved:
            kept[MOVED] = written(time.time_ns())
        self.lane.push(self._request("PUT", *request.owner, *map(_header, kept, kept.values())))
        return None


def _header(name: str, value: str) -> str:
    """As libcurl wants it: it leaves out one that has nothing behind its colon."""
    return f"{name}: {value}" if value else f"{name};"
