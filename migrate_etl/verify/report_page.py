"""What the page shows, worked out for the template: rows, words and charts. No markup but the charts'."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl

from checks.rules import RULES
from migrate_etl.verify.charts import Step, columns, dial, share_bar, stacked_bar, waterfall
from migrate_etl.verify.cube import BATCH_KEYS, records_of, roll_up
from migrate_etl.verify.drill import fund_totals, fund_years, shown_cells
from migrate_etl.verify.money import ZERO, text
from migrate_etl.verify.reconcile import Verification
from migrate_etl.verify.report_data import ReportData
from migrate_etl.verify.score import DIMENSION_WORDS, DIMENSIONS, FORMULA, EntityScore, shown

EXCEPTIONS_SHOWN, STATEMENTS_SHOWN, CELLS_SHOWN, RECORDS_SHOWN, LETTERS_SHOWN = 200, 100, 2_500, 20, 100
"""Rows on the page; the tables have all of them."""

PIVOT_YEARS = 7
"""Years that fit beside each other on a printed page."""

ENTITY_WORDS = {
    "people": "People",
    "families": "Families",
    "groups": "Groups",
    "contributions": "Contributions",
    "attendance": "Attendance",
    "prayer_requests": "Prayer requests",
}

GRADE_WORDS = {
    "read back": "Every contribution was read back from Mission and compared with Rock, record by record.",
    "totals": (
        "Mission offers its sums but no records. Compared are sums by fund and month; extra or altered records "
        "that leave a month's sum alone cannot be seen, and Mission's side of a statement is as accepted."
    ),
    "receipts": (
        "Mission offers no reading back. Its side is what it accepted, no more: what happened to a record afterwards "
        "cannot be seen from here."
    ),
}

KIND_WORDS = {
    "missing": "Missing in Mission", "altered": "Altered in Mission", "extra": "Extra in Mission",
    "duplicated": "Twice in Mission", "rejected": "Refused by Mission", "not_sent": "Never sent",
    "corrected": "Corrected by hand", "stale": "Out of scope, as an earlier run left it",
    "not_from_rock": "Entered in Mission", "lost": "Lost while reading Rock", "doubled": "Read twice from Rock",
    "new": "New in Rock", "removed": "Removed in Rock", "changed": "Changed in Rock", "cell": "Sum of a month differs",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """The headline in a treasurer's words. `tone` is good, fair or bad."""

    tone: str
    headline: str
    detail: str


def page(data: ReportData) -> dict[str, Any]:
    """Every value that the template names."""
    found = data.verification
    return {
        "data": data,
        "run": data.run,
        "verdict": verdict(data),
        "verification": found,
        "grade_words": GRADE_WORDS,
        "kind_words": KIND_WORDS,
        "entity_words": ENTITY_WORDS,
        "dimensions": DIMENSIONS,
        "dimension_words": DIMENSION_WORDS,
        "formula": FORMULA,
        "dial": dial(_hundredths(data.score.overall), f"{data.score.overall:.2f}"),
        "entities": [_entity(data, name) for name in data.counts],
        "skips": list(_skips(data)),
        "waterfall": _waterfall(found) if found and found.difference else None,
        "year_chart": _year_chart(found) if found else None,
        "pivot": _pivot(data, found) if found else None,
        "funds": list(_funds(data, found)) if found else [],
        "cells_shown": CELLS_SHOWN,
        "exceptions": _shown_rows(found.exceptions, EXCEPTIONS_SHOWN) if found else [],
        "exception_count": found.all_exceptions.rows if found else 0,
        "statements": _statements(data, found) if found else [],
        "statements_named": data.names is not None,
        "dead_letters": data.dead_letters[:LETTERS_SHOWN],
        "money": _money,
        "plain": text,
        "moment": _moment,
        "fund_name": lambda fund: _fund_name(data, fund),
        "payment_type": lambda kind: data.payment_types.get(kind.lower(), kind),
    }


def verdict(data: ReportData) -> Verdict:
    """One sentence on the whole import, and one on why."""
    found, failed = data.verification, data.failed
    if found is None:
        tone = "fair" if failed else "good"
        return Verdict(tone, "No contributions were part of this import.", _failed_words(failed))
    if not found.clean:
        records = (
            f"{found.unexplained_records:,} {'record differs' if found.unexplained_records == 1 else 'records differ'}"
        )
        if not found.unexplained:
            return Verdict(
                "bad",
                f"{records}, although the totals hide it.",
                "The errors cancel out in the sums. See the exceptions for each record.",
            )
        return Verdict(
            "bad",
            f"Mission has {text(abs(found.unexplained))} too {'little' if found.unexplained > 0 else 'much'}: "
            "that cannot be explained.",
            f"{records} from Rock for no reason this import knows. See the exceptions.",
        )
    if not found.scope_match:
        return Verdict("fair", "Every cent is explained, but some records need a hand.", _open_words(found))
    if found.financial_match:
        return Verdict("fair" if failed else "good", "Rock and Mission agree to the cent.", _failed_words(failed))
    more, less = ("Rock", "Mission") if found.difference > 0 else ("Mission", "Rock")
    words = f"{more} has {text(abs(found.difference))} more than {less}, all of it accounted for below."
    tone = "fair" if failed else "good"
    return Verdict(tone, "Everything in scope is in Mission, to the cent.", f"{words} {_failed_words(failed)}")


def _failed_words(failed: int) -> str:
    if not failed:
        return "No record failed."
    return f"{failed:,} {'record' if failed == 1 else 'records'} failed; see the dead letters."


