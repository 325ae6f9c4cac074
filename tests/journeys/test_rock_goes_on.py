"""Rock's people keep working while an import reads, and a page is lost: told apart for every entity."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from migrate_etl.dataset import Dataset, DatasetWriter
from migrate_etl.job import ImportJob
from migrate_etl.reporting import is_clean
from migrate_etl.sandbox.mission.process import MissionSandbox
from migrate_etl.spec import EntityName
from tests.journeys.church import KEY, Church, violations


@pytest.fixture
def own(tmp_path: Path, sample: str) -> Iterator[Church]:
    """A church whose Rock may be changed."""
    path = tmp_path / "rock.sqlite"
    shutil.copy(sample.removeprefix("sqlite:///"), path)
    with MissionSandbox.start(tmp_path / "mission", "grace", KEY) as mission:
        yield Church(tmp_path / "jobs", f"sqlite:///{path}", mission)


def in_rock(church: Church, *statements: str) -> int:
    """Edits by SQL; how many rows they touched."""
    with closing(sqlite3.connect(church.rock.removeprefix("sqlite:///"))) as rock, rock:
        return sum(rock.execute(statement).rowcount for statement in statements)


def read(job: ImportJob) -> None:
    for entity in job.spec.entities:
        job.extract(entity, job.plan.partitions(entity))


def finished(job: ImportJob) -> dict[str, Any]:
    """What is left of the import; its report.json."""
    for entity in job.spec.entities:
        partitions = job.plan.partitions(entity)
        job.map(entity, partitions)
        job.load(entity, partitions)
    job.report()
    summary: dict[str, Any] = json.loads(job.workspace.report_json.read_bytes())
    return summary


def lose(job: ImportJob, entity: EntityName, rows: int) -> None:
    """The first rows of what was read, as if a page had not come."""
    folder = job.workspace.stage("extracted", entity, "2024" if entity == "attendance" else None)
    whole = Dataset(folder).scan().collect()
    with DatasetWriter(folder) as writer:
        writer.write(whole[rows:])
        writer.commit()


def test_a_gift_and_a_meeting_that_move_to_another_year_do_not_upset_the_books(own: Church) -> None:
    with own.job() as job:
        job.scan()
        gifts = "SELECT Id FROM FinancialTransaction WHERE TransactionDateTime LIKE '2024-0%' LIMIT 3"
        meetings = "SELECT Id FROM AttendanceOccurrence WHERE OccurrenceDate LIKE '2024-0%' LIMIT 2"
        assert (
            in_rock(
                own,
                f"UPDATE FinancialTransaction SET TransactionDateTime = '2023-05-05 10:00:00' WHERE Id IN ({gifts})",
                f"UPDATE AttendanceOccurrence SET OccurrenceDate = '2023-05-06' WHERE Id IN ({meetings})",
            )
            == 5
        )
        read(job)
        found = finished(job)
    assert violations(job.workspace) == []
    entities = found["entities"]
    assert {(one["pending"], one["discovered"] == one["rows_in_rock_now"]) for one in entities.values()} == {(0, True)}
    assert entities["contributions"]["gone"] >= 3
    assert entities["attendance"]["gone"] >= 2
    assert (found["unexplained"], found["scope_match"]) == ("0.00", True)


def test_rows_deleted_before_they_were_read_are_gone_and_not_lost(own: Church) -> None:
    with own.job(entities=("people", "prayer_requests")) as job:
        job.scan()
        assert in_rock(own, "DELETE FROM PrayerRequest WHERE Id IN (SELECT Id FROM PrayerRequest LIMIT 2)") == 2
        read(job)
        found = finished(job)
    prayers = found["entities"]["prayer_requests"]
    assert (prayers["gone"], prayers["pending"]) == (2, 0)
    assert prayers["discovered"] == prayers["rows_in_rock_now"] == prayers["done"]
    assert "2 rows more stood there" in job.workspace.report_html.read_text()
    assert is_clean(found)


@pytest.mark.parametrize("entity", ["families", "groups", "attendance", "prayer_requests"])
def test_a_page_lost_while_reading_is_no_clean_end_whatever_the_entity(church: Church, entity: EntityName) -> None:
    with church.job(entities=("people", "families", "groups", "attendance", "prayer_requests")) as job:
        job.scan()
        read(job)
        lose(job, entity, 3)
        found = finished(job)
    lost = {name: (one["pending"], one["gone"]) for name, one in found["entities"].items() if one["pending"]}
    assert lost == {entity: (3, 0)}
    assert not is_clean({**found, "entities": {entity: found["entities"][entity] | {"failed": 0}}})
