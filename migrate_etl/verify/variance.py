"""Every cent of the difference between Rock and Mission under one line, with a plain sentence.

    all-time Rock total - Mission total
        = queued + undated + outside the date range + no campus + other campus + rejected records + corrected by hand
          + extraction + changed in Rock during the run - gone from Rock since - not from Rock + unexplained

A record's difference has two halves: what Rock has now against what was extracted, and what was extracted against
what Mission has. Each half stands under one line. Nothing here reads or writes anything.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

import polars as pl

from migrate_etl.verify.compare import COMPARED, fields_that_differ
from migrate_etl.verify.money import amount, decimal

Grade = Literal["read back", "totals", "receipts"]
"""How Mission's side is known: record by record, by its own sums, or only as accepted."""

LINES = {
    "queued": "Queued in Rock",
    "no_date": "Without a date",
    "outside_date_range": "Outside the date range",
    "no_campus": "Without a campus",
    "other_campus": "Other campuses",
    "rejected": "Rejected records",
    "corrected": "Corrected by hand",
    "extraction": "Extraction",
    "changed": "Changed in Rock during the run",
    "gone": "Gone from Rock since",
    "not_from_rock": "Not from Rock",
    "unexplained": "Unexplained",
}
"""The lines in the order of the sum, with their titles."""

SUBTRACTED = ("gone", "not_from_rock")

SENTENCES = {
    "queued": "waits in Rock to be processed later and is not giving yet.",
    "no_date": "has no transaction date in Rock, so it belongs to no year and was left out.",
    "outside_date_range": "is dated before the start of the date range of this import. Expected, not an error.",
    "no_campus": "names no campus, while this import is limited to certain campuses.",
    "other_campus": "belongs to a campus outside this import.",
    "rejected": "was refused by Mission. See the dead letters for the reason and the remedy of each.",
    "corrected": "was corrected by a person after Mission refused it; original, author and reason are kept.",
    "extraction": "was lost or doubled while reading Rock. Run the import again: it reads anew and sends the rest.",
    "changed": "was added, changed or removed in Rock after this import began. The next run carries it over.",
    "gone": "came to Mission by an earlier import and is no longer giving in Rock. Nothing is ever deleted in Mission.",
    "not_from_rock": "was entered in Mission itself and does not come from Rock.",
    "unexplained": "differs for no reason this import knows. Each record is listed under exceptions.",
}

EXCEPTION_SCHEMA = pl.Schema({
    "line": pl.String(), "kind": pl.String(), "id": pl.Int64(), "external_id": pl.String(), "fields": pl.String(),
    "effect": pl.Decimal(20, 2),
    **{
        f"{side}_{name}": kind
        for side in ("rock", "mission")
        for name, kind in {
            "amount": pl.Decimal(20, 2), "fund_id": pl.Int64(), "date": pl.Date(), "person_id": pl.Int64(),
            "batch_id": pl.Int64(), "campus_id": pl.Int64(), "method": pl.String(), "transaction_id": pl.Int64(),
        }.items()
    },
    "corrected_amount": pl.Decimal(20, 2),
})  # fmt: skip
"""One record that differs. `effect` is what it adds to Rock's total minus Mission's; `fields` what is not the same."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the sum; a line in SUBTRACTED is taken away. `ids` are the first of its records."""

    name: str
    title: str
    count: int
    amount: Decimal
    sentence: str
    ids: tuple[int, ...] = ()

    @property
    def effect(self) -> Decimal:
        """What the line adds to Rock's total minus Mission's."""
        return -self.amount if self.name in SUBTRACTED else self.amount


@dataclass(slots=True)
class Tally:
    """Counts, effects in cents and first ids by line, gathered chunk by chunk."""

    counts: Counter[str] = field(default_factory=Counter)
    effects: Counter[str] = field(default_factory=Counter)
    first_ids: dict[str, list[int]] = field(default_factory=dict)

    def add(self, rows: pl.DataFrame) -> None:
        """`rows` has `line`, `id`, `effect_cents`, and `counted` where a record may have been counted already."""
        counted = pl.col("counted").sum() if "counted" in rows.columns else pl.len()
        grouped = rows.group_by("line").agg(counted, pl.col("effect_cents").sum(), pl.col("id").drop_nulls().head(20))
        for line, count, effect, ids in grouped.iter_rows():
            self.put(line, count, effect)
            known = self.first_ids.setdefault(line, [])
            known.extend(ids[: 20 - len(known)])

    def put(self, line: str, count: int, effect_cents: int) -> None:
        self.counts[line] += count
        self.effects[line] += effect_cents


