"""What a frame must look like, and what is said about a row that does not.

A contract is a pandera schema. A failure without a row number is structure and raises ContractBroken; one with a row
number is a finding under the rule named by the check (`Check(..., error=rule)`), whose words stand in `rules.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandera.polars as pa
import polars as pl
from pandera.errors import SchemaErrors

FINDING_COLUMNS: Mapping[str, Any] = {
    "entity": pl.String,
    "rule": pl.String,
    "id": pl.Int64,
    "detail": pl.String,
    "amount": pl.Decimal(18, 2),
}
"""One row a finding: entity, rule, Rock id, short detail without people's data, money at stake."""

NATIVE_RULES = {"not_nullable": "missing_value", "field_uniqueness": "duplicate_id"}
"""pandera's own checks, in the words of `rules.py`; every other check carries its rule as `error`."""


class ContractBroken(ValueError):
    """The frame lacks a column or has one of another type; `problems` names them."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Contract:
    """A pandera schema for the frames of one entity at one stage; its frames have an Int64 column `id`."""

    entity: str
    schema: pa.DataFrameSchema

    def columns(self) -> list[str]:
        return list(self.schema.columns)


def text(shortest: int, longest: int, *, nullable: bool = False) -> pa.Column:
    """A wire column of text of so many characters, as docs/mission-import.openapi.yaml has it."""
    return pa.Column(pl.String, pa.Check.str_length(shortest, longest, error="text_length"), nullable=nullable)


def word(rule: str, *words: str, nullable: bool = False) -> pa.Column:
    """A wire column of one of these words; any other falls under the rule."""
    return pa.Column(pl.String, pa.Check.isin(words, error=rule), nullable=nullable)


def split(frame: pl.DataFrame, contract: Contract) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """(accepted rows, rejected rows, findings with FINDING_COLUMNS), rows in their order.

    Raises ContractBroken when the failure is one of structure.
    """
    failures: pl.DataFrame = _failures(frame, contract)
    if failures.height == 0:
        return frame, frame.clear(), pl.DataFrame(schema=FINDING_COLUMNS)
    ids = frame["id"].gather(failures["index"].cast(pl.Int64))
    findings = failures.select(
        pl.lit(contract.entity).alias("entity"),
        pl.col("check").replace(NATIVE_RULES).alias("rule"),
        ids.alias("id"),
        pl.col("column").alias("detail"),
        pl.lit(None, dtype=pl.Decimal(18, 2)).alias("amount"),
    )
    bad = pl.col("id").is_in(findings["id"].implode())
    return frame.filter(~bad), frame.filter(bad), findings


def _failures(frame: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    try:
        contract.schema.validate(frame, lazy=True)
    except SchemaErrors as error:
        cases: pl.DataFrame = error.failure_cases
        structure = cases.filter(pl.col("index").is_null())
        if structure.height:
            raise ContractBroken(
                [f"{row['column'] or row['failure_case']}: {row['check']}" for row in structure.iter_rows(named=True)]
            ) from error
        return cases.select("column", "check", "index")
    return pl.DataFrame(schema={"column": pl.String, "check": pl.String, "index": pl.Int32})
