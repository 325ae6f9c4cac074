"""copy, archive, sync and verify as an operator types them, against a real emulator of Azure Storage."""

from __future__ import annotations

import csv
import json
import os
import secrets
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from migrate_transfer.core.control import Control
from tests.fakes.azurite import ACCOUNT, Azurite
from tests.journeys.files import COMMAND, ROOT
from tests.migrate_api.cli.conftest import Ended, Migrate


@dataclass
class Site:
    """A folder, a container, and the command line between them."""

    migrate: Migrate
    azurite: Azurite
    folder: Path
    out: Path
    container: str

    def __call__(self, verb: str, *options: str) -> Ended:
        to = f"azure_blob://{ACCOUNT}/{self.container}/some/prefix"
        return self.migrate(verb, str(self.folder), to, "--out", str(self.out), "--json", *options, **self.environment)

    @property
    def environment(self) -> dict[str, str]:
        return {"AZURE_STORAGE_CONNECTION_STRING": self.azurite.connection_string}

    def names(self) -> set[str]:
        return {blob.name for blob in self.azurite.service.get_container_client(self.container).list_blobs()}

    def tiers(self) -> set[str]:
        client = self.azurite.service.get_container_client(self.container)
        return {str(blob.blob_tier) for blob in client.list_blobs()}


@pytest.fixture
def site(migrate: Migrate, azurite: Azurite, tmp_path: Path) -> Site:
    folder = tmp_path / "files"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_bytes(b"hello")
    (folder / "sub" / "b.bin").write_bytes(secrets.token_bytes(3_000_000))
    (folder / "sub" / "~tmp").write_bytes(b"-")
    (folder / "link").symlink_to("/etc/hostname")
    return Site(migrate, azurite, folder, tmp_path / "out", f"c{secrets.token_hex(6)}")


def test_a_copy_ends_with_its_papers(site: Site) -> None:
    ended = site("copy", "--exclude", "~*", "--chunk-mb", "1")
    assert ended.code == 0
    found = ended.json
    assert found["items"] == {"discovered": 4, "done": 2, "unchanged": 0, "skipped": 2, "failed": 0, "pending": 0}
    assert (found["balanced"], found["verification"], found["bytes_moved"]) == (True, "received", 3_000_005)
    assert found["skipped_by_rule"] == {"excluded": 1, "link": 1}
    assert found["forecast"]["bytes"]["likely"] == 3_000_005
    assert site.names() == {"some/prefix/a.txt", "some/prefix/sub/b.bin"}


def test_the_list_reconciles(site: Site) -> None:
    folder = Path(site("copy").json["job"])
    rows = list(csv.reader((folder / "items.csv").read_text(encoding="utf-8-sig").splitlines()))
    sums = {row[0]: int(row[1]) for row in rows[:8]}
    assert sums["discovered"] == sums["done"] + sums["unchanged"] + sums["skipped"] + sums["failed"] + sums["pending"]
    assert rows[-1][:4] == ["link", "0", "skipped", "link"]


def test_the_manifest_is_verified_and_says_what_differs(site: Site) -> None:
    manifest = Path(site("copy").json["job"]) / "manifest.jsonl"
    assert site.migrate("verify", str(manifest), "--json", **site.environment).json["objects"] == {"same": 3}
    client = site.azurite.service.get_container_client(site.container)
    client.upload_blob("some/prefix/a.txt", b"hellO", overwrite=True)
    client.delete_blob("some/prefix/sub/~tmp")
    ended = site.migrate("verify", str(manifest), "--json", **site.environment)
    assert (ended.code, ended.json["objects"]) == (1, {"same": 1, "different": 1, "missing": 1})
    assert {one["path"] for one in ended.json["differences"]} == {"a.txt", "sub/~tmp"}


def test_names_are_shown_as_they_are(site: Site) -> None:
    """What draws the tables takes words in brackets, or between colons, for orders."""
    client = site.azurite.container(site.container)
    for name in ("[/x].txt", "[red]a", ":smile:"):
        (site.folder / name).parent.mkdir(exist_ok=True)
        (site.folder / name).write_bytes(b"ours")
        client.upload_blob(f"some/prefix/{name}", b"somebody else's")
    site.out = site.folder.parent / "[/b] out"
    to = f"azure_blob://{ACCOUNT}/{site.container}/some/prefix"
    ended = site.migrate("copy", str(site.folder), to, "--out", str(site.out), **site.environment)
    assert ended.code == 1
    assert all(name in ended.out for name in ("[/x].txt", "[red]a", ":smile:", f"{site.out}/copy-"))


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_folders_whose_names_are_no_utf_8(site: Site, options: tuple[str, ...]) -> None:
    site.folder = site.folder.rename(site.folder.with_name(os.fsdecode(b"Stra\xdfe")))
    site.out = site.folder.with_name(os.fsdecode(b"b\xfccher"))
    to = f"azure_blob://{ACCOUNT}/{site.container}"
    ended = site.migrate("copy", str(site.folder), to, "--out", str(site.out), *options, **site.environment)
    assert ended.code == 0
    (manifest,) = site.out.glob("*/manifest.jsonl")
    assert site.migrate("verify", str(manifest), *options, **site.environment).code == 0


