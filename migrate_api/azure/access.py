"""What the agent of a job gets to write into the job's container; never the refresh token, never a lasting right where
a passing one will do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from migrate_api.azure import kept
from migrate_api.azure.blobs import container_signature, is_connection_string
from migrate_api.azure.connections import Connections, no_connection
from migrate_api.azure.microsoft import EXPIRED, RECONNECT, STORAGE_SCOPE
from migrate_api.dispatch import Dispatch
from migrate_api.errors import Refusal, conflict
from migrate_api.principals import AgentCaller
from migrate_api.protocol.messages import StorageAccess
from migrate_api.protocol.states import FINAL
from migrate_api.settings import ApiSettings
from migrate_api.tables import AzureConnection, Job, Project
from migrate_api.waker import Waker
from migrate_transfer.core.errors import AccessDenied, FatalError

WRITES = "azure_blob"


@dataclass(frozen=True, slots=True)
class _Way:
    """The container of a job and the project's secret for it, if it has one of its own."""

    project_id: str
    destination: dict[str, Any]
    storage: dict[str, Any]
    secret: str | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Accesses:
    """Hands out ways into containers."""

    connections: Connections
    waker: Waker

    def for_job(self, caller: AgentCaller, job_id: str, token: int) -> StorageAccess:
        """For the agent that holds the job under its newest token.

        Raises Refusal: 404, 409 JOB_NOT_YOURS, STALE_TOKEN, JOB_FINISHED; AccessDenied AZURE_CREDENTIALS_EXPIRED (the
        project then asks for a new sign-in), AZURE_ROLE_MISSING, AZURE_FIREWALL; FatalError NO_AZURE_CONNECTION,
        AZURE_ACCOUNT_CHANGED; TransientError.
        """
        with self.connections.database.transaction() as session:
            way, ended = self._way(session, self._held(session, caller, job_id, token))
        if ended:
            raise AccessDenied(EXPIRED, code="AZURE_CREDENTIALS_EXPIRED", remedy=RECONNECT)
        account, endpoint = way.storage["account"], _endpoint(way.storage, self.connections.settings)
        place = {
            "account": account,
            "endpoint": endpoint,
            "container": way.destination["container"],
            "prefix": way.destination.get("prefix") or "",
            "tier": way.destination.get("tier") or "hot",
        }
        return StorageAccess.model_validate({**place, **self._secret(way, endpoint, account, place["container"])})

    def _secret(self, way: _Way, endpoint: str, account: str, container: str) -> dict[str, object]:
        if way.secret is not None:
            kind = "connection_string" if is_connection_string(way.secret) else "sas"
            return {kind: way.secret, "expires_at": way.expires_at}
        person = self.connections.token(way.project_id, STORAGE_SCOPE)
        if self.connections.settings.azure_access == "bearer":
            return {"bearer_token": person.value, "expires_at": person.expires_at}
        made = container_signature(endpoint, account, container, person.value, datetime.now(UTC))
        return {"sas": made.value, "expires_at": made.expires_at}

    def fail(self, caller: AgentCaller, job_id: str, token: int, error: FatalError) -> None:
        """The job cannot be done as things are; unless it is somebody else's by now."""
        with self.connections.database.transaction() as session:
            dispatch = Dispatch(session, self.waker)
            job = dispatch.held(caller.tenant_id, job_id, caller.id)
            if job.token == token and job.status not in FINAL:
                dispatch.fail(job, "service", error.error_code, error.message, error.remedy)

    def _held(self, session: Session, caller: AgentCaller, job_id: str, token: int) -> Job:
        job = Dispatch(session, self.waker).held(caller.tenant_id, job_id, caller.id)
        if job.token != token:
            raise conflict("STALE_TOKEN", "Another attempt holds this job now.", "Stop at once.", newest=job.token)
        if job.status in FINAL:
            raise conflict("JOB_FINISHED", f"The job is {job.status}.", "Stop working on it.", status=job.status.value)
        return job

    def _way(self, session: Session, job: Job) -> tuple[_Way, bool]:
        """And whether a secret with an end has come to it: the project then asks for another one."""
        destination = job.spec.get("destination") or {}
        if destination.get("type") != WRITES:
            raise Refusal(404, "NOT_FOUND", "The job does not write to Azure Blob Storage.")
        project = session.get_one(Project, job.project_id)
        if project.storage is None:
            raise no_connection()
        storage = dict(project.storage)
        if destination.get("account") != storage["account"]:
            raise _changed(destination.get("account"), storage["account"])
        row, secret = session.get(AzureConnection, project.id), None
        if storage.get("kind") != "microsoft":
            sealed = self.connections.vault.open(session, job.tenant_id, f"project:{project.id}")
            secret = str(sealed["secret"]) if sealed is not None else ""
        ends = row.expires_at if row is not None and secret is not None else None
        ended = ends is not None and ends <= datetime.now(UTC)
        if ended and row is not None:
            kept.expire(session, row, "the signature has ended", self.connections.settings.public_url)
        return _Way(project.id, destination, storage, secret, ends), ended


def _endpoint(storage: dict[str, Any], settings: ApiSettings) -> str:
    return str(storage.get("endpoint") or f"https://{storage['account']}.blob.{settings.azure_storage_suffix}")


def _changed(asked: object, now: str) -> FatalError:
    return FatalError(
        f"The job writes to the storage account {asked}, the project is connected to {now}.",
        code="AZURE_ACCOUNT_CHANGED",
        remedy="Create the job again, or connect the project to the account that the job names.",
    )
