"""Contracts and verification as Dagster asset checks: factories, one step per asset with all that is asked of it.

Every judgement looks at one stage result (one partition) and publishes counts and rules, never a value that failed:
values are people's data, and the event log is not the place for them. Blocking is what would do harm further down; a
record that Mission would refuse does not: it ends `failed`, the others go on.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

import dagster as dg
import polars as pl
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData

from checks.contracts import Contract, ContractBroken, split
from checks.rules import RULES
from checks.words import counted

WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR


class Stage(Protocol):
    """What a check is told of a stage: the rows and facts of one partition, and where the rows are."""

    @property
    def partition(self) -> str | None: ...
    @property
    def rows(self) -> int: ...
    @property
    def facts(self) -> Mapping[str, Any]: ...
    @property
    def dataset(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Judgement:
    """Passed or not, why, how bad, and the counts behind it."""

    passed: bool
    description: str
    severity: dg.AssetCheckSeverity = ERROR
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Check:
    """One question about a stage; `judge` is given the stage's result and that of the stage before it."""

    name: str
    description: str
    blocking: bool
    judge: Callable[[Stage, Stage | None], Judgement]


def asset_checks(
    asset: dg.AssetKey,
    checks: Sequence[Check],
    partitions_def: dg.PartitionsDefinition[str] | None,
    upstream: dg.AssetKey | None = None,
) -> dg.AssetChecksDefinition:
    """All checks of one asset as one step, judged partition by partition where the asset has partitions."""
    specs = [
        dg.AssetCheckSpec(
            check.name,
            asset=asset,
            description=check.description,
            blocking=check.blocking,
            partitions_def=partitions_def,
            additional_deps=[upstream] if upstream else None,
        )
        for check in checks
    ]
    ins = {"results": dg.AssetIn(key=asset)} | ({"before": dg.AssetIn(key=upstream)} if upstream else {})

    @dg.multi_asset_check(name="_".join([*asset.path, "checks"]), specs=specs, ins=ins, can_subset=True)
    def judge(context: dg.AssetCheckExecutionContext, **stages: Sequence[Stage]) -> Iterator[Any]:
        by_key = {result.partition: result for result in stages["results"]}
        before = {result.partition: result for result in stages.get("before", ())}
        keys: Sequence[str | None] = [None]
        if partitions_def:
            ranged = context.has_partition_key or context.has_partition_key_range
            keys = context.partition_keys if ranged else list(by_key)
        materialised = _materialised(context, asset, keys)
        selected = {key.name for key in context.selected_asset_check_keys}
        for check, spec in zip(checks, specs, strict=True):
            if check.name in selected:
                yield dg.Output(None, output_name=spec.get_python_identifier())
                for key in keys:
                    stage = by_key.get(key)
                    judgement = check.judge(stage, before.get(key)) if stage else NOTHING
                    yield _evaluation(spec, key, judgement, materialised.get(key))

    return judge


NOTHING = Judgement(True, "Nothing of this in the job's scope.")


def _evaluation(
    spec: dg.AssetCheckSpec,
    partition: str | None,
    judgement: Judgement,
    materialised: AssetCheckEvaluationTargetMaterializationData | None,
) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=spec.asset_key,
        check_name=spec.name,
        passed=judgement.passed,
        metadata=dict(judgement.metadata),
        severity=judgement.severity,
        description=judgement.description,
        blocking=spec.blocking,
        partition=partition,
        target_materialization_data=materialised,
    )


def _materialised(
    context: dg.AssetCheckExecutionContext, asset: dg.AssetKey, keys: Sequence[str | None]
) -> dict[str | None, AssetCheckEvaluationTargetMaterializationData]:
    """The latest materialization of each partition, so that the UI knows what a verdict is about."""
    named = [key for key in keys if key is not None]
    wanted = dg.AssetRecordsFilter(asset_key=asset, asset_partitions=named or None)
    found: dict[str | None, AssetCheckEvaluationTargetMaterializationData] = {}
    for record in context.instance.fetch_materializations(wanted, limit=max(1, len(named))).records:
        data = AssetCheckEvaluationTargetMaterializationData(
            storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp
        )
        found.setdefault(record.partition_key, data)
    return found


def extracted_checks(contract: Contract) -> list[Check]:
    """Is the extract what the scan promised, and does it look like Rock?"""

    def structure(stage: Stage, before: Stage | None) -> Judgement:
        try:
            split(stage.dataset.head(0), contract)
        except ContractBroken as error:
            return Judgement(False, f"The columns are not those of the contract: {error}")
        return Judgement(True, "Every column of the contract is there, with its type.")

    return [
        Check("structure", "Columns and types are those of the source contract.", True, structure),
        Check("unique_ids", "No Rock row was read twice.", True, _unique_ids),
        Check(
            "complete",
            "As many rows as the scan counted; rows that Rock lost meanwhile are named by the report.",
            False,
            _complete,
        ),
    ]