def test_a_manifest_that_was_cut_is_no_manifest(site: Site) -> None:
    manifest = Path(site("copy").json["job"]) / "manifest.jsonl"
    lines = manifest.read_text().splitlines(keepends=True)
    manifest.write_text("".join(lines[:-1]))
    ended = site.migrate("verify", str(manifest), "--json", **site.environment)
    assert (ended.code, ended.json["error"]["code"]) == (2, "MANIFEST_DAMAGED")


def test_a_second_copy_finds_everything_there(site: Site) -> None:
    site("copy")
    found = site("copy").json
    assert (found["items"]["unchanged"], found["bytes_sent"]) == (3, 0)
    assert found["forecast"]["files"] == {"low": 0, "likely": 0, "high": 3}


def test_a_dry_run_moves_and_keeps_nothing(site: Site) -> None:
    ended = site("copy", "--dry-run")
    assert (ended.code, ended.json["items"]["pending"]) == (0, 3)
    assert not site.out.exists()
    assert not site.azurite.service.get_container_client(site.container).exists()


def test_that_nothing_was_to_be_moved_is_told(site: Site) -> None:
    to = f"azure_blob://{ACCOUNT}/{site.container}"
    options = ("--out", str(site.out), "--include", "*.nowhere")
    ended = site.migrate("copy", str(site.folder), to, *options, **site.environment)
    assert (ended.code, "Nothing was to be moved" in ended.out) == (0, True)


def test_a_dry_run_leans_on_the_speeds_of_the_jobs_beside_it(site: Site) -> None:
    site.out.mkdir()
    (site.out / "speeds.json").write_text("[[1000000.0, 10.0]]")
    assert site("copy", "--dry-run").json["forecast"]["measured"] is True
    assert [path.name for path in site.out.iterdir()] == ["speeds.json"]


def test_what_a_killed_dry_run_left_goes_with_the_next_command(site: Site) -> None:
    """Its books are where the jobs are, and not in the system's folder for passing things."""
    place = f"azure_blob://{ACCOUNT}/{site.container}"
    command = [*COMMAND, "copy", str(site.folder), place, "--out", str(site.out), "--dry-run", "--json"]
    for number in range(20_000):
        (site.folder / f"file {number}").touch()
    environment = {**os.environ, **site.environment, "TMPDIR": "/nowhere"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    while not (left := list(site.out.glob("dry-run-*/items.sqlite"))) and process.poll() is None:
        Control().wait(0.01)
    process.kill()
    process.wait()
    assert left
    site("copy", "--dry-run")
    assert list(site.out.glob("dry-run-*")) == []


def test_an_archive_is_read_back_then_archived(site: Site) -> None:
    found = site("archive").json
    assert (found["items"]["done"], found["verification"], site.tiers()) == (3, "reread", {"Archive"})
    manifest = Path(found["job"]) / "manifest.jsonl"
    ended = site.migrate("verify", str(manifest), "--json", **site.environment)
    assert (ended.code, ended.json["objects"]) == (0, {"archived": 3})


def test_a_second_copy_moves_what_is_there_to_the_tier_it_asks_for(site: Site) -> None:
    site("copy")
    found = site("copy", "--tier", "cool").json
    assert (found["items"]["unchanged"], found["bytes_sent"], site.tiers()) == (3, 0, {"Cool"})


def test_the_source_is_deleted_once_its_copy_is_proven(site: Site) -> None:
    found = site("copy", "--delete-source").json
    assert (found["items"]["done"], found["verification"]) == (3, "reread")
    assert [path.name for path in site.folder.rglob("*") if not path.is_dir()] == ["link"]
    assert len(site.names()) == 3


def test_a_sync_ends_after_its_passes(site: Site) -> None:
    assert site("sync", "--passes", "1").json["items"]["done"] == 3
    (site.folder / "a.txt").write_bytes(b"changed")
    assert site("sync", "--passes", "2", "--every", "0").json["items"]["unchanged"] == 3


def test_the_same_words_in_another_folder_are_not_the_same_job(site: Site) -> None:
    """A sync with --deletions would go on with the books of the other folder, and remove what that has put."""
    to = f"azure_blob://{ACCOUNT}/{site.container}"
    found = site.migrate("copy", "files", to, "--out", str(site.out), "--json", **site.environment).json
    assert found["source"] == str(site.folder)


def test_a_job_whose_books_lie_in_its_source_is_refused(site: Site) -> None:
    """They change while they are read, and --delete-source would delete them."""
    site.out = site.folder / "out"
    ended = site("copy", "--delete-source")
    assert (ended.code, ended.json["error"]["code"]) == (2, "BOOKS_IN_SOURCE")
    assert (site.folder / "a.txt").exists()
    assert site("copy", "--exclude", "out/**").json["items"]["done"] == 3


def test_a_sync_tells_what_it_could_not_remove(site: Site) -> None:
    assert site("sync", "--passes", "1", "--deletions").json["not_removed"] == 0
    blob = site.azurite.service.get_blob_client(site.container, "some/prefix/a.txt")
    lease = blob.acquire_lease()
    (site.folder / "a.txt").unlink()
    assert site("sync", "--passes", "1", "--deletions").json["not_removed"] == 1
    lease.release()
    assert site("sync", "--passes", "1", "--deletions").json["not_removed"] == 0
    assert "some/prefix/a.txt" not in site.names()


def test_a_person_is_told_so_too(site: Site) -> None:
    words = (str(site.folder), f"azure_blob://{ACCOUNT}/{site.container}", "--out", str(site.out))
    options = ("--passes", "1", "--deletions")
    site.migrate("sync", *words, *options, **site.environment)
    site.azurite.service.get_blob_client(site.container, "a.txt").acquire_lease()
    (site.folder / "a.txt").unlink()
    assert "Objects that were not removed: 1." in site.migrate("sync", *words, *options, **site.environment).out


def test_a_sync_leaves_its_report(site: Site) -> None:
    site("sync", "--passes", "1")
    assert json.loads((next(site.out.glob("sync-*")) / "report.json").read_text())["balanced"] is True


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["copy", "/nowhere/at/all", "azure_blob://account/container"], 2, "SOURCE_NOT_FOUND"),
        (["copy", ".", "azure_blob://account/C"], 2, "BAD_CONTAINER"),
        (["copy", "", "azure_blob://account/container", "--delete-source"], 2, "SOURCE_NOT_FOUND"),
        (["copy", ".", "azure_blob://account/container", "--bandwidth-mbps", "inf"], 2, "USAGE"),
        (["sync", ".", "azure_blob://account/container", "--every", "1e12"], 2, "USAGE"),
        (["copy", ".", "s3://bucket"], 2, "UNKNOWN_PLACE"),
        (["copy", ".", "/some/folder"], 2, "UNKNOWN_PLACE"),
        (["copy", ".", "azure_blob://account/container", "--tier", "warm"], 2, "BAD_TIER"),
        (["copy", ".", "azure_blob://account/container?sig=hunter2"], 2, "SECRET_ON_COMMAND_LINE"),
    ],
)
def test_wrong_input_is_told_with_a_remedy(
    migrate: Migrate, tmp_path: Path, options: list[str], code: int, says: str
) -> None:
    environment = {"AZURE_STORAGE_SAS_TOKEN": "sv=1&sig=x"}
    ended = migrate(*options, "--out", str(tmp_path), "--json", **environment)
    assert (ended.code, ended.json["error"]["code"]) == (code, says)
    assert ended.json["error"]["remedy"]


