"""Every table of the control plane. Every row has its tenant; no query goes without one.

Times are UTC. Secrets stand here only as hashes (codes, keys, tokens) or sealed by the vault.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from migrate_api.protocol.states import CommandName, JobStatus, JobType, ProjectStatus, ProjectType


class Utc(sa.TypeDecorator[datetime]):
    """A moment in UTC on every database: SQLite forgets zones, PostgreSQL keeps them."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a moment without a zone")
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def _words(kind: type[Any]) -> sa.Enum:
    """An enumeration kept by its values, as text."""
    return sa.Enum(kind, native_enum=False, length=32, values_callable=lambda k: [word.value for word in k])


JSON = sa.JSON().with_variant(JSONB(), "postgresql")
ID = sa.String(64)


class Table(DeclarativeBase):
    """Base of all tables."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own name
        datetime: Utc(),
        dict[str, Any]: JSON,
        list[str]: JSON,
        Decimal: sa.Numeric(18, 2),
        int: sa.BigInteger(),
    }


class Tenant(Table):
    __tablename__ = "tenants"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    slug: Mapped[str] = mapped_column(sa.String(255), unique=True)
    created_at: Mapped[datetime]


class User(Table):
    """A Hub user who has signed in; Hub says who they are each time."""

    __tablename__ = "users"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(sa.ForeignKey("tenants.id"))
    subject: Mapped[str] = mapped_column(sa.String(255))
    email: Mapped[str] = mapped_column(sa.String(320))
    role: Mapped[str] = mapped_column(sa.String(16))
    created_at: Mapped[datetime]
    signed_in_at: Mapped[datetime]
    __table_args__ = (sa.UniqueConstraint("tenant_id", "subject"),)


class UserSession(Table):
    """A signed-in browser; the cookie's hash."""

    __tablename__ = "user_sessions"
    hash: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(sa.ForeignKey("tenants.id"))
    user_id: Mapped[str] = mapped_column(sa.ForeignKey("users.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class SignInToken(Table):
    """A `jti` that was used; kept until it has expired."""

    __tablename__ = "sign_in_tokens"
    jti: Mapped[str] = mapped_column(sa.String(255), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ID)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class ApiToken(Table):
    __tablename__ = "api_tokens"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(sa.ForeignKey("tenants.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(255))
    role: Mapped[str] = mapped_column(sa.String(16))
    hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    created_by: Mapped[str] = mapped_column(sa.String(320))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class RegistrationCode(Table):
    __tablename__ = "registration_codes"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(sa.ForeignKey("tenants.id"), index=True)
    label: Mapped[str | None] = mapped_column(sa.String(255))
    hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    created_by: Mapped[str] = mapped_column(sa.String(320))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    agent_id: Mapped[str | None] = mapped_column(ID)


class Agent(Table):
    """A machine that does the work. `instance` is the process that may speak for it; `last_seen_at` is written now and
    then, a waiting poll counts too."""

    __tablename__ = "agents"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(sa.ForeignKey("tenants.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(255))
    hostname: Mapped[str] = mapped_column(sa.String(255), default="")
    platform: Mapped[str] = mapped_column(sa.String(255), default="")
    version: Mapped[str] = mapped_column(sa.String(64), default="")
    instance: Mapped[str | None] = mapped_column(sa.String(64))
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime | None] = mapped_column(index=True)
    clock_skew_seconds: Mapped[float | None]
    free_disk_bytes: Mapped[int | None]


class AgentKey(Table):
    """A key of an agent. One made by hand under a name gets its agent when it is first used."""

    __tablename__ = "agent_keys"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(sa.ForeignKey("tenants.id"), index=True)
    agent_id: Mapped[str] = mapped_column(sa.ForeignKey("agents.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(255))
    hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    created_by: Mapped[str] = mapped_column(sa.String(320))
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class Client(Table):
    __tablename__ = "clients"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(sa.ForeignKey("tenants.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(255))
    contact_name: Mapped[str | None] = mapped_column(sa.String(255))
    contact_email: Mapped[str | None] = mapped_column(sa.String(320))
    psa_company_id: Mapped[str | None] = mapped_column(sa.String(255))
    status: Mapped[str] = mapped_column(sa.String(16), default="active")
    created_at: Mapped[datetime]


class Project(Table):
    """An engagement. `storage`: kind, account, container, tier, prefix, endpoint of its Azure connection, whose secret
    is sealed in `sealed_secrets`; `bandwidth_schedule`: see routes/projects.py."""

    __tablename__ = "projects"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(sa.ForeignKey("tenants.id"), index=True)
    client_id: Mapped[str] = mapped_column(sa.ForeignKey("clients.id"), index=True)
    type: Mapped[ProjectType] = mapped_column(_words(ProjectType))
    status: Mapped[ProjectStatus] = mapped_column(_words(ProjectStatus), default=ProjectStatus.PLANNING)
    name: Mapped[str] = mapped_column(sa.String(255))
    description: Mapped[str | None] = mapped_column(sa.Text)
    psa_ticket_id: Mapped[str | None] = mapped_column(sa.String(255))
    psa_project_id: Mapped[str | None] = mapped_column(sa.String(255))
    time_zone: Mapped[str] = mapped_column(sa.String(64), default="UTC")
    storage: Mapped[dict[str, Any] | None]
    default_destination: Mapped[dict[str, Any] | None]
    bandwidth_schedule: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]


class AzureConnection(Table):
    """How a project got its Azure connection, and until when it lasts if nobody uses it. `kind`: `microsoft` (somebody
    signed in; the tokens are sealed as `azure:<project>`) or `secret`. `version` grows with each change of the tokens.
    """

    __tablename__ = "azure_connections"
    project_id: Mapped[str] = mapped_column(sa.ForeignKey("projects.id"), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(sa.ForeignKey("tenants.id"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(16))
    account: Mapped[str] = mapped_column(sa.String(320), default="")
    directory: Mapped[str | None] = mapped_column(sa.String(253))
    connected_by: Mapped[str] = mapped_column(sa.String(320))
    connected_at: Mapped[datetime]
    used_at: Mapped[datetime]
    expires_at: Mapped[datetime | None] = mapped_column(index=True)
    failure: Mapped[str | None] = mapped_column(sa.String(255))
    version: Mapped[int] = mapped_column(default=1)


class AzureSignIn(Table):
    """A sign-in at Microsoft that somebody began; what is needed to end it is sealed as `azure-sign-in:<state>`."""

    __tablename__ = "azure_sign_ins"
    state: Mapped[str] = mapped_column(sa.String(64), primary_key=True, comment="its hash")
    tenant_id: Mapped[str] = mapped_column(sa.ForeignKey("tenants.id"))
    project_id: Mapped[str] = mapped_column(sa.ForeignKey("projects.id"), index=True)
    person: Mapped[str] = mapped_column(sa.String(100))
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Job(Table):
    """A unit of work. Only `dispatch` and `reporting` write status, token and counts.

    `wanted`: `pause` or `resume` that the agent has not obeyed yet. `head` is the newest hash of its history.
    """

    __tablename__ = "jobs"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(sa.ForeignKey("tenants.id"))
    project_id: Mapped[str] = mapped_column(sa.ForeignKey("projects.id"))
    client_id: Mapped[str] = mapped_column(sa.ForeignKey("clients.id"))
    agent_id: Mapped[str] = mapped_column(sa.ForeignKey("agents.id"))
    name: Mapped[str] = mapped_column(sa.String(255))
    type: Mapped[JobType] = mapped_column(_words(JobType))
    status: Mapped[JobStatus] = mapped_column(_words(JobStatus))
    paused_in: Mapped[JobStatus | None] = mapped_column(_words(JobStatus))
    wanted: Mapped[str | None] = mapped_column(sa.String(16))
    spec: Mapped[dict[str, Any]]
    rerun_of: Mapped[str | None] = mapped_column(ID)
    retry_of: Mapped[str | None] = mapped_column(ID)
    token: Mapped[int] = mapped_column(default=0)
    newest_sequence: Mapped[int] = mapped_column(default=0)
    error_code: Mapped[str | None] = mapped_column(sa.String(64))
    error_message: Mapped[str | None] = mapped_column(sa.Text)
    error_remedy: Mapped[str | None] = mapped_column(sa.Text)
    files_total: Mapped[int | None]
    bytes_total: Mapped[int | None]
    bytes_left: Mapped[int | None]
    files_completed: Mapped[int] = mapped_column(default=0)
    files_unchanged: Mapped[int] = mapped_column(default=0)
    files_skipped: Mapped[int] = mapped_column(default=0)
    files_failed: Mapped[int] = mapped_column(default=0)
    bytes_completed: Mapped[int] = mapped_column(default=0)
    mailboxes_completed: Mapped[int] = mapped_column(default=0)
    bytes_per_second: Mapped[float] = mapped_column(default=0.0)
    entities: Mapped[dict[str, Any]] = mapped_column(default=dict)
    runs: Mapped[list[str]] = mapped_column(default=list)
    result: Mapped[dict[str, Any] | None]
    created_by: Mapped[str] = mapped_column(sa.String(320))
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None] = mapped_column(index=True)
    reported_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    history_length: Mapped[int] = mapped_column(default=0)
    head: Mapped[str] = mapped_column(sa.String(64), default="")
    __table_args__ = (
        sa.Index("ix_jobs_newest", "tenant_id", "created_at", "id"),
        sa.Index("ix_jobs_by_status", "tenant_id", "status", "created_at"),
        sa.Index("ix_jobs_by_agent", "agent_id", "status"),
        sa.Index("ix_jobs_by_client", "client_id", "created_at"),
        sa.Index("ix_jobs_by_project", "project_id", "created_at"),
    )


class Event(Table):
    """One line of a job's history; never changed, never removed. `hash` covers the line and `previous`."""

    __tablename__ = "events"
    job_id: Mapped[str] = mapped_column(ID, primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(sa.ForeignKey("tenants.id"))
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(sa.String(320))
    name: Mapped[str] = mapped_column(sa.String(64))
    from_status: Mapped[str | None] = mapped_column(sa.String(16))
    to_status: Mapped[str | None] = mapped_column(sa.String(16))
    why: Mapped[str] = mapped_column(sa.Text, default="")
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    previous: Mapped[str] = mapped_column(sa.String(64))
    hash: Mapped[str] = mapped_column(sa.String(64))


class QueuedCommand(Table):
    """An order to an agent, handed out until acknowledged. `sealed` is a payload with secrets."""

    __tablename__ = "commands"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(sa.ForeignKey("tenants.id"))
    agent_id: Mapped[str] = mapped_column(sa.ForeignKey("agents.id"))
    job_id: Mapped[str | None] = mapped_column(ID, index=True)
    name: Mapped[CommandName] = mapped_column(_words(CommandName))
    sealed: Mapped[str | None] = mapped_column(sa.Text)
    created_by: Mapped[str] = mapped_column(sa.String(320))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    accepted: Mapped[bool | None]
    answer: Mapped[dict[str, Any] | None]
    __table_args__ = (
        sa.Index(
            "ix_commands_waiting",
            "agent_id",
            postgresql_where=sa.text("acknowledged_at IS NULL"),
            sqlite_where=sa.text("acknowledged_at IS NULL"),
        ),
    )


class ProgressBatch(Table):
    """A report of an agent, kept 7 days: it tells a repeat from something new, and the history of the speed."""

    __tablename__ = "progress"
    job_id: Mapped[str] = mapped_column(ID, primary_key=True)
    token: Mapped[int] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ID)
    at: Mapped[datetime] = mapped_column(index=True)
    files_completed: Mapped[int]
    bytes_completed: Mapped[int]
    bytes_per_second: Mapped[float]


class JobItem(Table):
    """An item of a job that failed, and why."""

    __tablename__ = "job_items"
    job_id: Mapped[str] = mapped_column(ID, primary_key=True)
    key_hash: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ID)
    key: Mapped[str] = mapped_column(sa.Text)
    entity: Mapped[str | None] = mapped_column(sa.String(64))
    code: Mapped[str] = mapped_column(sa.String(64))
    message: Mapped[str] = mapped_column(sa.Text)
    remedy: Mapped[str] = mapped_column(sa.Text)
    at: Mapped[datetime]


class JobLog(Table):
    """A piece of a job's log as its agent sent it."""

    __tablename__ = "job_logs"
    job_id: Mapped[str] = mapped_column(ID, primary_key=True)
    token: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ID)
    at: Mapped[datetime]
    text: Mapped[str] = mapped_column(sa.Text)


class SealedSecret(Table):
    """What the vault sealed: `owner` is `job:<id>`, `project:<id>` …; `key_id` names the key that opens it."""

    __tablename__ = "sealed_secrets"
    owner: Mapped[str] = mapped_column(sa.String(128), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(sa.ForeignKey("tenants.id"), index=True)
    key_id: Mapped[str] = mapped_column(sa.String(64), index=True)
    sealed: Mapped[str] = mapped_column(sa.Text)
    created_at: Mapped[datetime]


class OutboxMessage(Table):
    """Something to tell another system, written with the change and delivered after it, at least once."""

    __tablename__ = "outbox"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(sa.ForeignKey("tenants.id"))
    channel: Mapped[str] = mapped_column(sa.String(16), comment="bus, billing or mail")
    name: Mapped[str] = mapped_column(sa.String(64))
    body: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    delivered_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(sa.Text)
    __table_args__ = (
        sa.Index(
            "ix_outbox_due",
            "due_at",
            postgresql_where=sa.text("delivered_at IS NULL"),
            sqlite_where=sa.text("delivered_at IS NULL"),
        ),
    )


class UsageDay(Table):
    """What a tenant is billed for a UTC day; written once."""

    __tablename__ = "usage_days"
    tenant_id: Mapped[str] = mapped_column(sa.ForeignKey("tenants.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    bytes_transferred: Mapped[int]
    mailboxes: Mapped[int]
    created_at: Mapped[datetime]


class TimerRun(Table):
    """When a timer last ran, and who holds it until when; so that of several replicas one runs it."""

    __tablename__ = "timers"
    name: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    ran_at: Mapped[datetime | None]
    held_by: Mapped[str | None] = mapped_column(sa.String(64))
    held_until: Mapped[datetime | None]


class RateWindow(Table):
    """Requests of a tenant in a minute, over all replicas."""

    __tablename__ = "rate_windows"
    tenant_id: Mapped[str] = mapped_column(ID, primary_key=True)
    minute: Mapped[int] = mapped_column(primary_key=True)
    requests: Mapped[int]
