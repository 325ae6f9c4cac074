"""The report and evidence of a job: the proof in words, pages and tables, then sealed. A sealed job never changes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from migrate_etl.dataset import Dataset
from migrate_etl.durable import all_on_disk, on_disk
from migrate_etl.plan import Plan
from migrate_etl.proof import Proof
from migrate_etl.rock.lookups import Lookups
from migrate_etl.spec import RecordKind
from migrate_etl.verify.evidence import contents_digest, seal
from migrate_etl.verify.report import write_figures, write_page
from migrate_etl.verify.report_data import DeadLetterLine, ReportData, RunFacts
from migrate_etl.verify.report_tables import for_spreadsheets
from migrate_etl.workspace import Workspace
from migrate_transfer.core.errors import InvalidRequest, StorageError
from migrate_transfer.ledger import Ledger

SHOWN = 500
"""Dead letters in the report; all of them are listed by `migrate dead-letters`."""

PROGRAMS = ("migrate", "polars", "pandera", "sqlalchemy", "httpx", "dagster")


def write_job_report(
    workspace: Workspace, plan: Plan, lookups: Lookups, ledger: Ledger, proof: Proof, names: pl.DataFrame | None = None
) -> Path:
    """Write report.html, report.json and tables/ into the job folder and seal the evidence; returns the page.

    Raises StorageError. A job sealed before keeps its report and evidence as they are.
    """
    if workspace.sealed:
        return workspace.report_html
    data = report_data(workspace, plan, lookups, ledger, proof, names)
    write_figures(workspace.folder, data)
    return seal_evidence(workspace, proof, data)


def report_data(
    workspace: Workspace, plan: Plan, lookups: Lookups, ledger: Ledger, proof: Proof, names: pl.DataFrame | None
) -> ReportData:
    """What the report says. `names` (giving_id, name) only when people's names were asked for."""
    spec = workspace.spec
    letters = [
        DeadLetterLine(_kind(part), item.external_id, item.code, item.message, item.remedy)
        for part, item in islice(ledger.failed(), SHOWN)
    ]
    return ReportData(
        run=RunFacts(
            job_id=spec.job_id,
            organization=spec.organization,
            mission_url=spec.mission_url,
            started_at=plan.started_at,
            finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
            time_zone=spec.time_zone,
            entities=spec.entities,
            campuses=spec.campus_ids,
            date_range_start=spec.date_range_start,
            versions={name: version(name) for name in PROGRAMS},
            missing_columns=plan.missing_columns,
        ),
        counts=proof.counts,
        rock_rows=proof.rock_rows,
        fund_counts=proof.funds,
        verification=proof.verification,
        presences=proof.presences,
        findings=proof.findings,
        score=proof.score,
        dead_letters=letters,
        dead_letter_count=proof.failed,
        funds=_fund_names(lookups),
        campus_names=dict(lookups.campuses.select("id", "name").iter_rows()),
        payment_types=_payment_types(proof, lookups),
        names=names,
    )


def _kind(part: str) -> RecordKind:
    name: Any = part.split("/")[0]
    return name  # type: ignore[no-any-return]


def _payment_types(proof: Proof, lookups: Lookups) -> dict[str, str]:
    """The names, not blank, of the types that are no giving: nobody knows a GUID."""
    wanted = [kind.lower() for kind, _ in proof.verification.other_types] if proof.verification else []
    named = lookups.values.select(pl.col("guid").str.to_lowercase(), pl.col("value").str.strip_chars())
    return dict(named.filter(pl.col("guid").is_in(wanted) & (pl.col("value") != "")).iter_rows())


def _fund_names(lookups: Lookups) -> dict[int, str]:
    public = pl.col("public_name").str.strip_chars()
    shown = pl.when(public != "").then(public).otherwise("name")
    return dict(lookups.funds.select("id", shown.alias("name")).iter_rows())


