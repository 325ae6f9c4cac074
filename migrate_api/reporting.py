"""What agents report about a job: deltas counted once, states taken from the newest, the last word from the ledger."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from migrate_api import counting, history
from migrate_api.dispatch import Dispatch, now
from migrate_api.errors import conflict, invalid
from migrate_api.principals import AgentCaller
from migrate_api.protocol.messages import FailedItem, LogChunk, Progress, ProgressAnswer, Recount
from migrate_api.protocol.states import FINAL, JobStatus
from migrate_api.tables import Job, JobItem, JobLog


@dataclass(frozen=True, slots=True)
class Reports:
    """Takes reports within one transaction."""

    dispatch: Dispatch

    def take(self, caller: AgentCaller, said: Progress) -> ProgressAnswer:
        """Count a report. Raises Refusal: 404, 409 JOB_NOT_YOURS, STALE_TOKEN, JOB_FINISHED, ILLEGAL_TRANSITION."""
        job = self._held(caller, said.job_id, said.token)
        if not counting.is_new(self.dispatch.session, job.tenant_id, said, now()):
            return counting.answer(job.status, job.wanted, counted=False)
        if job.status in (JobStatus.COMPLETED, JobStatus.FAILED):
            raise conflict("JOB_FINISHED", f"The job is {job.status}.", "Stop reporting on it.")
        self._add(job, said)
        if said.sequence > job.newest_sequence:
            job.newest_sequence = said.sequence
            self._take_state(job, caller, said)
        job.reported_at = now()
        return counting.answer(job.status, job.wanted, counted=True)

    def log(self, caller: AgentCaller, job_id: str, chunk: LogChunk) -> None:
        """Keep a piece of the job's log; again the same number: no change."""
        job = self._held(caller, job_id, chunk.token)
        if self.dispatch.session.get(JobLog, (job.id, chunk.token, chunk.number)) is None:
            self.dispatch.session.add(
                JobLog(
                    job_id=job.id,
                    token=chunk.token,
                    number=chunk.number,
                    tenant_id=job.tenant_id,
                    at=now(),
                    text=chunk.text,
                )
            )

    def _held(self, caller: AgentCaller, job_id: str, token: int) -> Job:
        job = self.dispatch.held(caller.tenant_id, job_id, caller.id)
        if job.token != token:
            raise conflict(
                "STALE_TOKEN", "Another attempt holds this job now.", "Stop at once.", token=token, newest=job.token
            )
        return job

    def _add(self, job: Job, said: Progress) -> None:
        job.files_completed += said.files_completed
        job.files_unchanged += said.files_unchanged
        job.files_skipped += said.files_skipped
        job.files_failed += said.files_failed
        job.bytes_completed += said.bytes_completed
        for item in said.failed_items:
            self._keep(job, item)

    def _keep(self, job: Job, item: FailedItem) -> None:
        digest = hashlib.sha256(f"{item.entity or ''}\n{item.key}".encode()).hexdigest()
        row = JobItem(
            job_id=job.id,
            key_hash=digest,
            tenant_id=job.tenant_id,
            key=item.key,
            entity=item.entity,
            code=item.code,
            message=item.message,
            remedy=item.remedy,
            at=now(),
        )
        self.dispatch.session.merge(row)

    def _take_state(self, job: Job, caller: AgentCaller, said: Progress) -> None:
        job.bytes_per_second = said.bytes_per_second
        if said.bytes_left is not None:
            job.bytes_left = said.bytes_left
        if said.totals is not None:
            job.files_total, job.bytes_total = said.totals.items, said.totals.bytes
        if said.entities:
            job.entities = {name: counts.model_dump() for name, counts in said.entities.items()}
        if said.runs:
            job.runs = list(said.runs)
        if said.result is not None:
            job.result = said.result
        if said.recount is not None:
            self._recount(job, caller, said.recount)
        if said.status is not None and said.status is not job.status:
            self._move(job, caller, said)

    def _move(self, job: Job, caller: AgentCaller, said: Progress) -> None:
        assert said.status is not None
        if job.status is JobStatus.CANCELLED:
            return  # it was on its way when the job was cancelled; the answer says so
        if said.status in FINAL and said.recount is None:
            raise invalid({"recount": "a final status needs the ledger's recount"})
        if said.status is JobStatus.FAILED and said.error is None:
            raise invalid({"error": "a failed job says why"})
        if said.status is JobStatus.COMPLETED and said.recount is not None and said.recount.failed:
            raise invalid({"status": "a job with failed items is failed, with the code ITEMS_FAILED"})
        self.dispatch.move(job, said.status, caller.actor, error=said.error, token=said.token)

    def _recount(self, job: Job, caller: AgentCaller, recount: Recount) -> None:
        """The ledger's word replaces the sum of the deltas; where they differ the history says so."""
        counts = {
            "files_completed": recount.completed,
            "files_unchanged": recount.unchanged,
            "files_skipped": recount.skipped,
            "files_failed": recount.failed,
            "bytes_completed": recount.bytes_completed,
        }
        differing = {name: [getattr(job, name), to] for name, to in counts.items() if getattr(job, name) != to}
        if differing:
            history.append(
                self.dispatch.session, job, at=now(), actor=caller.actor, name="recounted", differing=differing
            )
        for name, count in counts.items():
            setattr(job, name, count)
        job.mailboxes_completed = recount.mailboxes_completed
