"""What is kept of a project's Azure connection, within the caller's transaction: rows, sealed secrets, status."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from migrate_api import events, mails
from migrate_api.azure.blobs import account_in, endpoint_in, ends_of, is_connection_string
from migrate_api.azure.microsoft import SignedIn
from migrate_api.errors import invalid, not_found
from migrate_api.principals import Person
from migrate_api.protocol.states import ProjectStatus
from migrate_api.tables import AzureConnection, AzureSignIn, Project
from migrate_api.vault import Vault

UNUSED_DAYS = 90
"""Microsoft forgets a refresh token that nobody has used for so long."""


def found_project(session: Session, tenant_id: str, project_id: str, *, locked: bool = False) -> Project:
    """Raises Refusal 404."""
    project = session.get(Project, project_id, with_for_update=locked, populate_existing=locked)
    if project is None or project.tenant_id != tenant_id:
        raise not_found("project")
    return project


def lasting(at: datetime) -> datetime:
    """Until when tokens last that were used at a moment."""
    return at + timedelta(days=UNUSED_DAYS)


def connect_by_secret(
    session: Session, vault: Vault, project: Project, storage: dict[str, Any], secret: str, person: Person
) -> None:
    """A connection by SAS or connection string, in the place of whatever there was. Raises Refusal 400 where the
    connection string is another account's."""
    by_string = is_connection_string(secret)
    if by_string and (account_in(secret) or storage["account"]) != storage["account"]:
        raise invalid({"account": "the connection string is another account's"})
    endpoint = storage.get("endpoint") or (endpoint_in(secret) if by_string else None)
    forget(session, vault, project)
    project.storage = {**storage, "endpoint": endpoint, "kind": "secret"}
    vault.seal(session, project.tenant_id, f"project:{project.id}", {"secret": secret})
    now = datetime.now(UTC)
    row = AzureConnection(
        project_id=project.id,
        tenant_id=project.tenant_id,
        kind="secret",
        account="",
        connected_by=person.email,
        connected_at=now,
        used_at=now,
        expires_at=ends_of(secret),
        version=1,
    )
    session.add(row)
    clear(project)
    session.flush()


def sign_in(session: Session, vault: Vault, project: Project, signed: SignedIn, asked: str | None, person: str) -> None:
    """Tokens in the place of older ones; account and container stay as they were chosen."""
    now = datetime.now(UTC)
    row = session.get(AzureConnection, project.id, with_for_update=True)
    if row is None:
        row = AzureConnection(project_id=project.id, tenant_id=project.tenant_id, version=0)
        session.add(row)
    row.kind, row.account, row.directory, row.connected_by = "microsoft", signed.account, asked, person
    row.connected_at, row.used_at, row.expires_at, row.failure = now, now, lasting(now), None
    row.version += 1
    vault.seal(session, project.tenant_id, f"azure:{project.id}", {"cache": signed.cache})
    session.flush()


def choose(session: Session, vault: Vault, project: Project, storage: Mapping[str, Any]) -> None:
    """The container of a connection by Microsoft account; a secret that was there before is forgotten."""
    project.storage = {**storage, "kind": "microsoft"}
    vault.forget(session, project.tenant_id, f"project:{project.id}")
    clear(project)
    session.flush()


def clear(project: Project) -> None:
    """A project that asked for a new sign-in goes on."""
    if project.status is ProjectStatus.AUTH_REQUIRED:
        project.status = ProjectStatus.IN_PROGRESS


def forget(session: Session, vault: Vault, project: Project) -> None:
    """Disconnect: nothing of it stays, sign-ins that were begun included."""
    for state in session.scalars(sa.select(AzureSignIn.state).where(AzureSignIn.project_id == project.id)).all():
        forget_sign_in(session, vault, project.tenant_id, state)
    session.execute(sa.delete(AzureConnection).where(AzureConnection.project_id == project.id))
    for owner in ("project", "azure"):
        vault.forget(session, project.tenant_id, f"{owner}:{project.id}")
    project.storage = None
    session.flush()


def forget_sign_in(session: Session, vault: Vault, tenant_id: str, state: str) -> None:
    """It was used, or nobody came back."""
    session.execute(sa.delete(AzureSignIn).where(AzureSignIn.state == state))
    vault.forget(session, tenant_id, f"azure-sign-in:{state}")
    vault.forget(session, tenant_id, f"azure-answer:{state}")


def expire(session: Session, row: AzureConnection, failure: str, public_url: str) -> None:
    """Only the person can help now: the project says so, and whoever connected it is mailed, once."""
    project = session.get_one(Project, row.project_id, with_for_update=True, populate_existing=True)
    if row.failure is None:
        row.failure = failure
        events.project_asks(session, project)
        mails.azure_expired(session, project, row, public_url)
    in_use = project.storage is not None and project.storage.get("kind", "secret") == row.kind
    if in_use and project.status is not ProjectStatus.CANCELLED:
        project.status = ProjectStatus.AUTH_REQUIRED
    session.flush()
