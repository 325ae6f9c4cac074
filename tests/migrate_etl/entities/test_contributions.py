"""Contributions: donors, refunds, funds, dates and amounts, to the cent."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from migrate_etl.sandbox.rock import Rock
from tests.migrate_etl.entities.conftest import MapAll

NOON = datetime(2024, 5, 5, 12)


def detail_of(rock: Rock, transaction: int) -> int:
    table = rock.tables.tables["FinancialTransactionDetail"]
    return int(rock.execute(table.select().where(table.c.TransactionId == transaction)).first().Id)


@pytest.mark.parametrize(
    ("cents", "expected"),
    [(1, "0.01"), (123_456_789_012, "1234567890.12"), (-777, "-7.77"), (0, "0.00"), (100, "1.00")],
)
def test_amounts_are_exact(rock: Rock, mapped: MapAll, cents: int, expected: str) -> None:
    gift = detail_of(rock, rock.gift(cents, NOON, None))
    row = mapped("contributions")[gift]
    assert (row["amount"], row["non_positive"]) == (expected, cents <= 0)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2024, 3, 10, 2, 30), "2024-03-10T03:30:00-04:00"),
        (datetime(2024, 11, 3, 1, 30), "2024-11-03T01:30:00-04:00"),
        (datetime(2023, 12, 31, 23, 59, 59, 997_000), "2023-12-31T23:59:59.997-05:00"),
        (datetime(2024, 1, 1), "2024-01-01T00:00:00-05:00"),
    ],
)
def test_dates_are_local_with_offset(rock: Rock, mapped: MapAll, moment: datetime, expected: str) -> None:
    gift = detail_of(rock, rock.gift(100, moment, None))
    row = mapped("contributions")[gift]
    assert row["date"] == expected
    assert (row["_year"], row["_month"]) == (moment.year, moment.month)


def test_donors(rock: Rock, mapped: MapAll) -> None:
    person = rock.person()
    old_alias = rock.alias(person, 900_000)
    nameless = rock.person(RecordTypeValueId=rock.values["record type nameless"])
    business = rock.person(None, "Ace", RecordTypeValueId=rock.values["record type business"])
    cases = {
        rock.gift(100, NOON, old_alias): (f"rock:person:{person}", set()),
        rock.gift(100, NOON, rock.alias(business, 900_001)): (f"rock:person:{business}", set()),
        rock.gift(100, NOON, None): (None, {"donor_missing"}),
        rock.gift(100, NOON, 1): (None, set()),
        rock.gift(100, NOON, rock.alias(nameless, 900_002)): (None, {"donor_not_migrated"}),
    }
    gifts = mapped("contributions")
    found = {detail_of(rock, t): expected for t, expected in cases.items()}
    assert {d: (gifts[d]["external_person_id"], gifts.rules(d)) for d in found} == found


def test_a_split_gift_has_a_contribution_for_each_fund(rock: Rock, mapped: MapAll) -> None:
    building = rock.add("FinancialAccount", Name="Building", IsActive=True)
    gift = rock.gift([(1, 3_333), (building, 6_667)], NOON, None)
    rows = [row for row in mapped("contributions").rows.values() if row["_transaction_id"] == gift]
    assert [(row["external_fund_id"], row["amount"]) for row in rows] == [
        ("rock:fund:1", "33.33"),
        (f"rock:fund:{building}", "66.67"),
    ]
    assert {row["external_transaction_id"] for row in rows} == {f"rock:transaction:{gift}"}


def test_refunds(rock: Rock, mapped: MapAll) -> None:
    original = rock.gift(5_000, NOON, None)
    linked = detail_of(rock, rock.gift(-5_000, NOON, None, refund_of=original))
    loose = detail_of(rock, rock.gift(-100, NOON, None, refund_of=0))
    correction = detail_of(rock, rock.gift(-200, NOON, None))
    gifts = mapped("contributions")
    assert [(gifts[d]["is_refund"], gifts[d]["external_refund_of"]) for d in (linked, loose, correction)] == [
        (True, f"rock:transaction:{original}"),
        (True, None),
        (False, None),
    ]
    assert "non_positive_amount" in gifts.rules(correction)


def test_what_is_left_out(rock: Rock, mapped: MapAll) -> None:
    event = rock.values["transaction registration"]
    queued = {"FutureProcessingDateTime": datetime(2030, 1, 1)}
    cases = {
        rock.gift(100, NOON, None, TransactionTypeValueId=event, **queued): "transaction_type",
        rock.gift(100, NOON, None, **queued): "queued",
        rock.gift(100, None, None, **queued): "queued",
        rock.gift(100, None, None): "no_date",
        rock.gift(100, datetime(2023, 12, 31, 23, 59), None): "outside_date_range",
        rock.gift(100, datetime(2024, 1, 1), None): None,
        rock.gift(100, NOON, None, Status="Failed"): None,
    }
    gifts = mapped("contributions", date_range_start=date(2024, 1, 1))
    assert {t: gifts.skip(detail_of(rock, t)) for t in cases} == cases


def test_campus_of_batch_then_account_then_donor(rock: Rock, mapped: MapAll) -> None:
    north = rock.add("Campus", Name="North", IsActive=True)
    here = {"BatchId": rock.add("FinancialBatch", Name="N", CampusId=north)}
    there = {"BatchId": rock.add("FinancialBatch", Name="M", CampusId=1)}
    fund = rock.add("FinancialAccount", Name="North Fund", CampusId=north, IsActive=True)
    donor = rock.person(PrimaryCampusId=north)
    alias = rock.alias(donor, 900_000)
    original = rock.gift(100, NOON, None, **here)
    cases = {
        original: None,
        rock.gift([(fund, 100)], NOON, None, **there): "other_campus",
        rock.gift([(fund, 100)], NOON, None): None,
        rock.gift(100, NOON, alias): None,
        rock.gift(100, NOON, None): "no_campus",
        rock.gift(-100, NOON, None, refund_of=original, **there): None,
        rock.gift(-100, NOON, None, refund_of=0, **there): "other_campus",
    }
    gifts = mapped("contributions", campus_ids=[north])
    assert {t: gifts.skip(detail_of(rock, t)) for t in cases} == cases


def test_payment_methods(rock: Rock, mapped: MapAll) -> None:
    own = "0a000000-0000-4000-8000-000000000004"
    names = {"cash": "Cash", "check": "Check", "card": "Card", "ach": "Online", "apple pay": "Card", "noncash": "Other"}
    cases = {rock.gift(100, NOON, None, tender=f"currency {name}"): method for name, method in names.items()}
    mine = rock.gift(100, NOON, None, tender="currency own")
    cases |= {rock.gift(100, NOON, None, tender=None): "Other", mine: "Cash"}
    gifts = mapped("contributions", value_maps={"payment_method": {own.upper(): "Cash"}})
    assert {t: gifts[detail_of(rock, t)]["payment_method"] for t in cases} == cases


def test_a_church_s_own_tender_is_other_and_counted(rock: Rock, mapped: MapAll) -> None:
    gift = detail_of(rock, rock.gift(100, NOON, None, tender="currency own"))
    gifts = mapped("contributions")
    assert gifts[gift]["payment_method"] == "Other"
    assert "own_currency_type" in gifts.rules(gift)