def test_a_connection_string_of_another_account_is_refused(site: Site) -> None:
    """The files would go where nobody looks for them, and the manifest would name the other account."""
    to = f"azure_blob://another/{site.container}"
    ended = site.migrate("copy", str(site.folder), to, "--out", str(site.out), "--json", **site.environment)
    assert (ended.code, ended.json["error"]["code"]) == (2, "OTHER_ACCOUNT")


def test_an_endpoint_that_is_no_address_is_told(migrate: Migrate) -> None:
    given = {"AZURE_STORAGE_SAS_TOKEN": "sv=1&sig=x", "AZURE_STORAGE_BLOB_ENDPOINT": "http://[::1"}
    ended = migrate("copy", "/", "azure_blob://account/container", "--exclude", "**", "--json", **given)
    assert (ended.code, ended.json["error"]["code"]) == (2, "BAD_URL")


def test_a_signature_may_have_blanks_about_it(site: Site, tmp_path: Path) -> None:
    """A line that was pasted, or read from a file, ends with one."""
    to = f"azure_blob://{ACCOUNT}/{site.container}"
    given = {"AZURE_STORAGE_SAS_TOKEN": " sv=1&sig=x\n", "AZURE_STORAGE_BLOB_ENDPOINT": site.azurite.endpoint}
    ended = site.migrate("copy", str(site.folder), to, "--json", **given)
    assert ended.json["error"]["code"] == "AZURE_ACCESS_DENIED"


def test_without_credentials_it_says_where_they_go(migrate: Migrate, tmp_path: Path) -> None:
    ended = migrate("copy", ".", "azure_blob://account/container", "--out", str(tmp_path), "--json")
    assert ended.json["error"]["code"] == "SECRET_MISSING"
    assert "AZURE_STORAGE_CONNECTION_STRING" in ended.json["error"]["remedy"]


def test_a_key_that_is_wrong_is_refused(site: Site) -> None:
    key = "d3Jvbmc="
    wrong = (
        site.azurite.connection_string.split("AccountKey=")[0]
        + f"AccountKey={key};BlobEndpoint={site.azurite.endpoint}"
    )
    to = f"azure_blob://{ACCOUNT}/{site.container}"
    ended = site.migrate("copy", str(site.folder), to, "--json", AZURE_STORAGE_CONNECTION_STRING=wrong)
    assert (ended.code, ended.json["error"]["code"]) == (5, "AZURE_ACCESS_DENIED")
    assert key not in ended.out + ended.err