def lines(tally: Tally, difference_cents: int) -> tuple[Line, ...]:
    """All lines, in order; `unexplained` takes whatever of the difference no other line has."""
    known = sum(cents for name, cents in tally.effects.items() if name != "unexplained")
    effects = {**tally.effects, "unexplained": difference_cents - known}
    return tuple(_line(name, tally, effects.get(name, 0)) for name in LINES)


def _line(name: str, tally: Tally, effect: int) -> Line:
    count = tally.counts[name]
    value = decimal(-effect if name in SUBTRACTED else effect)
    ids = tuple(tally.first_ids.get(name, ()))
    return Line(name, LINES[name], count, value, _sentence(name, count, value), ids)


def _sentence(name: str, count: int, value: Decimal) -> str:
    if not count:
        return (
            "None."
            if not value
            else "No record of ours accounts for this amount: Rock or Mission changed while it was counted."
        )
    return f"{'1 record: it' if count == 1 else f'{count:,} records: each'} {SENTENCES[name]}"


def attribute(differences: pl.DataFrame, extras: pl.DataFrame) -> pl.DataFrame:
    """Put every difference under its line.

    `differences` has DIFFERENCE_SCHEMA; `extras` says of the ids that only Mission has where they belong: (id, line).
    Adds `line`, `effect_cents` and `counted` (false where the record is counted as a change in Rock). An altered
    record with a correction gives two rows: what the correction did, and what is left.
    """
    rows = differences.join(extras.select("id", extra_line="line"), on="id", how="left")
    rock, mission = pl.col("cents").fill_null(0), pl.col("mission_cents").fill_null(0)
    kind = pl.col("kind")
    line = (
        pl.when(kind == "extra").then(pl.coalesce("extra_line", pl.lit("unexplained")))
        .when(kind.is_in(["rejected", "corrected", "not_from_rock"])).then(kind)
        .when(kind == "stale").then("skip")
        .otherwise(pl.lit("unexplained"))
    )  # fmt: skip
    only_theirs = kind.is_in(["extra", "duplicated", "not_from_rock"])
    effect = pl.when(only_theirs).then(-mission).otherwise(rock - mission)
    again = (kind == "extra") & line.is_in(["extraction", "changed"])
    rows = rows.with_columns(line.alias("line"), effect.alias("effect_cents"), (~again).alias("counted"))
    both = (kind == "altered") & pl.col("corrected_cents").is_not_null() & (pl.col("corrected_cents") != rock)
    by_hand = rows.filter(both).with_columns(
        line=pl.lit("corrected"), kind=pl.lit("corrected"), effect_cents=rock - pl.col("corrected_cents")
    )
    rest = pl.when(both).then(pl.col("corrected_cents") - mission).otherwise("effect_cents")
    return pl.concat([rows.with_columns(rest.alias("effect_cents")), by_hand]).drop("extra_line")


def exceptions(attributed: pl.DataFrame) -> pl.DataFrame:
    """Attributed differences as EXCEPTION_SCHEMA."""
    names = {name: {"cents": "amount", "day": "date"}.get(name, name) for name in COMPARED}
    sides = [
        amount(f"{prefix}{name}").alias(f"{side}_{word}")
        if name == "cents"
        else pl.col(f"{prefix}{name}").alias(f"{side}_{word}")
        for side, prefix in (("rock", ""), ("mission", "mission_"))
        for name, word in names.items()
    ]
    return attributed.select(
        "line",
        "kind",
        "id",
        "external_id",
        fields_that_differ(),
        amount("effect_cents").alias("effect"),
        *sides,
        amount("corrected_cents").alias("corrected_amount"),
    ).cast(EXCEPTION_SCHEMA)


def change_exceptions(changes: pl.DataFrame) -> pl.DataFrame:
    """What changed in Rock or got lost in the extract (extraction.CHANGE_SCHEMA), as EXCEPTION_SCHEMA."""
    named = changes.select(
        "line",
        "kind",
        "id",
        external_id=pl.format("rock:contribution:{}", pl.col("id")),
        effect=amount("effect_cents"),
        rock_amount=amount("rock_cents"),
        rock_fund_id="fund_id",
    )
    blanks = [pl.lit(None, kind).alias(name) for name, kind in EXCEPTION_SCHEMA.items() if name not in named.columns]
    return named.with_columns(blanks).select(list(EXCEPTION_SCHEMA)).cast(EXCEPTION_SCHEMA)
