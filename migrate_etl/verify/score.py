"""The quality score: five shares of rows per entity, their mean, the record-weighted mean, and what forbids 100."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_DOWN, Decimal
from typing import Literal

from checks.rules import RULES
from migrate_etl.spec import EntityName
from migrate_etl.verify.presence import Presence
from migrate_etl.verify.reconcile import Verification

Dimension = Literal["completeness", "validity", "uniqueness", "integrity", "accuracy"]
DIMENSIONS: tuple[Dimension, ...] = ("completeness", "validity", "uniqueness", "integrity", "accuracy")

DIMENSION_WORDS: Mapping[Dimension, str] = {
    "completeness": "In Mission, or left out under a named rule",
    "validity": "No error and no warning in the record itself",
    "uniqueness": "Not a duplicate, on either side",
    "integrity": "Every reference could be kept",
    "accuracy": "The gift is the same to the cent and the field",
}

UNIQUENESS = frozenset({"duplicate_id", "duplicate_email"})
INTEGRITY = frozenset({
    "family_not_loaded", "member_not_loaded", "parent_not_loaded", "parent_cycle", "donor_not_migrated",
    "donor_unknown", "refund_without_original", "group_not_loaded", "requester_not_migrated",
})  # fmt: skip

HUNDRED = Decimal(100)
CAP = Decimal("99.99")
"""The most that is shown while something forbids 100."""

FORMULA = (
    "Each dimension is the share of the entity's discovered rows that pass it, in percent. An entity's score is the "
    "mean of its dimensions (accuracy: contributions only, over the rows in scope). The overall score is the mean of "
    "the entities' scores, weighted by their discovered rows, cut after two decimals. It stays at or below 99.99 "
    "while money is unexplained, a record failed, was never sent or differs, or the all-time totals of Rock and "
    "Mission are not the same."
)


@dataclass(frozen=True, slots=True)
class EntityCounts:
    """What became of an entity's rows, recounted from the ledger. `skips`: rows per rule; `pulled_in`: an of-which.

    `gone`: rows that the scan counted and that were deleted in Rock, or moved to another year, before they were read;
    they are not among `discovered`."""

    discovered: int
    done: int
    unchanged: int
    skipped: int
    failed: int
    pending: int = 0
    pulled_in: int = 0
    skips: Mapping[str, int] = field(default_factory=dict)
    gone: int = 0

    def without_gone(self, rows: int) -> EntityCounts:
        """The same where Rock itself now counts so many rows: those that it no longer has need no outcome, the others
        that have none were lost."""
        gone = min(self.pending, max(0, self.discovered - rows))
        return replace(self, discovered=self.discovered - gone, pending=self.pending - gone, gone=gone)

    @property
    def balanced(self) -> bool:
        """The invariant of every job."""
        return self.discovered == self.done + self.unchanged + self.skipped + self.failed + self.pending


@dataclass(frozen=True, slots=True)
class EntityScore:
    """Percentages, exact; None where a dimension does not apply or there are no rows."""

    dimensions: Mapping[Dimension, Decimal | None]

    @property
    def score(self) -> Decimal | None:
        found = [share for share in self.dimensions.values() if share is not None]
        return sum(found, Decimal(0)) / len(found) if found else None


@dataclass(frozen=True, slots=True)
class Score:
    """The overall score (two decimals), the entities' own, and the reasons why it may not show 100."""

    overall: Decimal
    entities: Mapping[EntityName, EntityScore]
    caps: tuple[str, ...]


def dimension_of(rule: str) -> Dimension | None:
    """The dimension that a finding under this rule fails; None for one that is only worth knowing."""
    if rule in UNIQUENESS:
        return "uniqueness"
    if rule in INTEGRITY:
        return "integrity"
    return None if RULES[rule].severity == "info" else "validity"


def score(
    counts: Mapping[EntityName, EntityCounts],
    failing: Mapping[EntityName, Mapping[Dimension, int]],
    presences: Mapping[EntityName, Presence],
    verification: Verification | None,
    funds: EntityCounts | None = None,
) -> Score:
    """Score an import.

    `failing`: rows per entity and dimension with findings; `presences`: where Mission was read back;
    `verification` and `funds` are None for a job without contributions. A refused fund forbids 100; beyond that funds
    have no part in the score.
    """
    entities = {
        name: _entity(
            found, failing.get(name, {}), presences.get(name), verification if name == "contributions" else None
        )
        for name, found in counts.items()
    }
    failed = sum(found.failed for found in (*counts.values(), *([funds] if funds else [])))
    caps = tuple(_caps(counts, failed, presences, verification))
    exact = _weighted([(entities[name].score, found.discovered) for name, found in counts.items()])
    return Score(shown(min(exact, CAP) if caps else exact), entities, caps)


def shown(exact: Decimal) -> Decimal:
    """Two decimals, cut and not rounded: 99.996 never looks like 100."""
    return exact.quantize(Decimal("0.01"), ROUND_DOWN)


def _entity(
    counts: EntityCounts,
    failing: Mapping[Dimension, int],
    presence: Presence | None,
    verification: Verification | None,
) -> EntityScore:
    rows = counts.discovered
    missing, twice = (presence.missing_count, presence.duplicated_count) if presence else (0, 0)
    accuracy = None
    if verification is not None:
        missing, twice = _kinds(verification, "missing"), _kinds(verification, "duplicated")
        wrong = sum(verification.line(name).count for name in ("unexplained", "rejected", "extraction"))
        accuracy = _share(verification.scope.count - wrong, verification.scope.count)
    accounted = counts.done + counts.unchanged + counts.skipped - missing
    return EntityScore(
        {
            "completeness": _share(accounted, rows),
            "validity": _share(rows - failing.get("validity", 0), rows),
            "uniqueness": _share(rows - failing.get("uniqueness", 0) - twice, rows),
            "integrity": _share(rows - failing.get("integrity", 0), rows),
            "accuracy": accuracy,
        }
    )


def _kinds(verification: Verification, kind: str) -> int:
    return verification.kinds.get(kind, 0)


def _share(good: int, rows: int) -> Decimal | None:
    return HUNDRED * max(good, 0) / rows if rows else None


def _weighted(scores: Sequence[tuple[Decimal | None, int]]) -> Decimal:
    known = [(value, rows) for value, rows in scores if value is not None]
    rows = sum(weight for _, weight in known)
    return sum((value * weight for value, weight in known), Decimal(0)) / rows if rows else HUNDRED


def _caps(
    counts: Mapping[EntityName, EntityCounts],
    failed: int,
    presences: Mapping[EntityName, Presence],
    verification: Verification | None,
) -> list[str]:
    found = []
    if failed:
        found.append(f"{failed:,} {'record' if failed == 1 else 'records'} failed.")
    if pending := sum(entity.pending for entity in counts.values()):
        found.append(f"{pending:,} {'record was' if pending == 1 else 'records were'} never sent.")
    if lost := sum(seen.missing_count + seen.duplicated_count for seen in presences.values()):
        found.append(f"{lost:,} {'record is' if lost == 1 else 'records are'} missing or doubled in Mission.")
    if verification is not None:
        found += _money_caps(verification)
    return found


def _money_caps(verification: Verification) -> list[str]:
    found = []
    if not verification.clean:
        records = verification.unexplained_records
        found.append(
            f"Unexplained: {verification.unexplained:,.2f} in {records:,} {'record' if records == 1 else 'records'}."
        )
    elif not verification.scope_match:
        found.append("Not everything in scope is in Mission as Rock has it.")
    if not verification.financial_match:
        found.append("Rock's all-time total is not Mission's total.")
    return found
