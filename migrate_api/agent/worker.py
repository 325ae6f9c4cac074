"""One job on one thread: lease, scan, run, and its state told at each step."""

from __future__ import annotations

import logging
import threading

from migrate_api.agent.control_plane import ControlPlane
from migrate_api.agent.home import Home
from migrate_api.agent.reporter import Reporter
from migrate_api.agent.runners import runner_for
from migrate_api.agent.work import Ending, Runner
from migrate_api.protocol.messages import Assignment
from migrate_api.protocol.states import JobStatus
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import FatalError, MigrateError, Refused, Stopped, TargetError, TransientError

FIRST_WAIT, LONGEST_WAIT = 5.0, 60.0
log = logging.getLogger(__name__)


class Worker:
    """Works on a job until it is finished, paused, cancelled or no longer ours. `control` stops it from outside."""

    def __init__(self, plane: ControlPlane, home: Home, job_id: str) -> None:
        self._plane, self._home, self.job_id = plane, home, job_id
        self.control = Control()
        self.token = 0
        self.again = False
        """A resume came while it was still stopping: it is to be taken up anew."""
        self.thread = threading.Thread(target=self._run, name=f"job {job_id}", daemon=True)
        self.done = threading.Event()

    def _run(self) -> None:
        try:
            assignment = self._leased()
            self.token = assignment.token
            log.info("Job %s: taken up (%s, token %d).", self.job_id, assignment.status, assignment.token)
            self._work(assignment, Reporter(self._plane, assignment, self.control))
        except Stopped as stopped:
            log.info("Job %s: %s.", self.job_id, stopped.reason)
        except MigrateError as error:
            log.warning("Job %s: given up (%s).", self.job_id, error.error_code)
        except Exception:
            log.exception("Job %s: given up; something that nobody foresaw.", self.job_id)
        finally:
            self.done.set()

    def _leased(self) -> Assignment:
        """Keeps asking while the network is away. A worker that is only to say that its job is paused asks too."""
        wait = FIRST_WAIT
        while True:
            try:
                return self._plane.lease(self.job_id)
            except (TransientError, TargetError) as error:
                log.warning("Job %s: not taken up yet (%s).", self.job_id, error.error_code)
            self._wait(wait)
            wait = min(LONGEST_WAIT, wait * 2)

    def _wait(self, seconds: float) -> None:
        """A pause does not end it: the service is still to be told."""
        try:
            self.control.wait(seconds)
        except Stopped:
            if self.control.reason != "paused":
                raise
            self._plane.wait(seconds)

    def _work(self, assignment: Assignment, reporter: Reporter) -> None:
        """Whatever ends the work is told, also where the books of the work cannot be read to tell it."""
        try:
            self._worked(runner_for(assignment, self._home, self._plane), assignment, reporter)
        except Stopped:
            raise
        except Refused as error:
            log.warning("Job %s: given up (%s).", self.job_id, error.error_code)
        except MigrateError as error:
            log.warning("Job %s: failed (%s).", self.job_id, error.error_code)
            reporter.failed(error)
        except Exception:
            log.exception("Job %s: something that nobody foresaw.", self.job_id)
            reporter.failed(_unforeseen())

    def _worked(self, runner: Runner, assignment: Assignment, reporter: Reporter) -> None:
        try:
            ending = self._steps(assignment, runner, reporter)
        except Stopped as stopped:
            self._stopped(runner, reporter, stopped.reason)
            return
        except MigrateError as error:
            ending = Ending(error)
        if ending.error is not None:
            reporter.log(f"{ending.error.error_code}: {ending.error.message}\n{runner.log()}")
        final = JobStatus.COMPLETED if ending.error is None else JobStatus.FAILED
        reporter.final(runner, final, ending)
        log.info("Job %s: %s.", self.job_id, final)

    def _steps(self, assignment: Assignment, runner: Runner, reporter: Reporter) -> Ending:
        """From where the job was. A paused job first goes back to the state it was paused in. What there is to do is
        told each time: the books that hold it are this agent's own, and the job may come from another one."""
        if assignment.stop is not None:
            self.control.stop("paused")
        self.control.check()
        status = assignment.paused_in or assignment.status
        if assignment.status is JobStatus.PAUSED:
            reporter.status(status)
        if status is JobStatus.CREATED:
            reporter.status(JobStatus.SCANNING)
        totals = runner.scan(self.control)
        if status in (JobStatus.CREATED, JobStatus.SCANNING):
            reporter.status(JobStatus.READY, totals)
        reporter.status(JobStatus.RUNNING, totals)
        self.control.check()
        return runner.run(self.control, reporter.standing)

    def _stopped(self, runner: Runner, reporter: Reporter, reason: str) -> None:
        log.info("Job %s: %s.", self.job_id, reason)
        if reason == "paused":
            reporter.standing(runner.standing())
            reporter.status(JobStatus.PAUSED)
            reporter.drain()
        elif reason == "cancelled":
            reporter.final(runner, None, Ending())


def _unforeseen() -> FatalError:
    return FatalError(
        "Something that nobody foresaw ended the job.",
        code="UNEXPECTED",
        remedy="Send the support bundle (migrate-agent diagnose --bundle FILE).",
    )
