"""The end of an import: everything the verification needs, gathered from ledger, datasets, Mission and Rock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from migrate_etl.dataset import UPSTREAM_FIRST, Dataset
from migrate_etl.entities import ENTITIES
from migrate_etl.mission.api import MissionApi
from migrate_etl.mission.funds import FUNDS
from migrate_etl.mission.planning import unpack
from migrate_etl.mission.readback import read_back
from migrate_etl.mission.receipts import ReceiptsBook
from migrate_etl.plan import Plan
from migrate_etl.rock.database import RockDatabase
from migrate_etl.rock.lookups import Lookups
from migrate_etl.spec import EntityName
from migrate_etl.verify.corrections import corrections_frame
from migrate_etl.verify.dry_run import Findings, add_up
from migrate_etl.verify.mission_totals import totals_frame
from migrate_etl.verify.presence import Presence, presence
from migrate_etl.verify.reconcile import ReconcileInputs, Verification, reconcile
from migrate_etl.verify.rock_totals import AskedRock, count_rows
from migrate_etl.verify.score import EntityCounts, Score, score
from migrate_etl.workspace import Workspace, part_name
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import StorageError
from migrate_transfer.ledger import Ledger, Totals


@dataclass(frozen=True, slots=True)
class Proof:
    """What an import came to. `verification` and `funds` are None for a job without contributions. `rock_rows`: rows
    per entity that Rock itself counts now."""

    counts: Mapping[EntityName, EntityCounts]
    rock_rows: Mapping[EntityName, int]
    funds: EntityCounts | None
    findings: Findings
    presences: Mapping[EntityName, Presence]
    verification: Verification | None
    score: Score

    @property
    def failed(self) -> int:
        """Records that failed, refused funds among them."""
        return sum(found.failed for found in (*self.counts.values(), *([self.funds] if self.funds else [])))


@dataclass(frozen=True, slots=True)
class Gathering:
    """The books of one job, to be held against each other."""

    workspace: Workspace
    plan: Plan
    ledger: Ledger
    lookups: Lookups
    receipts: ReceiptsBook
    control: Control

    def prove(self, api: MissionApi, database: RockDatabase) -> Proof:
        """Read Mission back where it offers that, ask Rock anew, compare and score. Raises what reading either raises,
        and StorageError when a stage of the import has not been run."""
        self._require_sound_books()
        self._require_all_stages()
        names = self.workspace.spec.entities
        rock_rows = {name: count_rows(database, name, self.plan.high_water[name]) for name in names}
        counts = {name: self.counts(name).without_gone(rock_rows[name]) for name in names}
        findings = self.findings()
        backs = {name: self._read_back(api, name) for name in counts}
        presences: dict[EntityName, Presence] = {
            name: self._presence(name, back)
            for name, back in backs.items()
            if back is not None and name != "contributions"
        }
        verification = None
        if "contributions" in counts:
            verification = reconcile(self._inputs(api, database, backs["contributions"]))
        funds = self.funds()
        judged = score(counts, findings.failing, presences, verification, funds)
        return Proof(counts, rock_rows, funds, findings, presences, verification, judged)

    def _require_all_stages(self) -> None:
        """The whole list at once: what a report is made of, it is made of whole."""
        parts = [(name, part) for name in self.workspace.spec.entities for part in self.plan.partitions(name)]
        away = [part_name(*part) for part in parts if not Dataset.exists(self.workspace.stage("findings", *part))]
        if away:
            more = f" and {len(away) - 5} more" if len(away) > 5 else ""
            said = f"This job has not been through {', '.join(away[:5])}{more}."
            raise StorageError(said, code="DATASET_MISSING", remedy=UPSTREAM_FIRST)

    def _require_sound_books(self) -> None:
        wrong = [said for part in self.ledger.parts() for said in self.ledger.violations(part)]
        if wrong:
            raise StorageError(
                f"The job's ledger contradicts itself: {'; '.join(wrong[:3])}.",
                code="LEDGER_UNSOUND",
                remedy="Nothing is proven with it. Start a new job with the same options: what Mission has counts as"
                " unchanged. Send this job's folder with the support bundle.",
            )

    def datasets(self, stage: str, entity: EntityName) -> list[Dataset]:
        """The datasets of a stage, all partitions in order."""
        return [Dataset(self.workspace.stage(stage, entity, p)) for p in self.plan.partitions(entity)]

    def findings(self) -> Findings:
        return add_up({name: self.datasets("findings", name) for name in self.workspace.spec.entities})

    def counts(self, entity: EntityName) -> EntityCounts:
        """The entity's outcomes over all partitions, recounted from the ledger."""
        totals = [self.ledger.totals(part_name(entity, p)) for p in self.plan.partitions(entity)]
        return _added_up(totals, pulled_in=self._pulled_in() if entity == "people" else 0)

    def funds(self) -> EntityCounts | None:
        """The outcomes of the funds, which are no entity; None for a job that sends none."""
        sent = "contributions" in self.workspace.spec.entities
        return _added_up([self.ledger.totals(FUNDS.name)]) if sent else None

    def _pulled_in(self) -> int:
        return int(self.lookups.persons["pulled_in"].sum())

    def _read_back(self, api: MissionApi, entity: EntityName) -> Dataset | None:
        return read_back(api, ENTITIES[entity], self.workspace.stage("readback", entity, None), self.control)

    def _presence(self, entity: EntityName, back: Dataset) -> Presence:
        away = pl.concat([self._failed(entity), self._pending(entity)]).unique()
        accepted = cache(lambda: self.receipts.known(entity))  # seldom needed

        def known(ids: pl.Series) -> pl.Series:
            return accepted().has(ids)

        return presence(self.datasets("mapped", entity), back, away, self._scratch, known)

    @property
    def _scratch(self) -> Path:
        return self.workspace.folder / "comparing"

    def _failed(self, entity: EntityName) -> pl.Series:
        parts = [part_name(entity, p) for p in self.plan.partitions(entity)]
        return _ids([item.id for part in parts for _, item in self.ledger.failed(part)])

    def _pending(self, entity: EntityName) -> pl.Series:
        """Loadable rows that the ledger has no outcome for: an import that was verified before it was through."""
        found = [_ids([])]
        for partition in self.plan.partitions(entity):
            part = part_name(entity, partition)
            if self.ledger.totals(part).pending:
                mapped = Dataset(self.workspace.stage("mapped", entity, partition))
                due = mapped.scan().filter(pl.col("skip").is_null()).select("id").collect()["id"]
                known = pl.concat([_ids(unpack(ids)) for ids in self.ledger.accepted(part)] or [_ids([])])
                found.append(due.filter(~due.is_in(known.implode())))
        pending = pl.concat(found)
        return pending.filter(~pending.is_in(self._failed(entity).implode()))

    def _inputs(self, api: MissionApi, database: RockDatabase, back: Dataset | None) -> ReconcileInputs:
        totals = api.totals() if back is None else None
        accepted = self.receipts.known("contributions")
        mark = self.plan.high_water["contributions"]
        folder = self.workspace.folder / "verified"
        folder.mkdir(parents=True, exist_ok=True)
        return ReconcileInputs(
            folder=folder,
            mapped=self.datasets("mapped", "contributions"),
            rejected=self._failed("contributions"),
            not_sent=self._pending("contributions"),
            read_back=back,
            mission_totals=totals_frame(totals["contributions"]["by_fund_month"]) if totals else None,
            rock=AskedRock(database, mark),
            known=accepted.has,
            corrections=corrections_frame(self.receipts.corrections("contributions")),
            givers=self.lookups.givers,
            high_water=mark,
            started=self._started(),
        )

    def _started(self) -> datetime:
        """When the scan ran, as a clock on the church's wall showed it."""
        moment = datetime.fromisoformat(self.plan.started_at)
        return moment.astimezone(ZoneInfo(self.workspace.spec.time_zone)).replace(tzinfo=None)


def _added_up(totals: Sequence[Totals], pulled_in: int = 0) -> EntityCounts:
    skips: dict[str, int] = {}
    for found in totals:
        for rule, count in found.skips.items():
            skips[rule] = skips.get(rule, 0) + count
    return EntityCounts(
        discovered=sum(t.discovered for t in totals),
        done=sum(t.done for t in totals),
        unchanged=sum(t.unchanged for t in totals),
        skipped=sum(t.skipped for t in totals),
        failed=sum(t.failed for t in totals),
        pending=sum(t.pending for t in totals),
        pulled_in=pulled_in,
        skips=skips,
    )


def _ids(ids: Sequence[int]) -> pl.Series:
    return pl.Series("id", ids, dtype=pl.Int64)
