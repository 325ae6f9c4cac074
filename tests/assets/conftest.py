"""A sample church, a Mission that really answers, a job between them, and a Dagster instance on disk."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from assets.definitions import build_definitions
from assets.event_log import open_instance
from assets.partitions import register_years
from assets.run import prepare_home
from migrate_etl.job import ImportJob
from migrate_etl.sandbox.mission.process import MissionSandbox
from migrate_etl.sandbox.rock import make_sample
from migrate_etl.spec import ImportSecrets, RockImportSpec
from migrate_etl.workspace import Workspace

KEY = "a-key-of-the-tests"


@pytest.fixture(scope="session")
def rock(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Connection string of a small church with every kind of dirt."""
    path = tmp_path_factory.mktemp("rock") / "rock.sqlite"
    make_sample(path, people=60, seed=7)
    return f"sqlite:///{path}"


@pytest.fixture
def mission(tmp_path: Path) -> Iterator[MissionSandbox]:
    with MissionSandbox.start(tmp_path / "mission", "grace", KEY) as sandbox:
        yield sandbox


@pytest.fixture
def secrets(rock: str) -> ImportSecrets:
    return ImportSecrets.model_validate({"rock_connection": rock, "mission_key": KEY})


@pytest.fixture
def workspace(tmp_path: Path, mission: MissionSandbox) -> Workspace:
    spec = RockImportSpec(
        job_id="grace",
        organization="grace",
        mission_url=mission.url,
        time_zone="America/Chicago",
        started_on=date(2026, 11, 20),
    )
    return Workspace.create(tmp_path / "jobs" / "grace", spec)


@pytest.fixture
def dagster_home(tmp_path: Path) -> Path:
    prepare_home(tmp_path / "dagster")
    return tmp_path / "dagster"


@pytest.fixture
def instance(dagster_home: Path) -> Iterator[dg.DagsterInstance]:
    with open_instance(dagster_home) as opened:
        yield opened


Run = Callable[..., dg.ExecuteInProcessResult]


@pytest.fixture
def run(workspace: Workspace, secrets: ImportSecrets, instance: dg.DagsterInstance) -> Iterator[Run]:
    """Runs assets of the job as one Dagster run with an ImportJob of its own, as a process would have."""
    with ExitStack() as stack:

        def assets(
            *keys: str, first: str = "", last: str = "", job: str = "rockrms_import"
        ) -> dg.ExecuteInProcessResult:
            opened = stack.enter_context(ImportJob(workspace, secrets))
            register_years(instance, opened.scan().years())
            span = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last or first}
            return (
                build_definitions(import_job=opened)
                .resolve_job_def(job)
                .execute_in_process(
                    instance=instance,
                    tags=span if first else {},
                    asset_selection=[dg.AssetKey(key) for key in keys] or None,
                    raise_on_error=False,
                )
            )

        yield assets
