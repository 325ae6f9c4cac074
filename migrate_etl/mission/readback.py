"""What Mission holds, read back page by page into a dataset: the far side is the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl

from migrate_etl.dataset import Dataset, DatasetWriter, gathered
from migrate_etl.durable import made_again
from migrate_etl.entity import Entity
from migrate_etl.mission.api import MissionApi
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import TargetError

PAGE = 5_000
"""Records a read-back page may have (contract)."""

CHUNK_ROWS = 50_000
"""Records of a chunk that is written: each page a file would double the cost of reading them."""

CONTRIBUTION_FIELDS = (
    "external_id",
    "external_transaction_id",
    "external_person_id",
    "external_fund_id",
    "external_batch_id",
    "external_campus_id",
    "payment_method",
    "date",
    "amount",
)


def read_back(
    api: MissionApi,
    entity: Entity,
    folder: Path,
    control: Control,
    progress: Callable[[int], None] = lambda rows: None,
) -> Dataset | None:
    """Every record of one entity that Mission holds, in Mission's order; None where it offers no read-back.

    Columns: `id` (the Rock id, null for a record that is not Rock's), `external_id`, and for contributions person_id,
    fund_id, batch_id, campus_id, transaction_id (Int64), payment_method, amount (Decimal(18, 2)), date (local Date),
    year, month. Raises TargetError when a page breaks the contract, AccessDenied, TransientError, Stopped.
    """
    fields = CONTRIBUTION_FIELDS if entity.name == "contributions" else ("external_id",)
    page = api.records(entity.name, None, PAGE)
    if page is None:
        return None
    with DatasetWriter(folder, made_again) as writer:
        for chunk in gathered(_pages(api, entity, page, fields, control), CHUNK_ROWS):
            writer.write(chunk)
            progress(writer.rows)
        return writer.commit()


def _pages(
    api: MissionApi, entity: Entity, first: dict[str, Any], fields: tuple[str, ...], control: Control
) -> Iterator[pl.DataFrame]:
    page: dict[str, Any] | None = first
    with ThreadPoolExecutor(1, thread_name_prefix="readback") as ahead:
        while page is not None:
            control.check()
            following = _following(api, entity, page, ahead)
            yield _frame(page, fields, entity)
            page = following.result() if following else None


def _following(
    api: MissionApi, entity: Entity, page: dict[str, Any], ahead: ThreadPoolExecutor
) -> Future[dict[str, Any] | None] | None:
    cursor = page.get("next")
    return None if cursor is None else ahead.submit(api.records, entity.name, str(cursor), PAGE)


def _frame(page: dict[str, Any], fields: tuple[str, ...], entity: Entity) -> pl.DataFrame:
    try:
        rows = pl.DataFrame(page["records"], schema=dict.fromkeys(fields, pl.String))
        frame = rows.select(_rock_id("external_id", entity.prefix, "id"), "external_id", *_columns(fields))
    except (KeyError, TypeError, pl.exceptions.PolarsError) as error:
        raise TargetError(
            f"Mission's read-back of {entity.name} does not follow the contract.",
            code="READ_BACK_UNREADABLE",
            remedy="Verify without read-back, or have Mission's import API checked against the contract.",
        ) from error
    return frame


def _columns(fields: tuple[str, ...]) -> list[pl.Expr]:
    if "amount" not in fields:
        return []
    day = pl.col("date").str.slice(0, 10).str.to_date("%Y-%m-%d")
    return [
        _rock_id("external_person_id", "rock:person:", "person_id"),
        _rock_id("external_fund_id", "rock:fund:", "fund_id"),
        _rock_id("external_batch_id", "rock:batch:", "batch_id"),
        _rock_id("external_campus_id", "rock:campus:", "campus_id"),
        _rock_id("external_transaction_id", "rock:transaction:", "transaction_id"),
        pl.col("payment_method"),
        pl.col("amount").cast(pl.Decimal(18, 2)),
        day.alias("date"),
        day.dt.year().alias("year"),
        day.dt.month().alias("month"),
    ]


def _rock_id(column: str, prefix: str, name: str) -> pl.Expr:
    """The number behind the prefix, or null for anything else; `rock:fund:007` is not Rock's 7."""
    digits = pl.col(column).str.strip_prefix(prefix)
    genuine = pl.col(column).str.contains(f"^{prefix}[1-9][0-9]{{0,9}}$")
    return pl.when(genuine).then(digits).otherwise(None).cast(pl.Int64).alias(name)
