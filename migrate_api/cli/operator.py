"""An operator's script against the job API: calls with an API token, refusals as our errors."""

from __future__ import annotations

import json
from typing import Any

from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import AccessDenied, InvalidRequest, MigrateError
from migrate_transfer.net.http import HttpClient


class OperatorApi:
    """JSON in, JSON out. Raises AccessDenied (401, 403), InvalidRequest (other refusals), what HttpClient raises."""

    def __init__(self, url: str, token: str, control: Control | None = None) -> None:
        self._http = HttpClient(
            url, secret_headers={"Authorization": f"Bearer {token}"}, connections=2, control=control or Control()
        )

    def __enter__(self) -> OperatorApi:
        self._http.__enter__()
        return self

    def __exit__(self, *ended: Any) -> None:
        self._http.__exit__(*ended)

    def get(self, path: str, **params: str) -> Any:
        return self._call("GET", path, None, params)

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        return self._call("POST", path, body or {}, {})

    def _call(self, method: str, path: str, body: dict[str, Any] | None, params: dict[str, str]) -> Any:
        content = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        answer = self._http.request(method, path, content=content, headers=headers, params=params)
        said = json.loads(answer.content) if answer.content else None
        if answer.status >= 400:
            raise _refusal(answer.status, said)
        return said


def _refusal(status: int, said: Any) -> MigrateError:
    details = said.get("details") or {}
    kind = AccessDenied if status in (401, 403) else InvalidRequest
    return kind(said["error"], code=said["code"], remedy=details.get("remedy"), details=details)
