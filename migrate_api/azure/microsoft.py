"""Signing in at Microsoft and keeping signed in: the only place that knows msal.

msal gets no HTTP client of its own: its calls go through the house's one door, so that time-outs, proxies, certificates
and errors are those of every other call.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import msal

from migrate_api.settings import ApiSettings
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import (
    AccessDenied,
    FatalError,
    InvalidRequest,
    ServiceUnavailable,
    TransientError,
)
from migrate_transfer.net.http import HttpClient

logging.getLogger("msal").setLevel(logging.CRITICAL)  # it logs answers that it does not understand, whole

STORAGE_SCOPE = "https://storage.azure.com/user_impersonation"
SECONDS = 10.0
EXPIRED = "Azure credentials expired — re-authenticate via dashboard"
RECONNECT = (
    "Go to the project, choose Reconnect Azure Storage and sign in with a Microsoft account that has "
    "Storage Blob Data Contributor on the storage account; then create the job again or re-run it."
)
ASKS_FOR_THE_PERSON = ("invalid_grant", "interaction_required", "login_required", "consent_required")
NO_CONSENT = (65001, 65004, 90094)
OPERATOR = "Try again. If it stays: the operator checks the service's registration at Microsoft (MIGRATE_MICROSOFT_…)."


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who signed in, in which directory (a GUID), and msal's cache: it holds the refresh token."""

    cache: str
    account: str
    directory: str


@dataclass(frozen=True, slots=True)
class Token:
    """An access token. `cache` is msal's, if it has changed; `redeemed`: the refresh token was used for it."""

    value: str
    expires_at: datetime
    cache: str | None
    redeemed: bool


class Microsoft:
    """Calls raise ServiceUnavailable OAUTH_SERVICE_ERROR where Microsoft does not answer as it should."""

    def __init__(self, settings: ApiSettings) -> None:
        self._id, self._secret = settings.microsoft_client_id, settings.microsoft_client_secret.get_secret_value()
        self._authority = settings.microsoft_authority.rstrip("/")
        self.management_scope = f"{settings.azure_management_url.rstrip('/')}/user_impersonation"

    @property
    def is_set_up(self) -> bool:
        return bool(self._id and self._secret)

    def begin(self, redirect: str, directory: str | None) -> dict[str, Any]:
        """What msal wants to know when the person comes back; `auth_uri` is where they go, `state` names it.

        Consent is asked for both services at once; a token is for one of them. The answer is posted: a code has no
        place in an address.
        """
        with self._app(msal.SerializableTokenCache(), directory) as app:
            scopes = [STORAGE_SCOPE, self.management_scope]
            flow: dict[str, Any] = app.initiate_auth_code_flow(
                scopes, redirect_uri=redirect, response_mode="form_post", prompt="select_account"
            )
        return flow

    def finish(self, flow: Mapping[str, Any], answer: Mapping[str, str], directory: str | None) -> SignedIn:
        """Trade Microsoft's answer for tokens. Raises FatalError AZURE_CONSENT_REFUSED or AZURE_SIGN_IN_FAILED."""
        if "error" in answer:
            raise _not_signed_in(answer)
        cache = msal.SerializableTokenCache()
        with self._app(cache, directory) as app:
            try:
                result = app.acquire_token_by_auth_code_flow(dict(flow), dict(answer), scopes=[STORAGE_SCOPE])
            except RuntimeError as error:  # an id token that is not meant for this sign-in
                raise _failed() from error
        if "access_token" not in result:
            raise _not_signed_in(result)
        claims = result.get("id_token_claims") or {}
        return SignedIn(cache.serialize(), str(claims.get("preferred_username", "")), str(claims.get("tid", "")))

    def token(self, cache: str, directory: str | None, scope: str, *, fresh: bool = False) -> Token:
        """An access token for one service; a `fresh` one has used the refresh token.

        Raises AccessDenied AZURE_CREDENTIALS_EXPIRED where only the person can help.
        """
        kept = msal.SerializableTokenCache()
        kept.deserialize(cache)
        with self._app(kept, directory) as app:
            found = app.get_accounts()
            options = {"account": found[0], "force_refresh": fresh} if found else {}
            result = app.acquire_token_silent_with_error([scope], **options) if found else None
        if not result or "access_token" not in result:
            raise _no_token(result or {})
        return Token(
            value=result["access_token"],
            expires_at=datetime.now(UTC) + timedelta(seconds=int(result.get("expires_in", 0))),
            cache=kept.serialize() if kept.has_state_changed else None,
            redeemed=result.get("token_source") == "identity_provider",
        )

    @contextmanager
    def _app(self, cache: msal.SerializableTokenCache, directory: str | None) -> Iterator[Any]:
        """One for each call: it is cheap, and it forgets what msal would answer from memory."""
        try:
            yield self._made(cache, directory)
        except TransientError as error:
            raise _unwell(retry_after=error.retry_after) from error
        except (ValueError, KeyError) as error:
            # No JSON or an incomplete description. The error's words may quote what was sent.
            raise _unwell() from error

    def _made(self, cache: msal.SerializableTokenCache, directory: str | None) -> Any:
        authority = f"{self._authority.rpartition('/')[0]}/{directory}" if directory else self._authority
        try:
            return msal.ConfidentialClientApplication(
                self._id,
                client_credential=self._secret,
                authority=authority,
                token_cache=cache,
                instance_discovery=False,  # the operator has said where Microsoft is
                http_client=_Door(),
            )
        except ValueError as error:
            if directory is None:
                raise
            raise InvalidRequest(
                "Microsoft knows no such directory.",
                code="AZURE_DIRECTORY_UNKNOWN",
                remedy="Give the directory's GUID or domain, or leave it out to use the account's own.",
            ) from error


