"""Shares that are mounted below a sync's source, and come and go: what is only away is no deletion."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from migrate_transfer.backends.local.source import LocalSource
from migrate_transfer.backends.memory import Memory
from migrate_transfer.core.backend import Meant, Page, Stored, all_meant
from migrate_transfer.core.errors import SourceError, Stopped
from tests.migrate_transfer.engine.work import Work, contents


@dataclass
class Shares(LocalSource):
    """A folder in which other folders take each other's place, as shares do."""

    folder: Path
    known: dict[str, str] = field(default_factory=dict)
    """What is mounted: key and place."""

    def __post_init__(self) -> None:
        self.folder.mkdir()
        LocalSource.__init__(self, self.folder)

    def mounts(self) -> dict[str, str]:
        return dict(self.known)

    def mount(self, key: str, share: str) -> None:
        """The folder of that key is now the share of that name, which is made where there was none."""
        self._put_away(key)
        kept = self.folder.parent / share
        kept.mkdir(exist_ok=True)
        (self.folder / key).rmdir()
        kept.rename(self.folder / key)
        self.known[key] = share

    def unmount(self, key: str) -> None:
        self._put_away(key)
        self.known.pop(key, None)

    def _put_away(self, key: str) -> None:
        """What is there waits under its own name; an empty folder is in its place."""
        (self.folder / key).mkdir(exist_ok=True)
        (self.folder / key).rename(self.folder.parent / self.known.get(key, "local"))
        (self.folder / key).mkdir()


@dataclass
class Site(Work):
    """A sync with deletions of such a folder."""

    source: Shares = None  # type: ignore[assignment]

    def write(self, *keys: str) -> None:
        for key in keys:
            (self.source.folder / key).write_bytes(key.encode())

    def remove(self, key: str) -> None:
        (self.source.folder / key).unlink()

    def sync(self) -> set[str]:
        """What is there after a pass."""
        assert self.run(passes=1, deletions=True).counts.failed == 0
        return set(contents(self.destination))

    def told(self) -> tuple[str | None, str | None]:
        with self.books(deletions=True) as ledger:
            return ledger.fact("not_removed"), ledger.fact("not_mounted")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """One share, and a file beside it."""
    made = Site(tmp_path, Shares(tmp_path / "files"), kind="sync")
    made.source.mount("m", "nas")
    made.write("m/a", "m/b", "c")
    assert made.sync() == {"m/a", "m/b", "c"}
    return made


def test_what_lies_on_a_share_that_is_not_mounted_stays(site: Site) -> None:
    site.source.unmount("m")
    site.remove("c")
    assert [site.sync(), site.sync()] == [{"m/a", "m/b"}] * 2
    assert site.told() == ("2", '["m"]')


def test_the_same_where_the_mount_point_is_gone_too(site: Site) -> None:
    site.source.unmount("m")
    (site.source.folder / "m").rmdir()
    assert site.sync() == {"m/a", "m/b", "c"}


def test_the_same_where_somebody_wrote_into_the_mount_point(site: Site) -> None:
    site.source.unmount("m")
    site.write("m/x")
    assert site.sync() == {"m/a", "m/b", "m/x", "c"}


def test_once_it_is_mounted_again_deletions_in_it_are_carried_over(site: Site) -> None:
    site.source.unmount("m")
    site.sync()
    site.source.mount("m", "nas")
    site.remove("m/a")
    assert site.sync() == {"m/b", "c"}
    assert site.told() == ("0", "[]")


def test_a_share_that_was_emptied_is_empty_at_the_destination(site: Site) -> None:
    site.remove("m/a")
    site.remove("m/b")
    assert site.sync() == {"c"}


def test_another_share_in_its_place_removes_nothing(site: Site) -> None:
    site.source.mount("m", "other")
    site.write("m/x")
    assert [site.sync(), site.sync()] == [{"m/a", "m/b", "m/x", "c"}] * 2


def test_nor_does_the_first_one_then(site: Site) -> None:
    """Whose the files of the second one are cannot be told any more."""
    site.source.mount("m", "other")
    site.write("m/x")
    site.sync()
    site.source.mount("m", "nas")
    assert site.sync() == {"m/a", "m/b", "m/x", "c"}


def test_the_same_share_by_another_name_goes_on(site: Site) -> None:
    site.source.known["m"] = "nas by its address"
    site.remove("m/a")
    assert site.sync() == {"m/b", "c"}


def test_another_share_that_has_a_few_files_alike_removes_nothing(site: Site) -> None:
    site.write("m/d")
    site.sync()
    site.source.mount("m", "other")
    shutil.copy2(site.folder / "nas" / "a", site.source.folder / "m" / "a")
    assert site.sync() == {"m/a", "m/b", "m/d", "c"}


def test_a_share_over_a_folder_with_files_hides_them_only(site: Site) -> None:
    (site.source.folder / "d").mkdir()
    site.write("d/e")
    site.sync()
    site.source.mount("d", "other")
    assert [site.sync(), site.sync()] == [{"m/a", "m/b", "c", "d/e"}] * 2


