"""The fake Microsoft's sign-in pages and token endpoint."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt

from tests.fakes.microsoft import CLIENT_ID, CLIENT_SECRET, Call, FakeMicrosoft, Reply, Someone

OIDC = {"openid", "profile", "offline_access"}
UNUSED = timedelta(days=90)
NUMBERS = {
    700082: ("invalid_grant", "The refresh token has expired due to inactivity."),
    50173: ("invalid_grant", "The provided grant has expired due to it being revoked."),
    70000: ("invalid_grant", "The provided value for the refresh token is not valid."),
    54005: ("invalid_grant", "OAuth2 Authorization code was already redeemed."),
    501481: ("invalid_grant", "The Code_Verifier does not match the code_challenge supplied."),
    28000: ("invalid_request", "The scope is not valid because it contains more than one resource."),
    7000215: ("invalid_client", "Invalid client secret provided."),
    90002: ("invalid_tenant", "Tenant not found."),
    500112: ("invalid_client", "The reply address does not match."),
}


def refused(number: int) -> Reply:
    error, words = NUMBERS[number]
    said = {
        "error": error,
        "error_description": f"AADSTS{number}: {words} Trace ID: {uuid4()} Correlation ID: {uuid4()}",
        "error_codes": [number],
        "timestamp": "2026-11-21 08:00:00Z",
        "trace_id": str(uuid4()),
        "correlation_id": str(uuid4()),
    }
    return Reply.of(401 if error == "invalid_client" else 400, said)


def describe(fake: FakeMicrosoft, tenant: str) -> Reply:
    """The directory's openid-configuration."""
    if tenant not in ("organizations", "common", *(one.tenant for one in fake.people.values())):
        return refused(90002)
    base = f"{fake.url}/{tenant}"
    return Reply.of(
        200,
        {
            "issuer": f"{fake.url}/{{tenantid}}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "response_modes_supported": ["query", "fragment", "form_post"],
        },
    )


def authorize(fake: FakeMicrosoft, call: Call) -> Reply:
    """A page with one form: who signs in, and whether they agree."""
    asked = call.query
    if asked.get("client_id") != CLIENT_ID or asked.get("redirect_uri") not in fake.redirects:
        return refused(500112)
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert len(asked["code_challenge"]) == 43
    if fake.signed_in:
        return _agreed(fake, asked, fake.signed_in)
    id_ = uuid4().hex
    fake.asked[id_] = asked
    action = html.escape(call.path + "/answer")
    return _page(f'<form method="post" action="{action}"><input name="request" value="{id_}"></form>')


def agree(fake: FakeMicrosoft, call: Call) -> Reply:
    """The person has signed in and agreed, or not: a form that posts itself to where they came from."""
    said = call.form
    asked = fake.asked.pop(said["request"])
    if said.get("choice") == "decline":
        words = "AADSTS65004: User declined to consent to access the app."
        return _post(asked, {"error": "access_denied", "error_subcode": "cancel", "error_description": words})
    return _agreed(fake, asked, said["person"])


def _agreed(fake: FakeMicrosoft, asked: dict[str, str], name: str) -> Reply:
    code, person = f"0.{uuid4().hex}", fake.people[name]
    fake.codes[code] = {**asked, "person": person.name}
    return _post(asked, {"code": code, "client_info": _client_info(person), "session_state": str(uuid4())})


def _post(asked: dict[str, str], said: dict[str, str]) -> Reply:
    assert asked["response_mode"] == "form_post"
    fields = {**said, "state": asked["state"]}
    inputs = "".join(f'<input type="hidden" name="{name}" value="{html.escape(fields[name])}">' for name in fields)
    send = "<script>document.forms[0].submit()</script>"
    return _page(f'<form method="post" action="{html.escape(asked["redirect_uri"])}">{inputs}</form>{send}')


def _page(body: str) -> Reply:
    return Reply(200, f"<!doctype html><body>{body}</body>".encode(), {"Content-Type": "text/html; charset=utf-8"})