def seal_evidence(workspace: Workspace, proof: Proof, data: ReportData) -> Path:
    """Copy what proves the import into `evidence/`, write the page, which prints the digest of all that, beside and
    into it, and seal it, aside first: the folder is whole or absent. Returns the page."""
    aside = workspace.folder / ".evidence"
    try:
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        for name in ("spec.json", "plan.json", "report.json"):
            shutil.copy2(workspace.folder / name, aside / name)
        shutil.copytree(workspace.folder / "tables", aside / "tables")
        page = write_page(workspace.folder, replace(data, digest=contents_digest(aside)))
        shutil.copy2(page, aside / page.name)
        seal(aside, _facts(workspace, proof))
        all_on_disk(aside)
        shutil.rmtree(workspace.evidence, ignore_errors=True)
        os.replace(aside, workspace.evidence)
        on_disk(workspace.folder)
    except OSError as error:
        raise StorageError(f"Cannot write the evidence: {error.strerror or error}") from error
    return page


def _facts(workspace: Workspace, proof: Proof) -> dict[str, Any]:
    found = proof.verification
    return {
        "job_id": workspace.spec.job_id,
        "quality_score": str(proof.score.overall),
        "financial_match": found.financial_match if found else None,
        "scope_match": found.scope_match if found else None,
        "unexplained": str(found.unexplained) if found else None,
        "rock_total": str(found.rock.amount) if found else None,
        "mission_total": str(found.mission.amount) if found else None,
        "versions": {name: version(name) for name in PROGRAMS},
    }


def named_statements(workspace: Workspace) -> pl.DataFrame:
    """The changed giving statements of a finished job with the names of their givers, safe for a spreadsheet.

    Raises InvalidRequest when the job has no report or moved no people.
    """
    table, people = workspace.folder / "tables" / "statements.parquet", workspace.stage("mapped", "people", None)
    if not table.exists() or not Dataset.exists(people):
        raise InvalidRequest("The job has no report with people.", remedy="Import people and contributions first.")
    names = giver_names([Dataset(people)], Lookups.load(workspace.lookups))
    named = pl.read_parquet(table).join(names, on="giving_id", how="left", maintain_order="left")
    return for_spreadsheets(named.lazy()).collect()


def giver_names(people: Sequence[Dataset], lookups: Lookups) -> pl.DataFrame:
    """giving_id and the names of those who give under it, from the mapped people."""
    name = pl.concat_str([pl.col("first_name"), pl.col("last_name")], separator=" ", ignore_nulls=True)
    frames = [dataset.scan().select("id", name.alias("name")) for dataset in people]
    givers = lookups.givers.lazy().rename({"person_id": "id"}).cast({"id": pl.Int64})
    joined = pl.concat(frames).join(givers, on="id").sort("id")
    return joined.group_by("giving_id", maintain_order=True).agg(pl.col("name").str.join(", ")).collect()


def is_clean(summary: Mapping[str, Any]) -> bool:
    """Of a report.json: whether every record in scope is in Mission once or left out on purpose, and every cent is
    explained by something that was wanted: a gift corrected by hand is, a page lost while reading is not."""
    lines = (summary["money"] or {}).get("variance", ())
    lost_in_reading = any(line["count"] for line in lines if line["line"] == "extraction")
    unexplained = summary["unexplained"] not in (None, "0.00") or summary["unexplained_records"]
    refused = (summary.get("funds") or {}).get("failed")
    return not (unexplained or lost_in_reading or refused or any(map(_is_short, summary["entities"].values())))


def _is_short(entity: Mapping[str, Any]) -> bool:
    """Whether records failed, have no outcome (they were lost while reading), or are not in Mission just once.

    `in_mission` is None where Mission does not offer to read records back."""
    seen = entity["in_mission"] or {"missing_count": 0, "duplicated_count": 0}
    return bool(entity["failed"] or entity["pending"] or seen["missing_count"] or seen["duplicated_count"])
