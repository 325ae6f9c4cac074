"""The import as Dagster runs it, over a real sample church and a real Mission."""

import json
import os
import subprocess
import sys

import dagster as dg
import polars as pl
import pytest

from assets.jobs import import_after_scan
from assets.partitions import whole_range, years
from migrate_etl.dataset import Dataset, DatasetWriter
from migrate_etl.job import ImportJob
from migrate_etl.sandbox.mission.process import MissionSandbox
from migrate_etl.spec import ImportSecrets
from migrate_etl.workspace import Workspace
from tests.assets.conftest import Run

GIVING = ("extracted_contributions", "mapped_contributions", "loaded_contributions")
PEOPLE = ("extracted_people", "mapped_people", "loaded_people")


def materialised(instance: dg.DagsterInstance, key: str) -> set[str]:
    return set(instance.get_materialized_partitions(dg.AssetKey(key)))


def rows(instance: dg.DagsterInstance, key: str, partition: str | None = None) -> int:
    """The row count that the UI shows."""
    wanted = dg.AssetRecordsFilter(dg.AssetKey(key), asset_partitions=[partition] if partition else None)
    record = instance.fetch_materializations(wanted, limit=1).records[0]
    return int(record.asset_materialization.metadata["dagster/row_count"].value)


def failed_checks(result: dg.ExecuteInProcessResult) -> set[str]:
    return {evaluation.check_name for evaluation in result.get_asset_check_evaluations() if not evaluation.passed}


def codes(result: dg.ExecuteInProcessResult) -> list[str]:
    failures = [event.step_failure_data.user_failure_data for event in result.all_events if event.is_step_failure]
    return [str(failure.metadata["code"].value) for failure in failures if failure]


@pytest.fixture
def discovered(workspace: Workspace, secrets: ImportSecrets) -> dict[str, dict[str, int]]:
    with ImportJob(workspace, secrets) as job:
        return {name: dict(counts) for name, counts in job.scan().discovered.items()}


def test_one_run_imports_everything(run: Run, instance: dg.DagsterInstance, mission: MissionSandbox) -> None:
    run(job="scan_rock")
    keys = years(instance)
    result = run(first=keys[0], last=keys[-1])
    assert result.success
    assert materialised(instance, "loaded_contributions") == set(keys)
    assert set(result.asset_materializations_for_node("reconciliation")[0].metadata) >= {"outcomes", "unexplained"}


def test_a_scan_is_followed_by_one_run_over_all_years(run: Run, instance: dg.DagsterInstance) -> None:
    scan = run(job="scan_rock")
    ended = next(event for event in scan.all_events if event.event_type == dg.DagsterEventType.RUN_SUCCESS)
    context = dg.build_run_status_sensor_context("import_after_scan", ended, instance, scan.dagster_run)
    (asked,) = list(import_after_scan(context))
    assert asked.tags.items() >= whole_range(years(instance)).items()


def test_the_years_add_up_to_what_was_discovered(
    run: Run, instance: dg.DagsterInstance, discovered: dict[str, dict[str, int]]
) -> None:
    found = discovered["contributions"]
    assert run(*GIVING[:1], first=min(found), last="undated").success
    assert {key: rows(instance, GIVING[0], key) for key in found} == found


def test_one_entity(run: Run, instance: dg.DagsterInstance, discovered: dict[str, dict[str, int]]) -> None:
    assert run(*PEOPLE).success
    assert rows(instance, "loaded_people") == discovered["people"][""]


def test_mapping_alone_in_a_new_job_reads_what_it_needs(run: Run, instance: dg.DagsterInstance) -> None:
    assert run("mapped_people").success
    assert rows(instance, "mapped_people") > 0


def test_loading_alone_in_a_new_job_says_what_to_do(run: Run) -> None:
    result = run("loaded_people")
    assert codes(result) == ["DATASET_MISSING"]
    (failure,) = [event.step_failure_data.user_failure_data for event in result.all_events if event.is_step_failure]
    assert "upstream" in str(failure.metadata["remedy"].value)


def test_no_import_goes_on_with_what_a_rehearsal_read(run: Run, workspace: Workspace) -> None:
    assert run(job="dry_run").success
    assert not Dataset.exists(workspace.stage("extracted", "people", None))


def test_a_job_that_is_not_through_is_not_proven_and_says_what_is_left(run: Run) -> None:
    run(*PEOPLE[:2])
    result = run("reconciliation")
    (failure,) = [event.step_failure_data.user_failure_data for event in result.all_events if event.is_step_failure]
    assert "not been through families, groups, contributions/" in failure.description


