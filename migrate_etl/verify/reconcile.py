"""Reconcile: the walk, Rock asked anew and the attribution put together into one Verification."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import polars as pl

from migrate_etl.dataset import Dataset, DatasetWriter
from migrate_etl.durable import made_again
from migrate_etl.verify.cube import Cube, CubeCells
from migrate_etl.verify.extraction import RockNow, ask_rock
from migrate_etl.verify.mission_totals import totals_difference
from migrate_etl.verify.money import decimal
from migrate_etl.verify.rock_totals import RockAnew
from migrate_etl.verify.statements import Statements
from migrate_etl.verify.variance import (
    EXCEPTION_SCHEMA,
    Grade,
    Line,
    Tally,
    attribute,
    change_exceptions,
    exceptions,
    lines,
)
from migrate_etl.verify.walk import Known, Sums, Walk, Walked

SHOWN = 5_000
"""Exceptions kept in memory for the report; all of them are in the dataset."""


@dataclass(frozen=True, slots=True)
class ReconcileInputs:
    """Everything the verification looks at. Nothing of it is changed.

    `folder` receives the datasets `differences`, `left_out`, `exceptions`, `cube` and
    `statements` and is sorted in.
    `mapped`: the mapped contributions, all partitions.
    `rejected`, `not_sent` (Int64): ids that the ledger calls failed, and those still pending.
    `read_back`: Mission's contributions (columns of `mission.readback`), or None where Mission offers none.
    `mission_totals`: Mission's own sums (mission_totals.TOTALS_SCHEMA), used where there is no read-back; or None.
    `known(ids)`: Boolean series, whether the receipts book knows each contribution id as once accepted.
    `corrections`: `id` and the corrected fields (names of compare.COMPARED; amounts in `cents`), may be empty.
    `givers`: `person_id`, `giving_id` of every person.
    `high_water`: the largest detail id of the plan; `started`: the run's start as Rock's local time, without zone.
    """

    folder: Path
    mapped: Sequence[Dataset]
    rejected: pl.Series
    not_sent: pl.Series
    read_back: Dataset | None
    mission_totals: pl.DataFrame | None
    rock: RockAnew
    known: Known
    corrections: pl.DataFrame
    givers: pl.DataFrame
    high_water: int
    started: datetime

    @property
    def grade(self) -> Grade:
        if self.read_back is not None:
            return "read back"
        return "receipts" if self.mission_totals is None else "totals"


@dataclass(frozen=True, slots=True)
class Amounts:
    """A count of records and their sum."""

    count: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Verification:
    """What was proved. Under the grades `totals` and `receipts` Mission's side is what it accepted, no more."""

    grade: Grade
    rock: Amounts
    """All-time: every contribution, by Rock's own sums."""
    mission: Amounts
    lines: tuple[Line, ...]
    scope: Amounts
    """Rock's side of what was to be loaded."""
    scope_match: bool
    """Whether all that was in scope is in Mission, equal in every compared field, and nothing of Rock's besides."""
    refunds: Amounts
    non_positive: Amounts
    other_types: tuple[tuple[str, Amounts], ...]
    """Details of other transaction types, by GUID: for information, no part of the sum."""
    exceptions: pl.DataFrame
    """variance.EXCEPTION_SCHEMA: unexplained ones first, at most SHOWN."""
    kinds: Mapping[str, int]
    """Exceptions per kind (see EXCEPTION_SCHEMA), all of them."""
    all_exceptions: Dataset
    left_out: Dataset
    """compare.LEFT_OUT_SCHEMA: the records behind the lines of the skip rules."""
    cube: Cube
    statements: Dataset
    """statements.STATEMENT_SCHEMA, the largest change first."""

    @property
    def difference(self) -> Decimal:
        return self.rock.amount - self.mission.amount

    @property
    def financial_match(self) -> bool:
        """Whether Rock's all-time total is Mission's."""
        return not self.difference

    def line(self, name: str) -> Line:
        return next(line for line in self.lines if line.name == name)

    @property
    def unexplained(self) -> Decimal:
        return self.line("unexplained").amount

    @property
    def unexplained_records(self) -> int:
        return self.line("unexplained").count

    @property
    def clean(self) -> bool:
        """Nothing unexplained, not a cent and not a record."""
        return not self.unexplained and not self.unexplained_records


