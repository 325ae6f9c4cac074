"""What is read while another entity loads: nothing changes but the time it takes."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from migrate_etl.dataset import Dataset
from migrate_etl.job import ImportJob
from migrate_transfer.core.errors import AccessDenied, Stopped, StorageError
from tests.journeys.church import Church, outcomes, violations


def test_it_makes_what_reading_in_turn_makes(church: Church) -> None:
    with church.job("ahead") as ahead, church.job("in_turn") as in_turn:
        ahead.read_ahead()
        for entity in ahead.spec.entities:
            partitions = ahead.plan.partitions(entity)
            for one, other in zip(ahead.extract(entity, partitions), in_turn.extract(entity, partitions), strict=True):
                assert (one.partition, one.rows, one.facts) == (other.partition, other.rows, other.facts)
            for one, other in zip(ahead.map(entity, partitions), in_turn.map(entity, partitions), strict=True):
                assert one.facts == other.facts
                assert one.preview(10_000).equals(other.preview(10_000))


def test_a_failure_comes_where_its_entity_is_asked_for_and_the_others_go_on(church: Church) -> None:
    with church.job() as job:
        partitions = job.plan.partitions("groups")
        job.extract("groups", partitions)
        for file in Dataset(job.workspace.stage("extracted", "groups", None)).files():
            file.unlink()
        job.read_ahead()
        assert job.map("people", job.plan.partitions("people"))
        with pytest.raises(StorageError):
            job.map("groups", partitions)
        assert job.map("attendance", job.plan.partitions("attendance"))


def test_a_job_that_ends_early_stops_reading_and_goes_on_later(church: Church) -> None:
    church.mission.revoke()
    with pytest.raises(AccessDenied), church.job() as job:
        job.run()
    assert violations(job.workspace) == []
    church.mission.admit("grace", "a-new-key")
    renewed = church.secrets.model_copy(update={"mission_key": SecretStr("a-new-key")})
    with ImportJob(church.workspace(), renewed) as job:
        job.run()
        assert all(pending == 0 for *_, pending in outcomes(job).values())


def test_a_pause_reaches_the_reading(church: Church) -> None:
    with church.job() as job:
        job.scan()
        job.control.stop("paused")
        job.read_ahead()
        with pytest.raises(Stopped):
            job.extract("people", job.plan.partitions("people"))
        assert not job.workspace.stage("extracted", "people", None).exists()
