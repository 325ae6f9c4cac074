"""Connecting a project to Azure and using the connection.

Each method takes its own short transactions: while Microsoft is asked, no transaction is open and no row is locked.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from migrate_api.azure import kept
from migrate_api.azure.blobs import container_signature, require_writable
from migrate_api.azure.management import Management, StorageAccount
from migrate_api.azure.microsoft import STORAGE_SCOPE, Microsoft, Token
from migrate_api.credentials import hashed
from migrate_api.database import Database
from migrate_api.dispatch import NO_AZURE
from migrate_api.errors import Refusal, conflict
from migrate_api.principals import Person
from migrate_api.settings import ApiSettings
from migrate_api.tables import AzureConnection, AzureSignIn
from migrate_api.vault import Vault
from migrate_api.words import require_prefix
from migrate_transfer.core.errors import AccessDenied, FatalError, MigrateError

CALLBACK = "/api/connections/azure/callback"
SIGN_IN_MINUTES = 10
_LOCKS = tuple(threading.Lock() for _ in range(64))


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the person goes to sign in, and until when that is good."""

    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Choice:
    """A container, and how objects are stored in it."""

    account: str
    container: str
    tier: str
    prefix: str


@dataclass(frozen=True, slots=True)
class _Kept:
    cache: str
    directory: str | None
    version: int


