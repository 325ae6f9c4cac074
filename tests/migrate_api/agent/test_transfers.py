"""Files moved by an agent as a real process: jobs through the service, into a real emulator of Azure Storage."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from migrate_api.protocol.states import JobStatus
from migrate_api.tables import Job
from migrate_transfer.backends.azure.answers import written
from migrate_transfer.places import BOOKS
from tests.fakes.azurite import ACCOUNT, KEY, Azurite
from tests.migrate_api.agent.conftest import Ground, Idle, eventually, kill
from tests.migrate_api.site import HOST

MIB = 2**20


@dataclass
class Move:
    """A folder of the agent's machine, a project and its container."""

    ground: Ground
    agent: dict[str, Any]
    azurite: Azurite
    folder: Path
    project: dict[str, Any]
    container: str

    def job(self, kind: str = "migrate_files", **fields: Any) -> dict[str, Any]:
        given = {"type": kind, "source": {"type": "local", "path": str(self.folder)}, "allow_offline": True}
        return self.ground.site.job(self.agent, self.project, **{**given, **fields})

    def there(self) -> dict[str, str]:
        client = self.azurite.service.get_container_client(self.container)
        blobs = [(blob.name, client.download_blob(blob.name).readall()) for blob in client.list_blobs()]
        return {name: hashlib.sha256(data).hexdigest() for name, data in blobs}

    def here(self) -> dict[str, str]:
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return {
            f"acme/{path.relative_to(self.folder)}": hashlib.sha256(path.read_bytes()).hexdigest() for path in files
        }


@pytest.fixture
def move(idle: Idle, azurite: Azurite, tmp_path: Path) -> Move:
    return moving(*idle, azurite, tmp_path)


def moving(ground: Ground, agent: dict[str, Any], azurite: Azurite, tmp_path: Path) -> Move:
    folder, container = tmp_path / "files", f"c{secrets.token_hex(6)}"
    for number in range(120):
        path = folder / f"folder {number % 5}" / f"{number}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(secrets.token_bytes(number * 997))
    project = ground.site.project("full_migration")
    path = f"/api/projects/{project['id']}/storage"
    secret = azurite.connection_string
    ground.site.call("PUT", path, {"account": ACCOUNT, "container": container, "prefix": "acme", "secret": secret})
    return Move(ground, agent, azurite, folder, project, container)


def test_files_are_moved_and_accounted_for_and_a_second_job_finds_them_there(move: Move) -> None:
    found = move.ground.until(move.job(), "completed")
    size = sum(path.stat().st_size for path in move.folder.rglob("*.bin"))
    assert (found["files_total"], found["files_completed"], found["bytes_completed"]) == (120, 120, size)
    assert (found["result"]["items"]["done"], found["result"]["verification"]) == (120, "received")
    assert move.there() == move.here()
    assert_no_secret_is_left(move)
    again = move.ground.until(move.job(), "completed")
    assert (again["files_completed"], again["files_unchanged"], again["bytes_completed"]) == (0, 120, 0)


def assert_no_secret_is_left(move: Move) -> None:
    assert [path for path in move.ground.home.rglob("*") if KEY.encode() in content(path)] == []


def content(path: Path) -> bytes:
    """Nothing of what is no file, or no more: the agent is at work on other jobs."""
    try:
        return path.read_bytes()
    except (IsADirectoryError, FileNotFoundError):
        return b""


def test_an_agent_does_not_move_its_own_books(move: Move) -> None:
    source = {"type": "local", "path": str(move.ground.home)}
    assert move.ground.until(move.job(source=source), "failed")["error_code"] == "BOOKS_IN_SOURCE"


def test_books_may_lie_in_the_source_where_no_pattern_means_them(move: Move) -> None:
    (move.ground.home / "a.docx").write_bytes(b"a letter")
    source = {"type": "local", "path": str(move.ground.home)}
    job = move.ground.until(move.job(source=source, filters={"include_patterns": ["*.docx"]}), "completed")
    assert (job["files_completed"], [*move.there()]) == (1, ["acme/a.docx"])
    books = {path.suffix[1:].partition("-")[0] for path in (move.ground.home / "state" / "jobs").rglob("*.*")}
    assert books <= BOOKS