class _Answer:
    """An answer as msal reads it."""

    def __init__(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
        self.status_code, self.headers, self.text = status, headers, content.decode("utf-8", "replace")

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            raise _unwell()


class _Door:
    """What msal takes for an HTTP client."""

    def get(self, url: str, params: Mapping[str, str] | None = None, **options: Any) -> _Answer:
        return self._call("GET", url, params, None, options)

    def post(self, url: str, params: Mapping[str, str] | None = None, data: Any = None, **options: Any) -> _Answer:
        return self._call("POST", url, params, urlencode(data or {}).encode(), options)

    def close(self) -> None:
        """Nothing is kept open."""

    def _call(
        self, method: str, url: str, params: Mapping[str, str] | None, content: bytes | None, options: Mapping[str, Any]
    ) -> _Answer:
        place = urlsplit(url)
        headers = {**(options.get("headers") or {})}
        if content is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        base = f"{place.scheme}://{place.netloc}"
        with HttpClient(base, secret_headers={}, connections=1, control=Control(), timeout=SECONDS) as http:
            answer = http.request(method, place.path, content=content, headers=headers, params=params or None)
        if not isinstance(json.loads(answer.content), dict):  # msal takes for granted that it is
            raise _unwell()
        return _Answer(answer.status, answer.headers, answer.content)


def _numbers(said: Mapping[str, Any]) -> list[int]:
    """Entra's own numbers; its sentences name people and are not repeated."""
    given = said.get("error_codes") or re.findall(r"AADSTS(\d{1,9})", str(said.get("error_description", "")))
    return [int(number) for number in given]


def _details(said: Mapping[str, Any]) -> dict[str, object]:
    return {"microsoft": re.sub(r"\W", "", str(said.get("error", "")))[:64], "aadsts": _numbers(said)}


def _no_token(said: Mapping[str, Any]) -> AccessDenied | ServiceUnavailable:
    if not said or said.get("error") in ASKS_FOR_THE_PERSON:
        return AccessDenied(EXPIRED, code="AZURE_CREDENTIALS_EXPIRED", remedy=RECONNECT, details=_details(said))
    return _unwell(said)


def _not_signed_in(said: Mapping[str, Any]) -> FatalError | ServiceUnavailable:
    error, numbers = said.get("error"), _numbers(said)
    if error in ("access_denied", "consent_required") or set(numbers) & set(NO_CONSENT):
        return FatalError(
            "Microsoft was not given the consent that Migrate needs.",
            code="AZURE_CONSENT_REFUSED",
            remedy="Connect again and accept; if Microsoft asks for it, let an administrator of the directory accept.",
            details=_details(said),
        )
    if error in ASKS_FOR_THE_PERSON or error == "invalid_request":
        return _failed(said)
    return _unwell(said)


def _failed(said: Mapping[str, Any] | None = None) -> FatalError:
    return FatalError(
        "The sign-in at Microsoft did not succeed.",
        code="AZURE_SIGN_IN_FAILED",
        remedy="Begin again with Connect Azure Storage; a sign-in is good for ten minutes and once.",
        details=_details(said or {}),
    )


def _unwell(said: Mapping[str, Any] | None = None, retry_after: float | None = None) -> ServiceUnavailable:
    return ServiceUnavailable(
        "OAuth token service error",
        code="OAUTH_SERVICE_ERROR",
        retry_after=retry_after,
        remedy=OPERATOR,
        details=_details(said or {}),
    )
