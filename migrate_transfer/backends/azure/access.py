"""How one gets into a container: Microsoft's client for control calls, and the same access for calls of our own."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from azure.core.credentials import AccessToken, AzureSasCredential
from azure.storage.blob import BlobServiceClient, ContainerClient, ContainerSasPermissions, generate_container_sas
from pydantic import SecretStr

from migrate_transfer.backends.azure.answers import API_VERSION
from migrate_transfer.backends.azure.place import over
from migrate_transfer.backends.azure.renewal import REFUSED, Renewal
from migrate_transfer.core.errors import InvalidRequest

ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
CONTAINER = re.compile(r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*|\$root|\$web")
SAS_HOURS = 24
"""A signature made from the account's key is good for so long, and made anew at half of it."""


@dataclass(frozen=True, slots=True)
class BlobAccess:
    """How to get in: exactly one of the three. `signature` gives a shared access signature that is good now; `token` a
    bearer token and when it ends (seconds since 1970); `renew` has a fresh one fetched, when that one was refused."""

    connection_string: SecretStr | None = None
    signature: Callable[[], SecretStr] | None = None
    token: Callable[[], tuple[str, float]] | None = None
    renew: Callable[[], None] | None = None


@dataclass
class Door:
    """The container `name` of `account`, at `endpoint` where not in Azure's public cloud. Raises InvalidRequest for
    names that Azure cannot have and for a connection string that cannot be used."""

    account: str
    name: str
    endpoint: str
    access: BlobAccess
    authorities: str | None = None

    def __post_init__(self) -> None:
        self._made, self._renew_at = "", datetime.min.replace(tzinfo=UTC)
        self.renewal = Renewal(None if self.access.renew is None else self._renew)
        if not CONTAINER.fullmatch(self.name):
            raise InvalidRequest(
                f"{self.name!r} cannot be the name of a container.",
                code="BAD_CONTAINER",
                remedy="3 to 63 lower-case letters, digits and single hyphens, a letter or digit at both ends.",
            )
        if self.access.connection_string is None and not ACCOUNT.fullmatch(self.account):
            raise InvalidRequest(
                f"{self.account!r} cannot be the name of a storage account.",
                code="BAD_ACCOUNT",
                remedy="3 to 24 lower-case letters and digits.",
            )

    @cached_property
    def _service(self) -> BlobServiceClient:
        options: dict[str, Any] = {"api_version": API_VERSION, "retry_total": 0, "logging_enable": False}
        if self.authorities:
            options["connection_verify"] = self.authorities
        if self.access.connection_string is not None:
            return _from_connection_string(self.access.connection_string, options)
        url = self.endpoint or f"https://{self.account}.blob.core.windows.net"
        if self.access.signature is not None:
            return BlobServiceClient(url, AzureSasCredential(self._given()), **options)
        assert self.access.token is not None
        return BlobServiceClient(url, _TokenCredential(self.access.token), **options)

    @property
    def container(self) -> ContainerClient:
        """Microsoft's client, with access that is good now."""
        if self.access.signature is not None:
            self._service.credential.update(self._given())
        return self._service.get_container_client(self.name)

    @property
    def address(self) -> str:
        """The container's, without query."""
        found = urlsplit(self._service.get_container_client(self.name).url)
        return f"{found.scheme}://{found.netloc}{found.path}"

    def signature(self) -> str:
        """What is added to each address: nothing with a token; the given signature; one made from the account's key."""
        if self.access.signature is not None:
            return self._given()
        if self.access.token is not None:
            return ""
        key = getattr(self._service.credential, "account_key", None)
        return urlsplit(self._service.url).query if key is None else self._signed(key)

    def lapsed(self, status: int) -> bool:
        """Whether a refusal of this status means that access has ended: the signature says of itself that its time is
        over, or it is the token that is refused."""
        if self.access.token is not None:
            return status == REFUSED
        return over(self.signature())

    def headers(self) -> list[str]:
        """What is added to each call's headers."""
        return [] if self.access.token is None else [f"Authorization: Bearer {self.access.token()[0]}"]

    def _renew(self) -> None:
        assert self.access.renew is not None
        self.access.renew()
        if (service := self.__dict__.pop("_service", None)) is not None:
            service.close()  # it keeps the token that it was given

    def _given(self) -> str:
        assert self.access.signature is not None
        return self.access.signature().get_secret_value().lstrip("?")

    def _signed(self, key: str) -> str:
        now = datetime.now(UTC)
        if now > self._renew_at:
            self._made = generate_container_sas(
                str(self._service.account_name),
                self.name,
                account_key=key,
                permission=ContainerSasPermissions(read=True, write=True, create=True, delete=True, list=True),
                start=now - timedelta(minutes=15),
                expiry=now + timedelta(hours=SAS_HOURS),
            )
            self._renew_at = now + timedelta(hours=SAS_HOURS / 2)
        return self._made


def _from_connection_string(secret: SecretStr, options: dict[str, Any]) -> BlobServiceClient:
    given = secret.get_secret_value()
    try:
        if not re.search(r"AccountKey=[^;]|SharedAccessSignature=[^;]", given, re.IGNORECASE):
            raise ValueError("neither key nor signature")
        return BlobServiceClient.from_connection_string(given, **options)
    except ValueError:
        raise InvalidRequest(
            "The connection string of the storage account is not complete.",
            code="BAD_CONNECTION_STRING",
            remedy="Copy it once more from Azure's page Access keys; it has AccountName and AccountKey.",
        ) from None


class _TokenCredential:
    """What Microsoft's client wants of a credential."""

    def __init__(self, token: Callable[[], tuple[str, float]]) -> None:
        self._token = token

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        token, until = self._token()
        return AccessToken(token, int(until))
