"""How far a transfer is, as its agent tells it."""

from __future__ import annotations

from pathlib import Path

from migrate_api.agent.transfer_runner import _standing
from tests.migrate_transfer.engine.work import Work, holding


def test_what_a_later_pass_of_a_sync_has_not_come_to_is_in_the_total(tmp_path: Path) -> None:
    """A sync that was cancelled in its second pass said that nothing was pending."""
    work = Work(tmp_path, holding(a=b"one"), kind="sync")
    work.run(passes=1)
    work.source.keep("b", b"two")  # type: ignore[attr-defined]
    with work.books() as ledger:
        ledger.passes.begin()
    work.scan()
    with work.books() as ledger:
        now = _standing(ledger, ledger.totals())
    assert now.total is not None
    assert (now.completed, now.total.items) == (1, 3)