def token(fake: FakeMicrosoft, call: Call, tenant: str) -> Reply:
    said = call.form
    if (said.get("client_id"), said.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
        return refused(7000215)
    resources = {scope.rpartition("/")[0] for scope in set(said.get("scope", "").split()) - OIDC}
    if len(resources) != 1:
        return refused(28000)
    with fake.lock:
        grant = _by_code if said["grant_type"] == "authorization_code" else _by_refresh
        found = grant(fake, said)
        return found if isinstance(found, Reply) else _tokens(fake, found, resources.pop(), said, tenant)


def _by_code(fake: FakeMicrosoft, said: dict[str, str]) -> dict[str, Any] | Reply:
    asked = fake.codes.pop(said["code"], None)
    if asked is None or asked["redirect_uri"] != said["redirect_uri"]:
        return refused(54005)
    digest = hashlib.sha256(said.get("code_verifier", "").encode()).digest()
    if _base64(digest) != asked["code_challenge"]:
        return refused(501481)
    resources = {scope.rpartition("/")[0] for scope in set(asked["scope"].split()) - OIDC}
    return {"person": asked["person"], "resources": resources, "nonce": asked["nonce"], "revoked": False}


def _by_refresh(fake: FakeMicrosoft, said: dict[str, str]) -> dict[str, Any] | Reply:
    kept = fake.refresh.get(said["refresh_token"])
    if kept is None or (kept["replaced"] and fake.strict_rotation):
        return refused(70000)
    if kept["revoked"]:
        return refused(50173)
    if fake.now() - kept["used_at"] > UNUSED:
        return refused(700082)
    kept["used_at"], kept["replaced"] = fake.now(), True
    return dict(kept)


def _tokens(fake: FakeMicrosoft, grant: dict[str, Any], resource: str, said: dict[str, str], tenant: str) -> Reply:
    """An access token for one service, and a new refresh token for all that were agreed to."""
    assert resource in grant["resources"], "no consent"
    person, now = fake.people[grant["person"]], fake.now()
    access, refresh = _access_token(person, resource, now, fake.token_seconds), f"0.refresh.{uuid4().hex}"
    fake.access[access] = {
        "person": person.name,
        "resource": resource,
        "ends": now + timedelta(seconds=fake.token_seconds),
    }
    fake.refresh[refresh] = {**grant, "used_at": now, "replaced": False}
    seconds = int(now.timestamp())
    claims = {
        "iss": f"{fake.url}/{person.tenant}/v2.0",
        "aud": CLIENT_ID,
        "iat": seconds,
        "nbf": seconds,
        "exp": seconds + 3600,
        "oid": person.id,
        "tid": person.tenant,
        "sub": f"sub-{person.id}",
        "preferred_username": person.name,
        "name": person.name,
        "ver": "2.0",
        **({"nonce": grant["nonce"]} if said["grant_type"] == "authorization_code" else {}),
    }
    answer = {
        "token_type": "Bearer",
        "scope": f"{resource}/user_impersonation",
        "expires_in": fake.token_seconds,
        "ext_expires_in": fake.token_seconds,
        "access_token": access,
        "refresh_token": refresh,
        "id_token": f"{_json({'typ': 'JWT', 'alg': 'none'})}.{_json(claims)}.",
        "client_info": _client_info(person),
    }
    return Reply.of(200, answer)


def _access_token(person: Someone, resource: str, now: datetime, seconds: int) -> str:
    """As Azurite reads them; nobody checks the signature."""
    at = int(now.timestamp())
    claims = {"aud": resource, "iss": f"https://sts.windows.net/{person.tenant}/", "iat": at, "nbf": at}
    return jwt.encode({**claims, "exp": at + seconds, "oid": person.id, "uti": uuid4().hex}, "fake" * 16, "HS256")


def _client_info(person: Any) -> str:
    return _json({"uid": person.id, "utid": person.tenant})


def _json(said: dict[str, Any]) -> str:
    return _base64(json.dumps(said).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
