"""The map stage: extracted chunks through contract, mapping and contract again, into mapped records and findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import polars as pl

from checks.contracts import FINDING_COLUMNS, ContractBroken, split
from migrate_etl.dataset import Dataset, DatasetWriter
from migrate_etl.entity import Entity, Mapped
from migrate_etl.extract import CHUNK_ROWS
from migrate_etl.rock.lookups import Lookups
from migrate_etl.spec import RockImportSpec
from migrate_etl.workspace import Workspace
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import SourceError

PIECE_ROWS = 50_000
"""Rows and their children that are mapped at once."""

REJECT = "reject"
"""Column of the mapped records: the contract rule that a record to be loaded breaks, or null. Mission would refuse it;
the load records it as failed instead of sending it."""


def map_entity(
    workspace: Workspace,
    entity: Entity,
    lookups: Lookups,
    control: Control,
    *,
    partition: str | None,
    progress: Callable[[int], None] = lambda rows: None,
) -> tuple[Dataset, Dataset]:
    """Map one extracted partition into a `mapped` and a `findings` dataset; they are kept if they are there already.

    The mapped dataset has the rows of the extract, in its order; where the entity names a load order, what is loaded
    comes last and in that.
    Raises SourceError when the extract lacks a column or has one of another type.
    """
    mapped_at = workspace.stage("mapped", entity.name, partition)
    findings_at = workspace.stage("findings", entity.name, partition)
    if not (Dataset.exists(mapped_at) and Dataset.exists(findings_at)):
        extracted = Dataset(workspace.stage("extracted", entity.name, partition))
        if entity.beforehand is not None:
            lookups = entity.beforehand(extracted.scan(), lookups)
        kept: list[pl.DataFrame] = []
        with DatasetWriter(findings_at) as findings, DatasetWriter(mapped_at) as records:
            parts = (piece for chunk in extracted.chunks() for piece in pieces(chunk, entity))
            chunks = (map_chunk(piece, entity, lookups, workspace.spec) for piece in parts)
            for chunk in _in_load_order(entity, chunks):
                control.check()
                findings.write(chunk.findings)
                records.write(chunk.records)
                if entity.across is not None:
                    kept.append(chunk.records.filter(pl.col("skip").is_null()).select("id", *entity.across[0]))
                progress(records.rows)
            if entity.across is not None:
                findings.write(entity.across[1](pl.concat(kept)))
            findings.commit()
            records.commit()
    return Dataset(mapped_at), Dataset(findings_at)


def pieces(chunk: pl.DataFrame, entity: Entity) -> Iterator[pl.DataFrame]:
    """The chunk, in pieces where its rows and their children are many: groups may have thousands of members."""
    children = [pl.col(child.name).list.len().fill_null(0).cast(pl.Int64).cum_sum() for child in entity.children]
    rows = pl.sum_horizontal(pl.int_range(1, pl.len() + 1), *children)
    start = 0
    for length in chunk.select(rows // PIECE_ROWS).to_series().rle().struct.field("len").to_list() or [0]:
        yield chunk.slice(start, length)
        start += length


def map_chunk(chunk: pl.DataFrame, entity: Entity, lookups: Lookups, spec: RockImportSpec) -> Mapped:
    """One chunk through the raw contract, the mapping and the wire contract; adds the `reject` column."""
    try:
        _, _, raw_findings = split(chunk, entity.raw_contract)
        mapped = entity.map(chunk, lookups, spec)
        # A page read twice is a flaw of the reading, which the verification names; its records are good, and load once.
        to_load = mapped.records.filter(pl.col("skip").is_null() & pl.col("id").is_first_distinct())
        _, rejected, wire_findings = split(to_load, entity.wire_contract)
    except ContractBroken as error:
        raise SourceError(
            f"The {entity.name} of this database do not look as they should: {error}",
            code="UNEXPECTED_STRUCTURE",
            remedy="Run test-connection; if Rock is a supported release, send the support bundle.",
        ) from error
    rules = wire_findings.group_by("id").agg(pl.col("rule").first().alias(REJECT))
    rules = rules.join(rejected.select("id"), on="id", how="semi")
    records = mapped.records.join(rules, on="id", how="left", maintain_order="left")
    findings = pl.concat([f.select(list(FINDING_COLUMNS)) for f in (raw_findings, mapped.findings, wire_findings)])
    return Mapped(records, findings)


def _in_load_order(entity: Entity, chunks: Iterator[Mapped]) -> Iterator[Mapped]:
    """Where parents must go first, as with groups: what is left out comes as it was read, and behind it, sorted, what
    is loaded. Of Rock's groups most are families and relationships, too many to be held in memory."""
    if entity.load_order is None:
        yield from chunks
        return
    kept = []
    for chunk in chunks:
        loaded = pl.col("skip").is_null()
        kept.append(chunk.records.filter(loaded))
        yield Mapped(chunk.records.filter(~loaded), chunk.findings)
        none_found = chunk.findings.clear()
    for records in pl.concat(kept).sort(entity.load_order, "id", nulls_last=True).iter_slices(CHUNK_ROWS):
        yield Mapped(records, none_found)


def mapped_facts(mapped: Dataset) -> dict[str, Any]:
    """Counts per skip rule, rejected and loadable rows of a mapped dataset, and its sums of money as text."""
    frame = mapped.scan()
    skips = frame.select("skip").drop_nulls().group_by("skip").len().sort("skip").collect()
    loadable = pl.col("skip").is_null()
    counts = frame.select(
        loadable.sum().alias("loadable"), (loadable & pl.col(REJECT).is_not_null()).sum().alias("rejected")
    )
    facts: dict[str, Any] = {"skips": dict(skips.iter_rows()), **counts.collect().row(0, named=True)}
    if "_amount" in frame.collect_schema():
        sums = frame.select(
            pl.col("_amount").sum().alias("all"), pl.col("_amount").filter(loadable).sum().alias("loadable")
        )
        facts["amounts"] = {name: str(value) for name, value in sums.collect().row(0, named=True).items()}
    return facts


def finding_counts(findings: Dataset) -> dict[str, int]:
    """Findings per rule."""
    return dict(findings.scan().group_by("rule").len().sort("rule").collect().iter_rows())
