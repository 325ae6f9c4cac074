"""The few words the service itself says to a storage account: a key to sign with, and whether one may write.

Files are the agent's business; nothing of them passes here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, parse_qsl, urlsplit
from uuid import uuid4
from xml.etree import ElementTree

from azure.storage.blob import ContainerSasPermissions, UserDelegationKey, generate_container_sas

from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import AccessDenied, InvalidRequest, MigrateError, TargetError
from migrate_transfer.net.http import HttpAnswer, HttpClient

VERSION = "2023-11-03"
SAS_HOURS = 4
SKEW = timedelta(minutes=15)
SECONDS = 20.0
MAY = ContainerSasPermissions(read=True, add=True, create=True, write=True, delete=True, list=True)
EMULATOR = "http://127.0.0.1:10000/devstoreaccount1"
ROLE = "Storage Blob Data Contributor"
_FIELDS = {
    "SignedOid": "signed_oid",
    "SignedTid": "signed_tid",
    "SignedStart": "signed_start",
    "SignedExpiry": "signed_expiry",
    "SignedService": "signed_service",
    "SignedVersion": "signed_version",
    "Value": "value",
}


@dataclass(frozen=True, slots=True)
class Signature:
    """A shared access signature, as it is put behind a `?`."""

    value: str
    expires_at: datetime


def container_signature(endpoint: str, account: str, container: str, token: str, now: datetime) -> Signature:
    """A signature for one container, made in the person's name: it can do what they may, there and nowhere else.

    Raises AccessDenied AZURE_ROLE_MISSING or AZURE_FIREWALL, TargetError, TransientError.
    """
    ends = (now + timedelta(hours=SAS_HOURS)).replace(microsecond=0)
    key = _delegation_key(endpoint, token, now - SKEW, ends)
    value = generate_container_sas(
        account, container, user_delegation_key=key, permission=MAY, expiry=ends, protocol=urlsplit(endpoint).scheme
    )
    return Signature(value, ends)


def require_writable(endpoint: str, container: str, *, signature: str = "", token: str = "") -> None:
    """Try to replace a blob that cannot be: whoever may write is told that it is not there, and nothing is changed.

    Raises InvalidRequest AZURE_CONTAINER_MISSING and what `container_signature` raises.
    """
    headers = {
        "x-ms-version": VERSION,
        "x-ms-blob-type": "BlockBlob",
        "If-Match": '"0x0"',
        **({"Authorization": f"Bearer {token}"} if token else {}),
    }
    with _account(endpoint) as (http, path):
        place, params = f"{path}/{container}/.migrate-{uuid4().hex}", dict(parse_qsl(signature))
        answer = http.request("PUT", place, content=b"", headers=headers, params=params or None)
    if answer.status in (404, 412) and _code(answer) != "ContainerNotFound":
        return
    raise _refused(answer)


def _delegation_key(endpoint: str, token: str, start: datetime, ends: datetime) -> UserDelegationKey:
    wanted = f"<KeyInfo><Start>{_moment(start)}</Start><Expiry>{_moment(ends)}</Expiry></KeyInfo>"
    headers = {
        "Authorization": f"Bearer {token}",
        "x-ms-version": VERSION,
        "Content-Type": "application/xml",
        "Accept": "application/xml",
    }
    params = {"restype": "service", "comp": "userdelegationkey"}
    with _account(endpoint) as (http, path):
        answer = http.request("POST", f"{path}/", content=wanted.encode(), headers=headers, params=params)
    if answer.status != 200:
        raise _refused(answer)
    return _key(answer.content)


def _key(content: bytes) -> UserDelegationKey:
    key = UserDelegationKey()  # type: ignore[no-untyped-call]
    try:
        found = ElementTree.fromstring(content.decode("utf-8-sig"))
        for theirs, ours in _FIELDS.items():
            setattr(key, ours, found.findtext(theirs) or "")
    except (ElementTree.ParseError, UnicodeDecodeError) as error:
        raise _strange() from error
    if not key.value:
        raise _strange()
    return key


@contextmanager
def _account(endpoint: str) -> Iterator[tuple[HttpClient, str]]:
    """A client of the account, and the path at which it begins (an emulator's account is part of the path)."""
    place = urlsplit(endpoint)
    base = f"{place.scheme}://{place.netloc}"
    with HttpClient(base, secret_headers={}, connections=1, control=Control(), timeout=SECONDS) as http:
        yield http, place.path.rstrip("/")


def _refused(answer: HttpAnswer) -> MigrateError:
    code = _code(answer)
    if code in ("AuthorizationFailure", "PublicAccessNotPermitted", "NetworkSecurityPerimeterDenied"):
        return AccessDenied(
            "The storage account lets nobody in from here.",
            code="AZURE_FIREWALL",
            remedy="Allow this service's addresses in the account's firewall, or connect by a SAS made by hand.",
        )
    if answer.status in (401, 403):
        return AccessDenied(
            f"The Microsoft account lacks the role {ROLE} on the storage account.",
            code="AZURE_ROLE_MISSING",
            remedy=f"Give it {ROLE} on the storage account itself; a new role takes some minutes. Then save again.",
            details={"azure": code},
        )
    if code == "ContainerNotFound":
        return InvalidRequest(
            "There is no such container in the storage account.",
            code="AZURE_CONTAINER_MISSING",
            remedy="Choose one of the listed containers, or make it in Azure first.",
        )
    return _strange()


def _code(answer: HttpAnswer) -> str:
    return "".join(letter for letter in answer.headers.get("x-ms-error-code", "") if letter.isalnum())[:64]


def _strange() -> TargetError:
    return TargetError(
        "The storage account's answer is not understood.",
        code="AZURE_NOT_UNDERSTOOD",
        remedy="Check the storage account's name; try again in some minutes.",
    )


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def ends_of(secret: str) -> datetime | None:
    """When a signature made by hand ends (`se`), alone or in a connection string, if it says so."""
    signature = _parts(secret).get("sharedaccesssignature", "") if is_connection_string(secret) else secret
    given = parse_qs(signature.lstrip("?")).get("se", [""])[0]
    try:
        found = datetime.fromisoformat(given)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def is_connection_string(secret: str) -> bool:
    """Whether a secret is a connection string and no signature."""
    words = ("accountname=", "accountkey=", "blobendpoint=", "sharedaccesssignature=", "usedevelopmentstorage=")
    return any(part.strip().lower().startswith(words) for part in secret.split(";"))


def endpoint_in(connection_string: str) -> str | None:
    """The address of the blobs that a connection string names."""
    found = _parts(connection_string)
    if "blobendpoint" in found:
        return found["blobendpoint"].rstrip("/")
    if found.get("usedevelopmentstorage") == "true":
        return EMULATOR
    if "accountname" not in found:
        return None
    suffix = found.get("endpointsuffix", "core.windows.net")
    return f"{found.get('defaultendpointsprotocol', 'https')}://{found['accountname']}.blob.{suffix}"


def account_in(connection_string: str) -> str | None:
    """The account that a connection string names."""
    return _parts(connection_string).get("accountname")


def _parts(connection_string: str) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in connection_string.split(";"))
    return {name.strip().lower(): value for name, _, value in pairs if value}
