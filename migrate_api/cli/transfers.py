"""copy, archive and sync: files from a folder to Azure Blob Storage; and the check of a manifest."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, NoReturn, cast

import typer

from migrate_api.cli.errors import DIFFERENCES
from migrate_api.cli.file_bars import file_bars
from migrate_api.cli.interrupts import pausing
from migrate_api.cli.options import Config
from migrate_api.cli.output import Json, page, table, write_json
from migrate_api.cli.settings import Settings
from migrate_transfer import manifest
from migrate_transfer.core.backend import Tier
from migrate_transfer.core.bandwidth import MEGABIT, Bucket
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import InvalidRequest, Stopped
from migrate_transfer.core.plan import Filters
from migrate_transfer.dry_run import Untouched, dry_run_folder, sweep
from migrate_transfer.engine.transfer import Tell, Transfer
from migrate_transfer.job import ITEMS, MANIFEST, REPORT, FileJob
from migrate_transfer.ledger.item_records import FAILED
from migrate_transfer.ledger.items import ItemLedger
from migrate_transfer.net.lane import Link
from migrate_transfer.places import Credentials, open_destination, open_source, require_apart, whole
from migrate_transfer.spec import MIB, Kind, TransferSpec

TIERS = ("hot", "cool", "cold", "archive")
SHOWN = 20
YEAR = 366 * 86_400.0
BOUNDS = ("low", "likely", "high")

Source = Annotated[str, typer.Argument(metavar="SOURCE", help="A folder.")]
Target = Annotated[str, typer.Argument(metavar="DESTINATION", help="azure_blob://account/container/prefix")]
Out = Annotated[Path, typer.Option("--out", help="Folder of the jobs: ledgers, manifests and reports.")]
OUT = Path("out/transfers")
Include = Annotated[list[str] | None, typer.Option("--include", help="Only what matches: `*.pdf`, `docs/**`.")]
Exclude = Annotated[list[str] | None, typer.Option("--exclude", help="Not what matches; goes before --include.")]
Older = Annotated[
    datetime | None,
    typer.Option("--older-than", formats=["%Y-%m-%d"], help="Only what was created before (UTC)."),
]
Streams = Annotated[int, typer.Option("--concurrency", min=1, max=32, help="Upload streams at a time.")]
Chunk = Annotated[int, typer.Option("--chunk-mb", min=1, max=256, help="Size of an upload's chunks, in 2^20 bytes.")]
Speed = Annotated[
    float | None, typer.Option("--bandwidth-mbps", min=0.001, max=100_000.0, help="At the most, in 10^6 bits a second.")
]
Verify = Annotated[
    bool, typer.Option("--verify/--no-verify", help="SHA-256 of everything; else size and time decide what is there.")
]
Reread = Annotated[bool, typer.Option("--reread", help="Read every object back after it was sent.")]
Delete = Annotated[
    bool, typer.Option("--delete-source", help="Delete each file once its copy was read back and is right.")
]
Overwrite = Annotated[
    bool,
    typer.Option("--overwrite", help="Replace objects from elsewhere too, and moved ones: they may be the only copy."),
]
Deletions = Annotated[bool, typer.Option("--deletions", help="Remove there what is no longer here.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only list: what there is, and what would be left out.")]
TierName = Annotated[str, typer.Option("--tier", help=f"One of {', '.join(TIERS)}.")]


def copy(
    source: Source,
    destination: Target,
    out: Out = OUT,
    config: Config = None,
    include: Include = None,
    exclude: Exclude = None,
    older_than: Older = None,
    concurrency: Streams = 4,
    chunk_mb: Chunk = 8,
    bandwidth_mbps: Speed = None,
    tier: TierName = "hot",
    verify: Verify = True,
    reread: Reread = False,
    delete_source: Delete = False,
    overwrite: Overwrite = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Copy files, prove that they arrived, and write a manifest. Run it again to go on."""
    spec = _spec("copy", locals())
    _transfer(spec, out, config, bandwidth_mbps, dry_run=dry_run, as_json=as_json)


