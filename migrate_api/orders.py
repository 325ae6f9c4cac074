"""Handing orders out to agents, at least once, and taking their acknowledgements."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from migrate_api import history
from migrate_api.database import Database
from migrate_api.dispatch import now
from migrate_api.errors import not_found
from migrate_api.principals import AgentCaller
from migrate_api.protocol.messages import Acknowledgement, Command
from migrate_api.tables import Job, QueuedCommand
from migrate_api.vault import Vault

AGAIN_SECONDS = 10
"""An order that was handed out and not acknowledged is handed out again after so long."""
AT_ONCE = 100


_due = sa.or_(QueuedCommand.delivered_at.is_(None), QueuedCommand.delivered_at < sa.bindparam("again"))
_alive = sa.or_(QueuedCommand.expires_at.is_(None), QueuedCommand.expires_at > sa.bindparam("moment"))
_open = (QueuedCommand.agent_id == sa.bindparam("agent"), QueuedCommand.acknowledged_at.is_(None), _alive)
_WAITING = (
    sa.select(QueuedCommand)
    .where(*_open, QueuedCommand.tenant_id == sa.bindparam("tenant"), _due)
    .order_by(QueuedCommand.created_at, QueuedCommand.id)
    .limit(AT_ONCE)
)
ANY_OPEN = sa.exists().where(*_open)
_ASK_OPEN = sa.select(sa.literal(1)).where(*_open).limit(1)
"""Made once: making them costs more than asking, and every agent asks."""


def hand_out(session: Session, vault: Vault, caller: AgentCaller) -> tuple[Command, ...]:
    """The agent's waiting orders, oldest first, with their payloads opened."""
    moment = now()
    again = moment - timedelta(seconds=AGAIN_SECONDS)
    asked = {"agent": caller.id, "tenant": caller.tenant_id, "moment": moment, "again": again}
    found = session.scalars(_WAITING, asked).all()
    for command in found:
        command.delivered_at = moment
    return tuple(_opened(vault, command) for command in found)


def are_open(database: Database, session: Session, caller: AgentCaller) -> bool:
    """Whether orders are not acknowledged yet: they are to be handed out, or will be again."""
    return database.alone(session, _ASK_OPEN, {"agent": caller.id, "moment": now()}) is not None


def _opened(vault: Vault, command: QueuedCommand) -> Command:
    payload = vault.open_text(command.tenant_id, f"command:{command.id}", command.sealed) if command.sealed else {}
    return Command(id=command.id, name=command.name, job_id=command.job_id, payload=payload)


def acknowledge(session: Session, caller: AgentCaller, command_id: str, said: Acknowledgement) -> None:
    """Note the agent's answer; the first one counts. Raises Refusal 404 for another agent's order."""
    command = session.get(QueuedCommand, command_id)
    if command is None or command.agent_id != caller.id:
        raise not_found("command")
    if command.acknowledged_at is not None:
        return
    command.acknowledged_at, command.accepted, command.sealed = now(), said.accepted, None
    command.answer = {
        "error": said.error.model_dump() if said.error else None,
        "result": said.result,
    }
    if command.job_id is not None and not said.accepted:
        job = session.scalar(sa.select(Job).where(Job.id == command.job_id).with_for_update())
        if job is not None:
            code = said.error.code if said.error else None
            history.append(
                session, job, at=now(), actor=caller.actor, name="refused", command=command.name.value, code=code
            )
