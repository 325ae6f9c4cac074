"""A container of Azure Blob Storage, or a prefix in it. Control calls go through Microsoft's client; the bytes of files
through `sender.py`.

"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.storage.blob import (
    BlobProperties,
)

from migrate_transfer.backends.azure.access import BlobAccess, Door
from migrate_transfer.backends.azure.answers import CORRUPTED, NOT_KNOWN, denied, gone, moment
from migrate_transfer.backends.azure.place import MAX_BLOCKS, Place
from migrate_transfer.backends.azure.sender import BlobSender
from migrate_transfer.core.backend import Features, Stored, Streams, Tier
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import (
    ConnectionLost,
    FatalError,
    MigrateError,
    ServiceUnavailable,
    TargetError,
)
from migrate_transfer.core.hashes import crc64_base64
from migrate_transfer.core.retry import RetryPolicy
from migrate_transfer.net.lane import Link

logging.getLogger("azure").setLevel(logging.WARNING)

RETRY = RetryPolicy(patience=12)


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
        self._prefix = config.prefix.strip("/") + "/" if config.prefix.strip("/") else ""

    def prepare(self) -> None:
        """Make sure that the container is there; it is made if it is not and access allows it."""
        with self._translated():
            try:
                next(iter(self._door.container.list_blobs(name_starts_with=self._prefix, results_per_page=1)), None)
            except ResourceNotFoundError:
                self._door.container.create_container()

    def stored(self) -> Iterator[Stored]:
        with self._translated():
            for blob in self._door.container.list_blobs(name_starts_with=self._prefix, include=["metadata"]):
                if (blob.metadata or {}).get("hdi_isfolder") != "true":
                    yield self._stored(blob)

    def find(self, key: str) -> Stored | None:
        def ask() -> Stored | None:
            with self._translated():
                try:
                    return self._stored(self._door.container.get_blob_client(self.name(key)).get_blob_properties())
                except ResourceNotFoundError as error:
                    if getattr(error, "error_code", "") == "ContainerNotFound":
                        raise gone(self.config.container) from error
                    return None

        return RETRY.run(ask, self._link.control)

    def _stored(self, blob: BlobProperties) -> Stored:
        kept = {name.lower(): value for name, value in (blob.metadata or {}).items()}
        tier = str(blob.blob_tier or "").rpartition(".")[2].lower()
        sha256 = kept.get("sha256", "") if re.fullmatch("[0-9a-f]{64}", kept.get("sha256", "")) else ""
        name = blob.name[len(self._prefix) :]
        return Stored(name, blob.size, blob.etag.strip('"'), sha256, moment(kept.get("mtime", "")), tier)

    def name(self, key: str) -> str:
        return self._prefix + key

    def sender(self, streams: Streams, control: Control) -> BlobSender:
        link = Link(control, self._link.budget, self._link.bandwidth, self._link.authorities)
        return BlobSender(self._place, link, streams)

    @cached_property
    def _place(self) -> Place:
        return Place(
            url=f"{self._door.address}/{quote(self._prefix, safe='/')}",
            container=self.config.container,
            signature=self._door.signature,
            headers=self._door.headers,
            tier=self.config.tier,
            chunk=self.config.chunk,
            staged=self._staged,
            clear=self._clear,
            crc64=self._checks_crc64(),
        )

    def _checks_crc64(self) -> bool:
        """Whether the service looks at a CRC-64: asked with a wrong one, which it has to refuse."""
        blob = self._door.container.get_blob_client(self.name(".migrate-probe"))
        headers = {"x-ms-content-crc64": crc64_base64(b"right")}

        def ask() -> bool:
            try:
                with self._translated():
                    blob.stage_block("cHJvYmU=", b"wrong", length=5, headers=headers)
            except FatalError as refused:
                if refused.details.get("code") not in (*CORRUPTED, *NOT_KNOWN):
                    raise
                return refused.details["code"] in CORRUPTED
            return False

        return RETRY.run(ask, self._link.control)

    def _staged(self, key: str) -> dict[str, int]:
        """Ids and sizes of the blocks that lie there uncommitted."""

        def ask() -> dict[str, int]:
            with self._translated():
                try:
                    _, blocks = self._door.container.get_blob_client(self.name(key)).get_block_list("uncommitted")
                except ResourceNotFoundError:
                    return {}
            return {block.id: block.size for block in blocks}

        return RETRY.run(ask, self._link.control)

    def _clear(self, key: str) -> None:
        """Remove blocks that somebody else left under this name, and nothing that was committed."""
        blob = self._door.container.get_blob_client(self.name(key))

        def remove() -> None:
            with self._translated():
                committed, _ = blob.get_block_list("all")
                if committed:
                    raise TargetError(
                        "Another program is writing an object under this name.",
                        code="DESTINATION_BUSY",
                        remedy="Let it end, or choose another prefix.",
                    )
                blob.delete_blob()

        RETRY.run(remove, self._link.control)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Microsoft's errors -> ours."""
        try:
            yield
        except AzureError as error:
            raise self._error(error) from None

    def _error(self, error: AzureError) -> MigrateError:
        if isinstance(error, HttpResponseError) and error.status_code is not None:
            code = str(getattr(error, "error_code", "") or "")
            if isinstance(error, ClientAuthenticationError) or error.status_code in (401, 403):
                return denied(code, str(error.message))
            if code in ("ContainerNotFound", "ContainerBeingDeleted", "ContainerDisabled"):
                return gone(self.config.container)
            if error.status_code in (408, 429) or (error.status_code >= 500 and code not in NOT_KNOWN):
                return ServiceUnavailable(f"Azure Storage answered {error.status_code} {code}.")
            return FatalError(
                f"Azure Storage refused the call: {error.status_code} {code}.",
                code="AZURE_REFUSED",
                details={"code": code},
            )
        if isinstance(error, ServiceRequestError | ServiceResponseError):
            return ConnectionLost("Azure Storage cannot be reached.", code="UNREACHABLE")
        return FatalError(f"Azure Storage: {type(error).__name__}.", code="AZURE_REFUSED")
