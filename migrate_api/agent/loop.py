"""The agent at work: takes orders, keeps one worker a job up to its limit, lets the others wait."""

from __future__ import annotations

import logging
import shutil
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor

from migrate_api.agent.control_plane import ControlPlane
from migrate_api.agent.heart import Heart
from migrate_api.agent.home import Home
from migrate_api.agent.reporter import failure
from migrate_api.agent.settings import AgentSettings
from migrate_api.agent.worker import Worker
from migrate_api.protocol.messages import Acknowledgement, Command, HeldJob
from migrate_api.protocol.states import CommandName
from migrate_etl.rock.diagnose import test_connection
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import MigrateError, TransientError

STOP_SECONDS = 90.0
AGAIN_SECONDS = 2.0
log = logging.getLogger(__name__)


class Loop:
    """One agent process. `run` returns when `control` is stopped, with every job left so that the next process goes on
    with it. Raises AccessDenied (the key was revoked) and Refused (SUPERSEDED, UPGRADE_REQUIRED)."""

    def __init__(self, settings: AgentSettings, home: Home, plane: ControlPlane, control: Control) -> None:
        self._limit, self._home, self._plane, self._control = settings.jobs, home, plane, control
        self._lock = threading.RLock()
        self._workers: dict[str, Worker] = {}
        self._waiting: deque[str] = deque()
        self._seen: deque[str] = deque(maxlen=10_000)
        self._errands = ThreadPoolExecutor(4, thread_name_prefix="errand")

    def run(self) -> None:
        try:
            with Heart(self._plane, self._control, self._held, self._free_disk) as heart:
                welcome = heart.begin()
                log.info("At work as %s for %s.", welcome.name, welcome.agent_id)
                for job_id in welcome.jobs:
                    self._take_up(job_id)
                for command in heart.commands():
                    self._obey(command)
        finally:
            self._stop()

    def _obey(self, command: Command) -> None:
        """Commands come at least once: one that was taken up is only acknowledged again."""
        with self._lock:
            new = command.id not in self._seen
            self._seen.append(command.id)
        if not new and command.name is CommandName.TEST_CONNECTION:
            return  # it is under way, and its answer is its acknowledgement
        if not new:
            self._errands.submit(self._acknowledge, command, Acknowledgement(accepted=True))
            return
        log.info("Command %s %s.", command.name, command.job_id or "")
        if command.name is CommandName.TEST_CONNECTION:
            self._errands.submit(self._test_connection, command)
            return
        assert command.job_id is not None
        if command.name is CommandName.PAUSE_JOB:
            self._tell(command.job_id, "paused")
        elif command.name is CommandName.CANCEL_JOB:
            self._tell(command.job_id, "cancelled")
        else:
            self._take_up(command.job_id)
        self._errands.submit(self._acknowledge, command, Acknowledgement(accepted=True))

    def _take_up(self, job_id: str) -> None:
        """Start a job, or let it wait for its turn; one that is just stopping is taken up anew when it has."""
        with self._lock:
            worker = self._workers.get(job_id)
            if worker is not None:
                worker.again = worker.again or worker.control.stopping
            elif job_id not in self._waiting:
                self._waiting.append(job_id)
            self._start_next()

    def _start_next(self) -> None:
        while self._waiting and len(self._workers) < self._limit and not self._control.stopping:
            worker = Worker(self._plane, self._home, self._waiting.popleft())
            self._workers[worker.job_id] = worker
            threading.Thread(target=self._watch, args=(worker,), daemon=True, name="watch").start()

    def _watch(self, worker: Worker) -> None:
        worker.thread.start()
        worker.done.wait()
        with self._lock:
            del self._workers[worker.job_id]
            if worker.again and not self._control.stopping:
                self._waiting.append(worker.job_id)
            self._start_next()

    def _tell(self, job_id: str, reason: str) -> None:
        with self._lock:
            if job_id in self._waiting and reason == "cancelled":
                self._waiting.remove(job_id)
            worker = self._workers.get(job_id)
            if worker is not None:
                worker.again = False
                worker.control.stop("cancelled" if reason == "cancelled" else "paused")

    def _test_connection(self, command: Command) -> None:
        try:
            found = test_connection(str(command.payload["connection_string"]))
            answer = Acknowledgement(accepted=True, result=found.as_dict())
        except MigrateError as error:
            answer = Acknowledgement(accepted=True, error=failure(error))
        self._acknowledge(command, answer)

    def _acknowledge(self, command: Command, answer: Acknowledgement) -> None:
        """Tried until the service has it, or refuses it."""
        while not self._control.stopping:
            try:
                self._plane.acknowledge(command.id, answer)
            except TransientError:
                self._control.wait(AGAIN_SECONDS)
            except MigrateError as error:
                log.warning("Command %s: not acknowledged (%s).", command.id, error.error_code)
                return
            else:
                return

    def _held(self) -> tuple[HeldJob, ...]:
        with self._lock:
            return tuple(HeldJob(job_id=one.job_id, token=one.token) for one in self._workers.values() if one.token)

    def _free_disk(self) -> int:
        return shutil.disk_usage(self._home.state).free

    def _stop(self) -> None:
        """Leave every job where it is: the attempts end in good order, the service is told nothing."""
        with self._lock:
            workers = list(self._workers.values())
        for worker in workers:
            worker.control.stop("lease_lost")
        for worker in workers:
            worker.done.wait(STOP_SECONDS)
        self._errands.shutdown(wait=False, cancel_futures=True)
