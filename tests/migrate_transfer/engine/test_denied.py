"""What a user who is not root may not read is told by its name, and the rest is there."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from migrate_transfer.backends.local.source import LocalSource
from migrate_transfer.core.backend import Item
from migrate_transfer.core.errors import ItemError
from migrate_transfer.core.plan import Filters

NOBODY = 65534


def be_nobody() -> None:
    if os.geteuid() == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def as_nobody(folder: str, told: Connection, include: tuple[str, ...] = ()) -> None:
    """What a user who is not root finds in the folder; in a process of its own."""
    be_nobody()
    source = LocalSource(folder)
    for page in source.pages(meant=Filters(include=include).reaches):
        for entry in page.entries:
            if not isinstance(entry, Item):
                told.send((entry.key, entry.code))
                continue
            try:
                with source.open(entry):
                    told.send((entry.key, "opened"))
            except ItemError as error:
                told.send((entry.key, error.error_code))
    told.send(None)


def deleting(folder: str, told: Connection, include: tuple[str, ...]) -> None:
    be_nobody()
    source = LocalSource(folder)
    for item in [entry for page in source.pages() for entry in page.entries if isinstance(entry, Item)]:
        with pytest.raises(ItemError) as caught:
            source.delete(item)
        told.send((item.key, caught.value.error_code))
    told.send(None)


def told_to_nobody(
    folder: str, include: tuple[str, ...] = (), work: Callable[..., None] = as_nobody
) -> list[tuple[str, str]]:
    context = multiprocessing.get_context("fork")
    hears, tells = context.Pipe(duplex=False)
    child = context.Process(target=work, args=(folder, tells, include))
    child.start()
    tells.close()
    found = list(iter(hears.recv, None))
    child.join()
    return found


@pytest.mark.parametrize(("include", "code"), [((), "SOURCE_DENIED"), (("a/*", "b/*"), "not_included")])
def test_what_the_user_may_not_read_is_named_and_the_rest_is_there(include: tuple[str, ...], code: str) -> None:
    """Not in pytest's own folder, which is root's alone."""
    with TemporaryDirectory() as folder:
        for name, mode in (("a", 0o000), ("b", 0o644)):
            Path(folder, name).write_bytes(b"-")
            Path(folder, name).chmod(mode)
        Path(folder, "shut").mkdir()
        for path, mode in ((Path(folder), 0o755), (Path(folder, "shut"), 0o000)):
            path.chmod(mode)
        found = told_to_nobody(folder, include)
        Path(folder, "shut").chmod(0o755)
    assert sorted(found) == [("a", "SOURCE_DENIED"), ("b", "opened"), ("shut", code)]


def test_a_folder_that_may_be_read_and_not_entered_tells_of_each_thing_in_it_and_what_it_is() -> None:
    with TemporaryDirectory() as folder:
        shut = Path(folder, "shut")
        for path in (shut / "a", shut / "deep" / "b"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"-")
        Path(folder).chmod(0o755)
        shut.chmod(0o744)
        found = told_to_nobody(folder)
    assert found == [("shut/a", "SOURCE_DENIED"), ("shut/deep", "SOURCE_DENIED")]


def test_what_may_be_read_and_not_removed_is_not_called_unreadable() -> None:
    with TemporaryDirectory() as folder:
        Path(folder, "a").write_bytes(b"-")
        for path, mode in ((Path(folder), 0o755), (Path(folder, "a"), 0o644)):
            path.chmod(mode)
        assert told_to_nobody(folder, work=deleting) == [("a", "SOURCE_NOT_DELETED")]
