"""The only wiring: entities, checks, jobs and resources become what `dagster dev` opens."""

import warnings
from typing import Any

import dagster as dg

from assets.factory import EXTRACT, LOAD, MAP, entity_assets
from assets.jobs import backfill_years, dry_run, import_after_scan, nightly_top_up, rockrms_import, scan_rock
from assets.partitions import YEARS
from assets.proof import quality_report, reconciliation
from assets.resources import import_job, manifest_io_manager
from assets.scan import scan
from checks.asset_checks import asset_checks, extracted_checks, loaded_checks, mapped_checks
from migrate_etl.entities import ENTITIES
from migrate_etl.entity import Entity


def entity_checks(entity: Entity) -> list[dg.AssetChecksDefinition]:
    """The contract and book-keeping checks of one entity's road."""
    years = YEARS if entity.partitioned else None
    return [
        asset_checks(EXTRACT.key(entity.name), extracted_checks(entity.raw_contract), years),
        asset_checks(
            MAP.key(entity.name),
            mapped_checks(money="amount" in entity.raw_contract.columns()),
            years,
            upstream=EXTRACT.key(entity.name),
        ),
        asset_checks(LOAD.key(entity.name), loaded_checks(), years),
    ]


def build_definitions(**resources: Any) -> dg.Definitions:
    """Everything as one code location.

    `resources` replaces the defaults by name: `import_job` takes an `ImportJob` or a resource that yields one. All
    steps of a run share one process and one `ImportJob`: they are few and coarse, and polars uses the cores inside
    each.
    """
    with warnings.catch_warnings():
        # Back-fill policies are beta and partitioned checks preview in this release; `dagster` is pinned for that.
        warnings.simplefilter("ignore", (dg.BetaWarning, dg.PreviewWarning))
        roads = [asset for entity in ENTITIES.values() for asset in entity_assets(entity)]
        checks = [check for entity in ENTITIES.values() for check in entity_checks(entity)]
    return dg.Definitions(
        assets=[scan, *roads, reconciliation, quality_report],
        asset_checks=checks,
        jobs=[rockrms_import, scan_rock, backfill_years, dry_run],
        schedules=[nightly_top_up],
        sensors=[import_after_scan],
        resources={"import_job": import_job, "io_manager": manifest_io_manager, **resources},
        executor=dg.in_process_executor,
    )


defs = build_definitions()
