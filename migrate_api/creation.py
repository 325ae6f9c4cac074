"""Making jobs: everything the documents say about a job is checked here, and answered with the field and a remedy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath, PureWindowsPath
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.orm import Session

from migrate_api.dispatch import Dispatch, new_id, now, require_storage
from migrate_api.errors import complaints, conflict, invalid
from migrate_api.job_views import Again, JobRequest
from migrate_api.principals import Person
from migrate_api.protocol.spec import (
    DESTINATIONS,
    SOURCES,
    BlobDestination,
    Destination,
    JobSpec,
    LocalSource,
    RockSource,
)
from migrate_api.protocol.states import FINAL, JOB_TYPES, JobStatus, JobType, ProjectStatus
from migrate_api.seen import online_since
from migrate_api.tables import Agent, AgentKey, Job, Project
from migrate_api.vault import Vault
from migrate_api.words import require_words


def create(dispatch: Dispatch, vault: Vault, person: Person, request: JobRequest) -> Job:
    """A new job, its history begun and its start_job queued. Raises Refusal: 400 with the fields, 409
    NO_AZURE_CONNECTION or AGENT_OFFLINE."""
    project = _project(dispatch.session, person.tenant_id, request.project_id)
    agent = _agent(dispatch.session, person.tenant_id, request.agent_id)
    spec = _completed(JobSpec.model_validate(_asked(request)), project)
    _require_fitting(spec, project)
    if not request.allow_offline:
        require_online(agent)
    return _add(dispatch, vault, person, _row(person, project, agent, request.name, spec), spec)


def repeat(
    dispatch: Dispatch,
    vault: Vault,
    person: Person,
    old: Job,
    changes: Again,
    *,
    failed: bool,
) -> Job:
    """A new job with an older one's specification, or over just its failed items."""
    if old.status not in FINAL:
        raise conflict("JOB_NOT_FINISHED", f"The job is {old.status}; only a finished job is repeated.")
    if failed:
        _require_tried(old)
    project = _project(dispatch.session, person.tenant_id, old.project_id)
    agent = _agent(dispatch.session, person.tenant_id, changes.agent_id or old.agent_id)
    if failed:
        dispatch.require_books(old, agent)
    sealed = vault.open(dispatch.session, old.tenant_id, f"job:{old.id}")
    with _complaining():
        spec = _with_new_secrets(JobSpec.model_validate(sealed if sealed is not None else old.spec), changes)
    _require_fitting(spec, project)
    if not changes.allow_offline:
        require_online(agent)
    row = _row(person, project, agent, changes.name or f"{old.name[:240]} (again)", spec)
    row.rerun_of, row.retry_of = old.id, old.id if failed else None
    return _add(dispatch, vault, person, row, spec)


def _require_tried(old: Job) -> None:
    """A retry moves just the files that failed. Where others were never come to, the project would be complete without
    them. (An import's retry looks at every record.) Raises Refusal 409."""
    if not old.files_failed:
        raise conflict("NOTHING_FAILED", "No item of this job failed.", "Re-run it if you want it done again.")
    if old.type is not JobType.ROCKRMS_IMPORT and old.error_code != "ITEMS_FAILED":
        raise conflict(
            "NOT_ALL_TRIED",
            "The job ended before all of its items were tried: a retry of those that failed would leave the others.",
            "Re-run it as a whole: what is at the destination already is found there.",
        )


def _with_new_secrets(spec: JobSpec, changes: Again) -> JobSpec:
    names = ("connection_string", "mission_integration_key")
    new = {name: secret for name in names if (secret := getattr(changes, name)) is not None}
    if new and not isinstance(spec.source, RockSource):
        raise invalid(dict.fromkeys(new, "only an import has one"))
    return spec.model_copy(update={"source": spec.source.model_copy(update=new)})


def _asked(request: JobRequest) -> dict[str, object]:
    return {name: getattr(request, name) for name in JobSpec.model_fields}


def _row(person: Person, project: Project, agent: Agent, name: str, spec: JobSpec) -> Job:
    return Job(
        id=new_id(),
        tenant_id=person.tenant_id,
        project_id=project.id,
        client_id=project.client_id,
        agent_id=agent.id,
        name=name,
        type=spec.type,
        status=JobStatus.CREATED,
        spec=spec.redacted(),
        created_by=person.email,
        created_at=now(),
        **dict.fromkeys(_COUNTS, 0),
        bytes_per_second=0.0,
        entities={},
        runs=[],
        head="",
    )


_COUNTS = (
    "token",
    "newest_sequence",
    "files_completed",
    "files_unchanged",
    "files_skipped",
    "files_failed",
    "bytes_completed",
    "mailboxes_completed",
    "history_length",
)


def _add(dispatch: Dispatch, vault: Vault, person: Person, job: Job, spec: JobSpec) -> Job:
    vault.seal(dispatch.session, job.tenant_id, f"job:{job.id}", spec.revealed())
    dispatch.add(job, person)
    return job


def _project(session: Session, tenant_id: str, project_id: str) -> Project:
    project = session.get(Project, project_id)
    if project is None or project.tenant_id != tenant_id:
        raise invalid({"project_id": "there is no such project; list the projects that you can see"})
    if project.status is ProjectStatus.CANCELLED:
        raise conflict("PROJECT_CANCELLED", "The project is cancelled.", "Set it back to in_progress first.")
    return project


