"""One Entity becomes three assets, extract, map and load, with their checks; partitioned by year where the entity
grows."""

import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from assets.boundary import at_the_edge
from assets.home import exclusive
from assets.metadata import stage_metadata
from assets.partitions import YEARS
from migrate_etl.entity import Entity
from migrate_etl.job import ImportJob
from migrate_etl.plan import Plan
from migrate_etl.spec import EntityName
from migrate_etl.stages import StageResult

SCAN = dg.AssetKey("scan")
SCAN_SECONDS = 3600
OWNERS = ["team:data-migration"]

LOADED_BEFORE: Mapping[EntityName, tuple[EntityName, ...]] = {
    "people": (),
    "families": ("people",),
    "groups": ("people",),
    "contributions": ("people",),
    "attendance": ("people", "groups"),
    "prayer_requests": ("people",),
}
"""Whose records Mission must have before it can take those of the key: they are referred to."""

Results = list[StageResult]
Stage = Callable[[ImportJob, EntityName, Sequence[str | None]], Results]


@dataclass(frozen=True, slots=True)
class Step:
    """A stage as an asset: what it makes of an entity, how it reads in the graph, and the call that does it."""

    made: str
    kinds: frozenset[str]
    describe: str
    run: Stage

    def key(self, entity: EntityName) -> dg.AssetKey:
        """In one part: the graph shows the last part of a key alone, and three boxes `people` tell nobody apart."""
        return dg.AssetKey(f"{self.made}_{entity}")


EXTRACT = Step(
    "extracted",
    frozenset({"sqlserver", "parquet"}),
    "Every row of {title} in Rock up to the scan's high-water mark, read in key order with short, gentle queries and "
    "kept as Parquet in the job's folder. Rows that were read already are not read twice.",
    lambda job, entity, partitions: job.extract(entity, partitions),
)
MAP = Step(
    "mapped",
    frozenset({"polars", "pandera"}),
    "{title} as Mission wants them: one row for every row of Rock, either ready to load, left out under a named rule, "
    "or refused with the reason. Findings carry their remedy and owner.",
    lambda job, entity, partitions: job.map(entity, partitions),
)
LOAD = Step(
    "loaded",
    frozenset({"api", "sqlite"}),
    "{title} in Mission: batches of up to 500 under an idempotency key, paced as Mission asks. The ledger keeps one "
    "outcome per record (done, unchanged, skipped, failed); a second run sends only what changed.",
    lambda job, entity, partitions: job.load(entity, partitions),
)


def entity_assets(entity: Entity) -> list[dg.AssetsDefinition]:
    """The road of one entity: `extracted_<entity>`, `mapped_<entity>`, `loaded_<entity>`."""
    before = [LOAD.key(name) for name in LOADED_BEFORE[entity.name]]
    return [
        _asset(entity, EXTRACT, deps=[SCAN]),
        _asset(entity, MAP, reads=EXTRACT),
        _asset(entity, LOAD, reads=MAP, deps=before),
    ]


def _asset(
    entity: Entity, step: Step, *, reads: Step | None = None, deps: Sequence[dg.AssetKey] = ()
) -> dg.AssetsDefinition:
    @dg.asset(
        key=step.key(entity.name),
        ins={"upstream": dg.AssetIn(key=reads.key(entity.name))} if reads else {},
        deps=deps,
        partitions_def=YEARS if entity.partitioned else None,
        backfill_policy=dg.BackfillPolicy.single_run() if entity.partitioned else None,
        description=step.describe.format(title=entity.name.replace("_", " ").capitalize()),
        group_name=entity.name,
        kinds=set(step.kinds),
        owners=OWNERS,
        tags={"migrate/stage": step.made, "migrate/entity": entity.name},
        code_version=code_version(entity),
        required_resource_keys={"import_job"},
    )
    def stage(context: dg.AssetExecutionContext, **upstream: Results) -> Results:
        job: ImportJob = context.resources.import_job
        with at_the_edge(context, job.control):
            results = step.run(job, entity.name, partitions_of(context, job, entity))
        publish(context, entity, results)
        return results

    return stage


def partitions_of(context: dg.AssetExecutionContext, job: ImportJob, entity: Entity) -> list[str | None]:
    """The run's partitions that the job has rows for: an entity left out, or a year that Rock does not know, is no
    work."""
    if entity.name not in job.spec.entities:
        return []
    found = plan_of(job).partitions(entity.name)
    return [key for key in context.partition_keys if key in found] if entity.partitioned else found


def plan_of(job: ImportJob) -> Plan:
    """The job's plan; of several runs that begin a job together, one scans and the others wait for it."""
    if not job.workspace.plan_path.exists():
        with exclusive(job.workspace.folder / ".plan.sqlite", seconds=SCAN_SECONDS):
            return job.plan
    return job.plan


def publish(context: dg.AssetExecutionContext, entity: Entity, results: Results) -> None:
    """Put each partition's own numbers beside it."""
    by_key = {result.partition: stage_metadata(result) for result in results}
    empty: dict[str, Any] = {"dagster/row_count": 0, "note": "nothing of this in the job's scope"}
    if not entity.partitioned:
        context.add_asset_metadata(by_key.get(None, empty))
        return
    for key in context.partition_keys:
        context.add_asset_metadata(by_key.get(key, empty), partition_key=key)


def code_version(entity: Entity) -> str:
    """Changes with the entity's own module: select, rules and mapping live there."""
    return hashlib.sha256(Path(inspect.getfile(entity.map)).read_bytes()).hexdigest()[:10]