def _unique_ids(stage: Stage, before: Stage | None) -> Judgement:
    repeated = int(stage.dataset.scan().select(pl.len() - pl.col("id").n_unique()).collect().item())
    rows = counted(repeated, "row was", "rows were")
    again = "Begin a new job: launch with the tag migrate/job_id and a name that is not taken."
    text = f"{rows} read twice. {again}" if repeated else "Every id once."
    return Judgement(repeated == 0, text, metadata={"repeated": repeated})


def _complete(stage: Stage, before: Stage | None) -> Judgement:
    expected = int(stage.facts["discovered"])
    return Judgement(
        stage.rows == expected,
        f"{counted(stage.rows, 'row', 'rows')} read, {expected} counted by the scan.",
        WARN,
        {"rows": stage.rows, "discovered": expected},
    )


def mapped_checks(*, money: bool) -> list[Check]:
    """Does every row have its place, does the money add up, and would Mission take the records?"""
    checks = [
        Check(
            "accounted_for",
            "Every row extracted is to be loaded, left out by a named rule, or refused.",
            True,
            _accounted,
        ),
        Check("unique_external_ids", "No two records share an external id.", True, _unique_external_ids),
        Check(
            "mission_contract",
            "Every record to be loaded keeps Mission's contract; one that does not ends failed.",
            False,
            _accepted_by_contract,
        ),
        Check("findings", "What the rules found in the data, with whose it is to mend.", False, _findings),
    ]
    if money:
        checks.insert(
            2, Check("amounts", "The mapped amounts add up to the extracted ones, to the cent.", True, _amounts)
        )
    return checks


def _accounted(stage: Stage, before: Stage | None) -> Judgement:
    extracted = before.rows if before else stage.rows
    return Judgement(
        stage.rows == extracted,
        f"{stage.rows} of {extracted} rows have their place.",
        metadata={"extracted": extracted, "mapped": stage.rows},
    )


def _unique_external_ids(stage: Stage, before: Stage | None) -> Judgement:
    repeated = int(stage.dataset.scan().select(pl.len() - pl.col("external_id").n_unique()).collect().item())
    return Judgement(
        repeated == 0,
        f"{counted(repeated, 'external id stands', 'external ids stand')} more than once.",
        metadata={"repeated": repeated},
    )


def _amounts(stage: Stage, before: Stage | None) -> Judgement:
    if before is None:
        return Judgement(False, "The extract is not there to compare with.")
    mapped, extracted = _sum(stage, "_amount"), _sum(before, "amount")
    return Judgement(
        mapped == extracted,
        f"{mapped} mapped, {extracted} extracted.",
        metadata={"mapped": str(mapped), "extracted": str(extracted)},
    )


def _sum(stage: Stage, column: str) -> Decimal:
    total = stage.dataset.scan().select(pl.col(column).cast(pl.Decimal(38, 2)).sum()).collect().item()
    return Decimal(total or 0)


def _accepted_by_contract(stage: Stage, before: Stage | None) -> Judgement:
    rejected = int(stage.facts.get("rejected", 0))
    return Judgement(
        rejected == 0,
        f"{counted(rejected, 'record breaks', 'records break')} the contract.",
        metadata={"rejected": rejected},
    )


def _findings(stage: Stage, before: Stage | None) -> Judgement:
    counts: Mapping[str, int] = stage.facts.get("findings", {})
    worth = {rule: count for rule, count in counts.items() if RULES[rule].severity != "info"}
    rows = [
        dg.TableRecord(
            {
                "rule": rule,
                "rows": count,
                "severity": RULES[rule].severity,
                "owner": RULES[rule].owner,
                "remedy": RULES[rule].remedy,
            }
        )
        for rule, count in sorted(counts.items(), key=lambda item: -item[1])
    ]
    found = counted(sum(worth.values()), "finding", "findings")
    text = f"{found} under {counted(len(worth), 'rule', 'rules')}." if worth else "Nothing to mend."
    return Judgement(not worth, text, WARN, {"rules": dg.MetadataValue.table(rows)} if rows else {})


def loaded_checks() -> list[Check]:
    """Does every record have its outcome, and is none refused?"""
    return [
        Check(
            "adds_up", "discovered = done + unchanged + skipped + failed, recounted from the ledger.", False, _adds_up
        ),
        Check("none_failed", "Mission took every record that was sent.", False, _none_failed),
    ]


def _adds_up(stage: Stage, before: Stage | None) -> Judgement:
    outcomes = {name: int(stage.facts.get(name, 0)) for name in ("done", "unchanged", "skipped", "failed")}
    discovered = int(stage.facts["discovered"])
    text = f"{sum(outcomes.values())} of {discovered} discovered rows have their outcome."
    return Judgement(sum(outcomes.values()) == discovered, text, metadata={"discovered": discovered, **outcomes})


def _none_failed(stage: Stage, before: Stage | None) -> Judgement:
    failed = int(stage.facts.get("failed", 0))
    records = counted(failed, "record", "records")
    text = f"{records} failed: see the dead letters, with code and remedy." if failed else "None failed."
    return Judgement(failed == 0, text, metadata={"failed": failed})
