"""Charts: well-formed, to scale, and with their figures as text."""

from __future__ import annotations

from decimal import Decimal
from xml.etree import ElementTree

from migrate_etl.verify.charts import Step, columns, short, stacked_bar, waterfall

SVG = "{http://www.w3.org/2000/svg}"


def drawn(markup: str) -> ElementTree.Element:
    return ElementTree.fromstring(str(markup).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def test_a_bar_is_full_and_shows_one_failure_in_a_million() -> None:
    widths = [int(r.attrib["width"]) for r in drawn(stacked_bar([("done", 10**6), ("failed", 1)])).iter(f"{SVG}rect")]
    assert (sum(widths), widths[1] >= 2) == (520, True)


def test_a_bar_without_rows_is_drawn() -> None:
    assert len(list(drawn(stacked_bar([("done", 0)])).iter(f"{SVG}rect"))) == 1


def test_a_waterfall_tells_its_figures() -> None:
    steps = [Step("Rock", Decimal("10.00"), total=True), Step("Queued", Decimal("-4.00")),
             Step("Mission", Decimal("6.00"), total=True)]  # fmt: skip
    words = [text.text for text in drawn(waterfall(steps)).iter(f"{SVG}text")]
    assert words == ["Rock", "10.00", "Queued", "\u22124.00", "Mission", "6.00"]


def test_a_waterfall_through_negative_totals_is_drawn() -> None:
    steps = [Step("Rock", Decimal("-5.00"), total=True), Step("Gone", Decimal("9.00")),
             Step("Mission", Decimal("4.00"), total=True)]  # fmt: skip
    assert all(int(r.attrib["width"]) > 0 for r in drawn(waterfall(steps)).iter(f"{SVG}rect"))


def test_labels_are_escaped() -> None:
    words = [text.text for text in drawn(waterfall([Step("<b>&", Decimal("1.00"), total=True)])).iter(f"{SVG}text")]
    assert words[0] == "<b>&"


def test_years_of_refunds_alone_have_no_column() -> None:
    chart = drawn(columns([("2020", Decimal("-5.00"), Decimal("-5.00")), ("2021", Decimal("5.00"), Decimal("5.00"))]))
    assert [int(r.attrib["height"]) for r in chart.iter(f"{SVG}rect")][:2] == [1, 1]


def test_short_amounts() -> None:
    assert [short(Decimal(n)) for n in ("1234567.89", "-4500", "12.30")] == ["1.2M", "\u22124.5k", "12"]
