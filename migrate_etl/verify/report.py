"""The quality report: one HTML page that works offline, the same as JSON, and tables as CSV and Parquet."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from migrate_etl.verify.report_data import ReportData
from migrate_etl.verify.report_figures import figures, numbers
from migrate_etl.verify.report_page import page
from migrate_etl.verify.report_tables import write_tables
from migrate_transfer.core.errors import StorageError


def write_figures(folder: Path, data: ReportData) -> None:
    """Write report.json and tables/ into the folder. Raises StorageError."""
    with _storage(folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_tables(folder / "tables", data)
        _write(folder / "report.json", report_json(data))


def write_page(folder: Path, data: ReportData) -> Path:
    """Write report.html, aside first: a page that is there is whole. Returns it. Raises StorageError."""
    with _storage(folder):
        _write(folder / "report.html", report_html(data))
    return folder / "report.html"


@contextmanager
def _storage(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"Cannot write the report to {folder}: {error.strerror or error}") from error


def report_html(data: ReportData) -> str:
    """The page as text, with no reference to anything outside itself."""
    environment = Environment(
        loader=PackageLoader("migrate_etl.verify", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    source = environment.loader.get_source(environment, "report.js")[0] if environment.loader else ""
    digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
    return environment.get_template("report.html").render(**page(data), script=source, script_digest=digest)


def report_json(data: ReportData) -> str:
    """The report's figures. Amounts are text with two decimals; percentages are numbers."""
    return numbers(json.dumps(figures(data), indent=1, ensure_ascii=False))


def _write(file: Path, body: str) -> None:
    aside = file.with_name(f".{file.name}.{os.getpid()}")
    aside.write_text(body, "utf-8")
    os.replace(aside, file)
