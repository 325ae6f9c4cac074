"""Rock's own sample church, built from its XML; and files that are none.

The file stays outside the project: ROCK_SAMPLEDATA names it. Without it these tests are skipped, but never in CI.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from migrate_etl.sandbox.rock import Truth
from migrate_etl.sandbox.rock.sampledata import make_from_sampledata
from migrate_transfer.core.errors import InvalidRequest
from tests.migrate_etl.sandbox.rock.by_hand import count_by_hand

Ask = Callable[[str], list[tuple[Any, ...]]]
FAMILY = """<data><families><family name="Hill Family" guid="53a02527-c2a7-4f36-8585-71a85b8e4601" {family}>
<members>
<person guid="8fedc6ee-8630-41ed-9fc5-c7157fd1eaa4" firstName="Ann" lastName="Hill" {person}/>
</members>
<giving personGuid="8fedc6ee-8630-41ed-9fc5-c7157fd1eaa4" {giving}/>
</family></families></data>"""
ONCE = 'startGiving="12/31/2015" frequency="onetime" accountAmount="General Fund:500"'


@pytest.fixture(scope="module")
def church(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    named = os.environ.get("ROCK_SAMPLEDATA")
    if not named:
        assert not os.environ.get("CI"), "ROCK_SAMPLEDATA must name Rock's sample data XML"
        pytest.skip("ROCK_SAMPLEDATA is not set")
    path = tmp_path_factory.mktemp("rock") / "rock.sqlite"
    return path, make_from_sampledata(path, Path(named), today=date(2026, 11, 1))


@pytest.fixture
def ask(church: tuple[Path, Truth]) -> Iterator[Ask]:
    connection = sqlite3.connect(church[0])
    yield lambda statement: connection.execute(statement).fetchall()
    connection.close()


@pytest.fixture
def xml(tmp_path: Path) -> Callable[..., Path]:
    """A file of one family; `xml(person=..., giving=...)` gives attributes."""

    def write(family: str = "", person: str = "", giving: str = ONCE) -> Path:
        path = tmp_path / "sample.xml"
        path.write_text(FAMILY.format(family=family, person=person, giving=giving))
        return path

    return write


def test_the_whole_church_is_there(church: tuple[Path, Truth]) -> None:
    truth = church[1]
    # 55 people in the file, one administrator it names but does not hold, three who ship with Rock.
    assert (truth.discovered["people"], truth.discovered["families"]) == (59, 38)
    assert truth.discovered["groups"] - truth.skipped["groups"]["group_type"] == truth.loaded["groups"] == 14 + 3 + 2
    assert truth.planted.keys() == {"Person: not in the file", "Group: not in the file"}


def test_it_counts_as_by_hand(church: tuple[Path, Truth]) -> None:
    counted = count_by_hand(f"sqlite:///{church[0]}")
    counted.planted = church[1].planted
    assert counted == church[1]


def test_a_person_is_as_the_file_says(ask: Ask) -> None:
    ted = ask("""select FirstName, NickName, LastName, BirthDay, BirthMonth, BirthYear, Gender, Email, v.Value
        from Person p join DefinedValue v on v.Id = p.ConnectionStatusValueId
        where p.Guid = '8fedc6ee-8630-41ed-9fc5-c7157fd1eaa4'""")
    # Born in 1985, but 38 years old at any time.
    assert ted == [("Theodore", "Ted", "Decker", 10, 2, 1988, 1, "ted@rocksolidchurchdemo.com", "Member")]


def test_a_child_of_separated_parents_is_in_both_families(ask: Ask) -> None:
    families = ask("""select g.Name, r.Name from GroupMember m join "Group" g on g.Id = m.GroupId
        join GroupTypeRole r on r.Id = m.GroupRoleId join Person p on p.Id = m.PersonId
        where p.Guid = '3d7f6605-3666-4ab5-9f4e-d7febf93278e' and g.GroupTypeId = 1 order by 1""")
    assert families == [("Jones Family", "Child"), ("Simmons Family", "Child")]


def test_businesses_and_the_dead_are_told_apart(ask: Ask) -> None:
    kinds = ask("""select v.Value, count(*) from Person p join DefinedValue v on v.Id = p.RecordTypeValueId
        group by 1 order by 1""")
    assert kinds == [("Business", 2), ("Person", 57)]
    assert ask("select count(*) from Person where RecordStatusReasonValueId is not null") == [(1,)]


def test_phones_have_their_types(ask: Ask) -> None:
    phones = ask("""select v.Value, n.Number from PhoneNumber n join DefinedValue v on v.Id = n.NumberTypeValueId
        join Person p on p.Id = n.PersonId where p.NickName = 'Ted' order by 1""")
    assert phones == [("Home", "6235553322"), ("Mobile", "6235553322"), ("Work", "6235552444")]


def test_one_time_gifts_are_to_the_cent(ask: Ask) -> None:
    gifts = ask("""select Amount from FinancialTransactionDetail d join FinancialTransaction t on t.Id = d.TransactionId
        where TransactionDateTime like '2015-12-31%' or TransactionDateTime like '2014-12-31%' order by 1""")
    assert gifts == [(50_000,), (80_000,), (100_000,)]


def test_gifts_grow_and_are_split_over_the_named_funds(ask: Ask) -> None:
    given = """select a.Name, min(d.Amount), max(d.Amount) from FinancialTransactionDetail d
        join FinancialAccount a on a.Id = d.AccountId where a.Name in ('Building Fund', 'Mission Fund') group by 1"""
    (building, mission) = ask(given)
    assert building[1] == 1_000
    assert mission[1] == 5_000
    assert mission[2] == 5_000 * 105**12 // 100**12


def test_attendance_ends_when_the_family_left(ask: Ask) -> None:
    last = ask("""select max(o.OccurrenceDate) from Attendance a join AttendanceOccurrence o on o.Id = a.OccurrenceId
        join PersonAlias l on l.Id = a.PersonAliasId join Person p on p.Id = l.PersonId where p.NickName = 'Ben'""")[0][
        0
    ]
    assert "2013-05" < last <= "2013-08-15"


def test_relationships_are_kept_by_their_owner(ask: Ask) -> None:
    roles = ask("""select r.Name from GroupMember m join GroupTypeRole r on r.Id = m.GroupRoleId
        join "Group" g on g.Id = m.GroupId where g.Name = 'Known Relationships' order by 1""")
    assert len(roles) == 7 + 6
    assert ("Step Child",) in roles
    assert ("Business",) in roles


def test_small_groups_meet_at_homes(ask: Ask) -> None:
    places = ask("""select count(*) from GroupLocation l join DefinedValue v on v.Id = l.GroupLocationTypeValueId
        where v.Value = 'Meeting Location'""")
    assert places == [(7,)]


def test_the_same_seed_and_day_make_the_same_church(tmp_path: Path, xml: Callable[..., Path]) -> None:
    weekly = 'startGiving="1/5/2014" frequency="weekly" percentGive="60" accountAmount="General Fund:45"'
    given = {"today": date(2020, 1, 1), "seed": 5}
    first = make_from_sampledata(tmp_path / "a", xml(giving=weekly), **given)  # type: ignore[arg-type]
    assert make_from_sampledata(tmp_path / "b", xml(giving=weekly), **given) == first  # type: ignore[arg-type]
    assert make_from_sampledata(tmp_path / "c", xml(giving=weekly), today=date(2021, 1, 1)) != first


def test_amounts_may_have_cents(tmp_path: Path, xml: Callable[..., Path]) -> None:
    giving = 'startGiving="12/31/2015" frequency="onetime" accountAmount="General Fund:12.34, A: B:0.01"'
    assert make_from_sampledata(tmp_path / "rock", xml(giving=giving)).in_scope == Decimal("12.35")


@pytest.mark.parametrize(
    ("attributes", "name"),
    [
        ({"person": 'birthDate="13/45/1985"'}, "birthDate"),
        ({"person": 'birthDate="2/10/1985" age="old"'}, "age"),
        ({"person": 'birthDate="2/10/1985" age="-3"'}, "age"),
        ({"giving": 'startGiving="soon" frequency="weekly"'}, "startGiving"),
        ({"giving": 'frequency="weekly"'}, "startGiving"),
        ({"giving": ONCE.replace("onetime", "hourly")}, "frequency"),
        ({"giving": ONCE.replace(":500", "")}, "accountAmount"),
        ({"giving": ONCE.replace(":500", ":0.001")}, "accountAmount"),
        ({"giving": ONCE.replace(":500", ":NaN")}, "accountAmount"),
        ({"giving": ONCE.replace(":500", ":1e400")}, "accountAmount"),
        ({"giving": ONCE + ' percentGive="most"'}, "percentGive"),
        ({"family": 'startingAttendance="1/1/2020" percentAttendance="9999999"'}, "percentAttendance"),
        (
            {
                "giving": 'startGiving="1/1/1900" frequency="weekly" accountAmount="A:1" growRatePercent="100" '
                'growFrequencyWeeks="1"'
            },
            "growRatePercent",
        ),
        ({"person": 'recordType="robot"'}, "recordType"),
        ({"person": 'recordStatus="gone"'}, "recordStatus"),
    ],
)
def test_a_value_that_makes_no_sense_is_named_with_its_line(
    tmp_path: Path, xml: Callable[..., Path], attributes: dict[str, str], name: str
) -> None:
    with pytest.raises(InvalidRequest, match=rf"Line [1-5]: {name} of") as caught:
        make_from_sampledata(tmp_path / "rock", xml(**attributes))
    assert caught.value.details["attribute"] == name
    assert [left.name for left in tmp_path.iterdir()] == ["sample.xml"]


HOSTILE = {
    "no XML": "people, families, gifts",
    "cut off": "<data><families><family name='Hill'>",
    "another document": "<church/>",
    "without families": "<data><groups/></data>",
    "empty": "",
    "an entity bomb": '<!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><data><families>&b;</families></data>',
    "an outer entity": '<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]><data><families>&a;</families></data>',
    "an outer document type": '<!DOCTYPE data SYSTEM "http://127.0.0.1:9/rock.dtd"><data><families/></data>',
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_file_that_is_no_sample_data_is_refused(tmp_path: Path, text: str, encoding: str) -> None:
    path = tmp_path / "sample.xml"
    path.write_text(text, encoding=encoding)
    with pytest.raises(InvalidRequest) as caught:
        make_from_sampledata(tmp_path / "rock", path)
    assert "etc/passwd" not in caught.value.message
    assert not (tmp_path / "rock").exists()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"nowhere\.xml"):
        make_from_sampledata(tmp_path / "rock", tmp_path / "nowhere.xml")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest):
        make_from_sampledata(tmp_path / "rock", tmp_path)
