"""Attendance and prayer requests: who counts, and what may be shown."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest

from migrate_etl.entities.attendance import AT_ONCE, beforehand
from migrate_etl.sandbox.rock import Rock
from tests.migrate_etl.entities.conftest import MapAll
from tests.migrate_etl.entities.frames import lookups

DAY, NINE = date(2024, 5, 5), datetime(2024, 5, 5, 9)


def test_who_attended(rock: Rock, mapped: MapAll) -> None:
    person = rock.person()
    alias, old_alias = rock.alias(person, 900_000), rock.alias(person, 900_001)
    nameless = rock.alias(rock.person(RecordTypeValueId=rock.values["record type nameless"]), 900_002)
    held = rock.occurrence(rock.group("Team"), DAY)
    cases = {
        rock.attendance(held, alias, NINE, DidAttend=None): "did_not_attend",
        rock.attendance(held, alias, NINE, DidAttend=False): "did_not_attend",
        rock.attendance(held, None, NINE): "no_person",
        rock.attendance(held, nameless, NINE): "person_not_migrated",
        rock.attendance(held, 1, NINE): "person_not_migrated",
        rock.attendance(held, old_alias, NINE): None,
        rock.attendance(held, alias, NINE): "duplicate",
        rock.attendance(rock.occurrence(None, DAY), alias, NINE): None,
    }
    attendance = mapped("attendance")
    assert {id: attendance.skip(id) for id in cases} == cases


def test_who_is_named_twice_is_found_in_portions_too() -> None:
    count = 2 * AT_ONCE + 2
    rows = pl.DataFrame({"id": pl.int_range(1, count + 1, eager=True)}).with_columns(
        occurrence_id=pl.col("id") % (count // 2), alias_id=pl.lit(1, dtype=pl.Int64), did_attend=pl.lit(True)
    )
    lone = pl.DataFrame({"id": [9, 8], "occurrence_id": [-1, -1], "alias_id": [2, 99], "did_attend": [True, True]})
    found = beforehand(pl.concat([rows, lone]).lazy(), lookups()).duplicates.sort("keep_id")
    assert found["keep_id"].to_list() == list(range(1, count // 2 + 1))
    assert found["person_id"].unique().to_list() == [1]


def test_the_occurrence_says_the_date_and_a_closed_group_becomes_null(rock: Rock, mapped: MapAll) -> None:
    alias = rock.alias(rock.person(), 900_000)
    closed = rock.occurrence(rock.group("Closed", IsActive=False), date(2024, 1, 1), DidNotOccur=True)
    one = rock.attendance(closed, alias, datetime(2023, 12, 31, 23, 59))
    attendance = mapped("attendance", date_range_start=date(2024, 1, 1))
    row = attendance[one]
    assert (row["skip"], row["date"], row["attended_at"]) == (None, "2024-01-01", "2023-12-31T23:59:00-05:00")
    assert row["external_group_id"] is None
    assert attendance.rules(one) == {"group_not_loaded", "cancelled_but_attended"}


def test_campus_of_the_attendance_then_of_the_group(rock: Rock, mapped: MapAll) -> None:
    north = rock.add("Campus", Name="North", IsActive=True)
    alias = rock.alias(rock.person(), 900_000)
    by_group = rock.attendance(rock.occurrence(rock.group("N", CampusId=north), DAY), alias, NINE)
    own = rock.attendance(rock.occurrence(rock.group("M", CampusId=north), DAY), alias, NINE, CampusId=1)
    none = rock.attendance(rock.occurrence(None, DAY), alias, NINE)
    attendance = mapped("attendance", campus_ids=[north])
    assert [attendance.skip(a) for a in (by_group, own, none)] == [None, "other_campus", "no_campus"]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({}, "public"),
        ({"IsPublic": None}, "private"),
        ({"IsApproved": False}, "private"),
        ({"IsActive": None}, "private"),
        ({"ExpirationDate": date(2026, 11, 1)}, "public"),
        ({"ExpirationDate": date(2026, 10, 31)}, "private"),
    ],
)
def test_visibility(rock: Rock, mapped: MapAll, columns: dict, expected: str) -> None:
    request = rock.prayer("Pray", **columns)
    assert mapped("prayer_requests")[request]["visibility"] == expected


def test_a_request_carries_no_more_than_it_may(rock: Rock, mapped: MapAll) -> None:
    nameless = rock.alias(rock.person(RecordTypeValueId=rock.values["record type nameless"]), 900_000)
    request = rock.prayer("For a friend", nameless, OriginalRequest="SECRET", PrayerCount=None, Email="a@b.org")
    requests = mapped("prayer_requests")
    assert "SECRET" not in str(requests[request])
    assert (requests[request]["prayer_count"], requests[request]["external_person_id"]) == (0, None)
    assert requests.rules(request) == {"requester_not_migrated"}