def reconcile(inputs: ReconcileInputs) -> Verification:
    """Compare Rock's contributions with Mission's and attribute every cent. Raises what reading Rock raises."""
    scratch = inputs.folder / "sorting"
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        return _reconciled(inputs, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _reconciled(inputs: ReconcileInputs, scratch: Path) -> Verification:
    cube = CubeCells(scratch / "cube")
    walk = Walk(
        inputs.mapped, inputs.read_back, inputs.rejected, inputs.not_sent, inputs.corrections, inputs.known, cube
    )
    with ThreadPoolExecutor(1, thread_name_prefix="rock") as asking:
        totals = asking.submit(inputs.rock.totals)  # adds up everything Rock has: as long as the walk takes
        walked = walk.run(inputs.folder, scratch)
        now = ask_rock(
            inputs.rock, totals.result(), walked.extract_months, walked.doubled, inputs.mapped, inputs.started
        )
    statements = Statements(inputs.givers, scratch / "statements")
    return _Attribution(inputs, walked, now, cube, statements).verification()


class _Attribution:
    """Goes once through the differences on disk and gathers what follows from them."""

    def __init__(
        self, inputs: ReconcileInputs, walked: Walked, now: RockNow, cube: CubeCells, statements: Statements
    ) -> None:
        self._inputs, self._walked, self._now, self._cube = inputs, walked, now, cube
        self._tally = Tally()
        self._statements = statements
        self._foremost = EXCEPTION_SCHEMA.to_frame()
        self._kinds: Counter[str] = Counter()

    def verification(self) -> Verification:
        mission, cells = self._mission()
        all_exceptions = self._exceptions(cells)
        self._count_left_out()
        inputs, walked, now = self._inputs, self._walked, self._now
        found = lines(self._tally, now.total_cents - mission.cents)
        flaws = ("rejected", "corrected", "extraction", "unexplained")
        return Verification(
            grade=inputs.grade,
            rock=Amounts(now.total_count, decimal(now.total_cents)),
            mission=_amounts(mission),
            lines=found,
            scope=_amounts(walked.scope),
            scope_match=not any(line.count or line.amount for line in found if line.name in flaws),
            refunds=_amounts(walked.refunds),
            non_positive=_amounts(walked.non_positive),
            other_types=tuple((str(kind), Amounts(n, decimal(c))) for kind, n, c in now.other_types.iter_rows()),
            exceptions=self._foremost,
            kinds=dict(self._kinds),
            all_exceptions=all_exceptions,
            left_out=walked.left_out,
            cube=self._cube.write(inputs.folder / "cube"),
            statements=self._statements.write(inputs.folder / "statements", inputs.mapped, walked.differences),
        )

    def _mission(self) -> tuple[Sums, pl.DataFrame]:
        """Mission's total, and the month cells in which its own sums are not what it accepted."""
        totals = self._inputs.mission_totals
        if self._inputs.grade != "totals" or totals is None:
            return self._walked.mission, EXCEPTION_SCHEMA.to_frame()
        return totals_difference(self._walked.accepted_months, totals)

    def _exceptions(self, cells: pl.DataFrame) -> Dataset:
        changes = self._now.changes.with_columns(
            effect_cents=pl.col("rock_cents").fill_null(0) - pl.col("extract_cents").fill_null(0)
        )
        self._tally.add(changes)
        self._tally.put("changed", self._now.later_count, self._now.later_cents)
        self._tally.add(cells.select("line", "id", effect_cents=pl.col("effect").to_physical().cast(pl.Int64)))
        with DatasetWriter(self._inputs.folder / "exceptions", made_again) as writer:
            self._list(writer, pl.concat([cells, change_exceptions(changes)]))
            for chunk in self._walked.differences.chunks():
                self._list(writer, exceptions(self._attributed(chunk)))
            return writer.commit()

    def _list(self, writer: DatasetWriter, found: pl.DataFrame) -> None:
        """Write exceptions down; keep those to show: unexplained ones first, then by the money they move."""
        writer.write(found)
        self._kinds.update(dict(found.group_by("kind").len().iter_rows()))
        order = (pl.col("line") != "unexplained", pl.col("effect").abs(), pl.col("id"))
        ranked = pl.concat([self._foremost, found]).sort(*order, descending=[False, True, False], nulls_last=True)
        self._foremost = ranked.head(SHOWN)

    def _attributed(self, differences: pl.DataFrame) -> pl.DataFrame:
        extras = self._extras(differences)
        attributed = attribute(differences, extras)
        self._tally.add(attributed)
        explained = extras.filter(pl.col("line") != "unexplained")
        own = differences.filter(pl.col("skip").is_null() & (pl.col("kind") != "not_from_rock"))
        self._cube.take(own.filter(pl.col("cents").is_not_null()))
        self._cube.give(_mission_cells(own.join(explained, on="id", how="anti")))
        self._statements.add(differences)
        return attributed

    def _extras(self, differences: pl.DataFrame) -> pl.DataFrame:
        """(id, line) for every Rock id that only Mission has."""
        ids = differences.filter((pl.col("kind") == "extra") & pl.col("id").is_not_null())["id"].unique().sort()
        known = ids.filter(self._inputs.known(ids)) if len(ids) else ids
        later = self._inputs.rock.with_ids(ids.filter(ids > self._inputs.high_water))
        late = self._now.changes.filter(pl.col("kind").is_in(["lost", "new"])).select("id", late_line="line")
        late = pl.concat([late, later.select("id", late_line=pl.lit("changed"))]).unique("id")
        gone = known.to_frame().with_columns(gone_line=pl.lit("gone"))
        rows = ids.to_frame().join(late, on="id", how="left").join(gone, on="id", how="left")
        return rows.select("id", line=pl.coalesce("late_line", "gone_line", pl.lit("unexplained")))

    def _count_left_out(self) -> None:
        for chunk in self._walked.left_out.chunks():
            self._tally.add(chunk.filter("giving").select("id", line="skip", effect_cents="cents"))


def _amounts(sums: Sums) -> Amounts:
    return Amounts(sums.count, decimal(sums.cents))


def _mission_cells(rows: pl.DataFrame) -> pl.DataFrame:
    """Mission's side of differing records, by the keys of the cube; Rock's currency stays while the method does."""
    day = pl.col("mission_day")
    return rows.filter(pl.col("mission_cents").is_not_null()).select(
        pl.col("mission_fund_id").alias("fund_id"),
        day.dt.year().alias("year"),
        day.dt.month().alias("month"),
        pl.col("mission_batch_id").alias("batch_id"),
        pl.col("mission_campus_id").alias("campus_id"),
        pl.when(pl.col("method").eq_missing(pl.col("mission_method"))).then("currency").alias("currency"),
        pl.col("mission_method").alias("method"),
        pl.col("mission_cents").alias("cents"),
    )
