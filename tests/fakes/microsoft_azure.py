"""The fake Microsoft's Resource Manager and storage accounts."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

from tests.fakes.microsoft import Account, Call, FakeMicrosoft, Reply, Someone

STORAGE = "https://storage.azure.com"
LONGEST_KEY = timedelta(days=7)
SIGNED = (
    *(
        "sp",
        "st",
        "se",
        "",
        "skoid",
        "sktid",
        "skt",
        "ske",
        "sks",
        "skv",
        "saoid",
        "suoid",
        "scid",
        "skdutid",
        "sduoid",
    ),
    *("sip", "spr", "sv", "sr", "sst", "ses", "srh", "srq", "rscc", "rscd", "rsce", "rscl", "rsct"),
)
"""The fields of a user delegation signature of version 2025-07-05 and later, in the order they are signed; the empty
one is the container."""


def caller(fake: FakeMicrosoft, call: Call, resource: str) -> Someone | None:
    """Whose token it is, if it is good for this service."""
    kept = fake.access.get(call.bearer)
    if kept is None or kept["resource"] != resource or kept["ends"] < fake.now():
        return None
    return fake.people[kept["person"]]


def manage(fake: FakeMicrosoft, call: Call) -> Reply:
    """Subscriptions, storage accounts, containers; in pages."""
    person = caller(fake, call, fake.url)
    if person is None:
        return Reply.of(401, {"error": {"code": "InvalidAuthenticationToken", "message": "The token is invalid."}})
    if "api-version" not in call.query:
        return Reply.of(400, {"error": {"code": "MissingApiVersionParameter", "message": "api-version is missing."}})
    parts = call.path.strip("/").split("/")
    if len(parts) == 1:
        return _paged(fake, call, [_subscription(name, id_) for name, id_ in sorted(fake.subscriptions.items())])
    if not person.lists:
        return Reply.of(403, {"error": {"code": "AuthorizationFailed", "message": "The client has no authorization."}})
    mine = [one for one in fake.accounts.values() if fake.subscriptions[one.subscription] == parts[1]]
    if parts[-1] == "storageAccounts":
        return _paged(fake, call, [_account(fake, one) for one in mine])
    found = next(one for one in mine if one.name == parts[7])
    return _paged(fake, call, [{"id": f"{call.path}/{name}", "name": name} for name in found.containers])


def _paged(fake: FakeMicrosoft, call: Call, items: Sequence[dict[str, Any]]) -> Reply:
    start = int(call.query.get("$skiptoken", "0"))
    page: dict[str, Any] = {"value": items[start : start + fake.page_size]}
    if start + fake.page_size < len(items):
        query = {"api-version": call.query["api-version"], "$skiptoken": str(start + fake.page_size)}
        page["nextLink"] = f"{fake.url}{call.path}?{urlencode(query)}"
    return Reply.of(200, page)


def _subscription(name: str, id_: str) -> dict[str, Any]:
    return {"id": f"/subscriptions/{id_}", "subscriptionId": id_, "displayName": name, "state": "Enabled"}


def _account(fake: FakeMicrosoft, account: Account) -> dict[str, Any]:
    subscription = fake.subscriptions[account.subscription]
    group = f"/subscriptions/{subscription}/resourceGroups/files"
    return {
        "id": f"{group}/providers/Microsoft.Storage/storageAccounts/{account.name}",
        "name": account.name,
        "type": "Microsoft.Storage/storageAccounts",
        "location": "westeurope",
        "kind": "StorageV2",
        "sku": {"name": "Standard_LRS", "tier": "Standard"},
        "properties": {
            "provisioningState": "Succeeded",
            "primaryEndpoints": {"blob": account.endpoint or f"{fake.url}/blobs/{account.name}/"},
        },
    }


def store(fake: FakeMicrosoft, call: Call) -> Reply:
    """A storage account, its name the first part of the path, as an emulator's is."""
    name, _, rest = call.path.removeprefix("/blobs/").partition("/")
    account = fake.accounts.get(name)
    if account is None:
        return _error(404, "ResourceNotFound")
    if account.walled:
        return _error(403, "AuthorizationFailure")
    if call.query.get("comp") == "userdelegationkey":
        return _delegation_key(fake, call, account)
    container, _, blob = rest.partition("/")
    person, may = _who(fake, call, account, container)
    if person is None:
        return _error(403, "AuthenticationFailed")
    role = person.roles.get(account.name)
    needed = "w" if call.method == "PUT" else "r"
    if needed not in may or role is None or (needed == "w" and role != "contributor"):
        return _error(403, "AuthorizationPermissionMismatch")
    if container not in account.containers:
        return _error(404, "ContainerNotFound")
    return _blob(account.containers[container], call, blob)


