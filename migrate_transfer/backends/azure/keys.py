"""Connection strings of a storage account, and signatures made from its key: so little that Microsoft's client, whose
import takes as long as a thousand small files, need not be loaded for it.

https://learn.microsoft.com/rest/api/storageservices/create-service-sas
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from migrate_transfer.backends.azure.answers import API_VERSION

RIGHTS = "rcwdl"
"""Read, create, write, delete, list, in the order that the service wants."""
IN_AZURE = re.compile(r"https?://([a-z0-9]+)\.blob\.")
"""An address that begins with the name of its account."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where a storage account answers, and what opens it: its key, or a signature."""

    name: str
    url: str
    key: bytes = field(default=b"", repr=False)
    signature: str = field(default="", repr=False)


def account_of(connection_string: str) -> Account:
    """Raises ValueError for what is not complete."""
    given = dict(part.split("=", 1) for part in connection_string.strip().rstrip(";").split(";"))
    found = {name.strip().upper(): value.strip() for name, value in given.items()}
    name, suffix = found.get("ACCOUNTNAME", ""), found.get("ENDPOINTSUFFIX") or "core.windows.net"
    url = found.get("BLOBENDPOINT") or f"{found.get('DEFAULTENDPOINTSPROTOCOL') or 'https'}://{name}.blob.{suffix}"
    key = base64.b64decode(found.get("ACCOUNTKEY", ""), validate=True)
    signature = "" if key else found.get("SHAREDACCESSSIGNATURE", "").lstrip("?")
    if not ((name and key) or (signature and (name or "BLOBENDPOINT" in found))):
        raise ValueError("neither key nor signature")
    if not name and (host := IN_AZURE.match(url)):
        name = host[1]
    return Account(name, url.rstrip("/"), key, signature)


def signed(account: Account, container: str, start: datetime, end: datetime) -> str:
    """A signature for all that is done in a container between two moments, as the query of an address."""
    times = [f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (start, end)]
    text = text_to_sign(account.name, container, *times)
    made = base64.b64encode(hmac.digest(account.key, text.encode(), hashlib.sha256)).decode()
    return urlencode({"st": times[0], "se": times[1], "sp": RIGHTS, "sv": API_VERSION, "sr": "c", "sig": made})


def text_to_sign(account: str, container: str, start: str, end: str, version: str = API_VERSION) -> str:
    """What a signature is made of; the empty lines are conditions that it does not make."""
    place = f"/blob/{account}/{container}"
    return "\n".join((RIGHTS, start, end, place, "", "", "", version, "c", *[""] * 7))
