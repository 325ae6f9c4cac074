"""Findings added up over chunks, and the time that the documented limit implies."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import polars as pl

from checks.contracts import FINDING_COLUMNS
from checks.rules import RULES
from migrate_etl.verify.dry_run import Findings, add_up, dry_run
from tests.migrate_etl.verify.books import write


def findings(folder: Path, rows: Sequence[tuple[str, int, str | None]]) -> Findings:
    frame = pl.DataFrame(
        [("contributions", rule, id, None, Decimal(money) if money else None) for rule, id, money in rows],
        schema=FINDING_COLUMNS,
        orient="row",
    )
    return add_up({"contributions": [write(folder, frame)]})


def test_findings_are_summed_with_their_words_and_money(tmp_path: Path) -> None:
    rows = [("refund", n, "-1.50") for n in range(1, 8)]
    (found,) = findings(tmp_path / "f", rows).summaries
    assert (found.count, found.amount, found.ids) == (7, Decimal("-10.50"), (1, 2, 3, 4, 5, 6, 7))
    assert (found.owner, found.remedy) == (RULES["refund"].owner, RULES["refund"].remedy)


def test_a_record_with_the_same_finding_twice_is_named_once(tmp_path: Path) -> None:
    (found,) = findings(tmp_path / "f", [("refund", 948, None)] * 3 + [("refund", 7, None)]).summaries
    assert (found.count, found.ids) == (4, (948, 7))


def test_the_gravest_come_first(tmp_path: Path) -> None:
    found = findings(tmp_path / "f", [("refund", 1, "9.00"), ("missing_value", 2, None), ("donor_unknown", 3, "1.00")])
    assert [f.severity for f in found.summaries] == ["error", "warning", "info"]


def test_a_row_with_two_findings_fails_its_dimension_once(tmp_path: Path) -> None:
    rows = [("missing_value", 1, None), ("non_positive_amount", 1, None), ("donor_unknown", 1, None)]
    assert findings(tmp_path / "f", rows).failing["contributions"] == {"validity": 1, "integrity": 1}


def test_no_findings_at_all(tmp_path: Path) -> None:
    assert findings(tmp_path / "f", []).summaries == ()


def test_the_hours_of_a_load_at_the_documented_limit() -> None:
    found = dry_run({"people": 1_500_001, "groups": 1}, 500, Findings((), {}))
    assert (found.requests, found.hours) == (3_002, Decimal("0.50"))
