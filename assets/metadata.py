"""What an operator sees beside an asset: counts, sums, rules and a preview. Ids and amounts, never names, addresses or
texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
import polars as pl

from migrate_etl.stages import StageResult
from migrate_etl.verify.dry_run import FindingSummary

PREVIEW_ROWS = 5

_COUNTED = (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Boolean, pl.Decimal)
_WORDS = frozenset(
    {
        "skip",
        "reject",
        "record_type",
        "group_type",
        "payment_method",
        "status",
        "visibility",
        "amount",
        "_currency",
        "_type",
    }
)


def public_columns(frame: pl.DataFrame) -> list[str]:
    """Columns that name nobody: ids, references, flags, amounts and a few closed vocabularies. All else stays out."""

    def public(name: str, dtype: pl.DataType) -> bool:
        if "birth" in name or "giving_id" in name:
            return False
        return dtype.is_(pl.Boolean) or isinstance(dtype, _COUNTED) or name.startswith("external_") or name in _WORDS

    return [name for name, dtype in frame.schema.items() if public(name, dtype)]


def markdown(frame: pl.DataFrame) -> str:
    """A frame as a Markdown table."""
    lines = ["| " + " | ".join(frame.columns) + " |", "|" + " --- |" * frame.width]
    for row in frame.iter_rows():
        lines.append("| " + " | ".join("" if value is None else str(value) for value in row) + " |")
    return "\n".join(lines)


def preview(result: StageResult) -> dg.MarkdownMetadataValue:
    frame = result.preview(PREVIEW_ROWS)
    return dg.MetadataValue.md(markdown(frame.select(public_columns(frame))))


def counts_table(counts: Mapping[str, Any], first: str) -> dg.TableMetadataValue:
    """Words and their counts (or sums) as a table, most first."""
    rows = [dg.TableRecord({first: str(word), "rows": value}) for word, value in counts.items()]
    return dg.MetadataValue.table(rows, schema=dg.TableSchema([dg.TableColumn(first), dg.TableColumn("rows")]))


def findings_table(findings: Sequence[FindingSummary]) -> dg.TableMetadataValue:
    """What the rules found, gravest first, with remedy, owner and the money at stake."""
    rows = [
        dg.TableRecord(
            {
                "entity": found.entity,
                "rule": found.rule,
                "rows": found.count,
                "amount": str(found.amount),
                "owner": found.owner,
                "remedy": found.remedy,
            }
        )
        for found in findings
    ]
    columns = ("entity", "rule", "rows", "amount", "owner", "remedy")
    return dg.MetadataValue.table(rows, schema=dg.TableSchema([dg.TableColumn(name) for name in columns]))


def stage_metadata(result: StageResult) -> dict[str, dg.MetadataValue[Any]]:
    """One stage of one entity and partition: its rows, its facts one by one, a preview of what it wrote."""
    shown: dict[str, dg.MetadataValue[Any]] = {"dagster/row_count": dg.MetadataValue.int(result.rows)}
    for name, value in result.facts.items():
        if not isinstance(value, Mapping):
            shown[name] = _value(value)
        elif name == "amounts":
            shown.update({f"amount {part}": _value(amount) for part, amount in value.items()})
        elif value:
            shown[name] = counts_table(value, "rule")
    if result.dataset is not None:
        shown["preview"] = preview(result)
    return shown


def _value(value: Any) -> dg.MetadataValue[Any]:
    return dg.MetadataValue.int(value) if isinstance(value, int) else dg.MetadataValue.text(str(value))
