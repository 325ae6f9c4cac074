"""Config shells around plain objects of ours: the import job of a run, and the I/O manager that hands stages on."""

import json
import os
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from assets.demo import church_and_mission
from assets.event_log import keep_open
from assets.home import JOB_TAG, Home
from migrate_etl.dataset import Dataset
from migrate_etl.job import ImportJob
from migrate_etl.stages import StageResult
from migrate_etl.workspace import Workspace

DEFAULT_HOME = "out/dagster"
"""Where `dagster dev` works with nothing set up: not where `make demo` makes its church anew."""
ATTEMPT_TAG = "migrate/attempt"
PARENT_TAG = "migrate/parent"


@dg.resource(
    config_schema={
        "home": dg.Field(
            str, default_value="", description=f"Folder of the jobs; empty: MIGRATE_HOME, or {DEFAULT_HOME}."
        )
    }
)
def import_job(context: dg.InitResourceContext) -> Generator[ImportJob, None, None]:
    """The import job that a run works on, open for as long as the run lasts.

    The run's tag names the job; without one the newest goes on, or its successor begins. Connection string and
    integration key come from `MIGRATE_ROCK_CONNECTION` and `MIGRATE_MISSION_KEY`; without them the sample church and a
    Mission sandbox stand in.
    """
    home = Home(Path(context.resource_config["home"] or os.environ.get("MIGRATE_HOME") or DEFAULT_HOME).absolute())
    tags = context.run.tags if context.run else {}
    if context.instance:
        keep_open(context.instance)
    with church_and_mission(home, tags.get(JOB_TAG)) as (workspace, secrets), ImportJob(workspace, secrets) as job:
        if context.instance and context.run:
            context.instance.add_run_tags(context.run.run_id, {JOB_TAG: workspace.spec.job_id})
        yield job


class ManifestIOManager(dg.IOManager):
    """Hands on what a stage did: a small JSON file per entity and partition in the job's folder; the rows stay where
    the stage wrote them, as Parquet.

    Takes and gives lists of `StageResult`, one per partition: of the partition, the range or all the partitions that
    the run or the reader is about. A partition that the job has not reached yet is left out.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def _path(self, key: dg.AssetKey, partition: str | None) -> Path:
        folder = self._workspace.folder.joinpath("stages", *key.path)
        return folder.with_suffix(".json") if partition is None else folder / f"{partition}.json"

    def handle_output(self, context: dg.OutputContext, obj: Sequence[StageResult]) -> None:
        for result in obj:
            path = self._path(context.asset_key, result.partition)
            path.parent.mkdir(parents=True, exist_ok=True)
            aside = path.with_name(f".{path.name}.{os.getpid()}")
            aside.write_text(json.dumps(self._dump(result), indent=1))
            os.replace(aside, path)

    def load_input(self, context: dg.InputContext) -> list[StageResult]:
        keys: Sequence[str | None] = context.asset_partition_keys if context.has_asset_partitions else [None]
        paths = (self._path(context.asset_key, key) for key in keys)
        return [self._load(json.loads(path.read_bytes())) for path in paths if path.exists()]

    def _dump(self, result: StageResult) -> dict[str, Any]:
        folder = result.dataset.folder.relative_to(self._workspace.folder) if result.dataset else None
        return {
            "stage": result.stage,
            "entity": result.entity,
            "partition": result.partition,
            "rows": result.rows,
            "facts": dict(result.facts),
            "dataset": None if folder is None else folder.as_posix(),
        }

    def _load(self, raw: dict[str, Any]) -> StageResult:
        folder = raw.pop("dataset")
        return StageResult(**raw, dataset=Dataset(self._workspace.folder / folder) if folder else None)


@dg.io_manager(
    required_resource_keys={"import_job"}, description="Stage results as JSON, pointing at Parquet in the job's folder."
)
def manifest_io_manager(context: dg.InitResourceContext) -> ManifestIOManager:
    return ManifestIOManager(context.resources.import_job.workspace)
