"""The agent at work: takes orders, keeps one worker a job up to its limit, lets the others wait."""

from __future__ import annotations

import logging
import shutil
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from migrate_api.agent.control_plane import ControlPlane
from migrate_api.agent.errands import Errands
from migrate_api.agent.heart import Heart
from migrate_api.agent.home import Home
from migrate_api.agent.reporter import failure
from migrate_api.agent.settings import AgentSettings
from migrate_api.agent.worker import Worker
from migrate_api.protocol.messages import Acknowledgement, Command, HeldJob
from migrate_api.protocol.states import CommandName
from migrate_etl.rock.diagnose import test_connection
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import FatalError, InvalidRequest, MigrateError, TargetError, TransientError

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
        self._acknowledging = ThreadPoolExecutor(4, thread_name_prefix="acknowledge")
        self._testing = Errands("test connection", 4)

    def run(self) -> None:
        try:
            with Heart(self._plane, self._control, self._held, self._free_disk, self._lost) as heart:
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
        if new:
            log.info("Command %s %s.", command.name, command.job_id or "")
        if command.name is CommandName.TEST_CONNECTION:
            self._testing.do(lambda: self._test_connection(command))
            return
        orders: dict[str, Callable[[str], None]] = {
            CommandName.START_JOB: self._take_up,
            CommandName.RESUME_JOB: self._take_up,
            CommandName.PAUSE_JOB: self._pause,
            CommandName.CANCEL_JOB: self._cancel,
        }
        order = orders.get(command.name)
        if order is None or command.job_id is None:
            answer = Acknowledgement(accepted=False, error=failure(_unknown(command)))
        else:
            answer = Acknowledgement(accepted=True)
            if new:
                order(command.job_id)
        self._answer(command, answer)

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
            self._start(Worker(self._plane, self._home, self._waiting.popleft()))

    def _start(self, worker: Worker) -> None:
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

    def _pause(self, job_id: str) -> None:
        """A job that nobody works on waits for its turn no longer: a worker, which does nothing else and so needs no
        turn, tells the service where it stands."""
        with self._lock:
            self._forget(job_id)
            worker = self._workers.get(job_id)
            if worker is None and not self._control.stopping:
                worker = Worker(self._plane, self._home, job_id)
                self._start(worker)
            if worker is not None:
                worker.again = False
                worker.control.stop("paused")

    def _cancel(self, job_id: str) -> None:
        with self._lock:
            self._forget(job_id)
            worker = self._workers.get(job_id)
            if worker is not None:
                worker.again = False
                worker.control.stop("cancelled")

    def _forget(self, job_id: str) -> None:
        if job_id in self._waiting:
            self._waiting.remove(job_id)

    def _lost(self, jobs: tuple[HeldJob, ...]) -> None:
        """The service has given these to somebody else. One that was taken up anew meanwhile bears a newer token."""
        with self._lock:
            for job in jobs:
                worker = self._workers.get(job.job_id)
                if worker is not None and worker.token == job.token:
                    log.warning("Job %s: it is not this agent's any more.", job.job_id)
                    worker.again = False
                    worker.control.stop("lease_lost")

    def _test_connection(self, command: Command) -> None:
        try:
            found = test_connection(_connection(command))
            answer = Acknowledgement(accepted=True, result=found.as_dict())
        except MigrateError as error:
            answer = Acknowledgement(accepted=True, error=failure(error))
        except Exception:
            log.exception("Test Connection: something that nobody foresaw.")
            unforeseen = FatalError("Something that nobody foresaw ended the test.", code="UNEXPECTED")
            answer = Acknowledgement(accepted=True, error=failure(unforeseen))
        self._answer(command, answer)

    def _answer(self, command: Command, answer: Acknowledgement) -> None:
        with suppress(RuntimeError):  # the agent has ended meanwhile: the next process is asked again
            self._acknowledging.submit(self._acknowledge, command, answer)

    def _acknowledge(self, command: Command, answer: Acknowledgement) -> None:
        """Tried until the service has it, or refuses it."""
        while not self._control.stopping:
            try:
                self._plane.acknowledge(command.id, answer)
            except (TransientError, TargetError):  # a proxy's page is as good as no answer
                self._control.wait(AGAIN_SECONDS)
            except MigrateError as error:
                log.warning("Command %s: not acknowledged (%s).", command.id, error.error_code)
                return
            else:
                return

    def _held(self) -> tuple[HeldJob, ...]:
        with self._lock:
            return tuple(HeldJob(job_id=one.job_id, token=one.token) for one in self._workers.values() if one.token)

    def _free_disk(self) -> int | None:
        """Nothing where the disk does not answer: the agent still gives signs of life."""
        try:
            return shutil.disk_usage(self._home.state).free
        except OSError as error:
            log.warning("The free disk cannot be found out (%s).", error.strerror)
            return None

    def _stop(self) -> None:
        """Leave every job where it is: the attempts end in good order, the service is told nothing."""
        with self._lock:
            workers = list(self._workers.values())
        for worker in workers:
            worker.control.stop("lease_lost")
        for worker in workers:
            worker.done.wait(STOP_SECONDS)
        self._acknowledging.shutdown(wait=False, cancel_futures=True)


def _connection(command: Command) -> str:
    found = command.payload.get("connection_string")
    if not isinstance(found, str):
        raise InvalidRequest("The order names no connection.", remedy="Update the agent.")
    return found


def _unknown(command: Command) -> FatalError:
    return FatalError(
        f"This agent does not know the order {command.name!s:.64}.",
        code="NOT_SUPPORTED_BY_AGENT",
        remedy="Update the agent.",
    )
