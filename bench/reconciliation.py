"""Measures the reconciliation: so many gifts a side, from local Parquet files, in each order a read-back may come in.

`python bench/reconciliation.py [--gifts N] [--orders id text shuffled] [--missing N]`; `make bench` runs it at ten
million. The peer is one polars join of the same two piles of files in memory, which finds the differing amounts and
nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from datetime import date, datetime
from pathlib import Path

import polars as pl
from measuring import quiet, run

from migrate_etl.dataset import Dataset, DatasetWriter
from migrate_etl.process import FRUGAL
from migrate_etl.verify.reconcile import ReconcileInputs, reconcile
from migrate_etl.verify.rock_totals import CONTRIBUTION, RECORD_SCHEMA, TOTALS_SCHEMA

HERE = Path(__file__).parent
CACHE = HERE.parent / ".cache" / "bench" / "reconciliation"
ORDERS = ("by id", "as text", "shuffled")
CHUNK = 50_000
"""Rows of a chunk, extracted or given back: the files are as the import writes them."""
PEOPLE, FUNDS, BATCH = 1_000_000, 15, 500


class Told:
    """Rock's answers, told from the files: its database is not what is measured. Nothing changed meanwhile."""

    def __init__(self, totals: Path) -> None:
        self._totals = totals

    def totals(self) -> pl.DataFrame:
        return pl.read_parquet(self._totals)

    def in_cells(self, cells: pl.DataFrame) -> pl.DataFrame:
        return RECORD_SCHEMA.to_frame()

    def with_ids(self, ids: pl.Series) -> pl.DataFrame:
        return RECORD_SCHEMA.to_frame()


