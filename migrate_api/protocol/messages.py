"""The messages between agent and server. Both sides use these models, so that an incompatible change fails in CI.

Paths are in `PATHS`. Every request of an agent bears `Authorization: Bearer <agent key>`, `X-Migrate-Protocol` (this
version) and `X-Agent-Instance` (new for each process). A newer process with the same key supersedes the older one,
which is then refused with 409 SUPERSEDED; an agent too old for the server is refused with 426 UPGRADE_REQUIRED.
Answers may have fields that an older agent does not know: it ignores them.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from migrate_api.protocol.said import Answer, Said
from migrate_api.protocol.spec import BandwidthSchedule, Secret, Tier
from migrate_api.protocol.states import CommandName, JobStatus, JobType

VERSION = 1
OLDEST_SPOKEN = 1
"""The oldest protocol the server still understands."""

HEARTBEAT_SECONDS = 120
POLL_SECONDS = 50
"""How long the server holds a command poll open when there is nothing to say."""
OFFLINE_SECONDS = 60
"""Without a heartbeat or a poll for so long an agent counts as offline. A waiting poll is a sign of life."""
REPORT_SECONDS = 2

Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._:-]+$")]
Count = Annotated[int, Field(ge=0, le=2**53)]


class Host(Said):
    """The machine and program of an agent."""

    hostname: str = Field(max_length=255)
    platform: str = Field(max_length=255, description="such as Linux-6.1-x86_64")
    version: str = Field(max_length=64, description="release of the agent")


class Registration(Said):
    """POST /api/agents/register: a code for a key. Codes are not case-sensitive."""

    code: str = Field(max_length=64)
    name: str | None = Field(default=None, min_length=1, max_length=255)
    host: Host


class Registered(Answer):
    """The agent and its permanent key, shown this once."""

    agent_id: str
    name: str
    key: str


class Hello(Said):
    """POST /api/agent/hello: a process begins to work under this key; older ones are superseded."""

    host: Host
    sent_at: datetime


class Welcome(Answer):
    """Who the agent is, the server's clock, and the jobs that this agent left unfinished."""

    agent_id: str
    name: str
    server_time: datetime
    jobs: tuple[str, ...]
    """Jobs that are to be worked on here, whether they were begun or only waited for their turn: take them up."""


class HeldJob(Said):
    """A job an agent works on, under the token it was given."""

    job_id: Id
    token: Count


class Heartbeat(Said):
    """POST /api/agent/heartbeat."""

    sent_at: datetime
    host: Host
    jobs: tuple[HeldJob, ...] = Field(default=(), max_length=1_000)
    free_disk_bytes: Count | None = None


class Command(Answer):
    """An order, handed out until it is acknowledged. `payload` of test_connection: {"connection_string"}.

    A name that an older agent does not know reaches it as text: it refuses that order and takes the others.
    """

    id: str
    name: Annotated[CommandName | str, Field(union_mode="left_to_right")]
    job_id: str | None = None
    payload: dict[str, Any] = Field(default={})


class HeartbeatAnswer(Answer):
    """`lost`: jobs of the heartbeat that are no longer this agent's under that token."""

    server_time: datetime
    commands: tuple[Command, ...] = ()
    lost: tuple[str, ...] = ()


class Commands(Answer):
    """GET /api/agent/commands?wait=SECONDS: at once if there are any, else after at most so many seconds."""

    commands: tuple[Command, ...] = ()


class Failure(Said):
    """An error as it is told: never people, never secrets."""

    code: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{1,63}$")]
    message: str = Field(max_length=4_000)
    remedy: str = Field(default="", max_length=4_000)


class Acknowledgement(Said):
    """POST /api/agent/commands/{id}/acknowledge. Again the same: no change. `result` is test_connection's diagnosis."""

    accepted: bool
    error: Failure | None = None
    result: dict[str, Any] | None = None


class Counted(Answer):
    """What the server has counted of a job, over all tokens: a new attempt's deltas begin here."""

    completed: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0
    bytes_completed: int = 0


class StorageAsk(Said):
    """POST /api/agent/jobs/{id}/storage-access: the holder of the job's token wants to get into its container."""

    token: Count


class StorageAccess(Answer):
    """The way into the container of a job: exactly one of three secrets, good until `expires_at` or, without that, for
    ever. Ask again at half-time. 409 NO_AZURE_CONNECTION or AZURE_…: the job fails with that; 503: ask again later."""

    endpoint: str
    account: str
    container: str
    prefix: str = ""
    tier: Tier = "hot"
    sas: Secret | None = None
    bearer_token: Secret | None = None
    connection_string: Secret | None = None
    expires_at: datetime | None = None

    @model_validator(mode="after")
    def _one_secret(self) -> Self:
        if [self.sas, self.bearer_token, self.connection_string].count(None) != 2:
            raise ValueError("exactly one of sas, bearer_token and connection_string is given")
        return self


