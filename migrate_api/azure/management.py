"""What Azure Resource Manager lists for a person: their storage accounts and the containers in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import AccessDenied, TargetError
from migrate_transfer.net.http import HttpClient

SECONDS = 20.0
SUBSCRIPTIONS, STORAGE = "2022-12-01", "2024-01-01"
"""Versions of Azure's interfaces."""
MOST_PAGES = 200


@dataclass(frozen=True, slots=True)
class StorageAccount:
    """`id` is Resource Manager's path, `endpoint` the address of its blobs."""

    id: str
    name: str
    location: str
    kind: str
    subscription: str
    endpoint: str


class Management:
    """One person's view. Raises AccessDenied AZURE_LIST_REFUSED, TargetError, TransientError."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"}

    def accounts(self) -> list[StorageAccount]:
        """Every storage account with blobs in every subscription that is in use, by name."""
        with self._http() as http:
            found = [
                one
                for subscription in self._listed(http, "/subscriptions", SUBSCRIPTIONS)
                if subscription.get("state") in ("Enabled", "Warned", "PastDue")
                for one in self._accounts(http, subscription)
            ]
        return sorted(found, key=lambda account: account.name)

    def containers(self, account: StorageAccount) -> list[str]:
        """The names of an account's containers."""
        with self._http() as http:
            path = f"{account.id}/blobServices/default/containers"
            return sorted(str(one["name"]) for one in self._listed(http, path, STORAGE))

    def _accounts(self, http: HttpClient, subscription: dict[str, Any]) -> Iterator[StorageAccount]:
        path = f"/subscriptions/{subscription['subscriptionId']}/providers/Microsoft.Storage/storageAccounts"
        for one in self._listed(http, path, STORAGE):
            endpoint = one.get("properties", {}).get("primaryEndpoints", {}).get("blob")
            if endpoint:  # an account for files alone has none
                name = str(subscription.get("displayName", ""))
                yield StorageAccount(
                    one["id"], one["name"], one.get("location", ""), one.get("kind", ""), name, endpoint.rstrip("/")
                )

    def _listed(self, http: HttpClient, path: str, version: str) -> Iterator[dict[str, Any]]:
        """All pages. A next page elsewhere than at Resource Manager itself would be handed the person's token."""
        params: dict[str, str] | None = {"api-version": version}
        for _ in range(MOST_PAGES):
            answer = http.request("GET", path, params=params)
            if answer.status in (401, 403):
                raise _refused()
            page = _page(answer.status, answer.content)
            yield from page["value"]
            following = urlsplit(page.get("nextLink") or "")
            if not following.netloc:
                return
            if f"{following.scheme}://{following.netloc}" != self._origin:
                raise _strange()
            path, params = following.path, dict(parse_qsl(following.query))

    @property
    def _origin(self) -> str:
        place = urlsplit(self._url)
        return f"{place.scheme}://{place.netloc}"

    def _http(self) -> HttpClient:
        return HttpClient(self._origin, secret_headers=self._headers, connections=1, control=Control(), timeout=SECONDS)


def _page(status: int, content: bytes) -> dict[str, Any]:
    try:
        said = json.loads(content)
        if status == 200 and all(isinstance(one, dict) for one in said["value"]):
            return dict(said)
    except (ValueError, KeyError, TypeError):
        pass
    raise _strange()


def _refused() -> AccessDenied:
    return AccessDenied(
        "Azure lists nothing for the person who signed in.",
        code="AZURE_LIST_REFUSED",
        remedy="Give the account the role Reader on the storage account, or type the account's and container's name.",
    )


def _strange() -> TargetError:
    return TargetError(
        "Azure's answer is not understood.",
        code="AZURE_NOT_UNDERSTOOD",
        remedy="Try again; type the account's and container's name if it stays.",
    )
