"""A container of Azure Blob Storage, or a prefix in it. Control calls go through Microsoft's client; the bytes of files
through `sender.py`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TypeVar
from urllib.parse import quote

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.storage.blob import BlobClient, BlobProperties

from migrate_transfer.backends.azure import listing
from migrate_transfer.backends.azure.access import BlobAccess, Door
from migrate_transfer.backends.azure.answers import CORRUPTED, NOT_KNOWN, denied, gone, refused_call
from migrate_transfer.backends.azure.away import BlobsAway
from migrate_transfer.backends.azure.blocks import discard, staged
from migrate_transfer.backends.azure.place import MAX_BLOCKS, MIB, Place
from migrate_transfer.backends.azure.renewal import REFUSED
from migrate_transfer.backends.azure.sender import BlobSender
from migrate_transfer.core.backend import Features, Stored, Streams, Tier, Upload
from migrate_transfer.core.bandwidth import Bucket
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import (
    AccessDenied,
    ConnectionLost,
    FatalError,
    InvalidRequest,
    MigrateError,
    RejectedItem,
    ServiceUnavailable,
    TransientError,
)
from migrate_transfer.core.hashes import crc64_base64
from migrate_transfer.net.headers import retry_after
from migrate_transfer.net.lane import Answer, Lane, Link

logging.getLogger("azure").setLevel(logging.WARNING)

ASTRAY = re.compile(r"//|\.(?=/|\Z)|[\x00-\x1f\x7f-\x9f\\\ud800-\udfff]")
"""In a prefix: clients resolve "." and "..", Azure drops a dot at the end of a part, some take "\\\\" for "/"."""
OK, NOT_THERE = 200, 404
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
        resumes=True, tiers=True, copies=True, longest_key=1_024, most_parts=254, largest=MAX_BLOCKS * 4_000 * 2**20
    )

    def __init__(self, config: BlobConfig, access: BlobAccess, link: Link) -> None:
        self.config, self._link = config, link
        self._door = Door(config.account, config.container, config.endpoint, access, link.authorities)
        prefix = config.prefix.strip("/")
        if ASTRAY.search(prefix):
            raise InvalidRequest(
                f"{prefix!r} cannot be a prefix.",
                code="BAD_PREFIX",
                remedy="No part of it may be empty or end with a dot; no backslash, no control characters.",
            )
        self._prefix = prefix + "/" if prefix else ""

    def prepare(self) -> None:
        """Make sure that the container is there; it is made if it is not and access allows it."""

        def look() -> None:
            with self._lane() as lane:
                answer = self._ask(lane, "", 1)
            if answer.status == NOT_THERE:
                self._make()
            elif answer.status != OK:
                raise refused_call(answer, self._place)

        self._call(look, patience=FIRST_PATIENCE)

    def _make(self) -> None:
        try:
            self._door.container.create_container()
        except ResourceExistsError as error:
            # The answer to the first try was lost, or somebody else was faster.
            if getattr(error, "error_code", "") != "ContainerAlreadyExists":
                raise

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
        answer = self._ask(lane, marker)
        if answer.status != OK:
            raise refused_call(answer, self._place)
        return listing.read(answer, self._prefix)

    def _ask(self, lane: Lane, marker: str, most: int | None = None) -> Answer:
        question = listing.page(self._door.address, self._place.signature(), self._prefix, marker, most)
        ((_, answer),) = lane.exchange(iter([question]))
        if answer is None or isinstance(answer, ConnectionLost):
            raise ConnectionLost("Azure Storage cannot be reached.", code="UNREACHABLE")
        if isinstance(answer, TransientError):
            raise answer
        return answer

    @contextmanager
    def _lane(self) -> Iterator[Lane]:
        """For control calls: they wait for nobody's bandwidth, and are tried again by who makes them."""
        link = replace(self._link, retry=replace(self._link.retry, patience=0), bandwidth=Bucket())
        lane = Lane(link, streams=Streams(1), memory=MIB, authorize=self._door.headers)
        try:
            yield lane
        finally:
            lane.close()

    def find(self, key: str) -> Stored | None:
        def ask() -> Stored | None:
            try:
                return self._stored(self._blob(key).get_blob_properties())
            except ResourceNotFoundError as error:
                if getattr(error, "error_code", "") == "ContainerNotFound":
                    raise gone(self.config.container) from error
                return None

        return self._of_item(ask)

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
                with self._translated():
                    return ask()
            except AccessDenied as refused:
                if refused.details.get("status") != REFUSED or not self._door.renewal():
                    raise
            with self._translated():
                return ask()

        retry = self._link.retry
        if patience is not None:
            retry = replace(retry, patience=min(patience, retry.patience))
        return retry.run(once, self._link.control)

    def _stored(self, blob: BlobProperties) -> Stored:
        tier = str(blob.blob_tier or "").rpartition(".")[2]
        kept = {name.lower(): value for name, value in (blob.metadata or {}).items()}
        return listing.stored(blob.name[len(self._prefix) :], blob.size, blob.etag, tier, kept)

    def _blob(self, key: str) -> BlobClient:
        return self._door.container.get_blob_client(self.name(key))

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
        headers = {"x-ms-content-crc64": crc64_base64(b"right")}

        def ask() -> bool:
            blob = self._blob(".migrate-probe")
            blob.stage_block("cHJvYmU=", b"wrong", length=5, headers=headers)
            return False

        try:
            return self._call(ask)
        except FatalError as refused:
            if refused.details.get("code") not in (*CORRUPTED, *NOT_KNOWN):
                raise
            return refused.details["code"] in CORRUPTED

    def _staged(self, key: str) -> dict[str, int]:
        return self._of_item(lambda: staged(self._blob(key)))

    def _clear(self, upload: Upload) -> None:
        key = upload.item.key
        self._of_item(lambda: discard(self._blob(key), self._place.address(key), upload))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Microsoft's errors -> ours."""
        try:
            yield
        except AzureError as error:
            raise self._error(error) from None

    def _error(self, error: AzureError) -> MigrateError:
        if isinstance(error, ServiceRequestError | ServiceResponseError):
            return ConnectionLost("Azure Storage cannot be reached.", code="UNREACHABLE")
        if not isinstance(error, HttpResponseError):
            return FatalError(f"Azure Storage: {type(error).__name__}.", code="AZURE_REFUSED")
        status, code = error.status_code, str(getattr(error, "error_code", "") or "")
        if status is None or status < 300:
            return ConnectionLost("The answer of Azure Storage was cut or damaged.")
        if isinstance(error, ClientAuthenticationError) or status in (401, 403):
            return denied(code, str(error.message), lapsed=self._door.lapsed(status), status=status)
        if code in ("ContainerNotFound", "ContainerBeingDeleted", "ContainerDisabled"):
            return gone(self.config.container)
        if status in (408, 429) or (status >= 500 and code not in NOT_KNOWN):
            asked = retry_after(getattr(error.response, "headers", {}))
            return ServiceUnavailable(f"Azure Storage answered {status} {code}.", retry_after=asked)
        refused = f"Azure Storage refused the call: {status} {code}."
        return FatalError(refused, code="AZURE_REFUSED", details={"code": code})
