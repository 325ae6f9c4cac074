"""The bytes of files into blobs: Put Blob for small ones, Put Block and Put Block List for large ones, over one lane.

Every request carries a checksum that the service compares with what reached it: CRC-64, or MD5 where it does not look
at that. A service that does not say in its answer that it looked at a block's CRC-64 gets it again, with MD5. Block ids
are made of the source's version and the block's size, place and checksum, so that an interrupted upload goes on where
it was, and with no block that has other content now.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from mimetypes import guess_type
from typing import Literal
from urllib.parse import quote

from migrate_transfer.backends.azure.answers import (
    API_VERSION,
    DESTINATION_BUSY,
    busy,
    item_error,
    moment,
    occupied,
    refusal,
    written,
)
from migrate_transfer.backends.azure.place import MAX_BLOCKS, MIB, Place
from migrate_transfer.core.backend import Content, Receipt, Upload
from migrate_transfer.core.errors import ItemError, TransientError
from migrate_transfer.core.hashes import crc64_base64, md5_base64
from migrate_transfer.net.lane import Answer, Lane, Request

NOT_THERE = 404
Step = Literal["put", "block", "commit", "look", "meet"]
"""`meet`: a look at what is in the way."""


def _kind(key: str) -> str:
    """The MIME type by the name's end; asked for each file, and there are few ends."""
    return _kind_of_ending(".".join(key.rpartition("/")[2].lstrip(".").rsplit(".", 2)[1:]))


@lru_cache(1_000)
def _kind_of_ending(ending: str) -> str:
    return guess_type(f"file.{ending}", strict=False)[0] or "application/octet-stream"


@dataclass(slots=True)
class Task:
    """One upload under way: its blocks, how many of them are not answered, and what went wrong."""

    content: Content
    blocks: list[str] = field(default_factory=list)
    open: int = 0
    fed: bool = False
    sent: int = 0
    error: Exception | None = None

    @property
    def upload(self) -> Upload:
        return self.content.upload


@dataclass(slots=True)
class Call:
    """What a request is for."""

    step: Step
    task: Task