class Assignment(Answer):
    """POST /api/agent/jobs/{id}/lease: the right to work on a job and to report on it, under a new token.

    Refused with 409 JOB_NOT_YOURS, JOB_FINISHED or JOB_PAUSED (nobody has asked to resume it). `spec` is a `JobSpec`
    with its secrets.
    """

    job_id: str
    name: str
    type: Annotated[JobType | str, Field(union_mode="left_to_right")]
    """Text where a newer server has a kind of work that an older agent does not know."""
    status: JobStatus
    paused_in: JobStatus | None = None
    stop: Literal["pause"] | None = None
    """An order that has not been obeyed yet: report the job as paused, do no work on it."""
    token: int
    started_on: date
    """The day the job was created; a resume on the next day judges alike."""
    spec: dict[str, Any]
    time_zone: str = "UTC"
    """Where the project's days begin and its schedule holds."""
    bandwidth: BandwidthSchedule | None = None
    counted: Counted = Counted()
    retry_of: str | None = None
    """The job whose failed items are meant, and no others."""
    earlier_hosts: tuple[str, ...] = ()
    """Machines of the agents that had the job before."""
    storage: StorageAccess | None = None
    """Of a job that writes to Azure Blob Storage; where it is missing, ask POST /api/agent/jobs/{id}/storage-access."""


class EntityCounts(Said):
    """One entity's records, recounted from the ledger. `skipped` is left out by a rule or already there."""

    discovered: Count
    imported: Count
    skipped: Count
    errored: Count


class Totals(Said):
    """What the scan found; after the last report of a job, what its ledger recounts."""

    items: Count
    bytes: Count | None = None


class FailedItem(Said):
    """An item that failed, by its key."""

    key: str = Field(max_length=4_096)
    entity: str | None = Field(default=None, max_length=64)
    code: str = Field(max_length=64)
    message: str = Field(max_length=4_000)
    remedy: str = Field(default="", max_length=4_000)


class Recount(Said):
    """All-time counts of a job from its ledger; with the last report they replace the sum of the deltas."""

    completed: Count
    unchanged: Count
    skipped: Count
    failed: Count
    bytes_completed: Count
    mailboxes_completed: Count = 0


class Progress(Said):
    """POST /api/progress: what changed since the last acknowledged report.

    `sequence` grows by one for each new report under a token; a number that came before is acknowledged and not
    counted again. Deltas are added in any order; state (`status`, `bytes_left`, `entities` …) is taken only from the
    newest. `status` moves the job; with a final one `recount` must be there.
    """

    job_id: Id
    token: Count
    sequence: Annotated[int, Field(ge=1, le=2**53)]
    files_completed: Count = 0
    files_unchanged: Count = 0
    files_skipped: Count = 0
    files_failed: Count = 0
    bytes_completed: Count = 0
    bytes_per_second: Annotated[float, Field(ge=0)] = 0.0
    bytes_left: Count | None = Field(default=None, description="of items without an outcome, less what is in flight")
    status: JobStatus | None = None
    error: Failure | None = None
    totals: Totals | None = None
    entities: dict[Annotated[str, Field(max_length=64)], EntityCounts] = Field(default={})
    failed_items: tuple[FailedItem, ...] = Field(default=(), max_length=500)
    runs: tuple[Id, ...] = Field(default=(), max_length=1_000, description="Dagster runs of this job, oldest first")
    recount: Recount | None = None
    result: dict[str, Any] | None = Field(default=None, description="of an import: score, matches, unexplained, papers")


class ProgressAnswer(Answer):
    """`counted` is false for a repeated number. `stop` repeats an order that has not been obeyed yet.

    Refused with 409 STALE_TOKEN: another attempt holds the job, stop at once.
    """

    counted: bool
    status: JobStatus
    stop: Literal["pause", "cancel"] | None = None


class LogChunk(Said):
    """POST /api/agent/jobs/{id}/log: the next piece of a job's log, without secrets and people."""

    token: Count
    number: Annotated[int, Field(ge=1, le=2**53)]
    text: str = Field(max_length=65_536)


class ErrorBody(Answer):
    """Every refusal: `error` for people, `code` for programs, `details` as the code says (`remedy`, `fields` …)."""

    error: str
    code: str
    details: dict[str, Any] | None = None