def _agent(session: Session, tenant_id: str, agent_id: str) -> Agent:
    agent = session.get(Agent, agent_id)
    if agent is None or agent.tenant_id != tenant_id:
        raise invalid({"agent_id": "there is no such agent; list the agents that you can see"})
    require_key(session, agent)
    return agent


def require_key(session: Session, agent: Agent) -> None:
    """Raises Refusal 409 AGENT_REMOVED for one that nobody can work as any more. Holds the key: who wants to revoke it
    waits, and sees the job then."""
    valid = sa.select(AgentKey.id).where(AgentKey.agent_id == agent.id, AgentKey.revoked_at.is_(None))
    if session.scalar(valid.limit(1).with_for_update(read=True)) is None:
        raise conflict(
            "AGENT_REMOVED",
            f"The agent {agent.name} has no valid key any more.",
            "Choose another agent, or register that machine anew.",
            field="agent_id",
        )


def require_online(agent: Agent) -> None:
    """Raises Refusal 409 AGENT_OFFLINE."""
    if agent.last_seen_at is None or agent.last_seen_at < online_since(now()):
        raise conflict(
            "AGENT_OFFLINE",
            f"The agent {agent.name} is offline.",
            "Start the agent, choose another one, or say allow_offline: the job then waits for it.",
            field="agent_id",
        )


def _completed(spec: JobSpec, project: Project) -> JobSpec:
    """With the project's destination where the job names none, and the connection's account where it names no other."""
    destination = spec.destination
    if destination is None and DESTINATIONS[spec.type] and spec.type is not JobType.MIGRATE_MAILBOX:
        destination = _default(project)
    storage = project.storage
    if isinstance(destination, BlobDestination) and storage and destination.account in (None, storage["account"]):
        given = destination.model_dump(exclude_unset=True)
        whole = {
            "type": "azure_blob",
            "account": storage["account"],
            "container": storage["container"],
            "tier": storage["tier"],
            "prefix": storage.get("prefix") or "",
            **{name: value for name, value in given.items() if value is not None},
        }
        with _complaining("destination."):
            destination = BlobDestination.model_validate(whole)
    return spec.model_copy(update={"destination": destination})


def _default(project: Project) -> Destination:
    if project.default_destination:
        whole = {"type": JobType.MIGRATE_FILES, "source": {"type": "local", "path": "/"}}
        found = JobSpec.model_validate({**whole, "destination": project.default_destination}).destination
        assert found is not None
        return found
    return BlobDestination(type="azure_blob")


def _require_fitting(spec: JobSpec, project: Project) -> None:
    """Type against project, source and destination against type, connection; an import as its agent will be asked."""
    allowed = JOB_TYPES[project.type]
    if spec.type not in allowed:
        raise invalid({"type": f"a {project.type} project holds {_words(allowed)}, not {spec.type}"})
    if spec.source.type not in SOURCES[spec.type]:
        raise invalid({"source.type": f"a {spec.type} job reads from {_words(SOURCES[spec.type])}"})
    destination, possible = spec.destination, DESTINATIONS[spec.type]
    if destination is None and possible:
        raise invalid({"destination": f"a {spec.type} job needs one: {_words(possible)}"})
    if destination is not None and not possible:
        raise invalid({"destination": "an import has none: its target stands in the source, as mission_org_slug"})
    if destination is not None and destination.type not in possible:
        raise invalid({"destination.type": f"a {spec.type} job writes to {_words(possible)}"})
    if isinstance(spec.source, LocalSource):
        _require_whole(spec.source.path)
    if spec.type is JobType.SYNC and spec.transfer.delete_after_upload:
        raise invalid({"transfer.delete_after_upload": "a sync keeps its source: choose archive or migrate_files"})
    if isinstance(spec.source, RockSource):
        _require_import(spec.source, spec.transfer.concurrency)
    require_words(spec)
    if isinstance(destination, BlobDestination):
        connected = require_storage(project)["account"]
        if destination.account != connected:
            raise invalid({"destination.account": f"the project is connected to {connected}: leave it out"})


def _require_whole(path: str) -> None:
    """A relative path would be another folder wherever the agent is started. Which system it runs is not asked: an
    agent knows its own paths."""
    whole = PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute()
    if not whole or "\0" in path:
        raise invalid({"source.path": "give the whole path on the agent's machine, such as /mnt/nas/data or C:\\Data"})


def _require_import(source: RockSource, concurrency: int) -> None:
    today = now().astimezone(ZoneInfo(source.time_zone)).date()
    with _complaining("source."):
        source.import_spec("new", today, concurrency)


@contextmanager
def _complaining(where: str = "") -> Iterator[None]:
    """What cannot be asked for as a refusal with the fields: an older release may have let it pass."""
    try:
        yield
    except ValidationError as error:
        fields = complaints(error.errors())
        raise invalid({f"{where}{RockSource.FIELDS.get(name, name)}": why for name, why in fields.items()}) from None


def _words(words: frozenset[str] | frozenset[JobType]) -> str:
    return " or ".join(sorted(words))
