"""Findings made while mapping: which rows of a frame fall under a rule, as rows of their own."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from checks.contracts import FINDING_COLUMNS


def finding(
    frame: pl.DataFrame, entity: str, rule: str, where: pl.Expr, *, detail: str | None = None, amount: str | None = None
) -> pl.DataFrame:
    """A row (FINDING_COLUMNS) for each row of `frame` where the condition holds; `detail` and `amount` name columns."""
    return frame.filter(where).select(
        pl.lit(entity).alias("entity"),
        pl.lit(rule).alias("rule"),
        "id",
        (pl.col(detail).cast(pl.String) if detail else pl.lit(None, dtype=pl.String)).alias("detail"),
        (pl.col(amount) if amount else pl.lit(None)).cast(pl.Decimal(18, 2)).alias("amount"),
    )


def findings(found: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """All of them in one frame."""
    return pl.concat(found) if found else pl.DataFrame(schema=FINDING_COLUMNS)
