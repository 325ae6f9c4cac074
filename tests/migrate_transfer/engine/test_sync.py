"""A sync over several passes: what is new is sent, what was renamed is renamed, what is gone stays or goes."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from migrate_transfer.backends.local.source import LocalSource
from migrate_transfer.core.control import Control
from migrate_transfer.engine.transfer import Transfer
from migrate_transfer.ledger.item_records import FileTotals
from migrate_transfer.spec import TransferSpec
from tests.fakes.azurite import Azurite, destination


@dataclass
class Synced:
    """A folder that is kept in step with a container."""

    folder: Path
    job: Path
    azurite: Azurite
    container: str
    spec: TransferSpec

    def transfer(self) -> Transfer:
        target = destination(self.azurite.endpoint, self.container)
        return Transfer(self.job, self.spec, LocalSource(self.folder), target)

    def sync(self, passes: int = 1) -> FileTotals:
        transfer = self.transfer()
        try:
            return transfer.run(Control(), passes=passes)
        finally:
            transfer.close()

    def there(self) -> dict[str, bytes]:
        client = self.azurite.service.get_container_client(self.container)
        return {blob.name: client.download_blob(blob.name).readall() for blob in client.list_blobs()}

    def here(self) -> dict[str, bytes]:
        return {str(p.relative_to(self.folder)): p.read_bytes() for p in self.folder.rglob("*") if p.is_file()}


@pytest.fixture
def synced(tmp_path: Path, azurite: Azurite) -> Synced:
    folder, container = tmp_path / "files", f"c{secrets.token_hex(6)}"
    folder.mkdir()
    spec = TransferSpec("sync", str(folder), f"azure_blob://devstoreaccount1/{container}", every=0.0)
    for name in ("a", "b", "c"):
        (folder / name).write_bytes(secrets.token_bytes(1_000))
    return Synced(folder, tmp_path / "job", azurite, container, spec)


def counts(totals: FileTotals) -> tuple[int, int, int, int]:
    found = totals.counts
    assert found.balanced
    return found.done, found.unchanged, found.failed, totals.sent


def test_a_second_pass_sends_nothing(synced: Synced) -> None:
    assert counts(synced.sync()) == (3, 0, 0, 3_000)
    assert counts(synced.sync()) == (0, 3, 0, 0)
    assert synced.there() == synced.here()


def test_what_is_new_or_changed_is_sent(synced: Synced) -> None:
    synced.sync()
    (synced.folder / "b").write_bytes(b"changed")
    (synced.folder / "d").write_bytes(b"new")
    assert counts(synced.sync()) == (2, 2, 0, 10)
    assert synced.there() == synced.here()


def test_what_was_only_touched_is_read_and_not_sent(synced: Synced) -> None:
    synced.sync()
    (synced.folder / "b").touch()
    assert counts(synced.sync()) == (0, 3, 0, 0)


def test_what_was_renamed_is_renamed_without_being_sent(synced: Synced) -> None:
    synced.sync()
    (synced.folder / "sub").mkdir()
    (synced.folder / "b").rename(synced.folder / "sub" / "b2")
    assert counts(synced.sync()) == (1, 2, 0, 0)
    assert synced.there() == synced.here()


def test_what_was_renamed_and_changed_is_sent_and_its_old_version_stays(synced: Synced) -> None:
    synced.sync()
    with (synced.folder / "b").open("ab") as file:
        file.write(b"more")
    (synced.folder / "b").rename(synced.folder / "b2")
    assert counts(synced.sync()) == (1, 2, 0, 1_004)
    assert synced.there().keys() == {"a", "b", "b2", "c"}


def test_what_was_renamed_and_changed_leaves_no_double_where_deletions_are_asked_for(synced: Synced) -> None:
    synced.spec = replace(synced.spec, deletions=True)
    synced.sync()
    with (synced.folder / "b").open("ab") as file:
        file.write(b"more")
    (synced.folder / "b").rename(synced.folder / "b2")
    synced.sync()
    assert synced.there() == synced.here()


def test_names_that_are_exchanged(synced: Synced) -> None:
    synced.sync()
    (synced.folder / "a").rename(synced.folder / "x")
    (synced.folder / "b").rename(synced.folder / "a")
    (synced.folder / "x").rename(synced.folder / "b")
    synced.sync()
    assert synced.there() == synced.here()


def test_what_is_gone_stays_unless_deletions_are_asked_for(synced: Synced) -> None:
    synced.sync()
    (synced.folder / "c").unlink()
    synced.sync()
    assert synced.there().keys() == {"a", "b", "c"}


def test_deletions_are_carried_over_where_asked_for(synced: Synced) -> None:
    synced.spec = replace(synced.spec, deletions=True)
    client = synced.azurite.container(synced.container)
    client.upload_blob("foreign", b"somebody else's")
    synced.sync()
    (synced.folder / "c").unlink()
    synced.sync()
    assert synced.there().keys() == {"a", "b", "foreign"}


def test_a_pass_with_a_failure_removes_nothing(synced: Synced) -> None:
    synced.spec = replace(synced.spec, deletions=True)
    synced.sync()
    (synced.folder / "c").unlink()
    client = synced.azurite.service.get_container_client(synced.container)
    client.upload_blob("d", b"in the way")
    (synced.folder / "d").write_bytes(b"other thing")
    assert counts(synced.sync())[2] == 1
    assert synced.there().keys() == {"a", "b", "c", "d"}


def test_what_a_failed_pass_did_not_remove_the_next_one_removes(synced: Synced) -> None:
    synced.spec = replace(synced.spec, deletions=True)
    synced.sync()
    (synced.folder / "c").unlink()
    client = synced.azurite.service.get_container_client(synced.container)
    client.upload_blob("d", b"in the way")
    (synced.folder / "d").write_bytes(b"other thing")
    assert counts(synced.sync())[2] == 1
    client.delete_blob("d")
    synced.sync()
    assert synced.there() == synced.here()


@pytest.mark.parametrize("deletions", [True, False])
def test_what_could_not_be_removed_is_tried_again_in_the_next_pass(synced: Synced, deletions: bool) -> None:
    """A lease keeps an object from being deleted, under its own name or, once renamed, under its old one."""
    synced.spec = replace(synced.spec, deletions=deletions)
    synced.sync()
    blob = synced.azurite.service.get_container_client(synced.container).get_blob_client("c")
    lease = blob.acquire_lease()
    if deletions:
        (synced.folder / "c").unlink()
    else:
        (synced.folder / "c").rename(synced.folder / "c2")
    for _ in range(2):
        synced.sync()
        assert "c" in synced.there()
    lease.release()
    synced.sync()
    assert synced.there() == synced.here()


def test_a_new_file_with_the_number_of_one_that_is_gone_is_no_rename(synced: Synced) -> None:
    """A file system gives the number again: a file that is written anew and renamed has it for certain."""
    synced.sync()
    (synced.folder / "c").write_bytes(b"another file")
    (synced.folder / "c").rename(synced.folder / "d")
    synced.sync()
    assert synced.there().keys() == {"a", "b", "c", "d"}


def test_a_killed_pass_is_finished_by_the_next_process(synced: Synced) -> None:
    synced.sync()
    (synced.folder / "b").write_bytes(b"changed")
    half = synced.transfer()
    half.ledger.passes.begin()
    half.scan(Control())
    half.close()
    assert counts(synced.sync()) == (1, 2, 0, 7)
    assert synced.there() == synced.here()


def test_it_goes_on_until_it_is_stopped(synced: Synced) -> None:
    assert counts(synced.sync(passes=3)) == (0, 3, 0, 0)
    transfer = synced.transfer()
    assert transfer.ledger.passes.moved() == (3, 3, 3_000)
    transfer.close()