def gifts(ids: pl.Series) -> pl.DataFrame:
    """Gifts by their ids, the same each time: up to two hundred dollars, six batches a day (ten
    million: nine years)."""
    id_ = pl.col("id")
    return ids.to_frame().with_columns(
        _amount=(pl.lit(1, pl.Decimal(18, 2)) * (id_ * 104_729 % 20_000 + 1) / 100).cast(pl.Decimal(18, 2)),
        _fund_id=id_ % FUNDS + 1,
        _person_id=id_ * 15_485_863 % PEOPLE + 1,
        _batch_id=id_ // BATCH + 1,
        _campus_id=id_ % 4 + 1,
        _transaction_id=id_ // 2 + 1,
        day=pl.lit(date(2016, 1, 1)) + pl.duration(days=id_ // BATCH // 6),
    )


def mapped(rows: pl.DataFrame) -> pl.DataFrame:
    """As the mapping writes them."""
    return rows.with_columns(
        skip=pl.lit(None, pl.String),
        _year=pl.col("day").dt.year(),
        date=pl.col("day").dt.strftime("%Y-%m-%dT10:00:00-06:00"),
        payment_method=pl.lit("Check"),
        _month=pl.col("day").dt.month(),
        _currency=pl.lit("Check"),
        _refund=pl.lit(False),
    ).drop("day")


def given_back(rows: pl.DataFrame) -> pl.DataFrame:
    """As the read-back writes them."""
    return rows.select(
        "id",
        pl.format("rock:contribution:{}", "id").alias("external_id"),
        *(pl.col(f"_{name}").alias(name) for name in ("person_id", "fund_id", "batch_id", "campus_id")),
        pl.col("_transaction_id").alias("transaction_id"),
        pl.lit("Check").alias("payment_method"),
        pl.col("_amount").alias("amount"),
        pl.col("day").alias("date"),
        pl.col("day").dt.year().alias("year"),
        pl.col("day").dt.month().alias("month"),
    )


def piles(count: int, missing: int, folder: Path) -> None:
    """Both sides on disk, Mission's once per order and without `missing` of them, evenly spread."""
    ids = pl.int_range(1, count + 1, dtype=pl.Int64, eager=True).alias("id")
    with DatasetWriter(folder / "mapped") as writer:
        for piece in ids.to_frame().iter_slices(CHUNK):
            writer.write(mapped(gifts(piece["id"])))
        writer.commit()
    rows = pl.scan_parquet(folder / "mapped" / "*.parquet")
    cells = rows.group_by(fund_id="_fund_id", year="_year", month="_month").agg(
        type=pl.lit(CONTRIBUTION), later=pl.lit(False), count=pl.len(), cents=(pl.col("_amount") * 100).sum()
    )
    cells.select(list(TOTALS_SCHEMA)).collect().cast(TOTALS_SCHEMA).write_parquet(folder / "totals.parquet")
    there = ids.filter(ids % (count // missing) != 0) if missing else ids
    orders = {
        "by id": there,
        "as text": there.gather(there.cast(pl.String).arg_sort()),
        "shuffled": there.shuffle(seed=1),
    }
    for order, ordered in orders.items():
        with DatasetWriter(folder / order) as writer:
            for page in ordered.alias("id").to_frame().iter_slices(CHUNK):
                writer.write(given_back(gifts(page["id"])))
            writer.commit()


def ours(folder: Path, order: str, count: int) -> None:
    """Reconcile in this process; prints what was found."""
    none = pl.Series("id", [], dtype=pl.Int64)
    verified = folder / "verified"
    shutil.rmtree(verified, ignore_errors=True)
    verified.mkdir()
    found = reconcile(
        ReconcileInputs(
            folder=verified,
            mapped=[Dataset(folder / "mapped")],
            rejected=none,
            not_sent=none,
            read_back=Dataset(folder / order),
            mission_totals=None,
            rock=Told(folder / "totals.parquet"),
            known=lambda ids: ids.is_in(none.implode()),
            corrections=pl.DataFrame(schema={"id": pl.Int64, "cents": pl.Int64}),
            givers=pl.DataFrame(schema={"person_id": pl.Int64, "giving_id": pl.String}),
            high_water=count,
            started=datetime(2026, 1, 1),
        )
    )
    said = {"records": found.unexplained_records, "amount": str(found.unexplained), "match": found.financial_match}
    print(json.dumps(said))


def peer(folder: Path, order: str) -> None:
    """One join in memory."""
    sides = [
        pl.read_parquet(folder / side / "*.parquet", columns=["id", amount])
        for side, amount in (("mapped", "_amount"), (order, "amount"))
    ]
    both = sides[0].join(sides[1], on="id", how="full", coalesce=True)
    print(json.dumps({"records": both.filter(pl.col("_amount").ne_missing(pl.col("amount"))).height}))


def child(who: str, order: str, count: int, missing: int) -> None:
    """One piece in a process of its own: what this one has had in memory would count as a child's peak."""
    if who == "piles":
        piles(count, missing, CACHE)
    elif who == "ours":
        ours(CACHE, order, count)
    else:
        peer(CACHE, order)


def command(count: int) -> list[str]:
    return [sys.executable, __file__, "--gifts", str(count)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gifts", type=int, default=10_000_000)
    parser.add_argument("--missing", type=int, nargs="*", default=[0, 1_000_000], help="records Mission lacks")
    parser.add_argument("--orders", nargs="*", choices=ORDERS, default=list(ORDERS))
    parser.add_argument("--child", nargs=2, metavar=("WHO", "ORDER"))
    asked = parser.parse_args()
    if asked.child:
        child(*asked.child, asked.gifts, asked.missing[0])
        return
    print(f"{date.today()}  {os.cpu_count()} cores, {quiet()}, {asked.gifts:,} gifts a side")
    for missing in asked.missing:
        shutil.rmtree(CACHE, ignore_errors=True)
        CACHE.mkdir(parents=True)
        run([*command(asked.gifts), "--missing", str(missing), "--child", "piles", "all"], {})
        for order in asked.orders:
            for who in ("ours", "peer"):
                took = run([*command(asked.gifts), "--child", who, order], FRUGAL)
                what, said = f"{missing:,} missing, {order}", took.said.strip()
                print(
                    f"{what:28s} {who:5s} {took.wall:6.1f} s wall {took.cpu:6.1f} s CPU {took.mb:6.0f} MB  {said}",
                    flush=True,
                )
    shutil.rmtree(CACHE, ignore_errors=True)


if __name__ == "__main__":
    main()