def test_one_year(run: Run, instance: dg.DagsterInstance, discovered: dict[str, dict[str, int]]) -> None:
    year = sorted(discovered["contributions"])[0]
    assert run(*PEOPLE).success
    assert run(*GIVING, first=year).success
    assert materialised(instance, "loaded_contributions") == {year}
    assert rows(instance, "loaded_contributions", year) == discovered["contributions"][year]


def test_a_range_of_years_is_one_run(
    run: Run, instance: dg.DagsterInstance, discovered: dict[str, dict[str, int]]
) -> None:
    first, second, *_ = sorted(discovered["contributions"])
    result = run(*GIVING[:2], first=first, last=second)
    between = {year for year in years(instance) if first <= year <= second}
    assert materialised(instance, "mapped_contributions") == between
    assert len({event.step_key for event in result.all_events if event.is_step_success}) == 4


def materialise(environment: dict[str, str], year: str, *keys: str) -> subprocess.Popen[bytes]:
    """As a back-fill does it: a process of its own, which finds church and Mission in its environment."""
    command = ["-m", "dagster", "asset", "materialize", "-m", "assets.definitions", "--partition", year]
    return subprocess.Popen(
        [sys.executable, *command, "--select", ",".join(keys)],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_two_years_at_the_same_time(
    run: Run,
    instance: dg.DagsterInstance,
    workspace: Workspace,
    secrets: ImportSecrets,
    discovered: dict[str, dict[str, int]],
) -> None:
    first, second, *_ = sorted(discovered["contributions"])
    assert run(*PEOPLE).success
    environment = {
        "DAGSTER_HOME": instance.root_directory,
        "MIGRATE_HOME": str(workspace.folder.parents[1]),
        "MIGRATE_ROCK_CONNECTION": secrets.rock_connection.get_secret_value(),
        "MIGRATE_MISSION_KEY": secrets.mission_key.get_secret_value(),
        "MIGRATE_MISSION_URL": workspace.spec.mission_url,
        "MIGRATE_ORGANIZATION": workspace.spec.organization,
    }
    processes = [materialise(environment, year, *GIVING) for year in (first, second)]
    assert [process.wait() for process in processes] == [0, 0]
    assert materialised(instance, "loaded_contributions") == {first, second}


def test_a_second_run_on_the_same_pair_is_refused(
    run: Run, workspace: Workspace, secrets: ImportSecrets, discovered: dict[str, dict[str, int]]
) -> None:
    first, second, *_ = sorted(discovered["contributions"])
    with ImportJob(workspace, secrets) as other, other.ledger.lease(f"contributions/{first}"):
        assert codes(run(GIVING[0], first=first)) == ["ALREADY_RUNNING"]
        assert run(GIVING[0], first=second).success


def test_a_doubled_page_is_red_and_stops_what_follows(
    run: Run, instance: dg.DagsterInstance, workspace: Workspace
) -> None:
    assert run("extracted_people").success
    folder = workspace.stage("extracted", "people", None)
    page = pl.concat(Dataset(folder).chunks())
    with DatasetWriter(folder) as writer:
        writer.write(pl.concat([page, page.tail(3)]))
        writer.commit()
    result = run(*PEOPLE)
    assert not result.success
    assert failed_checks(result) >= {"unique_ids"}
    assert instance.get_latest_materialization_event(dg.AssetKey("mapped_people")) is None


def test_findings_are_told_by_rule_and_count(run: Run) -> None:
    result = run("extracted_people", "mapped_people")
    (findings,) = [e for e in result.get_asset_check_evaluations() if e.check_name == "findings"]
    assert not findings.passed
    assert findings.severity == dg.AssetCheckSeverity.WARN
    assert findings.metadata["rules"].records[0].data["rows"] > 0


def test_no_event_holds_people_or_secrets(
    run: Run, workspace: Workspace, secrets: ImportSecrets, instance: dg.DagsterInstance
) -> None:
    result = run("extracted_people", "mapped_people")
    told = json.dumps([str(event) for event in result.all_events])
    people = Dataset(workspace.stage("mapped", "people", None)).scan().filter(pl.col("skip").is_null()).collect()
    private = [*people["last_name"].drop_nulls(), *people["email"].drop_nulls(), secrets.mission_key.get_secret_value()]
    assert not [word for word in private if word in told]