def archive(
    source: Source,
    destination: Target,
    out: Out = OUT,
    config: Config = None,
    include: Include = None,
    exclude: Exclude = None,
    older_than: Older = None,
    concurrency: Streams = 4,
    chunk_mb: Chunk = 8,
    bandwidth_mbps: Speed = None,
    tier: TierName = "archive",
    delete_source: Delete = False,
    overwrite: Overwrite = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Copy files, read them back, then move them to the Archive tier. The source stays, unless it is to be deleted."""
    spec = _spec("archive", {**locals(), "reread": True})
    _transfer(spec, out, config, bandwidth_mbps, dry_run=dry_run, as_json=as_json)


def sync(
    source: Source,
    destination: Target,
    out: Out = OUT,
    config: Config = None,
    include: Include = None,
    exclude: Exclude = None,
    concurrency: Streams = 4,
    chunk_mb: Chunk = 8,
    bandwidth_mbps: Speed = None,
    tier: TierName = "hot",
    deletions: Deletions = False,
    overwrite: Overwrite = False,
    every: Annotated[
        float, typer.Option("--every", min=0.0, max=YEAR, help="Seconds from one pass to the next.")
    ] = 300.0,
    passes: Annotated[int | None, typer.Option("--passes", min=1, help="End after so many passes.")] = None,
    as_json: Json = False,
) -> None:
    """Keep copying what is new or changed until it is stopped."""
    spec = _spec("sync", locals())
    _transfer(spec, out, config, bandwidth_mbps, passes=passes, as_json=as_json)


def _spec(kind: Kind, given: dict[str, Any]) -> TransferSpec:
    day = given.get("older_than")
    if given["tier"] not in TIERS:
        raise InvalidRequest(f"There is no such tier; there are {', '.join(TIERS)}.", code="BAD_TIER")
    names = ("verify", "reread", "delete_source", "overwrite", "deletions", "every")
    return TransferSpec(
        kind,
        whole(given["source"]),
        given["destination"],
        Filters(day.date() if day else None, tuple(given["include"] or ()), tuple(given["exclude"] or ())),
        concurrency=given["concurrency"],
        chunk=given["chunk_mb"] * MIB,
        tier=cast("Tier", given["tier"]),
        **{name: given[name] for name in names if name in given},
    )


def _transfer(
    spec: TransferSpec,
    out: Path,
    config: Path | None,
    mbps: float | None,
    *,
    as_json: bool,
    dry_run: bool = False,
    passes: int | None = None,
) -> None:
    control, line = Control(), Bucket(mbps * MEGABIT if mbps else None)
    credentials = _credentials(Settings.gather(config, None, {}))
    link = Link(control, bandwidth=line)
    destination = open_destination(spec.destination, credentials, link, tier=spec.tier, chunk=spec.chunk)
    destination = Untouched(destination) if dry_run else destination
    source = open_source(spec.source)
    require_apart(spec.source, out, spec.filters)
    with _folder(out, spec, dry_run) as folder, closing(Transfer(folder, spec, source, destination)) as transfer:
        job = FileJob(transfer, line)
        with pausing(control, ending=True), file_bars(quiet=as_json) as tell:
            if dry_run:
                job.scan(control, tell)
            else:
                _run(job, control, tell, passes)
        _finish(job, dry_run=dry_run, as_json=as_json)


def _run(job: FileJob, control: Control, tell: Tell, passes: int | None) -> None:
    try:
        job.run(control, tell, passes)
    except Stopped:
        if job.transfer.spec.kind == "sync":  # that is how it ends; a report of anything else would say that it is done
            job.write_papers()
        raise


def _credentials(settings: Settings) -> Credentials:
    found = [settings.values.get(("azure", key)) for key in ("connection_string", "sas_token")]
    secrets = [str(one).strip() or None if one else None for one in found]
    return Credentials(secrets[0], secrets[1], str(settings.values.get(("azure", "endpoint")) or ""))


@contextmanager
def _folder(out: Path, spec: TransferSpec, dry_run: bool) -> Iterator[Path]:
    """The job of the same settings that did not come to its end (a sync never does), or a new one. A dry run keeps
    nothing: what it lists will be old when files move."""
    sweep(out)
    if dry_run:
        with dry_run_folder(out) as folder:
            yield folder
        return
    name = f"{spec.kind}-{hashlib.sha256(spec.identity().encode()).hexdigest()[:10]}"
    number = 1
    while spec.kind != "sync" and (out / f"{name}-{number}" / REPORT).exists():
        number += 1
    yield out / f"{name}-{number}"


def _finish(job: FileJob, *, dry_run: bool, as_json: bool) -> None:
    found = job.report() if dry_run else {"job": str(job.folder), **job.write_papers()}
    if as_json:
        write_json(found)
    else:
        _show(found, dry_run=dry_run)
        _show_failed(job.transfer.ledger)
    sys.exit(DIFFERENCES if found["items"]["failed"] else 0)


def _show(found: dict[str, Any], *, dry_run: bool) -> None:
    rows = [[name, f"{count:,}"] for name, count in found["items"].items() if count or name == "discovered"]
    table("Files", ["", "files"], rows)
    if found["items"]["discovered"] == found["items"]["skipped"]:
        page().print("Nothing was to be moved: the source is empty, or the filters leave all out.", soft_wrap=True)
    forecast = found["forecast"]
    if dry_run:
        rows = [[name, *(f"{forecast[name][bound]:,}" for bound in BOUNDS)] for name in ("files", "bytes", "hours")]
        rows.append(["USD", *(forecast["usd"][bound] for bound in BOUNDS)])
        table("Forecast", ["", *BOUNDS], rows)
        return
    speed = f"{found['bytes_per_second'] / 1e6:,.1f} MB/s"
    told = f"forecast: {forecast['hours']['likely'] * 3_600:,.0f} s"
    page().print(f"{found['bytes_moved']:,} bytes moved in {found['seconds']:,} s ({speed}; {told}).", highlight=False)
    if found.get("not_removed"):
        away = f" Not mounted as before: {', '.join(found['not_mounted'])}" if found["not_mounted"] else ""
        page().print(f"Objects that were not removed: {found['not_removed']:,}.{away}", highlight=False, soft_wrap=True)
    page().print(
        f"Every file's outcome: {found['job']}/{MANIFEST}; what was left or failed: {found['job']}/{ITEMS}",
        soft_wrap=True,
    )


def _show_failed(ledger: ItemLedger) -> None:
    failed = list(islice(ledger.entries(FAILED), SHOWN))
    if failed:
        lines = [[entry.key, entry.code, entry.message, entry.remedy] for entry in failed]
        table("Failed", ["file", "code", "why", "remedy"], lines, numbers_from=99)


def verify_manifest(path: Path, settings: Settings, *, as_json: bool) -> NoReturn:
    """Read every object of a manifest back from its destination and say what differs."""
    head, control = manifest.read_head(path), Control()
    link = Link(control)
    destination = open_destination(head["destination"], _credentials(settings), link, tier="hot", chunk=8 * MIB)
    with pausing(control, ending=True):
        found = manifest.verify(path, destination, 8, control, lambda count: None)
    if as_json:
        differences = [{"path": one.key, "found": one.found, "message": one.message} for one in found.differences]
        write_json({"objects": found.counts, "clean": found.clean, "differences": differences})
    else:
        table("Objects", ["", "objects"], [[name, f"{count:,}"] for name, count in sorted(found.counts.items())])
        if found.differences:
            lines = [[one.key, one.found, one.message] for one in found.differences[:SHOWN]]
            table("Differences", ["object", "found", "what"], lines, numbers_from=99)
    sys.exit(0 if found.clean else DIFFERENCES)
