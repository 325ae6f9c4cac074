"""A container of Azure Blob Storage, or a prefix in it. The bytes of files go through `sender.py`; what is asked seldom
through Microsoft's client (`client.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from migrate_transfer.backends.azure import listing
from migrate_transfer.backends.azure.access import BlobAccess, Door
from migrate_transfer.backends.azure.answers import API_VERSION, CORRUPTED, NO_CONTAINER, NOT_KNOWN, refused_call
from migrate_transfer.backends.azure.away import BlobsAway
from migrate_transfer.backends.azure.place import MAX_BLOCKS, MIB, Place
from migrate_transfer.backends.azure.prefix import folder_of
from migrate_transfer.backends.azure.renewal import REFUSED
from migrate_transfer.backends.azure.sender import BlobSender
from migrate_transfer.core.backend import Features, Stored, Streams, Tier, Upload
from migrate_transfer.core.bandwidth import Bucket
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import (
    AccessDenied,
    ConnectionLost,
    FatalError,
    RejectedItem,
    ServiceUnavailable,
    TransientError,
)
from migrate_transfer.core.hashes import crc64_base64
from migrate_transfer.net.lane import Answer, Lane, Link, Request

if TYPE_CHECKING:
    from migrate_transfer.backends.azure.client import Client

OK, CREATED, NOT_THERE = 200, 201, 404
FIRST_PATIENCE = 6
"""A place that never answered is given up after half a minute: its name may be wrong."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BlobConfig:
    """Which container. `endpoint` replaces https://<account>.blob.core.windows.net (other clouds, Azurite)."""

    account: str
    container: str
    prefix: str = ""
    tier: Tier = "hot"
    endpoint: str = ""
    chunk: int = 8 * 2**20


