"""A record that Mission refuses: listed, corrected by hand, replayed, and still known to the next import."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from migrate_etl.job import ImportJob
from migrate_etl.sandbox.mission.process import MissionSandbox
from migrate_etl.spec import ImportSecrets, RockImportSpec
from migrate_etl.stages import StageResult
from migrate_etl.workspace import Workspace
from tests.migrate_api.cli.conftest import KEY, ORGANIZATION, Migrate

Church = dict[str, str]


@dataclass(frozen=True, slots=True)
class Refused:
    """A finished job in which Mission refused one gift."""

    folder: str
    gift: str


@pytest.fixture(scope="module")
def refused(rock: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Refused, dict[str, str]]]:
    place = tmp_path_factory.mktemp("refused")
    with MissionSandbox.start(place / "mission", ORGANIZATION, KEY) as mission:
        job = ImportJob(Workspace.create(place / "jobs" / "first", spec(mission)), secrets(rock))
        with job:
            partition = job.scan().partitions("contributions")[0]
            job.extract("contributions", [partition])
            (mapped,) = job.map("contributions", [partition])
            gift = f"rock:contribution:{first_loaded(mapped)}"
            mission.fault("reject_records", external_ids=[gift])
            job.run()
        mission.clear_faults()
        variables = {
            "MIGRATE_ROCK_CONNECTION": rock,
            "MIGRATE_MISSION_KEY": KEY,
            "MIGRATE_MISSION_URL": mission.url,
            "MIGRATE_ORGANIZATION": ORGANIZATION,
            "MIGRATE_TIME_ZONE": "America/Chicago",
        }
        yield Refused(str(job.workspace.folder), gift), variables


def spec(mission: MissionSandbox) -> RockImportSpec:
    return RockImportSpec(
        job_id="first",
        organization=ORGANIZATION,
        mission_url=mission.url,
        time_zone="America/Chicago",
        started_on=date(2026, 11, 20),
    )


def secrets(rock: str) -> ImportSecrets:
    return ImportSecrets.model_validate({"rock_connection": rock, "mission_key": KEY})


def first_loaded(mapped: StageResult) -> int:
    assert mapped.dataset is not None
    loaded = mapped.dataset.scan().filter(pl.col("skip").is_null()).select(pl.col("id").first())
    return int(loaded.collect().item())


@pytest.mark.parametrize(
    ("record", "change"),
    [(None, "amount=1.2"), (None, "amount"), (None, "colour=red"), ("rock:contribution:0", "amount=1.20")],
)
def test_a_correction_that_makes_no_sense(
    migrate: Migrate, refused: tuple[Refused, Church], record: str | None, change: str
) -> None:
    job, _ = refused
    given = (record or job.gift, "--set", change, "--reason", "x", "--json")
    ended = migrate("dead-letters", "correct", job.folder, *given)
    assert ended.code == 2
    assert ended.json["error"]["remedy"]


def test_list_correct_replay(migrate: Migrate, refused: tuple[Refused, Church]) -> None:
    job, church = refused
    (letter,) = migrate("dead-letters", "list", job.folder, "--json").json
    assert (letter["external_id"], letter["replayed"]) == (job.gift, False)
    change = (job.gift, "--set", "amount=1.23", "--reason", "a typing error", "--author", "Ada")
    assert migrate("dead-letters", "correct", job.folder, *change).code == 0
    sent = migrate("dead-letters", "replay", job.folder, "--json", **church)
    assert (sent.code, sent.json["sent"], sent.json["failed"]) == (0, 1, 0)
    assert migrate("dead-letters", "replay", job.folder, "--json", **church).json["sent"] == 0
    home = Path(job.folder).parents[1]
    after = migrate("import", "--out", str(home), "--json", **church)
    assert after.code == 0, after.err
    assert (after.json["unexplained"], after.json["entities"]["contributions"]["done"]) == ("0.00", 0)


def test_evidence_is_checked_offline(migrate: Migrate, refused: tuple[Refused, Church], tmp_path: Path) -> None:
    copy = tmp_path / "evidence"
    shutil.copytree(Path(refused[0].folder) / "evidence", copy)
    assert migrate("evidence", "check", "evidence", "--json").json == {"intact": True, "problems": []}
    (copy / "report.json").write_text("{}")
    ended = migrate("evidence", "check", "evidence", "--json")
    assert (ended.code, ended.json["problems"][0]["file"]) == (1, "report.json")
