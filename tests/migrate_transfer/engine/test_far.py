"""Small files sent by a helper: what a helper does, and what becomes of the work when it is lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psutil
import pytest

from migrate_transfer.backends.local.source import LocalSource
from migrate_transfer.core.backend import Content, Meter, Receipt, Sender, Streams, Upload
from migrate_transfer.core.bandwidth import Bucket
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import ItemError, TargetError
from migrate_transfer.engine.far import AHEAD, FarSender
from migrate_transfer.engine.passage import Passage
from migrate_transfer.spec import Kind
from tests.fakes.wire import Fault, Message
from tests.migrate_transfer.engine.conftest import Site, reached

Result = tuple[Upload, Receipt | Exception]


def helper_of_ours() -> psutil.Process:
    (found,) = [one for one in psutil.Process().children() if "migrate_transfer.engine.helper" in one.cmdline()]
    return found


class Idle:
    """A near sender that is not meant to be needed."""

    def put_all(self, contents: Iterator[Content]) -> Iterator[Result]:
        yield from ((one.upload, ItemError("near", code="NEAR")) for one in contents)

    def close(self) -> None:
        """Nothing is open."""


@contextmanager
def far(site: Site, near: Sender | None = None, control: Control | None = None) -> Iterator[FarSender]:
    control = control or Control()
    site.destination.prepare()
    made = FarSender(near or Idle(), site.source, site.destination.away, 4, control, Meter())  # type: ignore[arg-type]
    try:
        yield made
    finally:
        made.close()


def contents(site: Site, before: Callable[[int], None] = lambda number: None) -> Iterator[Passage]:
    """Everything in the folder; `before` is told which is taken next."""
    assert isinstance(site.source, LocalSource)
    items = [entry for page in site.source.pages() for entry in page.entries]
    for number, item in enumerate(items, 1):
        before(number)
        yield Passage(site.source, Upload(number, item))  # type: ignore[arg-type]


def test_a_helper_reads_hashes_and_sends(site: Site) -> None:
    made = site.fill(200, 0)
    with far(site) as sender:
        ended = list(sender.put_all(contents(site)))
    assert {upload.item.key: upload.sha256 for upload, _ in ended} == made
    assert all(isinstance(result, Receipt) for _, result in ended)
    assert site.stored() == made
    assert not [one for one in psutil.Process().children() if "helper" in " ".join(one.cmdline())]


def test_nothing_to_send_starts_no_helper(site: Site) -> None:
    with far(site) as sender:
        assert list(sender.put_all(iter(()))) == []
        assert not [one for one in psutil.Process().children() if "helper" in " ".join(one.cmdline())]


def test_it_serves_again_and_again(site: Site) -> None:
    made = site.fill(30, 0)
    with far(site) as sender:
        for _ in range(2):
            ended = list(sender.put_all(contents(site)))
            assert len(ended) == len(made)
    assert site.stored() == made


def test_an_item_that_fails_fails_alone(site: Site) -> None:
    made = site.fill(40, 0)
    passages = list(contents(site))
    lost = passages[7].upload.item.key
    (site.files / lost).unlink()
    with far(site) as sender:
        ended = {upload.item.key: result for upload, result in sender.put_all(iter(passages))}
    assert isinstance(error := ended.pop(lost), ItemError)
    assert (error.error_code, bool(error.remedy)) == ("SOURCE_GONE", True)
    assert ended.keys() | {lost} == made.keys()
    assert all(isinstance(result, Receipt) for result in ended.values())


def test_a_container_that_is_gone_is_told_as_what_it_is(site: Site) -> None:
    site.fill(20, 0)
    with far(site) as sender:
        site.container.delete_container()
        with pytest.raises(TargetError) as told:
            list(sender.put_all(contents(site)))
    assert told.value.error_code == "CONTAINER_MISSING"


def test_what_a_killed_helper_leaves_is_sent_from_here_and_nothing_twice(site: Site) -> None:
    made = site.fill(3 * AHEAD, 0)

    def kill(number: int) -> None:
        if number == 2 * AHEAD:
            os.kill(helper_of_ours().pid, signal.SIGKILL)

    near = site.destination.sender(Streams(4), Control())
    with far(site, near) as sender:
        ended = list(sender.put_all(contents(site, kill)))
    assert sorted(upload.item.key for upload, _ in ended) == sorted(made)
    assert [result for _, result in ended if not isinstance(result, Receipt)] == []
    assert site.stored() == made


def test_a_stop_lets_what_is_under_way_finish(site: Site) -> None:
    made, control = site.fill(3 * AHEAD, 0), Control()
    with far(site, control=control) as sender:
        ended = list(
            sender.put_all(contents(site, lambda number: control.stop("paused") if number == AHEAD + 60 else None))
        )
    assert len(ended) < len(made)
    assert all(isinstance(result, Receipt) for _, result in ended)
    assert {upload.item.key for upload, _ in ended} == site.stored().keys()


def test_without_a_way_for_others_it_is_done_here(site: Site) -> None:
    site.fill(5, 0)
    site.destination = reached(site)
    site.destination._link = site.destination._link.__class__(Control(), bandwidth=Bucket(1e9))  # type: ignore[attr-defined]
    assert site.destination.away() is None
    with far(site) as sender:
        ended = list(sender.put_all(contents(site)))
    assert [getattr(result, "error_code", None) for _, result in ended] == ["NEAR"] * 5


@pytest.mark.parametrize("kind", ["copy", "archive"])
def test_a_job_of_many_small_files_uses_helpers_and_its_books_are_exact(site: Site, kind: Kind) -> None:
    made = site.fill(400, 2)
    site.kind, site.many = kind, 100
    options = {"concurrency": 8, "tier": "archive" if kind == "archive" else "hot"}
    totals = site.run(**options)
    assert (totals.counts.done, totals.counts.discovered) == (len(made), len(made))
    assert [one for one in set(site.sent()) if site.sent().count(one) > 1] == []
    assert {entry.key: entry.sha256 for entry in site.entries(**options).values()} == made


def test_a_job_whose_helper_is_killed_again_and_again_ends_all_the_same(site: Site) -> None:
    made = site.fill(600, 2)
    site.many = 100

    def kill(request: Message) -> Fault | None:
        with suppress(psutil.Error, ValueError):
            helper_of_ours().kill()
        return None

    site.wire.script = kill
    assert site.run(concurrency=8).counts.done == len(made)
    assert site.stored() == made