class AzureBlob:
    """The destination. Raises InvalidRequest for names that Azure cannot have and for access that cannot be used."""

    features = Features(
        resumes=True,
        tiers=True,
        copies=True,
        marks=True,
        longest_key=1_024,
        most_parts=254,
        largest=MAX_BLOCKS * 4_000 * 2**20,
    )

    def __init__(self, config: BlobConfig, access: BlobAccess, link: Link) -> None:
        self.config, self._link = config, link
        self._door = Door(config.account, config.container, config.endpoint, access, link.authorities)
        self._prefix = folder_of(config.prefix)
        self._idle: list[Lane] = []

    def prepare(self) -> None:
        """Make sure that the container is there; it is made if it is not and access allows it."""

        def look() -> None:
            with self._lane() as lane:
                answer = self._ask(lane, self._question(most=1))
            if answer.status == NOT_THERE:
                self._client.make_container()
            elif answer.status != OK:
                raise refused_call(answer, self._place)

        self._call(look, patience=FIRST_PATIENCE)

    def stored(self) -> Iterator[Stored]:
        marker = ""
        with self._lane() as lane:
            while True:
                objects, marker = self._call(partial(self._page, lane, marker))
                yield from objects
                if not marker:
                    return

    def _page(self, lane: Lane, marker: str) -> tuple[list[Stored], str]:
        """Some of the listing behind `marker`, and where it goes on."""
        answer = self._ask(lane, self._question(marker))
        if answer.status != OK:
            raise refused_call(answer, self._place)
        return listing.read(answer, self._prefix)

    def _question(self, marker: str = "", most: int | None = None) -> Request[None]:
        return listing.page(self._door.address, self._place.signature(), self._prefix, marker, most)

    def _ask(self, lane: Lane, question: Request[None]) -> Answer:
        ((_, answer),) = lane.exchange(iter([question]))
        if answer is None or isinstance(answer, ConnectionLost):
            raise ConnectionLost("Azure Storage cannot be reached.", code="UNREACHABLE")
        if isinstance(answer, TransientError):
            raise answer
        return answer

    @contextmanager
    def _lane(self) -> Iterator[Lane]:
        """For control calls: they wait for nobody's bandwidth, and are tried again by who makes them. One in which
        nothing broke keeps its connection for the next."""
        try:
            lane = self._idle.pop()
        except IndexError:
            link = replace(self._link, retry=replace(self._link.retry, patience=0), bandwidth=Bucket())
            lane = Lane(link, streams=Streams(1), memory=MIB, authorize=self._door.headers)
        try:
            yield lane
        except BaseException:
            lane.close()
            raise
        self._idle.append(lane)

    def find(self, key: str) -> Stored | None:
        return self._of_item(lambda: self._look(key))

    def _look(self, key: str) -> Stored | None:
        """Not by Microsoft's client, which takes a head that was cut off for whole: one without the mark, or a tier."""
        question = Request(None, "HEAD", self._place.address(key), [f"x-ms-version: {API_VERSION}"])
        with self._lane() as lane:
            answer = self._ask(lane, question)
        code = answer.headers.get("x-ms-error-code")
        if answer.status == NOT_THERE and code is None:
            raise ConnectionLost("Something that is not Azure Storage answered.")  # a gateway that cannot reach it
        if answer.status == NOT_THERE and code not in NO_CONTAINER:
            return None
        if answer.status != OK:
            raise refused_call(answer, self._place)
        return listing.found(answer, key)

    def _of_item(self, ask: Callable[[], T]) -> T:
        """As `_call`; what Azure refuses of one name is no reason to end the job. Raises RejectedItem for it."""
        try:
            return self._call(ask)
        except FatalError as error:
            if error.error_code != "AZURE_REFUSED":
                raise
            raise RejectedItem(error.message, remedy="Look the code up in Azure's list of storage errors.") from error

    def _call(self, ask: Callable[[], T], patience: int | None = None) -> T:
        """Ask until there is an answer, once with a fresh token where one is refused. Raises FatalError,
        TransientError, Stopped."""

        def once() -> T:
            try:
                return ask()
            except AccessDenied as refused:
                if refused.details.get("status") != REFUSED or not self._door.renewal():
                    raise
            return ask()

        retry = self._link.retry
        if patience is not None:
            retry = replace(retry, patience=min(patience, retry.patience))
        return retry.run(once, self._link.control)

    @cached_property
    def _client(self) -> Client:
        # Half of the time that a command takes to start would be the import of Microsoft's client.
        from migrate_transfer.backends.azure.client import Client

        return Client(self._door)

    def name(self, key: str) -> str:
        return self._prefix + key

    def sender(self, streams: Streams, control: Control) -> BlobSender:
        return BlobSender(self._place, replace(self._link, control=control), streams)

    def away(self) -> BlobsAway | None:
        """None with a token, which only this process can renew, and where bandwidth is shared."""
        if not self._link.bandwidth.unlimited or self._place.headers():
            return None
        place = self._place
        return BlobsAway(
            place.signature(), place.url, place.container, place.tier, place.chunk, place.crc64, self._link.authorities
        )

    @cached_property
    def _place(self) -> Place:
        return Place(
            url=f"{self._door.address}/{quote(self._prefix, safe='/')}",
            container=self.config.container,
            signature=self._door.signature,
            lapsed=self._door.lapsed,
            headers=self._door.headers,
            renewal=self._door.renewal,
            tier=self.config.tier,
            chunk=self.config.chunk,
            staged=self._staged,
            clear=self._clear,
            checks_crc64=self._checks_crc64,
        )

    def _checks_crc64(self) -> bool:
        """Whether the service looks at a CRC-64: asked with a wrong one, which it has to refuse."""
        headers = [f"x-ms-version: {API_VERSION}", f"x-ms-content-crc64: {crc64_base64(b'right')}"]

        def ask() -> bool:
            address = self._place.address(".migrate-probe", "comp=block&blockid=cHJvYmU%3D")
            try:
                with self._lane() as lane:
                    answer = self._ask(lane, Request(None, "PUT", address, headers, b"wrong"))
            except ServiceUnavailable as error:  # Azurite says 500 of a header that it does not know
                if error.details.get("code") not in NOT_KNOWN:
                    raise
                return False
            code = answer.headers.get("x-ms-error-code", "")
            if answer.status != CREATED and code not in (*CORRUPTED, *NOT_KNOWN):
                raise refused_call(answer, self._place)
            return code in CORRUPTED

        return self._call(ask)

    def _staged(self, key: str) -> dict[str, int]:
        return self._of_item(lambda: self._client.staged(self.name(key)))

    def _clear(self, upload: Upload) -> None:
        name, address = self.name(upload.item.key), self._place.address(upload.item.key)
        self._of_item(lambda: self._client.discard(name, address, upload))
