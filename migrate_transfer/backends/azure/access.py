"""How one gets into a container: where it is, and what is added to each call."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from urllib.parse import quote, urlsplit

from migrate_transfer.backends.azure.keys import Account, account_of, signed
from migrate_transfer.backends.azure.place import over
from migrate_transfer.backends.azure.renewal import REFUSED, Renewal
from migrate_transfer.core.errors import InvalidRequest

ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
CONTAINER = re.compile(r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*|\$root|\$web")
SAS_HOURS = 24
"""A signature made from the account's key is good for so long, and made anew at half of it."""


def utc_now() -> datetime:
    """This machine's clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class BlobAccess:
    """How to get in: exactly one of the three. `signature` gives a shared access signature that is good now; `token` a
    bearer token and when it ends (seconds since 1970); `renew` has a fresh one fetched, when that one was refused.
    `clock` is the time of the world: where this machine's is wrong by hours, Azure refuses what is signed by it."""

    connection_string: str | None = field(default=None, repr=False)
    signature: Callable[[], str] | None = None
    token: Callable[[], tuple[str, float]] | None = None
    renew: Callable[[], None] | None = None
    clock: Callable[[], datetime] = utc_now


@dataclass
class Door:
    """The container `name` of the account `account_name`, at `endpoint` where not in Azure's public cloud. Raises
    InvalidRequest for names that Azure cannot have and for a connection string that cannot be used."""

    account_name: str
    name: str
    endpoint: str
    access: BlobAccess
    authorities: str | None = None

    def __post_init__(self) -> None:
        self._made, self._renew_at = "", datetime.min.replace(tzinfo=UTC)
        self.renewal = Renewal(self.access.renew)
        if not CONTAINER.fullmatch(self.name):
            raise InvalidRequest(
                f"{self.name!r} cannot be the name of a container.",
                code="BAD_CONTAINER",
                remedy="3 to 63 lower-case letters, digits and single hyphens, a letter or digit at both ends.",
            )
        if self.access.connection_string is None and not ACCOUNT.fullmatch(self.account_name):
            raise InvalidRequest(
                f"{self.account_name!r} cannot be the name of a storage account.",
                code="BAD_ACCOUNT",
                remedy="3 to 24 lower-case letters and digits.",
            )

    @cached_property
    def account(self) -> Account:
        if self.access.connection_string is None:
            return Account(self.account_name, self.endpoint or f"https://{self.account_name}.blob.core.windows.net")
        try:
            found = account_of(self.access.connection_string)
        except ValueError:
            raise InvalidRequest(
                "The connection string of the storage account is not complete.",
                code="BAD_CONNECTION_STRING",
                remedy="Copy it once more from Azure's page Access keys; it has AccountName and AccountKey.",
            ) from None
        if found.name not in ("", self.account_name):
            raise InvalidRequest(
                f"The connection string is that of the account {found.name}, and not of {self.account_name}.",
                code="OTHER_ACCOUNT",
                remedy="Name the account whose connection string it is, or give that of the one you name.",
            )
        return found

    @property
    def address(self) -> str:
        """The container's, without query."""
        try:
            found = urlsplit(self.account.url)
        except ValueError:
            raise InvalidRequest("The endpoint of the storage account is no usable URL.", code="BAD_URL") from None
        return f"{found.scheme}://{found.netloc}{found.path.rstrip('/')}/{quote(self.name)}"

    def signature(self) -> str:
        """What is added to each address: nothing with a token; the given signature; one made from the account's key."""
        if self.access.token is not None:
            return ""
        if self.access.signature is not None:
            return self.access.signature().lstrip("?")
        return self._signed() if self.account.key else self.account.signature

    def lapsed(self, status: int) -> bool:
        """Whether a refusal of this status means that access has ended: the signature says of itself that its time is
        over, or it is the token that is refused."""
        if self.access.token is not None:
            return status == REFUSED
        return over(self.signature(), self.access.clock())

    def headers(self) -> list[str]:
        """What is added to each call's headers."""
        return [] if self.access.token is None else [f"Authorization: Bearer {self.access.token()[0]}"]

    def _signed(self) -> str:
        now = self.access.clock()
        if now > self._renew_at:
            start, end = now - timedelta(minutes=15), now + timedelta(hours=SAS_HOURS)
            self._made = signed(self.account, self.name, start, end)
            self._renew_at = now + timedelta(hours=SAS_HOURS / 2)
        return self._made
