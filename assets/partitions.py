"""The years: one set of partitions that contributions and attendance share, so that a back-fill of a year is one
click."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from migrate_etl.entity import UNDATED
from migrate_etl.workspace import partition_order

YEARS = dg.DynamicPartitionsDefinition(name="years")
"""Keys are the calendar years found in Rock, and `undated`; a scan registers them."""


def years(instance: dg.DagsterInstance) -> list[str]:
    """The registered keys in the instance's order, which is that of a range."""
    return list(instance.get_dynamic_partitions("years"))


def register_years(instance: dg.DagsterInstance, found: Sequence[str]) -> list[str]:
    """Add the keys found that are not registered yet; returns those added.

    A range runs in the order of registration, so keys that belong behind a new one are registered anew after it.
    Materializations are recorded by key and survive that.
    """
    known = years(instance)
    wanted = sorted({*known, *found, UNDATED}, key=partition_order)
    new = [key for key in wanted if key not in known]
    kept = 0
    while kept < len(known) and known[kept] == wanted[kept]:
        kept += 1
    for key in known[kept:]:
        instance.delete_dynamic_partition("years", key)
    if wanted[kept:]:
        instance.add_dynamic_partitions("years", wanted[kept:])
    return new


def whole_range(keys: Sequence[str]) -> dict[str, str]:
    """Tags of one run over all the keys, in their order."""
    return {ASSET_PARTITION_RANGE_START_TAG: keys[0], ASSET_PARTITION_RANGE_END_TAG: keys[-1]} if keys else {}
