"""The only writer of a job's status: what people and agents ask for becomes a step, a line of history and a command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Session

from migrate_api import events, history
from migrate_api.errors import Refusal, conflict, not_found
from migrate_api.principals import AgentCaller, Person
from migrate_api.project_status import refresh_project
from migrate_api.protocol.messages import Failure
from migrate_api.protocol.states import FINAL, CommandName, JobStatus, JobType, steps
from migrate_api.tables import Agent, Job, JobItem, Project, QueuedCommand
from migrate_api.waker import Waker

NO_AZURE = "Project has no Azure connection"


def now() -> datetime:
    return datetime.now(UTC)


def new_id() -> str:
    return uuid4().hex


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Steps within one transaction. `job` arguments are rows that `held` has locked."""

    session: Session
    waker: Waker

    def held(self, tenant_id: str, job_id: str, agent_id: str | None = None) -> Job:
        """The job's row, locked to the end of the transaction. Raises Refusal 404; with `agent_id` also 409 for a job
        that is no longer the agent's."""
        query = sa.select(Job).where(Job.id == job_id, Job.tenant_id == tenant_id, Job.deleted_at.is_(None))
        job = self.session.scalar(query.with_for_update())
        if job is None:
            raise not_found("job")
        if agent_id is not None and job.agent_id != agent_id:
            raise conflict("JOB_NOT_YOURS", "The job belongs to another agent.", "Stop working on it.")
        return job

    def move(
        self, job: Job, to: JobStatus, actor: str, *, why: str = "", error: Failure | None = None, **details: Any
    ) -> None:
        """Take a legal step. Raises Refusal 409 ILLEGAL_TRANSITION naming the legal ones."""
        legal = steps(job.status, job.paused_in)
        if to not in legal:
            raise illegal(job.status, to, legal)
        at = now()
        if error is not None:
            job.error_code, job.error_message, job.error_remedy = error.code, error.message, error.remedy
            details["code"] = error.code
        history.append(self.session, job, at=at, actor=actor, name="status", to=to, why=why, **details)
        if to is JobStatus.PAUSED or to in FINAL:
            job.bytes_per_second = 0.0
        obeyed = "pause" if to is JobStatus.PAUSED else "resume" if job.status is JobStatus.PAUSED else None
        if to in FINAL or job.wanted == obeyed:
            job.wanted = None
        job.paused_in = job.status if to is JobStatus.PAUSED else None
        if to is JobStatus.SCANNING and job.started_at is None:
            job.started_at = at
        if to in FINAL:
            job.finished_at = at
            self._withdraw(job)
        job.status = to
        self.session.flush()
        refresh_project(self.session, job.project_id)
        events.job_moved(self.session, job)

    def command(
        self, job: Job, name: CommandName, actor: str, *, sealed: str | None = None, expires_at: datetime | None = None
    ) -> QueuedCommand:
        """Queue an order about a job for its agent, and wake the agent."""
        return self.order(job.tenant_id, job.agent_id, name, actor, job_id=job.id, sealed=sealed, expires_at=expires_at)

    def order(
        self,
        tenant_id: str,
        agent_id: str,
        name: CommandName,
        actor: str,
        *,
        job_id: str | None = None,
        sealed: str | None = None,
        expires_at: datetime | None = None,
    ) -> QueuedCommand:
        """Queue an order for an agent, and wake it."""
        command = QueuedCommand(
            id=new_id(),
            tenant_id=tenant_id,
            agent_id=agent_id,
            job_id=job_id,
            name=name,
            sealed=sealed,
            created_by=actor,
            created_at=now(),
            expires_at=expires_at,
        )
        self.session.add(command)
        self.session.flush()
        self.waker.wake(self.session, agent_id)
        return command

    def add(self, job: Job, person: Person) -> None:
        """A new job's first line of history, and its start_job."""
        self.session.add(job)
        self.session.flush()
        history.append(self.session, job, at=job.created_at, actor=person.actor, name="created", agent=job.agent_id)
        self.command(job, CommandName.START_JOB, person.actor)
        events.job_created(self.session, job)
        refresh_project(self.session, job.project_id)

    def pause(self, job: Job, person: Person) -> None:
        """Ask the agent to pause: what is in flight finishes, then the agent says so. A job that no agent has begun, or
        whose resumption has not begun, stays where it is at once. Again: no change."""
        if job.wanted == "pause" or (job.status is JobStatus.PAUSED and job.wanted is None):
            return
        if job.status in FINAL:
            raise illegal(job.status, JobStatus.PAUSED, steps(job.status, job.paused_in))
        history.append(self.session, job, at=now(), actor=person.actor, name="pause_asked")
        self._withdraw(job)
        if job.status is JobStatus.PAUSED:
            job.wanted = None
        elif job.token == 0:
            self.move(job, JobStatus.PAUSED, person.actor)
        else:
            job.wanted = "pause"
        if self._told(job):
            self.command(job, CommandName.PAUSE_JOB, person.actor)

    def resume(self, job: Job, person: Person) -> None:
        """Ask the agent to go on. A pause that was not obeyed yet is taken back. Again: no change."""
        if job.wanted == "resume":
            return
        if job.wanted != "pause" and job.status is not JobStatus.PAUSED:
            raise conflict(
                "ILLEGAL_TRANSITION",
                f"The job is {job.status}; only a paused job can be resumed.",
                legal=sorted(steps(job.status, job.paused_in)),
            )
        job.wanted = "resume"
        history.append(self.session, job, at=now(), actor=person.actor, name="resume_asked")
        self.command(job, CommandName.RESUME_JOB, person.actor)

    def cancel(self, job: Job, person: Person, why: str = "") -> None:
        """At once and for good; what was moved stays. The agent learns of it and stops. Again: no change."""
        if job.status is JobStatus.CANCELLED:
            return
        told = self._told(job)
        self.move(job, JobStatus.CANCELLED, person.actor, why=why)
        if told:
            self.command(job, CommandName.CANCEL_JOB, person.actor)

    def fail(self, job: Job, actor: str, code: str, message: str, remedy: str) -> None:
        self.move(job, JobStatus.FAILED, actor, error=Failure(code=code, message=message, remedy=remedy))

    def lease(self, job: Job, caller: AgentCaller) -> int:
        """A new token for the job's own agent; reports under older ones are refused from now on."""
        if job.status in FINAL:
            raise conflict("JOB_FINISHED", f"The job is {job.status}.", "Stop working on it.", status=job.status.value)
        if job.status is JobStatus.PAUSED and job.wanted != "resume":
            raise conflict("JOB_PAUSED", "The job is paused.", "Wait until somebody resumes it.")
        if job.status is not JobStatus.PAUSED and job.wanted == "resume":
            job.wanted = None  # the pause that it takes back never took effect
        job.token, job.newest_sequence = job.token + 1, 0
        history.append(self.session, job, at=now(), actor=caller.actor, name="lease", token=job.token)
        return job.token

    def reassign(self, job: Job, agent: Agent, person: Person) -> None:
        """Give the job to another agent: the old one's token ends, the new one starts at nought. The old one, if it is
        there, is told to stop; it may have nothing to report that could be refused."""
        if job.status in FINAL:
            raise conflict("JOB_FINISHED", f"The job is {job.status}.", "Re-run it as a new job.")
        if job.agent_id == agent.id:
            raise conflict("SAME_AGENT", "The job is that agent's already.")
        if job.retry_of is not None:
            self.require_books(self.session.get_one(Job, job.retry_of), agent)
        old, paused = job.agent_id, job.status is JobStatus.PAUSED
        told = self._told(job)
        self._withdraw(job)
        if told:
            self.command(job, CommandName.PAUSE_JOB, person.actor)
        job.agent_id, job.token, job.newest_sequence = agent.id, job.token + 1, 0
        job.wanted = "resume" if paused else None
        history.append(
            self.session,
            job,
            at=now(),
            actor=person.actor,
            name="reassigned",
            agent=agent.id,
            before=old,
            token=job.token,
        )
        job.files_completed = job.files_unchanged = job.files_skipped = job.files_failed = job.bytes_completed = 0
        job.bytes_left = None
        self.session.execute(sa.delete(JobItem).where(JobItem.job_id == job.id))
        self.command(job, CommandName.RESUME_JOB if paused else CommandName.START_JOB, person.actor)

    def require_books(self, failed: Job, agent: Agent) -> None:
        """Which files of a job failed stands in the books of the agent that did it last; one that had it before has
        books too, in which others may have failed. (An import's retry looks at every record.) Raises Refusal 409."""
        if failed.type is not JobType.ROCKRMS_IMPORT and failed.agent_id != agent.id:
            raise conflict(
                "RETRY_ELSEWHERE",
                "Which files failed is known to the agent that did the job last.",
                "Give the retry to that agent, or re-run the job as a whole.",
            )

    def delete(self, job: Job, person: Person) -> None:
        """Take a finished job out of sight; its history stays. Nothing that was moved is touched."""
        if job.status not in FINAL:
            raise conflict(
                "JOB_NOT_FINISHED",
                f"The job is {job.status}; only a finished job can be deleted.",
                "Cancel it first.",
                legal=sorted(FINAL),
            )
        history.append(self.session, job, at=now(), actor=person.actor, name="deleted")
        job.deleted_at = now()

    def _told(self, job: Job) -> bool:
        """Whether its agent has heard of the job: it may wait there for its turn without a lease."""
        heard = sa.select(QueuedCommand.id).where(
            QueuedCommand.job_id == job.id,
            QueuedCommand.agent_id == job.agent_id,
            QueuedCommand.delivered_at.is_not(None),
        )
        return job.token > 0 or self.session.scalar(heard.limit(1)) is not None

    def _withdraw(self, job: Job) -> None:
        """Orders about the job that nobody has taken up are void."""
        waiting = sa.update(QueuedCommand).where(
            QueuedCommand.job_id == job.id, QueuedCommand.acknowledged_at.is_(None)
        )
        self.session.execute(waiting.values(acknowledged_at=now(), accepted=False, answer={"withdrawn": True}))


def illegal(status: JobStatus, to: JobStatus, legal: frozenset[JobStatus]) -> Refusal:
    """409: the job cannot go there from where it is."""
    words = ", ".join(sorted(legal)) or "nothing: it is final"
    return conflict(
        "ILLEGAL_TRANSITION",
        f"A job that is {status} cannot become {to}.",
        f"What may follow: {words}.",
        status=status.value,
        legal=sorted(legal),
    )


def require_storage(project: Project) -> Mapping[str, Any]:
    """The project's Azure connection. Raises Refusal 409 NO_AZURE_CONNECTION with the documented text."""
    if project.storage is None:
        raise conflict(
            "NO_AZURE_CONNECTION",
            NO_AZURE,
            "Go to the project, connect Azure Storage, then create the job again.",
            field="destination",
        )
    return project.storage