def test_a_path_of_another_system_is_not_looked_for_where_the_agent_was_started(move: Move) -> None:
    found = move.ground.until(move.job(source={"type": "local", "path": "C:\\Data"}), "failed")
    assert (found["error_code"], found["error_message"]) == (
        "SOURCE_NOT_FOUND",
        "C:\\Data is no whole path on this machine.",
    )


def test_a_loop_of_links_is_no_folder(move: Move) -> None:
    loop = move.folder / "loop"
    loop.symlink_to(loop)
    assert move.ground.until(move.job(source={"type": "local", "path": str(loop)}), "failed")["error_code"] == (
        "SOURCE_NOT_FOUND"
    )


def test_an_archive_deletes_the_source_once_the_copy_is_proven(move: Move) -> None:
    before = move.here()
    destination = {"type": "azure_blob", "tier": "archive"}
    transfer = {"delete_after_upload": True}
    found = move.ground.until(move.job("archive", destination=destination, transfer=transfer), "completed")
    assert (found["files_completed"], move.here()) == (120, {})
    client = move.azurite.service.get_container_client(move.container)
    assert {(blob.name, str(blob.blob_tier)) for blob in client.list_blobs()} == {(key, "Archive") for key in before}


def test_a_killed_agent_goes_on_where_it_was(ground: Ground, azurite: Azurite, tmp_path: Path) -> None:
    """At 4 Mbit a second it is in the middle when it is killed."""
    move = moving(ground, ground.register(), azurite, tmp_path)
    process = ground.start()
    (move.folder / "large.bin").write_bytes(secrets.token_bytes(20 * MIB))
    job = move.job(transfer={"chunk_size_mb": 1, "concurrency": 4, "bandwidth_limit_mbps": 40})
    eventually(lambda: move.ground.job_now(job)["status"] == "running" and len(move.there()) > 3)
    kill(process)
    ground.start()
    found = move.ground.until(job, "completed")
    assert (found["files_completed"], found["files_total"]) == (121, 121)
    assert move.there() == move.here()


def test_what_another_agent_had_listed_is_not_the_total_of_its_successor(move: Move) -> None:
    """It had listed ten items, and may have deleted some of them since."""
    site, source = move.ground.site, {"type": "local", "path": str(move.folder)}
    job, _ = site.running(site.agent("other"), project=move.project, type="migrate_files", source=source)
    site.post(f"/api/jobs/{job['id']}/reassign", {"agent_id": move.agent["id"]})
    assert move.ground.until(job, "completed")["files_total"] == 120


def test_what_the_agent_that_lost_the_job_still_moves_is_no_failure(move: Move) -> None:
    """It sees the same share from its own machine, and the service cannot reach it."""
    site, source = move.ground.site, {"type": "local", "path": str(move.folder)}
    slow = {"delete_after_upload": True, "bandwidth_limit_mbps": 10, "concurrency": 1}
    job, _ = site.running(site.agent("other"), project=move.project, type="migrate_files", source=source, transfer=slow)
    site.post(f"/api/jobs/{job['id']}/reassign", {"agent_id": move.agent["id"]})
    eventually(lambda: move.ground.job_now(job)["files_total"] == 120)
    moved_from(HOST["hostname"], move, "folder 4/99.bin")
    found = move.ground.until(job, "completed")
    assert (found["files_completed"], found["files_unchanged"], move.here()) == (119, 1, {})


def moved_from(host: str, move: Move, key: str) -> None:
    """As an agent of that machine does it."""
    path = move.folder / key
    kept = {
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "mtime": written(path.stat().st_mtime_ns),
        "source": hashlib.sha256(f"{host}\0{move.folder}".encode()).hexdigest()[:16],
        "moved": written(time.time_ns()),
    }
    container = move.azurite.service.get_container_client(move.container)
    container.upload_blob(f"acme/{key}", path.read_bytes(), metadata=kept)
    path.unlink()


def test_pause_resume_and_cancel(move: Move) -> None:
    job = move.job(transfer={"concurrency": 1, "bandwidth_limit_mbps": 8})
    move.ground.until(job, "running")
    move.ground.site.post(f"/api/jobs/{job['id']}/pause")
    assert move.ground.until(job, "paused")["paused_in"] == "running"
    move.ground.site.post(f"/api/jobs/{job['id']}/resume")
    move.ground.until(job, "running")
    move.ground.site.post(f"/api/jobs/{job['id']}/cancel")
    assert move.ground.until(job, "cancelled")["status"] == "cancelled"


