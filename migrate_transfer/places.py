"""Places as people write them: a path, or `azure_blob://account/container/prefix`; and what is needed to get in."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from migrate_transfer.backends.azure.access import BlobAccess
from migrate_transfer.backends.azure.destination import AzureBlob, BlobConfig
from migrate_transfer.backends.local.source import LocalSource
from migrate_transfer.core.backend import Destination, Oddity, Source, Tier
from migrate_transfer.core.errors import InvalidRequest
from migrate_transfer.core.names import key_of
from migrate_transfer.core.plan import Filters
from migrate_transfer.net.lane import Link

BOOKS = frozenset({"csv", "db", "html", "json", "jsonl", "lock", "log", "parquet", "sqlite", "tmp", "txt"})
"""Endings of what jobs of any kind keep in their folders."""
SCHEME = re.compile(r"([a-z][a-z0-9_+-]+)://(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Access to Azure Storage: one of the two. `endpoint` where the account is not in Azure's public cloud."""

    connection_string: str | None = field(default=None, repr=False)
    sas: str | None = field(default=None, repr=False)
    endpoint: str = ""


def whole(text: str) -> str:
    """A source as it is the same from every folder: a relative path names another one there. Raises InvalidRequest for
    an empty one, which would be the current folder: a variable of a script that is not set."""
    found = SCHEME.fullmatch(text)
    if found is not None and found[1] != "file":
        return text
    if not (path := found[2] if found else text):
        raise InvalidRequest("No folder is named.", code="SOURCE_NOT_FOUND", remedy="Write `.` for the current one.")
    return os.path.abspath(path)


def require_whole(path: str) -> None:
    """Nobody sees the folder that an agent was started in. Raises InvalidRequest for a path that leans on it, or that
    only another system would understand."""
    if not os.path.isabs(path):
        raise InvalidRequest(
            f"{path} is no whole path on this machine.",
            code="SOURCE_NOT_FOUND",
            remedy="Write it from the root on, as this machine's own system has it.",
        )


def open_source(text: str) -> Source:
    """Raises InvalidRequest."""
    found = SCHEME.fullmatch(text)
    if found is None:
        return LocalSource(text)
    raise InvalidRequest(
        f"{found[1]} is no source that this release knows.", code="UNKNOWN_PLACE", remedy="Give the path of a folder."
    )


def require_apart(source: str, books: Path, filters: Filters) -> None:
    """The books of a job may lie in the folder that it moves only where its filters leave them out: they change while
    they are read, and would be deleted with the rest. Raises InvalidRequest."""
    root, folder = Path(os.path.realpath(source)), Path(os.path.realpath(books))  # a loop of links is no folder
    if not folder.is_relative_to(root):
        return
    key = key_of(os.fsencode(folder.relative_to(root).as_posix()))
    left_out = filters.excuse(Oddity(key, "failed", "", "", folder=True)) is not None
    if not left_out and not filters.spares(key, BOOKS):
        raise InvalidRequest(
            f"The folder of the jobs, {folder}, lies in the folder that is to be moved.",
            code="BOOKS_IN_SOURCE",
            remedy="Keep the jobs elsewhere (--out, or the home of the agent), or exclude their folder.",
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
