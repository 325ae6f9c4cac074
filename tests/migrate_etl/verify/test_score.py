"""What the score counts, and what keeps it below 100."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from migrate_etl.verify.presence import Presence
from migrate_etl.verify.score import CAP, EntityCounts, dimension_of, score, shown
from tests.migrate_etl.verify.books import Books, Gift

GIFTS = [Gift(n) for n in range(1, 5)]
CLEAN = EntityCounts(4, 4, 0, 0, 0)
SEEN = Presence(4, 4, 0, (), 0, (), 0, 0)


def test_all_well_is_a_hundred(tmp_path: Path) -> None:
    found = score({"people": CLEAN, "contributions": CLEAN}, {}, {"people": SEEN}, Books(GIFTS).verify(tmp_path))
    assert (found.overall, found.caps) == (Decimal("100.00"), ())


@pytest.mark.parametrize(
    "books",
    [
        Books(GIFTS, mission=GIFTS[1:]),
        Books(GIFTS, mission=[replace(GIFTS[0], fund=2), *GIFTS[1:]]),
        Books([replace(GIFTS[0], skip="queued"), *GIFTS[1:]]),
        Books(GIFTS, extract=[*GIFTS, GIFTS[0]], mission=GIFTS),
    ],
    ids=["missing", "moved fund", "no financial match", "doubled page"],
)
def test_money_forbids_a_hundred(tmp_path: Path, books: Books) -> None:
    many = EntityCounts(10**9, 10**9, 0, 0, 0)
    found = score({"people": many, "contributions": CLEAN}, {}, {}, books.verify(tmp_path))
    assert found.overall <= CAP
    assert found.caps


@pytest.mark.parametrize(
    "counts", [EntityCounts(10**9, 10**9 - 1, 0, 0, 1), EntityCounts(10**9, 10**9 - 1, 0, 0, 0, 1)]
)
def test_one_failed_or_pending_record_in_a_billion_forbids_a_hundred(counts: EntityCounts) -> None:
    assert score({"people": counts}, {}, {}, None).overall == CAP


def test_a_refused_fund_forbids_a_hundred_and_lowers_no_share() -> None:
    found = score({"people": CLEAN}, {}, {}, None, EntityCounts(3, 2, 0, 0, 1))
    assert (found.overall, found.caps) == (CAP, ("1 record failed.",))


def test_a_record_missing_in_mission_forbids_a_hundred() -> None:
    seen = replace(SEEN, missing_count=1, missing=(3,))
    assert score({"people": CLEAN}, {}, {"people": seen}, None).overall == Decimal("93.75")


def test_the_overall_score_is_weighted_by_rows() -> None:
    counts = {"people": EntityCounts(300, 300, 0, 0, 0), "groups": EntityCounts(100, 100, 0, 0, 0)}
    found = score(counts, {"groups": {"validity": 100}}, {}, None)  # type: ignore[arg-type]
    assert found.overall == (300 * Decimal(100) + 100 * Decimal(75)) / 400


def test_a_score_is_cut_not_rounded() -> None:
    assert shown(Decimal("99.999")) == Decimal("99.99")


def test_an_entity_without_rows_has_no_share() -> None:
    found = score({"groups": EntityCounts(0, 0, 0, 0, 0)}, {}, {}, None)
    assert (found.entities["groups"].score, found.overall) == (None, Decimal("100.00"))


@pytest.mark.parametrize(
    ("rule", "dimension"),
    [("duplicate_email", "uniqueness"), ("parent_cycle", "integrity"), ("invalid_email", "validity"), ("refund", None)],
)
def test_a_rule_belongs_to_one_dimension(rule: str, dimension: str | None) -> None:
    assert dimension_of(rule) == dimension
