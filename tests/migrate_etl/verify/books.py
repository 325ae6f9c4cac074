"""Small books for the verification: Rock as it is now, the extract that was made of it, and Mission."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

import polars as pl

from migrate_etl.dataset import Dataset, DatasetWriter
from migrate_etl.verify.reconcile import ReconcileInputs, Verification, reconcile
from migrate_etl.verify.rock_totals import CONTRIBUTION, RECORD_SCHEMA, TOTALS_SCHEMA

STARTED = datetime(2026, 1, 15, 9, 0)
BEFORE = datetime(2025, 12, 1)
REGISTRATION = "33cb96dd-8752-4bee-a142-88db7de538f0"


@dataclass(frozen=True)
class Gift:
    """One Rock transaction detail; in Mission the same, under its external id."""

    id: int
    cents: int = 1000
    fund: int = 1
    day: date | None = date(2024, 3, 5)
    person: int | None = 5
    skip: str | None = None
    type: str = "contribution"
    stamp: datetime = BEFORE
    external: str | None = None


@dataclass(frozen=True)
class FakeRock:
    """Answers from a list of gifts as a database would from its tables."""

    gifts: Sequence[Gift]
    high_water: int

    def totals(self) -> pl.DataFrame:
        rows = [
            {
                "type": CONTRIBUTION if g.type == "contribution" else REGISTRATION,
                **_place(g),
                "later": g.id > self.high_water,
                "count": 1,
                "cents": g.cents,
            }
            for g in self.gifts
        ]
        frame = pl.DataFrame(rows, schema=TOTALS_SCHEMA)
        keys = ["type", "fund_id", "year", "month", "later"]
        return frame.group_by(keys).agg(pl.col("count", "cents").sum())

    def in_cells(self, cells: pl.DataFrame) -> pl.DataFrame:
        keys = ["fund_id", "year", "month"]
        return self._records(lambda g: g.id <= self.high_water).join(cells, on=keys, how="semi", nulls_equal=True)

    def with_ids(self, ids: pl.Series) -> pl.DataFrame:
        return self._records(lambda g: g.id in set(ids.to_list()))

    def _records(self, wanted) -> pl.DataFrame:  # type: ignore[no-untyped-def]
        rows = [
            {"id": g.id, **_place(g), "cents": g.cents, "stamp": g.stamp}
            for g in self.gifts
            if g.type == "contribution" and wanted(g)
        ]
        return pl.DataFrame(rows, schema=RECORD_SCHEMA)


def _place(gift: Gift) -> dict[str, int | None]:
    year, month = (gift.day.year, gift.day.month) if gift.day else (None, None)
    return {"fund_id": gift.fund, "year": year, "month": month}


@dataclass(frozen=True)
class Books:
    """All that a verification looks at; by default the extract is Rock's and Mission has all that is not skipped."""

    rock: Sequence[Gift]
    extract: Sequence[Gift] | None = None
    mission: Sequence[Gift] | None = None
    rejected: Sequence[int] = ()
    not_sent: Sequence[int] = ()
    receipts: Sequence[int] = ()
    corrections: Mapping[int, int] = field(default_factory=dict)
    high_water: int = 1_000_000
    read_back: bool = True
    totals: pl.DataFrame | None = None

    def loaded(self) -> list[Gift]:
        """What Mission has when all goes well."""
        extract = self.rock if self.extract is None else self.extract
        away = {*self.rejected, *self.not_sent}
        return [g for g in extract if g.skip is None and g.type == "contribution" and g.id not in away]

    def with_mission(self, mission: Sequence[Gift]) -> Books:
        return replace(self, mission=list(mission))

    def verify(self, folder: Path) -> Verification:
        extract = list(self.rock if self.extract is None else self.extract)
        mission = self.loaded() if self.mission is None else list(self.mission)
        return reconcile(
            ReconcileInputs(
                folder=folder,
                mapped=[write(folder / "mapped", mapped_frame(extract))],
                rejected=pl.Series("id", list(self.rejected), dtype=pl.Int64),
                not_sent=pl.Series("id", list(self.not_sent), dtype=pl.Int64),
                read_back=write(folder / "readback", mission_frame(mission)) if self.read_back else None,
                mission_totals=self.totals,
                rock=FakeRock(self.rock, self.high_water),
                known=lambda ids: ids.is_in(list(self.receipts)),
                corrections=pl.DataFrame(
                    {"id": list(self.corrections), "cents": list(self.corrections.values())},
                    schema={"id": pl.Int64, "cents": pl.Int64},
                ),
                givers=pl.DataFrame({"person_id": [5, 6], "giving_id": ["G5", "G6"]}),
                high_water=self.high_water,
                started=STARTED,
            )
        )


def write(folder: Path, frame: pl.DataFrame) -> Dataset:
    with DatasetWriter(folder) as writer:
        for chunk in [frame.head(0), *frame.iter_slices(3)]:
            writer.write(chunk)
        return writer.commit()


def mapped_frame(gifts: Sequence[Gift]) -> pl.DataFrame:
    """Mapped contributions, as the mapping writes them."""
    rows = [
        {
            "id": g.id,
            "skip": g.skip if g.type == "contribution" else "transaction_type",
            "date": f"{g.day}T10:00:00-06:00" if g.day else None,
            "payment_method": "Check",
            "_cents": g.cents,
            "_fund_id": g.fund,
            "_year": g.day.year if g.day else None,
            "_month": g.day.month if g.day else None,
            "_batch_id": 3,
            "_campus_id": None,
            "_currency": "Check",
            "_type": g.type,
            "_person_id": g.person,
            "_transaction_id": g.id,
            "_refund": False,
        }
        for g in gifts
    ]
    types = {
        "id": pl.Int64, "skip": pl.String, "date": pl.String, "payment_method": pl.String, "_cents": pl.Int64,
        "_fund_id": pl.Int64, "_year": pl.Int32, "_month": pl.Int8, "_batch_id": pl.Int64, "_campus_id": pl.Int64,
        "_currency": pl.String, "_type": pl.String, "_person_id": pl.Int64, "_transaction_id": pl.Int64,
        "_refund": pl.Boolean,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=types).with_columns(_amount=_amount("_cents")).drop("_cents")


def mission_frame(gifts: Sequence[Gift]) -> pl.DataFrame:
    """Mission's read-back, as it is written."""
    rows = [
        {
            "id": g.id if g.external is None else None,
            "external_id": g.external or f"rock:contribution:{g.id}",
            "person_id": g.person,
            "fund_id": g.fund,
            "batch_id": 3,
            "campus_id": None,
            "transaction_id": None if g.external else g.id,
            "payment_method": "Check",
            "cents": g.cents,
            "date": g.day,
        }
        for g in gifts
    ]
    types = {
        "id": pl.Int64, "external_id": pl.String, "person_id": pl.Int64, "fund_id": pl.Int64, "batch_id": pl.Int64,
        "campus_id": pl.Int64, "transaction_id": pl.Int64, "payment_method": pl.String, "cents": pl.Int64,
        "date": pl.Date,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=types).with_columns(amount=_amount("cents")).drop("cents")


def _amount(column: str) -> pl.Expr:
    return (pl.col(column).cast(pl.Decimal(38, 2)) / 100).cast(pl.Decimal(18, 2))
