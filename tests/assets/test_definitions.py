"""The code location as the web server loads it: the graph reads as the product does, without any set-up."""

import os
import subprocess
import sys

import dagster as dg
import pytest
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
from dagster._core.remote_representation.external_data import PartitionSetSnap

from assets.definitions import defs
from migrate_etl.spec import ENTITY_NAMES

ROAD = ("extracted", "mapped", "loaded")


@pytest.fixture(scope="module")
def graph() -> AssetGraph:
    return defs.resolve_asset_graph()


def test_it_loads_in_a_bare_environment() -> None:
    environment = {"PATH": os.environ["PATH"]}
    subprocess.run([sys.executable, "-W", "error", "-c", "import assets.definitions"], env=environment, check=True)


def test_the_assets_are_six_roads_between_the_scan_and_the_report(graph: AssetGraph) -> None:
    roads = {dg.AssetKey(f"{stage}_{entity}") for stage in ROAD for entity in ENTITY_NAMES}
    ends = {dg.AssetKey("scan"), dg.AssetKey("reconciliation"), dg.AssetKey("quality_report")}
    assert graph.get_all_asset_keys() == roads | ends


@pytest.mark.parametrize("entity", ENTITY_NAMES)
def test_each_road_runs_from_rock_to_mission(graph: AssetGraph, entity: str) -> None:
    rock, mapped, mission = (dg.AssetKey(f"{stage}_{entity}") for stage in ROAD)
    assert graph.get(rock).parent_keys == {dg.AssetKey("scan")}
    assert graph.get(mapped).parent_keys == {rock}
    assert mapped in graph.get(mission).parent_keys
    assert dg.AssetKey("reconciliation") in graph.get(mission).child_keys


def test_no_two_boxes_of_the_graph_have_one_name(graph: AssetGraph) -> None:
    names = [key.path[-1] for key in graph.get_all_asset_keys()]  # all that the graph shows of a key
    assert len(set(names)) == len(names)


def test_what_is_referred_to_is_loaded_first(graph: AssetGraph) -> None:
    before = graph.get(dg.AssetKey("loaded_attendance")).parent_keys
    assert {dg.AssetKey("loaded_people"), dg.AssetKey("loaded_groups")} <= before


def test_only_what_grows_has_years(graph: AssetGraph) -> None:
    partitioned = {key.path[-1].split("_", 1)[1] for key in graph.get_all_asset_keys() if graph.get(key).is_partitioned}
    assert partitioned == {"contributions", "attendance"}


def test_a_range_of_years_is_one_run(graph: AssetGraph) -> None:
    policies = [graph.get(key).backfill_policy for key in graph.get_all_asset_keys() if graph.get(key).is_partitioned]
    assert policies == [dg.BackfillPolicy.single_run()] * 6


def test_all_years_launched_from_the_page_of_the_import_are_one_run() -> None:
    years = PartitionSetSnap.from_job_def(defs.resolve_job_def("rockrms_import"))  # what the page's back-fill goes by
    assert years.backfill_policy == dg.BackfillPolicy.single_run()


def test_every_asset_says_what_it_is(graph: AssetGraph) -> None:
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert all([node.description, node.owners, node.kinds, node.group_name != "default"]), key


def test_every_stage_is_checked(graph: AssetGraph) -> None:
    checked = {key.asset_key for key in graph.asset_check_keys}
    assert checked == graph.get_all_asset_keys() - {dg.AssetKey("scan"), dg.AssetKey("quality_report")}


def test_nothing_starts_by_itself() -> None:
    repository = defs.get_repository_def()
    assert [schedule.default_status for schedule in repository.schedule_defs] == [dg.DefaultScheduleStatus.STOPPED]
    assert [sensor.default_status for sensor in repository.sensor_defs] == [dg.DefaultSensorStatus.STOPPED]


def test_no_run_config_asks_for_a_secret() -> None:
    schema = str(defs.resolve_job_def("rockrms_import").run_config_schema.config_type.key)
    assert not [word for word in ("connection", "mission_key") if word in schema]
