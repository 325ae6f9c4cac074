"""Texts as servers may keep and send them, through each driver and by each road: letter for letter."""

from __future__ import annotations

import polars as pl
import pytest
import sqlalchemy as sa

from migrate_etl.rock.database import RockDatabase
from tests.fakes.tds.types import MAX, Sent
from tests.migrate_etl.rock import church
from tests.migrate_etl.rock.conftest import DRIVERS, SqlServer

STORED = [name[:25] for name in church.NAMES if name is not None]
"""What the church's first names are; each stands for one of the texts to be sent."""

SHORT = ["", "x", "a ", "  b", "tab\tand\nline", "É", "o'Brien"]
NARROW = ["", "x", "a ", "€uro", "Müller", "Ÿ", "naïve"]
LIMITED = ["", "x" * 50, "é" * 50, "😀" * 25, "שלום", "a ", "."]
LONG = ["", "x", "é" * 3_999, "é" * 4_000, "é" * 4_001, "z" * 8_000, "é😀" * 50_000]
WITH_NUL = ["", "a\0b", "\0", "c\0", "d", "e", "f"]

KINDS: dict[str, tuple[Sent, list[str]]] = {
    "nvarchar": (Sent("text", 100), SHORT),
    "nvarchar full": (Sent("text", 100), LIMITED),
    "nvarchar(max)": (Sent("text", MAX), LONG),
    "ntext": (Sent("ntext", MAX), LONG),
    "varchar of code page 1252": (Sent("varchar", 50), NARROW),
    "varchar(max) of code page 1252": (Sent("varchar", MAX), NARROW),
    "text": (Sent("text of old", MAX), NARROW),
    "varchar utf8": (Sent("varchar utf8", 200), LIMITED),
    "varchar(max) utf8": (Sent("varchar utf8", MAX), LONG),
    "nvarchar with NUL": (Sent("text", 100), WITH_NUL),
    "nvarchar(max) with NUL": (Sent("text", MAX), WITH_NUL),
}


def first_names(database: RockDatabase) -> list[list[str | None]]:
    """By pages and as rows."""
    person = database.tables["Person"].c
    statement = sa.select(person.Id.label("id"), person.FirstName.label("name"))
    pages = pl.concat(database.pages(statement, person.Id))
    return [frame["name"].to_list() for frame in (pages, database.frame(statement.order_by(person.Id)))]


@DRIVERS
@pytest.mark.parametrize("kind", KINDS)
def test_a_text_comes_letter_for_letter(server: SqlServer, driver: str, kind: str) -> None:
    sent, texts = KINDS[kind]
    said = dict(zip(STORED, texts, strict=True))
    server.tds.types = {"FirstName": Sent(sent.kind, sent.size, write=lambda stored: said[stored])}
    expected = [None if name is None else said[name[:25]] for name in church.NAMES]
    with RockDatabase.open(server.through(driver)) as database:
        assert first_names(database) == [expected, expected]


@DRIVERS
@pytest.mark.parametrize(
    ("size", "encrypt"),
    # In TLS a packet has to fit in one record, or Microsoft's driver waits for ever for the rest.
    [(512, "no"), (32_767, "no"), (512, "yes"), (16_000, "yes")],
)
def test_rows_wider_than_a_packet_come_whole(server: SqlServer, driver: str, size: int, encrypt: str) -> None:
    server.tds.packet_size = size
    with RockDatabase.open(server.through(driver, Encrypt=encrypt)) as database:
        prayer = database.tables["PrayerRequest"].c
        pages = database.pages(sa.select(prayer.Id.label("id"), prayer.Text.label("words")), prayer.Id)
        assert pl.concat(pages)["words"].to_list() == [church.LONG_TEXT]
