"""Signs of life and orders: a heartbeat every two minutes, and a poll that waits at the service for commands."""

from __future__ import annotations

import logging
import queue
import random
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self, TypeVar

from migrate_api.agent.control_plane import ControlPlane
from migrate_api.protocol.messages import HEARTBEAT_SECONDS, Command, HeldJob, Welcome
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import FatalError, MigrateError, Stopped, TargetError, TransientError

Answer = TypeVar("Answer")
FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0
SKEW_SECONDS = 60.0
log = logging.getLogger(__name__)


class Heart:
    """Beats while its `with` block lasts. A network that is away is waited for, without end. `lost` hears of jobs that
    the service has given to somebody else."""

    def __init__(
        self,
        plane: ControlPlane,
        control: Control,
        held: Callable[[], tuple[HeldJob, ...]],
        free_disk: Callable[[], int | None],
        lost: Callable[[tuple[HeldJob, ...]], None],
    ) -> None:
        self._plane, self._control = plane, control
        self._held, self._free_disk, self._lost = held, free_disk, lost
        self._commands: queue.SimpleQueue[Command | MigrateError | None] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._control.stop("lease_lost")

    def begin(self) -> Welcome:
        """Say hello, however long that takes; then beat and poll in threads of their own."""
        welcome = self._patiently(self._plane.hello)
        skew = (self._plane.clock() - welcome.server_time).total_seconds()
        if abs(skew) > SKEW_SECONDS:
            log.warning("This machine's clock is %.0f seconds off the service's: set it by NTP.", skew)
        for beat in (self._poll, self._beat):
            threading.Thread(target=self._forever, args=(beat,), daemon=True, name=beat.__name__).start()
        return welcome

    def commands(self) -> Iterator[Command]:
        """Orders as they come, until the agent is stopped. Raises what ends the agent for good."""
        while not self._control.stopping:
            try:
                found = self._commands.get(timeout=0.5)
            except queue.Empty:
                continue
            if isinstance(found, MigrateError):
                raise found
            if found is not None:
                yield found

    def _forever(self, beat: Callable[[], None]) -> None:
        try:
            while True:
                beat()
        except Stopped:
            self._commands.put(None)
        except MigrateError as error:
            self._commands.put(error)
        except BaseException:
            # An agent without a heart would look as if it were at work: it ends, and its service starts it anew.
            self._commands.put(_stopped_beating())
            raise

    def _poll(self) -> None:
        for command in self._patiently(self._plane.poll):
            self._commands.put(command)
        self._control.check()

    def _beat(self) -> None:
        """Jobs are lost under the tokens that it named: one may have been taken up anew meanwhile."""
        held = self._held()
        answer = self._patiently(lambda: self._plane.heartbeat(held, self._free_disk()))
        for command in answer.commands:
            self._commands.put(command)
        if answer.lost:
            self._lost(tuple(job for job in held if job.job_id in answer.lost))
        self._control.wait(HEARTBEAT_SECONDS * random.uniform(0.9, 1.0))

    def _patiently(self, call: Callable[[], Answer]) -> Answer:
        """Until it is answered. A proxy's page in between (TargetError) is waited out like a lost network."""
        wait = FIRST_WAIT
        while True:
            self._control.check()
            try:
                return call()
            except (TransientError, TargetError) as error:
                log.warning("The service cannot be reached (%s); trying again.", error.error_code)
            except FatalError:
                raise
            self._control.wait(wait * random.uniform(0.5, 1.0))
            wait = min(LONGEST_WAIT, wait * 2)


def _stopped_beating() -> FatalError:
    return FatalError(
        "Something that nobody foresaw ended the agent's signs of life.",
        code="UNEXPECTED",
        remedy="Start the agent again; its jobs go on where they stopped. Send the support bundle.",
    )