@pytest.mark.parametrize("at", ["", "..", "../.."])
def test_where_the_source_lies_on_a_share_and_somebody_wrote_into_its_mount_point(site: Site, at: str) -> None:
    """An empty one ends the sync."""
    site.source.known[at] = "nas"
    site.sync()
    del site.source.known[at]
    for key in ("m/a", "m/b", "c"):
        site.remove(key)
    site.write("x")
    assert [site.sync(), site.sync()] == [{"m/a", "m/b", "c", "x"}] * 2
    assert site.told() == ("3", f'["{at or "."}"]')


def test_what_is_mounted_when_a_listed_pass_goes_on_does_not_count(site: Site) -> None:
    with site.books(deletions=True) as ledger:
        ledger.passes.begin()
    site.scan(deletions=True)
    site.source.mount("m", "other")
    site.sync()
    site.source.mount("m", "nas")
    site.remove("m/a")
    assert site.sync() == {"m/b", "c"}


def test_the_disk_under_an_empty_mount_point_does_not_count(site: Site) -> None:
    site.source.known[""] = "nas"
    site.sync()
    (site.source.folder).rename(site.folder / "away")
    site.source.folder.mkdir()
    site.source.known = {"": "disk"}
    with pytest.raises(SourceError):
        site.sync()
    site.source.folder.rmdir()
    (site.folder / "away").rename(site.source.folder)
    site.source.known = {"": "nas", "m": "nas"}
    site.remove("c")
    assert site.sync() == {"m/a", "m/b"}


def test_once_that_is_mounted_again_deletions_are_carried_over(site: Site) -> None:
    site.source.known[""] = "nas"
    site.sync()
    del site.source.known[""]
    site.remove("c")
    site.sync()
    site.source.known[""] = "nas"
    assert site.sync() == {"m/a", "m/b"}


def test_an_empty_place_in_between_does_not_count(site: Site) -> None:
    """The disk on which the mount point lies, say."""
    site.source.mount("m", "other")
    assert site.sync() == {"m/a", "m/b", "c"}
    site.source.mount("m", "nas")
    site.remove("m/a")
    assert site.sync() == {"m/b", "c"}


def test_a_share_of_which_nothing_is_left_is_forgotten(site: Site) -> None:
    for name in "ab":
        site.remove(f"m/{name}")
    site.sync()
    site.source.unmount("m")
    site.write("m/x")
    site.sync()
    site.remove("m/x")
    assert site.sync() == {"c"}


@dataclass
class Back(Shares):
    """The share is mounted again as soon as something was looked for in vain."""

    def is_gone(self, key: str) -> bool:
        gone = super().is_gone(key)
        if gone and "m" not in self.known:
            self.mount("m", "nas")
        return gone


def test_what_is_looked_for_just_before_its_share_comes_back_stays(site: Site) -> None:
    site.source.unmount("m")
    site.source.__class__ = Back
    assert site.sync() == {"m/a", "m/b", "c"}


@dataclass
class Late(Shares):
    """As soon as all is listed, another share is mounted at a folder."""

    def pages(self, cursor: str | None = None, meant: Meant = all_meant) -> Generator[Page]:
        yield from super().pages(cursor, meant)
        key = "d" if (self.folder / "d").exists() else "m"
        if self.known.get(key) != "other":
            self.mount(key, "other")
            (self.folder / key / "x").write_bytes(b"another")


def test_another_share_that_comes_once_the_first_one_is_listed_removes_nothing(site: Site) -> None:
    """What was listed lay on the first one, and the other was taken for that one by another name."""
    site.source.__class__ = Late
    assert [site.sync(), site.sync()] == [{"m/a", "m/b", "c"}, {"m/a", "m/b", "m/x", "c"}]


def test_nor_does_one_that_comes_over_a_folder_once_that_is_listed(site: Site) -> None:
    (site.source.folder / "d").mkdir()
    site.write("d/e")
    site.sync()
    site.source.__class__ = Late
    assert [site.sync(), site.sync()] == [{"m/a", "m/b", "c", "d/e"}, {"m/a", "m/b", "c", "d/e", "d/x"}]


def test_another_share_that_comes_before_the_destination_is_listed_anew_removes_nothing(site: Site) -> None:
    with site.books(deletions=True) as ledger:
        ledger.passes.begin()
    site.scan(deletions=True)
    with site.books(deletions=True) as ledger:
        ledger.doubt()
    site.source.mount("m", "other")
    site.write("m/x")
    assert [site.sync(), site.sync()] == [{"m/a", "m/b", "c"}, {"m/a", "m/b", "m/x", "c"}]


class Killed(Memory):
    """The pass ends before the destination is listed."""

    def stored(self) -> Iterator[Stored]:
        raise Stopped("paused")


@pytest.mark.parametrize("before", [None, "other"])
def test_what_a_pass_saw_that_then_listed_nothing_does_not_count(site: Site, before: str | None) -> None:
    """Agents start before shares do, and before the network: the share that came then, by another name, counted as a
    second one, and nothing was removed in it any more."""
    site.source.mount("m", "other") if before else site.source.unmount("m")
    there, site.destination = site.destination, Killed()
    with pytest.raises(Stopped):
        site.sync()
    site.destination = there
    site.source.mount("m", "nas")
    site.source.known["m"] = "nas by its address"
    site.remove("m/a")
    assert site.sync() == {"m/b", "c"}
