"""The report: opens offline, says what the figures say, shows nobody's name unless asked, runs nobody's script."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from migrate_etl.verify.dry_run import Findings, FindingSummary
from migrate_etl.verify.money import decimal
from migrate_etl.verify.reconcile import Amounts
from migrate_etl.verify.report import report_html, report_json, write_figures, write_page
from migrate_etl.verify.report_data import DeadLetterLine, ReportData, RunFacts
from migrate_etl.verify.report_page import verdict
from migrate_etl.verify.score import EntityCounts, score
from tests.migrate_etl.verify.books import Books, Gift

HOSTILE = "<script>alert('Roof & Co')</script>"
GIFTS = [Gift(n, cents=100 * n + 1, day=date(2023 + n % 3, 1 + n % 12, 5)) for n in range(1, 20)]


def report(folder: Path, books: Books | None = None) -> ReportData:
    books = books or Books([replace(GIFTS[0], skip="queued"), *GIFTS[1:]])
    found = books.verify(folder)
    counts = {
        "people": EntityCounts(10, 7, 1, 2, 0, pulled_in=1, skips={"nameless": 2}),
        "contributions": EntityCounts(19, 18, 0, 1, 0, skips={"queued": 1}),
    }
    finding = FindingSummary(
        "people", "invalid_email", "Malformed.", "Mend it.", "source", "warning", 2, decimal(0), (4, 5)
    )
    findings = Findings((finding,), {"people": {"validity": 2}})
    return ReportData(
        run=RunFacts("job-1", "grace", "https://mission.example", "2026-01-15T09:00:00Z", "2026-01-15T09:10:00Z",
                     "America/Chicago", ("people", "contributions"), campuses=(2,), versions={"Migrate": "0.1.0"}),
        counts=counts,  # type: ignore[arg-type]
        verification=found,
        presences={},
        findings=findings,
        score=score(counts, findings.failing, {}, found),  # type: ignore[arg-type]
        dead_letters=[DeadLetterLine("people", "rock:person:9", "VALIDATION_ERROR", f"No {HOSTILE}", "Correct it.")],
        dead_letter_count=1,
        funds={1: HOSTILE},
        campus_names={2: "=North"},
    )  # fmt: skip


class Page(HTMLParser):
    """Every tag with its attributes, and the visible words."""

    def __init__(self, body: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(body)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data + " "


def test_the_page_refers_to_nothing_outside_itself(tmp_path: Path) -> None:
    page = Page(report_html(report(tmp_path)))
    references = {value for _, attrs in page.tags for key, value in attrs.items() if key in ("src", "href", "action")}
    assert references == set()
    assert not re.search(r"url\(|@import", report_html(report(tmp_path / "again")))


def test_payments_that_are_no_giving_have_the_name_that_rock_gives_them(tmp_path: Path) -> None:
    data = report(tmp_path)
    assert data.verification is not None
    other = replace(
        data.verification, other_types=(("33CB", Amounts(1, decimal(1660))), ("F57A", Amounts(2, decimal(1))))
    )
    page = Page(report_html(replace(data, verification=other, payment_types={"33cb": "Event Registration"})))
    assert "1 payment of type Event Registration (16.60), 2 payments of type F57A (0.01)." in page.words


def test_a_hostile_fund_name_stays_text(tmp_path: Path) -> None:
    page = Page(report_html(report(tmp_path)))
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert HOSTILE in page.words


def test_the_headline_speaks_of_a_match_in_scope(tmp_path: Path) -> None:
    found = verdict(report(tmp_path))
    assert (found.tone, found.headline) == ("good", "Everything in scope is in Mission, to the cent.")
    assert "1.01 more" in found.detail


@pytest.mark.parametrize(
    ("books", "tone", "words"),
    [
        (Books(GIFTS), "good", "agree to the cent"),
        (Books(GIFTS, mission=GIFTS[1:]), "bad", "Mission has 1.01 too little: that cannot be explained"),
        (Books(GIFTS[1:], mission=GIFTS), "bad", "Mission has 1.01 too much: that cannot be explained"),
        (Books(GIFTS, mission=[replace(GIFTS[0], fund=2), *GIFTS[1:]]), "bad", "although the totals hide it"),
        (Books(GIFTS, rejected=[3]), "fair", "some records need a hand"),
    ],
)
def test_the_headline(tmp_path: Path, books: Books, tone: str, words: str) -> None:
    found = verdict(report(tmp_path, books))
    assert (found.tone, words in found.headline) == (tone, True)


def test_what_needs_a_hand_is_said_in_a_sentence(tmp_path: Path) -> None:
    found = verdict(report(tmp_path, Books(GIFTS, rejected=[3])))
    assert found.detail.startswith("3.01 in 1 record: it ")


def test_the_json_has_the_promised_figures(tmp_path: Path) -> None:
    told = json.loads(report_json(report(tmp_path)))
    assert (told["financial_match"], told["scope_match"], told["unexplained"]) == (False, True, "0.00")
    assert told["entities"]["contributions"] | {"skipped": 1, "done": 18} == told["entities"]["contributions"]
    assert isinstance(told["quality_score"], float)


def test_funds_stand_beside_the_entities_and_not_among_them(tmp_path: Path) -> None:
    data = replace(report(tmp_path), fund_counts=EntityCounts(7, 4, 2, 0, 1))
    told = json.loads(report_json(data))
    assert told["funds"] == {"discovered": 7, "done": 4, "unchanged": 2, "failed": 1, "pending": 0}
    assert list(told["entities"]) == ["people", "contributions"]
    assert "7 in Rock, 4 sent, 2 unchanged since an earlier run, 1 refused" in " ".join(
        Page(report_html(data)).words.split()
    )


def test_the_score_is_a_number_with_both_decimals(tmp_path: Path) -> None:
    assert re.search(r'"quality_score": [0-9]+\.[0-9]{2},', report_json(report(tmp_path)))


def test_a_missing_gift_is_in_page_and_json(tmp_path: Path) -> None:
    data = report(tmp_path, Books(GIFTS, mission=GIFTS[1:]))
    assert json.loads(report_json(data))["money"]["exceptions"][0]["external_id"] == "rock:contribution:1"
    assert "Missing in Mission" in Page(report_html(data)).words


def test_the_page_prints_the_digest_of_its_evidence_and_how_to_check_it(tmp_path: Path) -> None:
    page = write_page(tmp_path, replace(report(tmp_path), digest="d16e57")).read_text("utf-8")
    assert "d16e57" in Page(page).words
    assert "migrate evidence check FOLDER --digest DIGEST" in Page(page).words


def test_names_are_shown_only_when_asked_for(tmp_path: Path) -> None:
    data = report(tmp_path, Books(GIFTS, mission=GIFTS[1:]))
    names = pl.DataFrame({"giving_id": ["G5"], "name": ["Ada Decker"]})
    assert "Ada Decker" not in report_html(data) + report_json(data)
    assert "Ada Decker" in report_html(replace(data, names=names))


def test_every_table_is_there_twice(tmp_path: Path) -> None:
    write_figures(tmp_path / "out", report(tmp_path))
    tables = {path.name for path in (tmp_path / "out" / "tables").iterdir()}
    names = [
        "outcomes",
        "skips",
        "cube",
        "variance",
        "exceptions",
        "left_out",
        "statements",
        "findings",
        "dead_letters",
    ]
    assert tables == {f"{name}.{kind}" for name in names for kind in ("csv", "parquet")}


def test_a_spreadsheet_gets_no_formula_and_keeps_its_numbers(tmp_path: Path) -> None:
    data = replace(report(tmp_path, Books(GIFTS, mission=GIFTS[1:])), funds={1: '=HYPERLINK("http://x")'})
    write_figures(tmp_path / "out", data)
    cube = (tmp_path / "out" / "tables" / "cube.csv").read_text()
    variance = (tmp_path / "out" / "tables" / "variance.csv").read_text()
    assert "'=HYPERLINK" in cube
    assert re.search(r"unexplained,Unexplained,1,1\.01,1\.01", variance)


def test_a_negative_amount_in_a_spreadsheet_stays_a_number(tmp_path: Path) -> None:
    data = report(tmp_path, Books(GIFTS, mission=[*GIFTS, GIFTS[0]]))
    write_figures(tmp_path / "out", data)
    assert ",-1.01," in (tmp_path / "out" / "tables" / "exceptions.csv").read_text()


def test_a_job_without_contributions_has_a_report(tmp_path: Path) -> None:
    data = report(tmp_path)
    people = replace(data, verification=None, counts={"people": data.counts["people"]})
    assert "No contributions were part" in report_html(people)
    assert json.loads(report_json(people))["financial_match"] is None


def test_the_left_out_gifts_are_listed(tmp_path: Path) -> None:
    write_figures(tmp_path / "out", report(tmp_path))
    table = pl.read_parquet(tmp_path / "out" / "tables" / "left_out.parquet")
    assert table.select("id", "rule").rows() == [(1, "queued")]