def _blob(blobs: dict[str, bytes], call: Call, name: str) -> Reply:
    if call.method == "PUT":
        if "if-match" in call.headers and name not in blobs:
            return _error(412, "ConditionNotMet")
        blobs[name] = call.body
        return Reply(201, b"", {"ETag": '"0x1"', "Last-Modified": "Sat, 21 Nov 2026 08:00:00 GMT"})
    if name not in blobs:
        return _error(404, "BlobNotFound")
    size = str(len(blobs[name]))
    headers = {"ETag": '"0x1"', "x-ms-blob-type": "BlockBlob", "Content-Range": f"bytes 0-{int(size) - 1}/{size}"}
    return Reply(206 if "x-ms-range" in call.headers else 200, blobs[name], headers)


def _delegation_key(fake: FakeMicrosoft, call: Call, account: Account) -> Reply:
    person = caller(fake, call, STORAGE)
    if person is None:
        return _error(401, "InvalidAuthenticationInfo")
    if account.name not in person.roles:
        return _error(403, "AuthorizationPermissionMismatch")
    wanted = ElementTree.fromstring(call.body)
    start, ends = (str(wanted.findtext(name)) for name in ("Start", "Expiry"))
    if not fake.now() < _moment(ends) <= _moment(start) + LONGEST_KEY:
        return _error(400, "InvalidXmlNodeValue")
    key = {
        "SignedOid": person.id,
        "SignedTid": person.tenant,
        "SignedStart": start,
        "SignedExpiry": ends,
        "SignedService": "b",
        "SignedVersion": call.headers["x-ms-version"],
        "Value": base64.b64encode(secrets.token_bytes(32)).decode(),
    }
    fake.keys[key["Value"]] = key
    fields = "".join(f"<{name}>{value}</{name}>" for name, value in key.items())
    body = f'<?xml version="1.0" encoding="utf-8"?><UserDelegationKey>{fields}</UserDelegationKey>'
    return Reply(200, body.encode("utf-8-sig"), {"Content-Type": "application/xml"})


def _who(fake: FakeMicrosoft, call: Call, account: Account, container: str) -> tuple[Someone | None, str]:
    """By token, or by a signature made with one of the keys that were given out; and what it may do."""
    if call.bearer:
        return caller(fake, call, STORAGE), "rw"
    said = call.query
    if said.get("sr") != "c" or _moment(said.get("se", "1970-01-01T00:00:00Z")) <= fake.now():
        return None, ""
    place = f"/blob/{account.name}/{container}"
    text = "\n".join(place if name == "" else said.get(name, "") for name in SIGNED)
    for value, key in fake.keys.items():
        made = base64.b64encode(hmac.new(base64.b64decode(value), text.encode(), hashlib.sha256).digest()).decode()
        if hmac.compare_digest(made, said.get("sig", "")) and _moment(key["SignedExpiry"]) > fake.now():
            owner = next(one for one in fake.people.values() if one.id == key["SignedOid"])
            return owner, said["sp"]
    return None, ""


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def _error(status: int, code: str) -> Reply:
    body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{code}</Message></Error>'
    return Reply(status, body.encode("utf-8-sig"), {"Content-Type": "application/xml", "x-ms-error-code": code})
