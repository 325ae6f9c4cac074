"""What a data engineer starts or switches on: jobs, the nightly top-up, the import that follows a scan. All automation
is off until wanted."""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from assets.boundary import at_the_edge
from assets.factory import SCAN
from assets.home import JOB_TAG
from assets.metadata import counts_table, findings_table
from assets.partitions import register_years, whole_range, years
from migrate_etl.job import ImportJob

IMPORT = "rockrms_import"

rockrms_import = dg.define_asset_job(
    IMPORT,
    selection=dg.AssetSelection.all(),
    description="The whole import as one run: scan, extract, map, check, load, reconcile, report. Here: Materialize "
    "all, All, Launch backfill. No years to choose from yet? Launch scan_rock first; or switch on the sensor "
    "import_after_scan, and every scan_rock is followed by the import. It goes on with the open job, or begins the "
    "next one where that is finished. (Materialize all on the page Lineage does the same work in three runs.)",
)

scan_rock = dg.define_asset_job(
    "scan_rock",
    selection=dg.AssetSelection.assets(SCAN),
    description="Only look: count what there is and register the years as partitions. Sends nothing.",
)

backfill_years = dg.define_asset_job(
    "backfill_years",
    selection=dg.AssetSelection.groups("contributions", "attendance"),
    description="Giving and attendance of one year or some, extract to load: Materialize all, choose the years, "
    "Launch. Years next to each other make one run; to have years in parallel, launch each by itself.",
)


@dg.op(required_resource_keys={"import_job"}, out=dg.Out(dg.Nothing), tags={"dagster/kind": "polars"})
def rehearse(context: dg.OpExecutionContext) -> None:
    """Extract, map and check everything, send nothing: what a load would do, and what was found in the data."""
    job: ImportJob = context.resources.import_job
    with at_the_edge(context, job.control), job.apart(f"dry-run-{context.run_id[:8]}") as rehearsal:
        found = rehearsal.dry_run()
    context.add_output_metadata(
        {
            "folder": dg.MetadataValue.path(str(rehearsal.workspace.folder)),
            "records to load": counts_table({str(name): rows for name, rows in found.to_load.items()}, "entity"),
            "requests": found.requests,
            "hours at 100 requests a minute": str(found.hours),
            "findings": findings_table(found.findings.summaries),
        }
    )


@dg.job(
    description="Rehearsal before anything is sent: each finding with its remedy, its owner and the money at stake."
)
def dry_run() -> None:
    rehearse()


@dg.schedule(
    job=rockrms_import,
    cron_schedule="0 2 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
)
def nightly_top_up(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Until cut-over, import every night what is new or changed in Rock; what Mission has already is not sent again."""
    now = datetime.now(UTC)
    register_years(context.instance, [str(now.year)])
    tags = {JOB_TAG: f"top-up-{now:%Y-%m-%d}", **whole_range(years(context.instance))}
    return dg.RunRequest(run_key=f"{now:%Y-%m-%d}", tags=tags)


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitored_jobs=[scan_rock],
    request_job=rockrms_import,
    default_status=dg.DefaultSensorStatus.STOPPED,
)
def import_after_scan(context: dg.RunStatusSensorContext) -> Iterator[dg.RunRequest]:
    """When a scan has registered the years, import all of them as one run of the same job."""
    job_id = context.dagster_run.tags.get(JOB_TAG)
    tags = {JOB_TAG: job_id} if job_id else {}
    yield dg.RunRequest(run_key=context.dagster_run.run_id, tags={**tags, **whole_range(years(context.instance))})
