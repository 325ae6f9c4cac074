"""The years are registered once, in order, with `undated` at the end of every range."""

import dagster as dg
import pytest

from assets.partitions import register_years, whole_range, years


@pytest.fixture
def instance() -> dg.DagsterInstance:
    return dg.DagsterInstance.ephemeral()


def test_years_come_in_order_and_undated_last(instance: dg.DagsterInstance) -> None:
    register_years(instance, ["undated", "2024", "2023"])
    assert years(instance) == ["2023", "2024", "undated"]


def test_a_new_year_takes_its_place(instance: dg.DagsterInstance) -> None:
    register_years(instance, ["2022", "2024"])
    assert register_years(instance, ["2023", "2024"]) == ["2023"]
    assert years(instance) == ["2022", "2023", "2024", "undated"]


def test_known_years_stay_although_a_job_does_not_have_them(instance: dg.DagsterInstance) -> None:
    register_years(instance, ["2022"])
    register_years(instance, ["2024"])
    assert years(instance) == ["2022", "2024", "undated"]


def test_the_whole_range_runs_from_the_first_to_the_last(instance: dg.DagsterInstance) -> None:
    register_years(instance, ["2022", "2024"])
    assert whole_range(years(instance)) == {
        "dagster/asset_partition_range_start": "2022",
        "dagster/asset_partition_range_end": "undated",
    }