@dataclass(slots=True)
class Uploads:
    """Raises FatalError when the container or access is gone."""

    place: Place
    lane: Lane

    def put_all(self, contents: Iterator[Content]) -> Iterator[tuple[Upload, Receipt | Exception]]:
        again: list[Content] = []
        for task, result in self._put(contents):
            if isinstance(result, ItemError) and result.error_code == DESTINATION_BUSY:
                again.append(task.content)
            else:
                yield task.upload, result
        cleared: list[Content] = []
        for content in again:
            try:
                self.place.clear(content.upload)
            except (ItemError, TransientError) as error:
                yield content.upload, error
            else:
                cleared.append(content)
        for task, result in self._put(iter(cleared)):
            yield task.upload, result

    def _put(self, contents: Iterator[Content]) -> Iterator[tuple[Task, Receipt | Exception]]:
        for request, answer in self.lane.exchange(self._requests(contents)):
            if (result := self._next(request, answer)) is not None:
                yield request.owner.task, result

    def _requests(self, contents: Iterator[Content]) -> Iterator[Request[Call]]:
        for content in contents:
            task = Task(content)
            try:
                with content.open():
                    if content.upload.item.size <= self.place.chunk:
                        request = self._small(task)
                    else:
                        yield from self._blocks(task)
                        request = None
            except (ItemError, TransientError) as error:
                task.error = error
                task.fed = True
                if not task.open:
                    yield Request(Call("put", task))
                continue
            if request is not None:
                yield request

    def _small(self, task: Task) -> Request[Call]:
        data = task.content.read(task.upload.item.size)
        task.content.finish()
        task.sent = len(data)
        headers = [
            "x-ms-blob-type: BlockBlob",
            self._check(data),
            *self._kept(task.upload, "Content-Type"),
        ]
        return self._request("put", task, "", headers, data)

    def _kept(self, upload: Upload, content_type: str) -> list[str]:
        """Headers of the write that makes the object: kind, properties, tier, and what may be there before."""
        kind = _kind(upload.item.key)
        headers = [f"{content_type}: {kind}"]
        if upload.sha256:
            headers.append(f"x-ms-meta-sha256: {upload.sha256}")
        if upload.item.modified and (time := written(upload.item.modified)):
            headers.append(f"x-ms-meta-mtime: {time}")
        headers += [f"x-ms-meta-{name}: {value}" for name, value in upload.properties.items()]
        headers += self.place.wanted_tier()
        if upload.replaces is not None:
            headers.append(f'If-Match: "{upload.replaces}"')
        elif not upload.overwrite:
            headers.append("If-None-Match: *")
        return headers

    def _blocks(self, task: Task) -> Iterator[Request[Call]]:
        """The blocks of a large file that are not at the destination yet; all of it is read, for its SHA-256."""
        item = task.upload.item
        size = max(self.place.chunk, -(-item.size // (MAX_BLOCKS * MIB)) * MIB)
        mark = hashlib.sha256(f"{item.key}\0{item.size}\0{item.modified}\0{item.version}\0{size}".encode()).hexdigest()
        there = self.place.staged(item.key) if task.upload.resumed else {}
        for index in range(-(-item.size // size)):
            data = task.content.read(size)
            if task.error is not None:
                break
            check = self._check(data)  # not every system has another version for each content
            name = f"{hashlib.sha256(f'{mark}{check}'.encode()).hexdigest()[:32]}{index:08d}"
            block = base64.b64encode(name.encode()).decode()
            task.blocks.append(block)
            if there.get(name) == len(data):
                continue
            task.open += 1
            task.sent += len(data)
            yield self._block(task, block, check, data)
        if task.error is None:
            task.content.finish()
        task.fed = True
        if not task.open:
            yield self._end(task) if task.error is None else Request(Call("put", task))

    def _block(self, task: Task, block: str, check: str, data: bytes) -> Request[Call]:
        query = f"comp=block&blockid={quote(block, safe='')}"
        return self._request("block", task, query, [check, "Content-Type: application/octet-stream"], data)

    def _check(self, data: bytes) -> str:
        """The checksum that the service compares with what reached it."""
        return f"x-ms-content-crc64: {crc64_base64(data)}" if self.place.crc64 else f"Content-MD5: {md5_base64(data)}"

    def _end(self, task: Task) -> Request[Call]:
        """Commit the blocks that make the object, in their order."""
        names = "".join(f"<Latest>{block}</Latest>" for block in task.blocks)
        body = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{names}</BlockList>'.encode()
        headers = [
            f"Content-MD5: {md5_base64(body)}",
            "Content-Type: application/xml",
            *self._kept(task.upload, "x-ms-blob-content-type"),
        ]
        return self._request("commit", task, "comp=blocklist", headers, body)

    def _request(self, step: Step, task: Task, query: str, headers: list[str], body: bytes) -> Request[Call]:
        method = "HEAD" if step in ("look", "meet") else "PUT"
        address = self.place.address(task.upload.item.key, query)
        return Request(Call(step, task), method, address, [f"x-ms-version: {API_VERSION}", *headers], body)

    def _next(self, request: Request[Call], answer: Answer | TransientError | None) -> Receipt | Exception | None:
        """What an answer leads to: another request, or the upload's end."""
        call = request.owner
        if answer is None:
            return call.task.error
        if call.step == "block":
            return self._after_block(request, answer)
        if isinstance(answer, TransientError):
            return answer
        if call.step == "meet" and answer.status == NOT_THERE and call.task.upload.replaces is None:
            return busy()  # Azurite takes a name under which uncommitted blocks lie for an object's
        if call.step in ("look", "meet"):
            return self._after_look(call.task, answer)
        if answer.status == 201 and call.step == "put":
            return Receipt(answer.headers.get("etag", "").strip('"'), call.task.sent)
        if answer.status == 201 or answer.headers.get("x-ms-error-code") in ("BlobAlreadyExists", "ConditionNotMet"):
            self.lane.push(self._request("look" if answer.status == 201 else "meet", call.task, "", [], b""))
            return None
        return item_error(refusal(answer, self.place))

    def _after_block(self, request: Request[Call], answer: Answer | TransientError) -> Exception | None:
        task = request.owner.task
        if isinstance(answer, Answer) and answer.status == 201:
            if self._unchecked(request, answer):
                return None
        elif task.error is None:
            task.error = answer if isinstance(answer, TransientError) else item_error(refusal(answer, self.place))
        task.open -= 1
        if task.open or not task.fed:
            return None
        if task.error is None:
            self.lane.push(self._end(task))
        return task.error

    def _unchecked(self, request: Request[Call], answer: Answer) -> bool:
        """A service that does not confirm the CRC-64 may not have looked at it: send the block again, with MD5."""
        given = next((h for h in request.headers if h.startswith("x-ms-content-crc64: ")), None)
        if given is None or answer.headers.get("x-ms-content-crc64") == given.partition(": ")[2]:
            return False
        self.place.distrust_crc64()
        request.headers.remove(given)
        request.headers.append(f"Content-MD5: {md5_base64(request.body)}")
        self.lane.push(request)
        return True

    def _after_look(self, task: Task, answer: Answer) -> Receipt | Exception:
        """The object as it stands now, asked anew: is it what was sent?"""
        if answer.status != 200:
            return item_error(refusal(answer, self.place))
        item, size = task.upload.item, answer.headers.get("content-length")
        if task.upload.sha256:
            ours = answer.headers.get("x-ms-meta-sha256") == task.upload.sha256
        else:  # nothing is verified: the source and the time stored with it say whose it is
            ours = answer.headers.get("x-ms-meta-source") == task.upload.properties.get("source")
            ours = ours and moment(answer.headers.get("x-ms-meta-mtime", "")) == item.modified
        if not ours or size != str(item.size):
            return occupied()
        return Receipt(answer.headers.get("etag", "").strip('"'), task.sent, "x-ms-meta-moved" in answer.headers)
