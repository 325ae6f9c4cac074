"""The start of an import: what is in scope, and which years there are."""

from typing import Any

import dagster as dg

from assets.boundary import at_the_edge
from assets.factory import OWNERS, SCAN, plan_of
from assets.partitions import register_years
from migrate_etl.job import ImportJob
from migrate_etl.plan import Plan


@dg.asset(
    key=SCAN,
    group_name="scope",
    kinds={"sqlserver"},
    owners=OWNERS,
    tags={"migrate/stage": "scan"},
    required_resource_keys={"import_job"},
)
def scan(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster knows it by this name alone
    """What this job is about: how many rows each entity has, the years they fall in, and the lookups that all stages
    share (persons and their merged aliases, campuses, defined values). Written down once per job, so that every stage
    and every resume sees the same scope. New years become partitions here."""
    job: ImportJob = context.resources.import_job
    with at_the_edge(context, job.control):
        plan_of(job)
        plan = job.scan()
    new = register_years(context.instance, plan.years())
    return dg.MaterializeResult(metadata=_metadata(job, plan, new))


def _metadata(job: ImportJob, plan: Plan, new: list[str]) -> dict[str, Any]:
    counts = {name: sum(found.values()) for name, found in plan.discovered.items()}
    rows = [dg.TableRecord({"entity": name, "discovered": count}) for name, count in counts.items()]
    return {
        "dagster/row_count": sum(counts.values()),
        "discovered": dg.MetadataValue.table(rows),
        "years": ", ".join(plan.years()),
        "new partitions": ", ".join(new) or "none",
        "columns this Rock lacks": ", ".join(f"{row[0]}.{row[1]}" for row in plan.missing_columns) or "none",
        "job": job.spec.job_id,
        "job folder": dg.MetadataValue.path(str(job.workspace.folder)),
    }