def test_failed_files_are_listed_and_retried_alone(move: Move) -> None:
    client = move.azurite.container(move.container)
    client.upload_blob("acme/folder 1/1.bin", b"somebody else's")
    failed = move.ground.until(move.job(), "failed")
    assert (failed["files_failed"], failed["files_completed"]) == (1, 119)
    items = move.ground.site.get(f"/api/jobs/{failed['id']}/items")["items"]
    assert [(item["key"], item["code"]) for item in items] == [("folder 1/1.bin", "DESTINATION_EXISTS")]
    client.delete_blob("acme/folder 1/1.bin")
    again = move.ground.site.post(f"/api/jobs/{failed['id']}/retry-failed")
    found = move.ground.until(again, "completed")
    assert (found["files_total"], found["files_completed"]) == (1, 1)


def test_failed_files_that_are_gone_fail_again(move: Move) -> None:
    """The retry had nothing to do, and said that all was completed."""
    client = move.azurite.container(move.container)
    client.upload_blob("acme/folder 1/1.bin", b"somebody else's")
    failed = move.ground.until(move.job(), "failed")
    (move.folder / "folder 1" / "1.bin").unlink()
    client.delete_blob("acme/folder 1/1.bin")
    again = move.ground.site.post(f"/api/jobs/{failed['id']}/retry-failed")
    found = move.ground.until(again, "failed")
    items = move.ground.site.get(f"/api/jobs/{again['id']}/items")["items"]
    assert (found["files_total"], found["error_code"]) == (1, "ITEMS_FAILED")
    assert [(item["key"], item["code"]) for item in items] == [("folder 1/1.bin", "SOURCE_GONE")]


def test_failed_files_are_not_retried_in_the_folder_below_their_share(move: Move) -> None:
    """Each of them was said to be gone, or moved where its copy is there."""
    client = move.azurite.container(move.container)
    client.upload_blob("acme/folder 1/1.bin", b"somebody else's")
    failed = move.ground.until(move.job(), "failed")
    move.folder.rename(move.folder.with_name("the share"))
    move.folder.mkdir()
    again = move.ground.site.post(f"/api/jobs/{failed['id']}/retry-failed")
    assert move.ground.until(again, "failed")["error_code"] == "SOURCE_NOT_MOUNTED"


def test_books_that_name_no_failed_file_are_not_those_that_are_meant(move: Move) -> None:
    site, job = move.ground.site, move.ground.until(move.job(), "completed")
    with site.database.transaction() as session:  # as where it failed with another agent, after this one had it
        row = session.get_one(Job, job["id"])
        row.status, row.files_failed, row.error_code = JobStatus.FAILED, 1, "ITEMS_FAILED"
    again = site.post(f"/api/jobs/{job['id']}/retry-failed")
    assert move.ground.until(again, "failed")["error_code"] == "RETRY_ELSEWHERE"


def test_a_sync_goes_on_until_it_is_cancelled(move: Move) -> None:
    job = move.job("sync")
    eventually(lambda: move.ground.job_now(job)["files_completed"] == 120)
    assert move.ground.job_now(job)["status"] == "running"
    move.ground.site.post(f"/api/jobs/{job['id']}/cancel")
    assert move.ground.until(job, "cancelled")["files_completed"] == 120
    eventually(lambda: any((move.ground.home / "state" / "jobs" / job["id"]).rglob("report.json")))


def test_a_container_that_is_deleted_fails_the_job_with_its_papers(move: Move) -> None:
    job = move.job(transfer={"concurrency": 1, "bandwidth_limit_mbps": 8})
    eventually(lambda: move.ground.job_now(job)["status"] == "running" and len(move.there()) > 2)
    move.azurite.service.delete_container(move.container)
    found = move.ground.until(job, "failed")
    assert found["error_code"] == "CONTAINER_MISSING"
    (manifest,) = (move.ground.home / "state" / "jobs" / job["id"]).rglob("manifest.jsonl")
    assert json.loads(manifest.read_text().partition("\n")[0])["items"] == 120
