"""ImportJob: the stages of one import over its job folder. Dagster's assets and the command line call this."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from migrate_etl.dataset import Dataset, writing
from migrate_etl.entities import ENTITIES
from migrate_etl.extract import extract_entity
from migrate_etl.mapping import finding_counts, map_entity, mapped_facts
from migrate_etl.mission.api import MissionApi
from migrate_etl.mission.funds import FUNDS, load_funds
from migrate_etl.mission.loader import Loader
from migrate_etl.mission.receipts import ReceiptsBook
from migrate_etl.plan import Plan, make_plan
from migrate_etl.process import give_back
from migrate_etl.proof import Gathering, Proof
from migrate_etl.reporting import giver_names, write_job_report
from migrate_etl.rock.database import RockDatabase
from migrate_etl.rock.lookups import Lookups
from migrate_etl.spec import EntityName, ImportSecrets
from migrate_etl.stages import Listener, Progress, StageName, StageResult
from migrate_etl.verify.dry_run import DryRun, dry_run
from migrate_etl.verify.reconcile import Verification
from migrate_etl.workspace import Workspace, part_name
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import AlreadyRunning, InvalidRequest
from migrate_transfer.core.retry import RetryPolicy
from migrate_transfer.ledger import Ledger
from migrate_transfer.net.http import HttpClient, RateBudget

_Reading = Callable[[EntityName, Sequence[str | None], Control], list[StageResult]]


class ImportJob:
    """One attempt at an import job. Opens database, ledger and connections when first needed; close it, or use `with`.

    Every stage may be called again: what is done is kept, what is not goes on. `load` takes an exclusive lease per
    entity and partition and raises AlreadyRunning when somebody else holds it.
    """

    def __init__(
        self,
        workspace: Workspace,
        secrets: ImportSecrets,
        control: Control | None = None,
        listener: Listener = lambda progress: None,
        retry: RetryPolicy | None = None,
    ) -> None:
        self.workspace, self.spec = workspace, workspace.spec
        self.control = control or Control()
        self._secrets, self._listener, self._retry = secrets, listener, retry or RetryPolicy()
        self._stack = ExitStack()
        self._proof: Proof | None = None
        self._ahead: dict[tuple[StageName, EntityName], Future[list[StageResult]]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._stack.close()

    @cached_property
    def ledger(self) -> Ledger:
        return self._stack.enter_context(Ledger.open(self.workspace.ledger_path))

    @cached_property
    def receipts(self) -> ReceiptsBook:
        book = ReceiptsBook.open(self.workspace.receipts)
        return self._stack.enter_context(book)

    @cached_property
    def api(self) -> MissionApi:
        http = self._stack.enter_context(
            HttpClient(
                self.spec.mission_url,
                secret_headers={"X-Integration-Key": self._secrets.mission_key.get_secret_value()},
                connections=self.spec.concurrency + 2,
                budget=RateBudget(self.workspace.pace),
                control=self.control,
            )
        )
        return MissionApi(http, self.spec.organization, self.control, self._retry, known=self.receipts.begun)

    @cached_property
    def loader(self) -> Loader:
        spec = self.spec
        return Loader(
            spec.job_id,
            self.api,
            self.ledger,
            self.receipts,
            self.control,
            spec.batch_size,
            spec.concurrency,
            spec.resend,
            self._stack.enter_context(ThreadPoolExecutor(2, thread_name_prefix="plan")),
        )

    @cached_property
    def lookups(self) -> Lookups:
        self.scan()
        return Lookups.load(self.workspace.lookups)

    @cached_property
    def plan(self) -> Plan:
        """The job's plan, made by scanning Rock if the job has none yet."""
        while not self.workspace.plan_path.exists():
            try:
                with self.ledger.lease("plan"), self._database(self.control) as database:
                    return make_plan(self.workspace, database)
            except AlreadyRunning:
                self.control.wait(0.2)  # another run of this job is scanning: its plan is ours too
        return Plan.load(self.workspace.plan_path)

    @contextmanager
    def _database(self, control: Control) -> Iterator[RockDatabase]:
        """Rock, open; whoever stops `control` need not wait until a server that is away comes back."""
        connection = self._secrets.rock_connection.get_secret_value()
        with RockDatabase.open(connection, control=control, retry=self._retry) as database:
            yield database

    def _tell(self, stage: StageName, entity: EntityName, partition: str | None) -> Callable[[int], None]:
        total = self.plan.count(entity, partition)
        return lambda rows: self._listener(Progress(stage, entity, partition, rows, total))

    def scan(self) -> Plan:
        """Make the plan (counts, years, lookups) and enter what was discovered in the ledger."""
        plan = self.plan
        for entity in self.spec.entities:
            for partition in plan.partitions(entity):
                self.ledger.discovered(part_name(entity, partition), plan.count(entity, partition))
        self._listener(Progress("scan", None, None, 1, 1))
        return plan

    @contextmanager
    def _leases(self, entity: EntityName, partitions: Sequence[str | None]) -> Iterator[None]:
        with ExitStack() as stack:
            for partition in partitions:
                stack.enter_context(self.ledger.lease(part_name(entity, partition)))
            yield

    def read_ahead(self) -> None:
        """Extract and map all entities, in order, two threads for it all; `extract` and `map` then wait for theirs.

        What loads, what is mapped next and what is read after that share the machine's cores. An error comes where its
        entity is asked for.
        """
        reading = self.control.child()
        stages: dict[StageName, _Reading] = {"extract": self._extract, "map": self._map}
        for name, stage in stages.items():
            thread = self._stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix=name))
            self._stack.callback(thread.shutdown, wait=False, cancel_futures=True)
            for entity in self.spec.entities:
                partitions = self.plan.partitions(entity)
                self._ahead[name, entity] = thread.submit(stage, entity, partitions, reading)
        self._stack.callback(reading.stop, "cancelled")

    def extract(self, entity: EntityName, partitions: Sequence[str | None]) -> list[StageResult]:
        """Read the partitions from Rock; those that are there already are kept."""
        return self._read_before("extract", entity, partitions) or self._extract(entity, partitions, self.control)

    def map(self, entity: EntityName, partitions: Sequence[str | None]) -> list[StageResult]:
        """Turn the partitions into Mission records and findings; what this job has not read yet is extracted first."""
        return self._read_before("map", entity, partitions) or self._map(entity, partitions, self.control)

    def _read_before(
        self, stage: StageName, entity: EntityName, partitions: Sequence[str | None]
    ) -> list[StageResult] | None:
        ahead = self._ahead.get((stage, entity))
        return None if ahead is None else [result for result in ahead.result() if result.partition in partitions]

    def _extract(self, entity: EntityName, partitions: Sequence[str | None], control: Control) -> list[StageResult]:
        plan, steps = self.scan(), {p: self._tell("extract", entity, p) for p in partitions}
        folders = [self.workspace.stage("extracted", entity, p) for p in partitions]
        if not all(map(Dataset.exists, folders)):
            with self._leases(entity, partitions), self._database(control) as database:
                extract_entity(
                    self.workspace,
                    plan,
                    ENTITIES[entity],
                    database,
                    control,
                    partitions=partitions,
                    progress=lambda partition, rows: steps[partition](rows),
                )
        datasets = map(Dataset, folders)
        return [
            StageResult("extract", entity, p, d.rows, {"discovered": plan.count(entity, p)}, d)
            for p, d in zip(partitions, datasets, strict=True)
        ]

    def _map(self, entity: EntityName, partitions: Sequence[str | None], control: Control) -> list[StageResult]:
        if self._read_before("extract", entity, partitions) is None:
            self._extract(entity, partitions, control)
        results = []
        for partition in partitions:
            with self._leases(entity, [partition]):
                mapped, findings = map_entity(
                    self.workspace,
                    ENTITIES[entity],
                    self.lookups,
                    control,
                    partition=partition,
                    progress=self._tell("map", entity, partition),
                )
            facts = {**mapped_facts(mapped), "findings": finding_counts(findings)}
            results.append(StageResult("map", entity, partition, mapped.rows, facts, mapped))
        return results

    def load(self, entity: EntityName, partitions: Sequence[str | None]) -> list[StageResult]:
        """Send the mapped partitions to Mission, funds before contributions, until every row has its outcome.

        Raises StorageError where this job has not mapped them: what is sent has been through the checks.
        """
        if entity == "contributions":
            load_funds(self.loader, self.lookups.funds, self.workspace.stage("mapped", FUNDS.name, None))
        results = []
        for partition in partitions:
            part = part_name(entity, partition)
            mapped = Dataset(self.workspace.stage("mapped", entity, partition))
            with self._leases(entity, [partition]):
                self.loader.load(part, ENTITIES[entity], mapped, self._tell("load", entity, partition))
            totals = self.ledger.totals(part)
            results.append(StageResult("load", entity, partition, mapped.rows, asdict(totals), mapped))
            give_back()
        return results

    def prove(self) -> Proof:
        """Hold Mission's books against Rock's, record by record, and score the import; asked again, the same answer.

        Raises AlreadyRunning while another attempt does it, StorageError when the ledger contradicts itself.
        """
        if self._proof is None:
            with self.ledger.lease("proof"), self._database(self.control) as database, writing(self.workspace.folder):
                self._proof = self._gathering.prove(self.api, database)
        return self._proof

    def verify(self) -> Verification:
        """The reconciliation of contributions. Raises InvalidRequest for a job without them."""
        verification = self.prove().verification
        if verification is None:
            raise InvalidRequest("The job has no contributions.", remedy="Add contributions to its entities.")
        return verification

    def report(self, *, names: bool = False) -> Path:
        """Write the report and seal the evidence; a job sealed before keeps both. Returns the page.

        With `names`, giving statements name their givers: the report is then as confidential as the names are.
        """
        if self.workspace.sealed:
            return self.workspace.report_html
        given = giver_names(self._gathering.datasets("mapped", "people"), self.lookups) if names else None
        proof = self.prove()
        with writing(self.workspace.folder):
            return write_job_report(self.workspace, self.plan, self.lookups, self.ledger, proof, given)

    @property
    def _gathering(self) -> Gathering:
        return Gathering(self.workspace, self.plan, self.ledger, self.lookups, self.receipts, self.control)

    def apart(self, name: str) -> ImportJob:
        """The same for a dry run, which stands apart from the jobs: no import goes on with what it read."""
        folder = self.workspace.folder.parents[1] / "dry-runs" / name
        workspace = Workspace.create(folder, self.spec.model_copy(update={"job_id": name}))
        return ImportJob(workspace, self._secrets, self.control, retry=self._retry)

    def dry_run(self) -> DryRun:
        """Extract and map everything, send nothing: what a load would do, and every finding with its remedy."""
        to_load = {}
        for entity in self.spec.entities:
            partitions = self.plan.partitions(entity)
            self.extract(entity, partitions)
            to_load[entity] = sum(result.facts["loadable"] for result in self.map(entity, partitions))
        return dry_run(to_load, self.spec.batch_size, self._gathering.findings())

    def run(self) -> Proof:
        """The whole import: scan, then each entity's extract, map and load in order, then the proof and the report."""
        self.scan()
        self.read_ahead()
        for entity in self.spec.entities:
            partitions = self.plan.partitions(entity)
            self.extract(entity, partitions)
            self.map(entity, partitions)
            self.load(entity, partitions)
        proof = self.prove()
        self.report()
        return proof
