"""Which kinds of work this release of the agent can do: a line each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pydantic import ValidationError

from migrate_api.agent.control_plane import ControlPlane
from migrate_api.agent.dagster_runner import DagsterRunner
from migrate_api.agent.home import Home
from migrate_api.agent.transfer_runner import TransferRunner
from migrate_api.agent.work import Runner
from migrate_api.protocol.messages import Assignment
from migrate_api.protocol.states import JobType
from migrate_transfer.core.errors import FatalError

RUNNERS: Mapping[str, Callable[[Assignment, Home, ControlPlane], Runner]] = {
    JobType.ROCKRMS_IMPORT: lambda assignment, home, plane: DagsterRunner(assignment, home),
    JobType.MIGRATE_FILES: TransferRunner,
    JobType.ARCHIVE: TransferRunner,
    JobType.SYNC: TransferRunner,
}


def runner_for(assignment: Assignment, home: Home, plane: ControlPlane) -> Runner:
    """Raises FatalError NOT_SUPPORTED_BY_AGENT for a type or a wish that this release cannot do."""
    make = RUNNERS.get(assignment.type)
    if make is None:
        raise _unsupported(f"This agent cannot do {assignment.type!s:.64} jobs.")
    try:
        return make(assignment, home, plane)
    except ValidationError as error:  # its words may quote the specification
        raise _unsupported("The job asks for something that this agent does not know.") from error


def _unsupported(message: str) -> FatalError:
    return FatalError(
        message, code="NOT_SUPPORTED_BY_AGENT", remedy="Update the agent, or assign the job to one that can."
    )