def _open_words(found: Verification) -> str:
    lines = [found.line(name) for name in ("rejected", "corrected", "extraction")]
    return " ".join(f"{text(line.amount)} in {line.sentence}" for line in lines if line.count)


def _hundredths(percent: Decimal) -> int:
    return int(shown(percent).scaleb(2))


def _entity(data: ReportData, name: Any) -> dict[str, Any]:
    counts, scored = data.counts[name], data.score.entities.get(name, EntityScore({}))
    parts = [(key, getattr(counts, key)) for key in ("done", "unchanged", "skipped", "failed", "pending")]
    shares = {key: scored.dimensions.get(key) for key in DIMENSIONS}
    return {
        "name": name,
        "title": ENTITY_WORDS[name],
        "counts": counts,
        "bar": stacked_bar(parts),
        "shares": {
            key: None if value is None else (f"{shown(value):.2f}", share_bar(_hundredths(value)))
            for key, value in shares.items()
        },
        "score": None if scored.score is None else f"{shown(scored.score):.2f}",
        "seen": data.presences.get(name),
        "rock_rows": data.rock_rows.get(name),
    }


def _skips(data: ReportData) -> Iterator[dict[str, Any]]:
    for name, counts in data.counts.items():
        for rule, count in sorted(counts.skips.items(), key=lambda item: -item[1]):
            words = RULES.get(rule)
            yield {
                "entity": ENTITY_WORDS[name],
                "rule": rule,
                "count": count,
                "title": words.title if words else rule,
                "remedy": words.remedy if words else "",
            }


def _waterfall(found: Verification) -> Any:
    changes = [Step(line.title, -line.effect, wrong=line.name == "unexplained") for line in found.lines if line.amount]
    rock = Step("All-time total in Rock", found.rock.amount, total=True)
    return waterfall([rock, *changes, Step("Total in Mission", found.mission.amount, total=True)])


def _year_chart(found: Verification) -> Any:
    years = roll_up(found.cube.months, ["year"]).filter(pl.col("year").is_not_null()).tail(24)
    return columns(
        [(str(row["year"]), row["rock_amount"], row["mission_amount"]) for row in years.iter_rows(named=True)]
    )


def _pivot(data: ReportData, found: Verification) -> dict[str, Any]:
    """Fund × year: Rock's sums, a mark where Mission's are not the same. The latest years; the rest added up."""
    by_year = roll_up(found.cube.months, ["fund_id", "year"])
    years = sorted({year for year in by_year["year"].to_list() if year is not None})
    late = years[-PIVOT_YEARS:]
    early = len(years) > len(late)
    rows: dict[int | None, dict[Any, tuple[Decimal, Decimal, bool]]] = {}
    for row in by_year.iter_rows(named=True):
        key = row["year"] if row["year"] in late else ("undated" if row["year"] is None else "earlier")
        same = not row["difference"] and row["rock_count"] == row["mission_count"]
        for column in (key, "all"):
            rock, difference, equal = rows.setdefault(row["fund_id"], {}).get(column, (ZERO, ZERO, True))
            rows[row["fund_id"]][column] = (rock + row["rock_amount"], difference + row["difference"], equal and same)
    columns_shown = [*(["earlier"] if early else []), *late, "all"]
    named = [(_fund_name(data, fund), cells) for fund, cells in rows.items()]
    named.sort(key=lambda item: -item[1]["all"][0])
    return {"columns": columns_shown, "rows": named}


def _funds(data: ReportData, found: Verification) -> Iterator[dict[str, Any]]:
    """Each fund, its years, and in each year the cells month × batch, differing ones first when there are too many."""
    cells = shown_cells(found.cube, CELLS_SHOWN)
    years = fund_years(found.cube)
    for fund in fund_totals(found.cube).iter_rows(named=True):
        own = years.filter(pl.col("fund_id").eq_missing(pl.lit(fund["fund_id"])))
        named = [_year(found, year, cells) for year in own.iter_rows(named=True)]
        yield {**fund, "name": _fund_name(data, fund["fund_id"]), "years": named}


def _year(found: Verification, year: dict[str, Any], cells: pl.DataFrame) -> dict[str, Any]:
    own = cells.filter(pl.col(key).eq_missing(pl.lit(year[key])) for key in ("fund_id", "year"))
    shown_rows = [_cell(found, cell) for cell in own.iter_rows(named=True)]
    return {**year, "cells": shown_rows, "left": year["batches"] - len(shown_rows)}


def _cell(found: Verification, cell: dict[str, Any]) -> dict[str, Any]:
    records = records_of(found.exceptions, *(cell[key] for key in BATCH_KEYS)) if cell["off"] else None
    return {**cell, "records": [] if records is None else _shown_rows(records, RECORDS_SHOWN)}


def _shown_rows(frame: pl.DataFrame, count: int) -> list[dict[str, Any]]:
    return list(frame.head(count).iter_rows(named=True))


def _statements(data: ReportData, found: Verification) -> Sequence[dict[str, Any]]:
    rows = found.statements.head(STATEMENTS_SHOWN)
    if data.names is not None:
        rows = rows.join(data.names.select("giving_id", "name"), on="giving_id", how="left", maintain_order="left")
    return list(rows.iter_rows(named=True))


def _fund_name(data: ReportData, fund: int | None) -> str:
    if fund is None:
        return "No fund of Rock's"
    return data.funds.get(fund, f"Fund {fund}")


def _moment(instant: str) -> str:
    """ISO 8601 in UTC as people read it: 2026-01-15 09:10:41 UTC."""
    return re.sub(r"(Z|\+00:00)$", " UTC", instant.replace("T", " ", 1))


def _money(value: Decimal | None) -> str:
    return "" if value is None else text(value)
