"""Places as people write them: a path, or `azure_blob://account/container/prefix`; and what is needed to get in."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field

from migrate_transfer.backends.azure.access import BlobAccess
from migrate_transfer.backends.azure.destination import AzureBlob, BlobConfig
from migrate_transfer.backends.local import LocalSource
from migrate_transfer.core.backend import Destination, Source, Tier
from migrate_transfer.core.errors import InvalidRequest
from migrate_transfer.net.lane import Link

SCHEME = re.compile(r"([a-z][a-z0-9_+-]+)://(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Access to Azure Storage: one of the two. `endpoint` where the account is not in Azure's public cloud."""

    connection_string: str | None = field(default=None, repr=False)
    sas: str | None = field(default=None, repr=False)
    endpoint: str = ""


def whole(text: str) -> str:
    """A source as it is the same from every folder: a relative path names another one there."""
    found = SCHEME.fullmatch(text)
    if found is None or found[1] == "file":
        return os.path.abspath(found[2] if found else text)
    return text


def open_source(text: str) -> Source:
    """Raises InvalidRequest."""
    found = SCHEME.fullmatch(text)
    if found is None:
        return LocalSource(text)
    raise InvalidRequest(
        f"{found[1]} is no source that this release knows.", code="UNKNOWN_PLACE", remedy="Give the path of a folder."
    )


def open_destination(text: str, credentials: Credentials, link: Link, *, tier: Tier, chunk: int) -> Destination:
    """Raises InvalidRequest."""
    found = SCHEME.fullmatch(text)
    if found is None or found[1] != "azure_blob":
        raise InvalidRequest(
            f"{found[1] if found else 'A path'} is no destination that this release knows.",
            code="UNKNOWN_PLACE",
            remedy="Write it as azure_blob://account/container/prefix.",
        )
    account, _, rest = found[2].partition("/")
    container, _, prefix = rest.partition("/")
    sas = credentials.sas
    access = BlobAccess(credentials.connection_string, None if sas is None else lambda: sas)
    if credentials.connection_string is None and credentials.sas is None:
        raise InvalidRequest(
            "There are no credentials for Azure Storage.",
            code="SECRET_MISSING",
            remedy="Set AZURE_STORAGE_CONNECTION_STRING or AZURE_STORAGE_SAS_TOKEN, or put azure.connection_string or"
            " azure.sas_token into the file given by --config.",
        )
    config = BlobConfig(account, container, prefix, tier=tier, endpoint=credentials.endpoint, chunk=chunk)
    return AzureBlob(config, access, link)
