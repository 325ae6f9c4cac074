"""Imports, each attempt a Dagster run in a child process: starts it, passes pause and cancel on, reads its books."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any, Literal

from migrate_api.agent.home import Home
from migrate_api.agent.work import Ending, Standing
from migrate_api.attempt import Attempt, AttemptProcess
from migrate_api.protocol.messages import REPORT_SECONDS, Assignment, EntityCounts, FailedItem, Totals
from migrate_api.protocol.spec import JobSpec, RockSource
from migrate_etl.plan import Plan
from migrate_etl.spec import ImportSecrets
from migrate_etl.workspace import Workspace, part_name
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import AlreadyRunning, FatalError, Stopped
from migrate_transfer.ledger import Ledger

DEATHS = 3
"""Attempts that may end without a word, one after another, before the job fails; each goes on where the last was."""
HELD_SECONDS, AGAIN_SECONDS = 180.0, 1.0
"""How long the attempt of an agent that was killed is waited for: it still finishes what it had on its way, and holds
the job meanwhile."""
STOP_SECONDS = 60.0
"""An attempt that was told to stop and is not gone after so long is killed; nothing is lost by it."""
LOG_BYTES = 60_000
RESULT = ("quality_score", "financial_match", "scope_match", "unexplained")


class DagsterRunner:
    """A RockRMS import. Its folder is the job's, under the agent's state."""

    def __init__(self, assignment: Assignment, home: Home) -> None:
        spec = JobSpec.model_validate(assignment.spec)
        source = spec.source
        assert isinstance(source, RockSource)
        self._home = home
        self._secrets = ImportSecrets(
            rock_connection=source.connection_string, mission_key=source.mission_integration_key
        )
        wanted = source.import_spec(assignment.job_id, assignment.started_on, spec.transfer.concurrency)
        self._workspace = Workspace.create(home.jobs / assignment.job_id, wanted)

    def scan(self, control: Control) -> Totals:
        """Count what is in Rock, by an attempt that stops there."""
        if not self._workspace.plan_path.exists():
            ended = self._attempts(control, "scan", lambda standing: None)
            if ended.status == "failed":
                raise _error(ended)
        plan = Plan.load(self._workspace.plan_path)
        return Totals(items=sum(sum(counts.values()) for counts in plan.discovered.values()))

    def run(self, control: Control, tell: Callable[[Standing], None]) -> Ending:
        ended = self._attempts(control, "end", tell)
        error = _error(ended) if ended.status == "failed" else None
        runs = (*self._runs(), *([ended.run_id] if ended.run_id else []))
        (self._workspace.folder / "runs.json").write_text(json.dumps(runs))
        return Ending(error, self._result(ended), runs)

    def standing(self) -> Standing:
        if not self._workspace.plan_path.exists():
            return Standing()
        plan, moved = Plan.load(self._workspace.plan_path), 0
        entities: dict[str, EntityCounts] = {}
        done = same = skipped = failed = 0
        with Ledger.open(self._workspace.ledger_path) as ledger:
            for entity in self._workspace.spec.entities:
                parts = [part_name(entity, partition) for partition in plan.partitions(entity)]
                totals = [ledger.totals(part) for part in parts]
                moved += sum(ledger.bytes_done(part) for part in parts)
                done, same = done + sum(t.done for t in totals), same + sum(t.unchanged for t in totals)
                skipped, failed = skipped + sum(t.skipped for t in totals), failed + sum(t.failed for t in totals)
                entities[entity] = EntityCounts(
                    discovered=sum(t.discovered for t in totals),
                    imported=sum(t.done for t in totals),
                    skipped=sum(t.skipped + t.unchanged for t in totals),
                    errored=sum(t.failed for t in totals),
                )
        return Standing(done, same, skipped, failed, moved, entities)

    def failed(self) -> Iterator[FailedItem]:
        if not self._workspace.ledger_path.exists():
            return
        with Ledger.open(self._workspace.ledger_path) as ledger:
            for part, item in ledger.failed():
                entity = part.partition("/")[0]
                yield FailedItem(
                    key=item.external_id, entity=entity, code=item.code, message=item.message, remedy=item.remedy
                )

    def log(self) -> str:
        file = self._workspace.folder / "attempt.log"
        return file.read_bytes()[-LOG_BYTES:].decode(errors="replace") if file.exists() else ""

    def _attempts(self, control: Control, until: Literal["scan", "end"], tell: Callable[[Standing], None]) -> Attempt:
        """One attempt, or another where one ended without a word. Raises Stopped where one was paused or cancelled."""
        deaths, until_free = 0, time.monotonic() + HELD_SECONDS
        while True:
            control.check()
            with AttemptProcess.start(self._workspace, self._secrets, self._home.dagster, until=until) as attempt:
                self._follow(attempt, control, tell)
                try:
                    ended = attempt.ending()
                except FatalError:
                    control.check()
                    deaths += 1
                    if deaths == DEATHS:
                        raise
                    continue
            if ended.code == AlreadyRunning.code and time.monotonic() < until_free:
                control.wait(AGAIN_SECONDS)
                continue
            if ended.status in ("paused", "cancelled"):
                control.check()
                raise Stopped(ended.status)
            return ended

    def _follow(self, attempt: AttemptProcess, control: Control, tell: Callable[[Standing], None]) -> None:
        told, waited = False, 0.0
        while attempt.running:
            attempt.wait(0.25)
            waited += 0.25
            if control.stopping and not told:
                attempt.order("cancel" if control.reason == "cancelled" else "pause")
                told, waited = True, 0.0
            elif told and waited > STOP_SECONDS:
                attempt.kill()
            elif not told and waited >= REPORT_SECONDS:
                tell(self.standing())
                waited = 0.0

    def _runs(self) -> tuple[str, ...]:
        file = self._workspace.folder / "runs.json"
        return tuple(json.loads(file.read_bytes())) if file.exists() else ()

    def _result(self, ended: Attempt) -> dict[str, Any] | None:
        if ended.report is None:
            return None
        summary = json.loads(self._workspace.report_json.read_bytes())
        found = {name: summary.get(name) for name in RESULT}
        folder = self._workspace.folder
        return {
            **found,
            "code": ended.code,
            "report": ended.report,
            "evidence": str(folder / "evidence"),
            "dagster_home": str(self._home.dagster),
        }


def _error(ended: Attempt) -> FatalError:
    said = ended.error or {}
    return FatalError(
        said.get("message") or "The import failed.",
        code=said.get("code") or ended.code or "IMPORT_FAILED",
        remedy=said.get("remedy"),
    )
