"""Funds: the prelude of contributions. All of them, parents first, so that a missing fund cannot fail a gift."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from migrate_etl import fields
from migrate_etl.dataset import Dataset, DatasetWriter
from migrate_etl.mission.api import FUNDS_PATH
from migrate_etl.mission.loader import Loader
from migrate_etl.rock.groups import tree_of
from migrate_transfer.core.errors import AlreadyRunning, TargetError

WIRE = (
    "external_id",
    "name",
    "description",
    "is_active",
    "is_tax_deductible",
    "external_parent_id",
    "external_campus_id",
)
NO_SUCH_PATH = (404, 405, 501)


@dataclass(frozen=True, slots=True)
class Funds:
    """The funds as the loader sees them. They have no row in the plan and none among the counts of the entities."""

    name: Literal["funds"] = "funds"
    path: str = FUNDS_PATH
    prefix: str = "rock:fund:"
    wire: tuple[str, ...] = WIRE
    load_order: str = "depth"
    """A fund's parent stands before it."""


FUNDS = Funds()


def map_funds(accounts: pl.DataFrame) -> pl.DataFrame:
    """FinancialAccount rows (Lookups.funds) as Mission funds, parents first; a cycle of parents is cut as one of groups
    is: at its lowest id. A parent that Rock no longer has becomes null."""
    tree = tree_of(accounts.select("id", "parent_id")).select("group_id", "parent_id", "depth")
    frame = accounts.drop("parent_id").join(tree, left_on="id", right_on="group_id", how="left").sort("depth", "id")
    return frame.select(
        "id",
        fields.reference("fund", "id").alias("external_id"),
        pl.coalesce(fields.text("public_name"), fields.text("name"), pl.lit("Fund")).alias("name"),
        fields.text("description").alias("description"),
        "is_active",
        "is_tax_deductible",
        fields.reference("fund", "parent_id").alias("external_parent_id"),
        fields.reference("campus", "campus_id").alias("external_campus_id"),
    )


def load_funds(loader: Loader, accounts: pl.DataFrame, folder: Path) -> None:
    """Send the funds that Mission does not have in this form yet, as the ledger part `funds`; `folder` keeps their
    dataset.

    A fund that Mission refuses is a dead letter, and so is every gift that names it. Of several runs of a job one sends
    the funds, the others wait for it. A Mission without a path for funds is tolerated: its funds stay pending. Raises
    as `Loader.load`.
    """
    while True:
        with suppress(AlreadyRunning), loader.ledger.lease(FUNDS.name):
            return _load(loader, accounts, folder)
        loader.control.wait(0.2)


def _load(loader: Loader, accounts: pl.DataFrame, folder: Path) -> None:
    dataset = Dataset(folder) if Dataset.exists(folder) else _write(map_funds(accounts), folder)
    loader.ledger.discovered(FUNDS.name, dataset.rows)
    try:
        loader.load(FUNDS.name, FUNDS, dataset)
    except TargetError as error:
        if error.details.get("status") not in NO_SUCH_PATH:
            raise


def _write(funds: pl.DataFrame, folder: Path) -> Dataset:
    nothing = pl.lit(None, dtype=pl.String)
    with DatasetWriter(folder) as writer:
        writer.write(funds.with_columns(skip=nothing, reject=nothing))
        return writer.commit()
