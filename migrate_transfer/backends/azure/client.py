"""Microsoft's client, for what is asked seldom: the blocks under a name, a container that is to be made. Imported when
it is needed first."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from azure.core.credentials import AccessToken, AzureSasCredential
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.storage.blob import BlobClient, BlobServiceClient

from migrate_transfer.backends.azure import blocks
from migrate_transfer.backends.azure.access import Door
from migrate_transfer.backends.azure.answers import API_VERSION, NOT_KNOWN, denied, gone
from migrate_transfer.core.backend import Upload
from migrate_transfer.core.errors import ConnectionLost, FatalError, MigrateError, ServiceUnavailable
from migrate_transfer.net.headers import retry_after

logging.getLogger("azure").setLevel(logging.WARNING)
logging.getLogger("urllib3").setLevel(logging.ERROR)  # it warns of an answer with its address, and so the signature


class Client:
    """The container behind `door`. Every method raises FatalError and TransientError in our words; names are whole."""

    def __init__(self, door: Door) -> None:
        self._door, self._token = door, ""
        self._service = self._open()

    def _options(self) -> dict[str, Any]:
        options: dict[str, Any] = {"api_version": API_VERSION, "retry_total": 0, "logging_enable": False}
        options["permit_redirects"] = False  # the access would go wherever they lead
        if self._door.authorities:
            options["connection_verify"] = self._door.authorities
        return options

    def _open(self) -> BlobServiceClient:
        door, options = self._door, self._options()
        if door.access.token is None:
            # Of an account's key too: what is signed with the key itself bears this machine's time, which may be wrong.
            return BlobServiceClient(door.account.url, AzureSasCredential(door.signature()), **options)
        self._token = door.access.token()[0]
        return BlobServiceClient(door.account.url, _TokenCredential(door.access.token), **options)

    def _blob(self, name: str) -> BlobClient:
        self._refresh()
        return self._service.get_container_client(self._door.name).get_blob_client(name)

    def _refresh(self) -> None:
        """With access that is good now."""
        access = self._door.access
        if access.token is None:
            self._service.credential.update(self._door.signature())
        elif access.token()[0] != self._token:
            self._service.close()  # it keeps the token that it was given
            self._service = self._open()

    def make_container(self) -> None:
        with self._translated():
            self._refresh()
            service, given = self._service, self._door.access.connection_string
            if given is not None:  # no signature of a container makes it
                service = BlobServiceClient.from_connection_string(given, **self._options())
            try:
                service.get_container_client(self._door.name).create_container()
            except ResourceExistsError as error:
                # The answer to the first try was lost, or somebody else was faster.
                if getattr(error, "error_code", "") != "ContainerAlreadyExists":
                    raise

    def staged(self, name: str) -> dict[str, int]:
        """See `blocks.py`."""
        with self._translated():
            return blocks.staged(self._blob(name))

    def discard(self, name: str, address: str, upload: Upload) -> None:
        """See `blocks.py`."""
        with self._translated():
            blocks.discard(self._blob(name), address, upload)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Microsoft's errors -> ours."""
        try:
            yield
        except AzureError as error:
            raise self._error(error) from None
        except (AttributeError, ValueError):  # it looks for what an answer that was cut off has not
            raise ConnectionLost("The answer of Azure Storage was cut or damaged.") from None

    def _error(self, error: AzureError) -> MigrateError:
        if isinstance(error, ServiceRequestError | ServiceResponseError):
            return ConnectionLost("Azure Storage cannot be reached.", code="UNREACHABLE")
        if not isinstance(error, HttpResponseError):
            return FatalError(f"Azure Storage: {type(error).__name__}.", code="AZURE_REFUSED")
        status, code = error.status_code, _code(error)
        if status is None or status < 300:
            return ConnectionLost("The answer of Azure Storage was cut or damaged.")
        if isinstance(error, ClientAuthenticationError) or status in (401, 403):
            return denied(code, str(error.message), lapsed=self._door.lapsed(status), status=status)
        if code in ("ContainerNotFound", "ContainerBeingDeleted", "ContainerDisabled"):
            return gone(self._door.name)
        if status in (408, 429) or (status >= 500 and code not in NOT_KNOWN):
            asked = retry_after(getattr(error.response, "headers", {}))
            return ServiceUnavailable(f"Azure Storage answered {status} {code}.", retry_after=asked)
        refused = f"Azure Storage refused the call: {status} {code}."
        return FatalError(refused, code="AZURE_REFUSED", details={"code": code})


def _code(error: HttpResponseError) -> str:
    """Azure's word; Microsoft's client makes a member of an enumeration of one that it knows."""
    code = getattr(error, "error_code", None) or ""
    return str(getattr(code, "value", code))


class _TokenCredential:
    """What Microsoft's client wants of a credential."""

    def __init__(self, token: Callable[[], tuple[str, float]]) -> None:
        self._token = token

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        token, until = self._token()
        return AccessToken(token, int(until))
