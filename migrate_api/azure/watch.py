"""The token refresh checker: finds out early that a connection has ended, and warns before one does.

The tokens of a project without unfinished jobs are left alone: a right that nobody uses is to lapse, as Microsoft
means it to, and not to be kept alive by us. Its owner is warned instead.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

import sqlalchemy as sa

from migrate_api import mails
from migrate_api.azure import kept
from migrate_api.azure.connections import Connections
from migrate_api.azure.microsoft import STORAGE_SCOPE
from migrate_api.errors import Refusal
from migrate_api.protocol.states import FINAL
from migrate_api.tables import AzureConnection, Job, Project
from migrate_transfer.core.errors import FatalError, TransientError

AT_ONCE = 100
ENOUGH = 3
"""So many without an answer, and the others are looked at later; one alone must not keep them from it."""
REST = timedelta(days=1)
"""A connection in use is looked at so often."""
log = logging.getLogger(__name__)


def watch(connections: Connections, now: datetime) -> None:
    """Warn, then look at what is due."""
    with connections.database.transaction() as session:
        mails.warn_of_azure(session, now, connections.settings.public_url)
    away = 0
    for project_id, kind in _due(connections, now):
        try:
            if kind == "microsoft":
                connections.token(project_id, STORAGE_SCOPE, fresh=True)
            else:
                _end(connections, project_id, now)
        except TransientError as error:
            away += 1
            log.warning("Microsoft does not answer for the project %s (%s).", project_id, error.error_code)
            if away == ENOUGH:
                return
        except (FatalError, Refusal):
            continue  # the project asks for its person now, or was disconnected


def _due(connections: Connections, now: datetime) -> list[tuple[str, str]]:
    """Connections that have lapsed, and those in use that nobody has refreshed since yesterday."""
    row = AzureConnection
    unfinished = sa.select(Job.id).where(Job.project_id == row.project_id, Job.status.not_in(FINAL)).exists()
    in_use = sa.and_(row.kind == "microsoft", row.used_at <= now - REST, unfinished)
    query = sa.select(row.project_id, row.kind).join(Project, Project.id == row.project_id)
    query = query.where(row.failure.is_(None), Project.status.not_in(mails.OVER))
    query = query.where(sa.or_(row.expires_at <= now, in_use)).order_by(row.used_at).limit(AT_ONCE)
    with connections.database.transaction() as session:
        return [(project_id, kind) for project_id, kind in session.execute(query)]


def _end(connections: Connections, project_id: str, now: datetime) -> None:
    """A signature has an end that nobody can put off."""
    with connections.database.transaction() as session:
        row = session.get(AzureConnection, project_id, with_for_update=True)
        if row is not None and row.expires_at is not None and row.expires_at <= now:
            kept.expire(session, row, "the signature has ended", connections.settings.public_url)