@dataclass(frozen=True, slots=True)
class Connections:
    """Raises Refusal: 404, 409 AZURE_NOT_SET_UP, 400 AZURE_SIGN_IN_UNKNOWN; FatalError NO_AZURE_CONNECTION; and what
    Microsoft, Management and blobs.py raise."""

    database: Database
    vault: Vault
    settings: ApiSettings
    microsoft: Microsoft

    def begin(self, person: Person, project_id: str, directory: str | None) -> Begun:
        """Where the person signs in. What comes back is theirs alone, for this project, once."""
        with self.database.transaction() as session:
            kept.found_project(session, person.tenant_id, project_id)
        if not self.microsoft.is_set_up:
            raise conflict(
                "AZURE_NOT_SET_UP",
                "Signing in at Microsoft is not set up here.",
                "The operator sets MIGRATE_MICROSOFT_CLIENT_ID and …_SECRET; or connect by a SAS.",
            )
        flow = self.microsoft.begin(self.settings.public_url.rstrip("/") + CALLBACK, directory)
        state, ends = hashed(flow["state"]), datetime.now(UTC) + timedelta(minutes=SIGN_IN_MINUTES)
        row = AzureSignIn(
            state=state,
            tenant_id=person.tenant_id,
            project_id=project_id,
            person=_identity(person),
            expires_at=ends,
        )
        with self.database.transaction() as session:
            session.add(row)
            sealed = {"flow": flow, "directory": directory}
            self.vault.seal(session, person.tenant_id, f"azure-sign-in:{state}", sealed)
        return Begun(flow["auth_uri"], ends)

    def receive(self, session: Session, answer: Mapping[str, str]) -> None:
        """Keep what Microsoft had the browser post, in the caller's transaction: who posts it is not known yet."""
        state = hashed(answer.get("state", ""))
        row = session.get(AzureSignIn, state)
        if row is None or row.expires_at <= datetime.now(UTC):
            raise _unknown()
        self.vault.seal(session, row.tenant_id, f"azure-answer:{state}", dict(answer))

    def finish(self, person: Person, given_state: str) -> str:
        """End the sign-in that the person began; its project. A container chosen before is tried with the new tokens:
        only then the project goes on."""
        state = hashed(given_state)
        with self.database.transaction() as session:
            row = session.get(AzureSignIn, state)
            if row is None or (row.tenant_id, row.person) != (person.tenant_id, _identity(person)):
                raise _unknown()
            begun = self.vault.open(session, row.tenant_id, f"azure-sign-in:{state}")
            answer = self.vault.open(session, row.tenant_id, f"azure-answer:{state}")
            kept.forget_sign_in(session, self.vault, row.tenant_id, state)
            project_id, late = row.project_id, row.expires_at <= datetime.now(UTC)
        if begun is None or answer is None or late:
            raise _unknown()
        signed = self.microsoft.finish(begun["flow"], answer, begun["directory"])
        with self.database.transaction() as session:
            project = kept.found_project(session, person.tenant_id, project_id, locked=True)
            kept.sign_in(session, self.vault, project, signed, begun["directory"], person.email)
            storage = project.storage
        if storage is not None and storage.get("kind") == "microsoft":
            self.try_out(project_id, storage["endpoint"], storage["account"], storage["container"])
            with self.database.transaction() as session:
                kept.clear(kept.found_project(session, person.tenant_id, project_id, locked=True))
        return project_id

    def accounts(self, project_id: str) -> list[StorageAccount]:
        """The storage accounts that whoever signed in can see."""
        return self._management(project_id).accounts()

    def containers(self, project_id: str, account: str) -> list[str] | None:
        """The containers of an account; None where Azure does not list the account."""
        management = self._management(project_id)
        named = next((one for one in management.accounts() if one.name == account), None)
        return management.containers(named) if named is not None else None

    def choose(self, person: Person, project_id: str, choice: Choice) -> None:
        """Save account and container, once a try has shown that the person may write there."""
        require_prefix(choice.prefix, "prefix")
        endpoint = self._endpoint(project_id, choice.account)
        self.try_out(project_id, endpoint, choice.account, choice.container)
        storage = {
            "account": choice.account,
            "container": choice.container,
            "tier": choice.tier,
            "prefix": choice.prefix,
            "endpoint": endpoint,
        }
        with self.database.transaction() as session:
            project = kept.found_project(session, person.tenant_id, project_id, locked=True)
            if session.get(AzureConnection, project_id) is None:
                raise no_connection()
            kept.choose(session, self.vault, project, storage)

    def try_out(self, project_id: str, endpoint: str, account: str, container: str) -> None:
        """Raises AccessDenied or InvalidRequest where an agent could not write."""
        token = self.token(project_id, STORAGE_SCOPE).value
        if self.settings.azure_access == "bearer":
            require_writable(endpoint, container, token=token)
            return
        made = container_signature(endpoint, account, container, token, datetime.now(UTC))
        require_writable(endpoint, container, signature=made.value)

    def token(self, project_id: str, scope: str, *, fresh: bool = False) -> Token:
        """An access token of whoever signed in. Where Microsoft wants the person, the project becomes auth_required.

        Refreshing gives a new refresh token, which is sealed at once. Two threads take turns; of two replicas, the one
        that comes too late finds that the kept tokens are not those it used, and takes the new ones.
        """
        with _LOCKS[hash(project_id) % len(_LOCKS)]:
            while True:
                before = self._kept(project_id)
                try:
                    token = self.microsoft.token(before.cache, before.directory, scope, fresh=fresh)
                except AccessDenied as error:
                    if self._expired(project_id, before.version, error):
                        raise
                else:
                    if token.cache is not None:
                        self._keep(project_id, before.version, token)
                    return token

    def _kept(self, project_id: str) -> _Kept:
        with self.database.transaction() as session:
            row = session.get(AzureConnection, project_id)
            sealed = self.vault.open(session, row.tenant_id, f"azure:{project_id}") if row is not None else None
            if row is None or sealed is None:
                raise no_connection()
            return _Kept(sealed["cache"], row.directory, row.version)

    def _keep(self, project_id: str, version: int, token: Token) -> None:
        """The new tokens, unless another replica has written newer ones since."""
        with self.database.transaction() as session:
            row = session.get(AzureConnection, project_id, with_for_update=True)
            if row is None or row.version != version or token.cache is None:
                return
            row.version += 1
            if token.redeemed:
                row.used_at = datetime.now(UTC)
                row.expires_at, row.failure = kept.lasting(row.used_at), None
            self.vault.seal(session, row.tenant_id, f"azure:{project_id}", {"cache": token.cache})

    def _expired(self, project_id: str, version: int, error: MigrateError) -> bool:
        """Whether the tokens that were refused are still the newest; then the project asks for the person."""
        with self.database.transaction() as session:
            row = session.get(AzureConnection, project_id, with_for_update=True)
            if row is None or row.version != version:
                return False
            kept.expire(session, row, _why(error), self.settings.public_url)
            return True

    def _management(self, project_id: str) -> Management:
        token = self.token(project_id, self.microsoft.management_scope)
        return Management(self.settings.azure_management_url, token.value)

    def _endpoint(self, project_id: str, account: str) -> str:
        """Where the account's blobs are. One that Azure does not list may be there all the same: the role for data does
        not include seeing the account."""
        try:
            listed = {one.name: one.endpoint for one in self.accounts(project_id)}
        except AccessDenied as error:
            if error.error_code != "AZURE_LIST_REFUSED":
                raise
            listed = {}
        return listed.get(account) or f"https://{account}.blob.{self.settings.azure_storage_suffix}"


def _identity(person: Person) -> str:
    return f"{person.kind}:{person.id}"


def _why(error: MigrateError) -> str:
    numbers = error.details.get("aadsts") or []
    assert isinstance(numbers, list)
    return ", ".join(f"AADSTS{number}" for number in numbers)[:255] or str(error.details.get("microsoft") or "expired")


def _unknown() -> Refusal:
    return Refusal(
        400,
        "AZURE_SIGN_IN_UNKNOWN",
        "This sign-in was not begun by you, was used already, or took longer than ten minutes.",
        remedy="Begin again with Connect Azure Storage.",
    )


def no_connection() -> FatalError:
    """With the documented text."""
    return FatalError(
        NO_AZURE,
        code="NO_AZURE_CONNECTION",
        remedy="Go to the project, connect Azure Storage, then create the job again.",
    )
