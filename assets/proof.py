"""The end of an import: both sides compared to the cent, and the report about it."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from assets.boundary import at_the_edge
from assets.factory import LOAD, OWNERS, Results
from checks.asset_checks import ERROR, WARN
from migrate_etl.entities import ENTITIES
from migrate_etl.job import ImportJob
from migrate_etl.verify.evidence import SEAL
from migrate_etl.verify.reconcile import Verification

RECONCILIATION = dg.AssetKey(["reconciliation"])
QUALITY_REPORT = dg.AssetKey(["quality_report"])
OUTCOMES = ("discovered", "done", "unchanged", "skipped", "failed", "pending")
RECONCILIATION_CHECKS: Mapping[str, str] = {
    "unexplained": "What no named cause explains is 0.00.",
    "scope_match": "What was in scope is in Mission, to the cent.",
    "financial_match": "Rock's all-time giving equals Mission's; what was left out on purpose shows here.",
}


def reconciliation_specs() -> list[dg.AssetCheckSpec]:
    said = RECONCILIATION_CHECKS.items()
    return [dg.AssetCheckSpec(name, asset=RECONCILIATION, description=text) for name, text in said]


def reconciliation_results(found: Verification | None) -> list[dg.AssetCheckResult]:
    """An error, but for the all-time figure: that differs by design where rules leave gifts out."""
    if found is None:
        judged = [(name, True, ERROR, "The job has no contributions.") for name in RECONCILIATION_CHECKS]
    else:
        mission = f"{found.mission.amount} in Mission"
        judged = [
            ("unexplained", not found.unexplained, ERROR, f"{found.unexplained} has no cause."),
            ("scope_match", found.scope_match, ERROR, f"{found.scope.amount} in scope, {mission}."),
            ("financial_match", found.financial_match, WARN, f"{found.rock.amount} in Rock, all time, {mission}."),
        ]
    return [
        dg.AssetCheckResult(
            asset_key=RECONCILIATION, check_name=name, passed=passed, severity=severity, description=said
        )
        for name, passed, severity, said in judged
    ]


def _loaded(entity: Any) -> dg.AssetIn:
    everything = dg.AllPartitionMapping() if entity.partitioned else None
    return dg.AssetIn(key=LOAD.key(entity.name), partition_mapping=everything)


@dg.asset(
    key=RECONCILIATION,
    ins={name: _loaded(entity) for name, entity in ENTITIES.items()},
    check_specs=reconciliation_specs(),
    group_name="proof",
    kinds={"polars"},
    owners=OWNERS,
    tags={"migrate/stage": "verify"},
    required_resource_keys={"import_job"},
)
def reconciliation(context: dg.AssetExecutionContext, **loaded: Results) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster knows it by this name alone
    """Mission's books against Rock's, record by record and cent by cent. Rock is asked anew by sums of its own, Mission
    is read back where it offers that; every difference is put under one named cause, and what no cause explains must be
    0.00."""
    job: ImportJob = context.resources.import_job
    with at_the_edge(context, job.control):
        proof = job.prove()
    found = proof.verification
    return dg.MaterializeResult(
        metadata={
            "score": str(proof.score.overall),
            "outcomes": outcomes(loaded),
            **({"funds refused": proof.funds.failed} if proof.funds else {}),
            **(verdict(found) if found else {}),
        },
        check_results=reconciliation_results(found),
    )


@dg.asset(
    key=QUALITY_REPORT,
    deps=[RECONCILIATION],
    group_name="proof",
    kinds={"html", "json"},
    owners=OWNERS,
    tags={"migrate/stage": "report"},
    required_resource_keys={"import_job"},
)
def quality_report(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster knows it by this name alone
    """The quality report for the church: outcome counts, score, money cube, variance cause by cause, statements that
    changed, findings with remedy and owner. One HTML page that works offline, the same as JSON and as tables, and the
    sealed evidence."""
    job: ImportJob = context.resources.import_job
    with at_the_edge(context, job.control):
        page = job.report()
    return dg.MaterializeResult(
        metadata={
            # A path to copy: a browser follows no file:// link from the page of a server.
            "report.html": dg.MetadataValue.path(str(page)),
            "report.json": dg.MetadataValue.path(str(job.workspace.report_json)),
            "evidence": dg.MetadataValue.path(str(job.workspace.evidence)),
            "seal": (job.workspace.evidence / SEAL).read_text("utf-8").split()[-1],
        }
    )


def outcomes(loaded: Mapping[str, Results]) -> dg.TableMetadataValue:
    """One line an entity: what became of its records, all partitions together."""
    rows = []
    for name in ENTITIES:
        facts = [result.facts for result in loaded[name]]
        rows.append(dg.TableRecord({"entity": name, **{o: sum(int(f.get(o, 0)) for f in facts) for o in OUTCOMES}}))
    return dg.MetadataValue.table(rows)


def verdict(verification: Verification) -> dict[str, Any]:
    """The figures that an operator looks at first, and the variance line by line."""
    lines = [
        dg.TableRecord({"line": line.title, "records": line.count, "amount": str(line.effect)})
        for line in verification.lines
        if line.count or line.amount
    ]
    return {
        "unexplained": str(verification.unexplained),
        "scope_match": verification.scope_match,
        "financial_match": verification.financial_match,
        "Rock, all time": str(verification.rock.amount),
        "Rock, in scope": str(verification.scope.amount),
        "Mission": str(verification.mission.amount),
        "grade": verification.grade,
        **({"variance": dg.MetadataValue.table(lines)} if lines else {}),
    }
