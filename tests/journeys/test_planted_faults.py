"""Faults planted behind our back after the load, and pages lost or doubled while reading: all named, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

from migrate_etl.dataset import Dataset, DatasetWriter
from migrate_etl.job import ImportJob
from migrate_etl.proof import Proof
from migrate_etl.sandbox.mission.process import MissionSandbox
from migrate_etl.spec import EntityName
from migrate_etl.verify.reconcile import Verification
from tests.journeys.church import KEY, Church, violations

GIFTS: tuple[EntityName, ...] = ("people", "contributions")
Named = set[tuple[str, str, str | None, str]]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory, sample: str) -> Iterator[Church]:
    """A church whose people and gifts are in Mission; its job is not reported yet."""
    folder = tmp_path_factory.mktemp("loaded")
    with MissionSandbox.start(folder / "mission", "grace", KEY) as mission:
        church = Church(folder / "jobs", sample, mission)
        with church.job(entities=GIFTS) as job:
            import_everything(job)
        yield church


def import_everything(job: ImportJob, meanwhile: Callable[[ImportJob], None] = lambda job: None) -> None:
    """All stages up to the load; `meanwhile` comes between reading and mapping."""
    job.scan()
    for entity in job.spec.entities:
        job.extract(entity, job.plan.partitions(entity))
    meanwhile(job)
    for entity in job.spec.entities:
        partitions = job.plan.partitions(entity)
        job.map(entity, partitions)
        job.load(entity, partitions)


def checked(proof: Proof) -> Verification:
    assert proof.verification is not None
    return proof.verification


def named(found: Verification) -> Named:
    """Line, kind, external id and fields of every exception."""
    rows = found.all_exceptions.scan().collect()
    return set(rows.select("line", "kind", "external_id", "fields").iter_rows())


def gifts(church: Church, count: int) -> list[str]:
    """External ids of ordinary gifts in Mission, far apart."""
    rows = church.mission.sql(
        "SELECT external_id FROM contributions WHERE amount_cents > 1000 AND position % 97 = 5 ORDER BY position"
    )
    return [name for (name,) in rows[:count]]


def test_an_import_without_faults_has_no_exception(loaded: Church) -> None:
    with loaded.job(entities=GIFTS) as job:
        found = checked(job.prove())
    assert (found.clean, found.scope_match, named(found)) == (True, True, set())


def test_faults_planted_in_mission_are_all_named_and_nothing_else(loaded: Church) -> None:
    missing, twin, cent, moved, more, less = gifts(loaded, 6)
    stranger = f"{twin.rsplit(':', 1)[0]}:90000001"
    sql = loaded.mission.sql
    sql("DELETE FROM contributions WHERE external_id = ?", (missing,))
    columns = [name for _, name, *_ in sql("PRAGMA table_info(contributions)") if name != "position"]
    taken = ", ".join("?" if name == "external_id" else name for name in columns)
    doubling = f"INSERT INTO contributions ({', '.join(columns)}) SELECT {taken} FROM contributions"
    sql(f"{doubling} WHERE external_id = ?", (stranger, twin))
    sql("UPDATE contributions SET amount_cents = amount_cents + 1 WHERE external_id = ?", (cent,))
    other = "SELECT max(external_id) FROM funds WHERE external_id <> external_fund_id"
    sql(f"UPDATE contributions SET external_fund_id = ({other}) WHERE external_id = ?", (moved,))
    sql("UPDATE contributions SET amount_cents = amount_cents + 500 WHERE external_id = ?", (more,))
    sql("UPDATE contributions SET amount_cents = amount_cents - 500 WHERE external_id = ?", (less,))
    with loaded.job(entities=GIFTS) as job:
        found = checked(job.prove())
    changes = {(one, "amount") for one in (cent, more, less)} | {(moved, "fund")}
    assert {row for row in named(found) if row[1] not in ("missing", "extra")} == {
        ("unexplained", "altered", external_id, fields) for external_id, fields in changes
    }
    assert {row[:3] for row in named(found) if row[1] in ("missing", "extra")} == {
        ("unexplained", "missing", missing),
        ("unexplained", "extra", stranger),
    }
    assert (found.clean, found.scope_match, found.unexplained_records) == (False, False, 6)


def edited(job: ImportJob, edit: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    """Change the year 2024 of the gifts as they were read."""
    folder = job.workspace.stage("extracted", "contributions", "2024")
    whole = Dataset(folder).scan().collect()
    with DatasetWriter(folder) as writer:
        writer.write(edit(whole))
        writer.commit()


def page(job: ImportJob) -> set[int]:
    """Ids of the contributions among the rows 100 to 130 of 2024."""
    mapped = Dataset(job.workspace.stage("mapped", "contributions", "2024")).scan().collect()
    giving = mapped.filter(pl.col("skip").ne_missing("transaction_type"))
    return set(giving["id"].to_list())


def test_a_page_dropped_while_reading_is_named_under_extraction(church: Church, tmp_path: Path) -> None:
    with church.job("whole", entities=GIFTS) as whole:
        import_everything(whole)
        all_of_2024 = page(whole)
    church.mission.reset(books=True)
    fresh = Church(tmp_path / "other", church.rock, church.mission)
    with fresh.job(entities=GIFTS) as job:
        import_everything(job, lambda job: edited(job, lambda rows: pl.concat([rows[:100], rows[130:]])))
        lost = all_of_2024 - page(job)
        found = checked(job.prove())
    assert len(lost) > 10
    assert {row[:2] for row in named(found)} == {("extraction", "lost")}
    assert set(found.exceptions["id"].to_list()) == lost
    assert found.line("extraction").count == len(lost)
    assert (found.unexplained, found.scope_match) == (0, False)


def test_a_page_doubled_while_reading_is_named_under_extraction(church: Church) -> None:
    with church.job(entities=GIFTS) as job:
        import_everything(job, lambda job: edited(job, lambda rows: pl.concat([rows[:130], rows[100:]])))
        found = checked(job.prove())
        doubled = Dataset(job.workspace.stage("mapped", "contributions", "2024")).scan().collect()
    giving = doubled.filter(pl.col("skip").ne_missing("transaction_type"))
    assert violations(job.workspace) == []
    twice = set(giving.filter(pl.col("id").is_duplicated())["id"].to_list())
    assert len(twice) > 10
    assert {row[:2] for row in named(found)} == {("extraction", "doubled")}
    assert set(found.exceptions["id"].to_list()) == twice
    assert (found.unexplained, found.scope_match) == (0, False)
    held = church.mission.sql("SELECT count(*), count(DISTINCT external_id) FROM contributions")
    assert held[0][0] == held[0][1]


def test_a_doubled_page_with_a_refused_record_fails_it_once(church: Church) -> None:
    with church.job(entities=GIFTS, batch_size=50) as job:
        refused = int(job.extract("contributions", ["2024"])[0].preview(120)["id"][110])
        church.mission.fault("reject_records", external_ids=[f"rock:contribution:{refused}"])
        import_everything(job, lambda job: edited(job, lambda rows: pl.concat([rows[:130], rows[100:]])))
        assert [item.id for _, item in job.ledger.failed("contributions/2024")] == [refused]
        assert violations(job.workspace) == []
        assert checked(job.prove()).unexplained == 0
