"""SIGKILL at any point: the next attempts complete the import, and Mission's books are those of an undisturbed one."""

from __future__ import annotations

from pathlib import Path
from random import Random
from threading import Timer

import pytest

from migrate_etl.sandbox.mission.process import MissionSandbox
from migrate_etl.sandbox.rock import truth_of
from tests.journeys.church import KEY, Church, end, outcomes, violations

LOADING = 12
"""Kills while reading and loading."""
PROVING = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Kills while proving and reporting: within so many seconds of the load's end, for nobody knows how long it takes."""


def _undisturbed(church: Church, folder: Path) -> str:
    with MissionSandbox.start(folder / "elsewhere", "grace", KEY) as other:
        with Church(folder / "undisturbed", church.rock, other).job() as job:
            job.run()
        return other.digest()


def _killed(church: Church, chance: Random, last: str, steps: int, seconds: float) -> bool:
    """One attempt, killed some time after its nth step, or after one that begins with `last`; whether it was."""
    workspace = church.workspace(batch_size=50)
    process = church.attempt(workspace)
    assert process.stdout is not None
    for _, line in zip(range(steps), process.stdout, strict=False):
        if line.startswith(last):
            break
    cut = Timer(chance.uniform(0, seconds), process.kill)
    cut.start()
    told = end(process)
    cut.join()
    assert violations(workspace) == []
    return "completed" not in told and process.returncode < 0


@pytest.mark.timeout(280)
def test_killed_at_random_points_the_books_are_the_same(church: Church, tmp_path: Path) -> None:
    chance = Random(20)
    under_way = [_killed(church, chance, "load prayer_requests", chance.randint(1, 60), 0.03) for _ in range(LOADING)]
    at_the_end = [_killed(church, chance, "load prayer_requests", 1_000, within) for within in PROVING]
    assert sum(under_way) > LOADING // 2
    assert any(at_the_end)
    assert end(church.attempt(church.workspace(batch_size=50)))[-1] == "completed"
    assert church.mission.digest() == _undisturbed(church, tmp_path)
    with church.job(batch_size=50) as job:
        truth = truth_of(church.rock)
        for entity, (found, done, unchanged, skipped, failed, pending) in outcomes(job).items():
            assert (found, skipped) == (truth.discovered[entity], truth.skipped[entity].total())
            assert (done + unchanged, failed, pending) == (truth.loaded[entity], 0, 0)
        proof = job.prove()
    assert proof.verification is not None
    assert proof.verification.scope_match
    assert proof.verification.mission.amount == truth.in_scope


def test_three_runs_in_a_row_leave_the_same_books_and_send_once(church: Church) -> None:
    digests = []
    for name in ("first", "second", "third"):
        with church.job(name) as job:
            proof = job.run()
        digests.append(church.mission.digest())
        posted = [one for one in church.mission.requests()["requests"] if one["method"] == "POST"]
        assert bool(posted) == (name == "first")
        assert all(counts.balanced and counts.pending == 0 for counts in proof.counts.values())
        church.mission.reset()
    assert len(set(digests)) == 1


def test_mission_killed_under_the_load_answers_again_and_nothing_is_doubled(church: Church, tmp_path: Path) -> None:
    process = church.attempt(church.workspace(batch_size=50))
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("load contributions"):
            break
    church.mission.kill()
    port = int(church.mission.url.rsplit(":")[-1])
    with MissionSandbox.start(church.mission.database.parent, "grace", KEY, port=port) as again:
        assert end(process)[-1] == "completed"
        assert again.digest() == _undisturbed(church, tmp_path)


@pytest.mark.parametrize("size", [20_000, 300_000])
def test_a_full_disk_is_told_and_the_job_goes_on_when_there_is_room(church: Church, size: int, tmp_path: Path) -> None:
    workspace = church.workspace()
    told = end(church.attempt(workspace, str(size)))
    assert told[-1] in ("DISK_FULL", "STORAGE_FAILED", "DISK_FAILED")
    assert end(church.attempt(workspace))[-1] == "completed"
    assert violations(workspace) == []
    with church.job() as job:
        assert all(pending == 0 for *_, pending in outcomes(job).values())
