"""The report's tables, each as CSV (for a spreadsheet) and Parquet (for a program)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from migrate_etl.verify.compare import LEFT_OUT_SCHEMA
from migrate_etl.verify.money import amount
from migrate_etl.verify.report_data import ReportData

FORMULA_START = r"^[=+\-@\t\r]"
"""What a spreadsheet would take for a formula when text begins with it."""


def write_tables(folder: Path, data: ReportData) -> list[str]:
    """Write every table into the folder; returns their names. Amounts stay numbers, a text never becomes a formula."""
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for name, table in _tables(data):
        table.sink_parquet(folder / f"{name}.parquet")
        for_spreadsheets(table).sink_csv(folder / f"{name}.csv")
        names.append(name)
    return names


def for_spreadsheets(table: pl.LazyFrame) -> pl.LazyFrame:
    """Lists become text, and text that a spreadsheet would run is given an apostrophe in front."""
    schema = table.collect_schema()
    lists = [pl.col(name).cast(pl.List(pl.String)).list.join(" ") for name, kind in schema.items() if kind == pl.List]
    flat = table.with_columns(lists)
    guarded = [
        pl.when(pl.col(name).str.contains(FORMULA_START))
        .then(pl.lit("'") + pl.col(name))
        .otherwise(pl.col(name))
        .alias(name)
        for name, kind in flat.collect_schema().items()
        if kind == pl.String
    ]
    return flat.with_columns(guarded)


def _tables(data: ReportData) -> Iterator[tuple[str, pl.LazyFrame]]:
    yield "outcomes", _outcomes(data).lazy()
    yield "skips", _skips(data).lazy()
    yield "findings", _findings(data).lazy()
    yield "dead_letters", _dead_letters(data).lazy()
    found = data.verification
    if found is None:
        return
    funds = pl.DataFrame(
        {"fund_id": list(data.funds), "fund": list(data.funds.values())},
        schema={"fund_id": pl.Int64, "fund": pl.String},
    )
    yield "cube", found.cube.cells.scan().join(funds.lazy(), on="fund_id", how="left", maintain_order="left")
    yield "variance", _variance(data).lazy()
    yield "exceptions", found.all_exceptions.scan()
    left_out = found.left_out.scan().filter("giving") if found.left_out.rows else LEFT_OUT_SCHEMA.to_frame().lazy()
    yield "left_out", left_out.select("id", rule="skip", amount=amount("cents"))
    statements = found.statements.scan()
    if data.names is not None:
        named = data.names.lazy().select("giving_id", "name")
        statements = statements.join(named, on="giving_id", how="left", maintain_order="left")
    yield "statements", statements


def _outcomes(data: ReportData) -> pl.DataFrame:
    fields = ("discovered", "done", "unchanged", "skipped", "failed", "pending", "pulled_in")
    rows = [(name, *(getattr(counts, field) for field in fields)) for name, counts in data.counts.items()]
    return pl.DataFrame(rows, schema={"entity": pl.String, **dict.fromkeys(fields, pl.Int64)}, orient="row")


def _skips(data: ReportData) -> pl.DataFrame:
    rows = [(name, rule, count) for name, counts in data.counts.items() for rule, count in counts.skips.items()]
    return pl.DataFrame(rows, schema={"entity": pl.String, "rule": pl.String, "count": pl.Int64}, orient="row")


def _findings(data: ReportData) -> pl.DataFrame:
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "entity": pl.String, "rule": pl.String, "severity": pl.String, "owner": pl.String, "count": pl.Int64,
        "amount": pl.Decimal(20, 2), "title": pl.String, "remedy": pl.String, "ids": pl.List(pl.Int64),
    }  # fmt: skip
    rows = [
        (f.entity, f.rule, f.severity, f.owner, f.count, f.amount, f.title, f.remedy, list(f.ids))
        for f in data.findings.summaries
    ]
    return pl.DataFrame(rows, schema=schema, orient="row")


def _dead_letters(data: ReportData) -> pl.DataFrame:
    fields = ("entity", "external_id", "code", "message", "remedy")
    rows = [tuple(getattr(letter, field) for field in fields) for letter in data.dead_letters]
    return pl.DataFrame(rows, schema=dict.fromkeys(fields, pl.String), orient="row")


def _variance(data: ReportData) -> pl.DataFrame:
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "line": pl.String, "title": pl.String, "count": pl.Int64, "amount": pl.Decimal(20, 2),
        "effect": pl.Decimal(20, 2), "sentence": pl.String,
    }  # fmt: skip
    lines = data.verification.lines if data.verification else ()
    rows = [(line.name, line.title, line.count, line.amount, line.effect, line.sentence) for line in lines]
    return pl.DataFrame(rows, schema=schema, orient="row")
