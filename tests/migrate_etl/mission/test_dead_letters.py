"""Dead letters of a whole job: listed, corrected, replayed, and the correction kept by the next run."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from migrate_etl.dead_letters import DeadLetter, correct, dead_letters, replay
from migrate_etl.job import ImportJob
from migrate_etl.sandbox.mission.process import MissionSandbox
from migrate_etl.sandbox.rock import empty_rock
from migrate_etl.spec import ImportSecrets, RockImportSpec
from migrate_etl.workspace import Workspace
from migrate_transfer.core.errors import InvalidRequest
from tests.migrate_etl.mission.importer import KEY

ENTITIES = ("people", "groups", "contributions")


class Church:
    """Two donors, a gift each, and two groups, one below the other."""

    def __init__(self, folder: Path, mission: MissionSandbox) -> None:
        self.folder, self.mission = folder, mission
        with empty_rock(folder / "rock.sqlite") as rock:
            people = [rock.person("Ann", "Hill"), rock.person("Ben", "Moor")]
            for one in people:
                rock.gift(1250, datetime(2024, 5, 5, 9), rock.alias_of(one))
            rock.fund("Roof", ParentAccountId=1)
            self.below, self.above = (f"rock:group:{rock.group(name)}" for name in ("Below", "Above"))
        self.people = [f"rock:person:{one}" for one in people]

    def job(self, name: str) -> ImportJob:
        spec = RockImportSpec.model_validate(
            {
                "job_id": name,
                "organization": "grace",
                "mission_url": self.mission.url,
                "entities": ENTITIES,
                "time_zone": "America/Chicago",
                "started_on": date(2026, 11, 20),
            }
        )
        secrets = {"rock_connection": f"sqlite:///{self.folder}/rock.sqlite", "mission_key": KEY}
        return ImportJob(Workspace.create(self.folder / "jobs" / name, spec), ImportSecrets.model_validate(secrets))

    def run(self, name: str) -> list[DeadLetter]:
        """Import; returns the dead letters."""
        with self.job(name) as job:
            job.run()
            return dead_letters(job.workspace)

    def replay(self, name: str, of: str) -> int:
        """Replay what is not replayed yet; returns how many failed again."""
        letters = [one for one in dead_letters(self.job(of).workspace) if not one.replayed]
        with self.job(name) as job:
            return sum(totals.failed for totals in replay(job, letters).values())

    def correct(self, name: str, external_id: str, **changes: Any) -> DeadLetter:
        return correct(self.job(name).workspace, external_id, changes, "Ann", "typo")


@pytest.fixture
def church(tmp_path: Path, mission: MissionSandbox) -> Church:
    return Church(tmp_path, mission)


def test_a_letter_says_what_failed_and_why(church: Church) -> None:
    church.mission.fault("reject_records", external_ids=church.people[:1], message="first_name: no")
    gift, person = church.run("first")
    assert (person.entity, person.external_id, person.code) == ("people", church.people[0], "VALIDATION_ERROR")
    assert (person.message, person.corrected, person.replayed) == ("first_name: no", None, False)
    assert orjson.loads(person.payload)["first_name"] == "Ann"
    assert (gift.entity, gift.code) == ("contributions", "PERSON_NOT_FOUND")
    assert "people" in gift.remedy


def test_what_was_only_missing_is_replayed_as_it_was(church: Church) -> None:
    church.mission.fault("reject_records", external_ids=church.people[:1])
    church.run("first")
    church.mission.clear_faults()
    assert church.replay("again", of="first") == 0
    assert [one.replayed for one in dead_letters(church.job("first").workspace)] == [True, True]
    assert church.run("second") == []


def test_a_correction_is_sent_and_the_next_run_does_not_undo_it(church: Church) -> None:
    church.mission.fault("reject_records", external_ids=church.people[:1])
    church.run("first")
    church.mission.clear_faults()
    letter = church.correct("first", church.people[0], first_name="Anna")
    assert orjson.loads(letter.to_send)["first_name"] == "Anna"
    assert church.replay("again", of="first") == 0
    names = "SELECT first_name FROM people WHERE external_id = ?"
    for name in ("second", "third"):
        assert church.run(name) == []
        assert church.mission.sql(names, (church.people[0],)) == [("Anna",)]


def test_a_second_correction_adds_to_the_first(church: Church) -> None:
    church.mission.fault("reject_records", external_ids=church.people[:1])
    church.run("first")
    church.correct("first", church.people[0], first_name="Anna")
    letter = church.correct("first", church.people[0], last_name="Hall")
    record = orjson.loads(letter.to_send)
    assert (record["first_name"], record["last_name"]) == ("Anna", "Hall")


def test_a_correction_that_mission_refuses_too_is_a_letter_of_the_replay(church: Church) -> None:
    church.mission.fault("reject_records", external_ids=church.people[:1])
    church.run("first")
    church.correct("first", church.people[0], first_name="Anna")
    church.mission.clear_faults()
    church.mission.fault("reject_records", external_ids=church.people[:1])
    assert church.replay("again", of="first") == 2
    assert len(dead_letters(church.job("again").workspace)) == 2
    assert not any(one.replayed for one in dead_letters(church.job("first").workspace))


def test_a_correction_of_what_rock_said_before_is_not_sent_for_what_it_says_now(church: Church) -> None:
    church.mission.fault("reject_records", external_ids=church.people[:1])
    church.run("first")
    church.correct("first", church.people[0], first_name="Anna")
    with closing(sqlite3.connect(church.folder / "rock.sqlite")) as connection, connection:
        connection.execute("UPDATE Person SET LastName = 'Married' WHERE FirstName = 'Ann'")
    person = next(one for one in church.run("second") if one.entity == "people")
    assert person.corrected is None
    assert orjson.loads(person.to_send)["last_name"] == "Married"


def test_an_amount_that_is_none_is_refused(church: Church) -> None:
    church.mission.fault("reject_records", external_ids=church.people[:1])
    gift = church.run("first")[0]
    for amount in ("12.5", "12.505", "1e-2", " 12.50", "1_2.50", "NaN", "١٢.٥٠", 12.5, None, "", "+1.00"):
        with pytest.raises(InvalidRequest, match="two decimals"):
            church.correct("first", gift.external_id, amount=amount)
    assert dead_letters(church.job("first").workspace)[0].corrected is None


def test_wrong_corrections_are_refused_with_the_remedy(church: Church) -> None:
    church.mission.fault("reject_records", external_ids=church.people[:1])
    church.run("first")
    workspace, known = church.job("first").workspace, church.people[0]
    for external_id, changes, author, reason in [
        ("rock:person:999", {"first_name": "A"}, "Ann", "typo"),
        (known, {"nickname": "A"}, "Ann", "typo"),
        (known, {"external_id": "rock:person:1"}, "Ann", "typo"),
        (known, {"first_name": "A"}, " ", "typo"),
        (known, {"first_name": "A"}, "Ann", ""),
    ]:
        with pytest.raises(InvalidRequest) as caught:
            correct(workspace, external_id, changes, author, reason)
        assert caught.value.remedy


def test_a_replay_killed_after_the_answer_is_finished_by_the_next(church: Church) -> None:
    church.mission.fault("reject_records", external_ids=church.people[:1])
    church.run("first")
    church.mission.clear_faults()
    church.mission.fault("drop_after_commit", times=1)
    church.correct("first", church.people[0], first_name="Anna")
    letters = dead_letters(church.job("first").workspace)
    with church.job("again") as job:
        replay(job, letters)
        replay(job, letters)
        assert job.ledger.totals("people").done == 1
    assert church.run("second") == []


def test_groups_are_replayed_parents_first(church: Church) -> None:
    below, above = church.below, church.above
    church.mission.fault("reject_records", external_ids=[below, above])
    letters = [one for one in church.run("first") if one.entity == "groups"]
    assert [one.external_id for one in letters] == [below, above]
    payload = orjson.loads(letters[0].payload) | {"external_parent_id": above}
    church.mission.clear_faults()
    with church.job("again") as job:
        child = replace(letters[0], corrected=orjson.dumps(payload))
        assert replay(job, [child, letters[1]])["groups"].done == 2


def test_a_refused_fund_is_replayed_before_the_gifts_that_name_it(church: Church) -> None:
    church.mission.fault("reject_records", external_ids=["rock:fund:1"])
    letters = church.run("first")
    assert [one.entity for one in letters] == ["contributions", "contributions", "funds", "funds"]
    assert [one.code for one in letters[1:]] == ["FUND_NOT_FOUND", "VALIDATION_ERROR", "PARENT_NOT_FOUND"]
    church.mission.clear_faults()
    assert church.replay("again", of="first") == 0
    assert church.run("second") == []
