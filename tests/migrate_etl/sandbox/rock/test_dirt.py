"""Every kind of dirt is there, and is what it is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_etl.sandbox.rock import Truth, make_sample
from migrate_etl.sandbox.rock.dirty_meetings import SECRET
from tests.migrate_etl.sandbox.rock.conftest import Ask

SYMPTOMS = [
    ("Person: nameless", "FirstName is null and LastName is null"),
    ("Person: no alias", "Id not in (select PersonId from PersonAlias)"),
    ("Person: no record type", "RecordTypeValueId is null"),
    ("Person: merged", "(select count(*) from PersonAlias a where a.PersonId = t.Id) = 4"),
    ("Person: no name, nickname only", "FirstName is null and LastName is null and NickName = 'Sunny'"),
    ("Person: double space", "FirstName like '%  %'"),
    ("Person: longest e-mail", "length(Email) = 75"),
    ("Person: invalid e-mail", "Email is not null"),
    ("Person: impossible birth date", "BirthMonth > 12 or (BirthMonth = 2 and BirthDay > 29)"),
    ("Person: no birth year", "BirthYear is null and BirthDay is not null"),
    ("Person: blank giving id", "trim(GivingId) = ''"),
    ("PersonAlias: of a merged record", "AliasPersonId not in (select Id from Person)"),
    ("PhoneNumber: unlisted", "IsUnlisted = 1"),
    ("PhoneNumber: several of a type", "(select count(*) from PhoneNumber o where o.PersonId = t.PersonId) = 2"),
    ("Group: family without members", "Id not in (select GroupId from GroupMember)"),
    ("Group: archived family", "IsArchived = 1"),
    ("Group: security role of an ordinary type", "IsSecurityRole = 1"),
    ("Group: own parent", "ParentGroupId = Id"),
    ("Group: circle of two", 'Id = (select o.ParentGroupId from "Group" o where o.Id = t.ParentGroupId)'),
    ("Group: parent not loaded", '(select o.IsActive from "Group" o where o.Id = t.ParentGroupId) = 0'),
    ("Group: parent deleted", 'ParentGroupId not in (select Id from "Group")'),
    ("Group: child before its parent", "ParentGroupId > Id"),
    ("GroupMember: of nobody", "PersonId not in (select Id from Person)"),
    ("GroupMember: archived twin", "IsArchived = 1"),
    ("FinancialTransaction: no giver", "AuthorizedPersonAliasId is null"),
    ("FinancialTransaction: giver's alias deleted", "AuthorizedPersonAliasId not in (select Id from PersonAlias)"),
    ("FinancialTransaction: without details", "Id not in (select TransactionId from FinancialTransactionDetail)"),
    ("FinancialTransaction: queued", "FutureProcessingDateTime is not null"),
    ("FinancialTransaction: no date", "TransactionDateTime is null and FutureProcessingDateTime is null"),
    ("FinancialTransaction: default Sunday", "SundayDate = '1753-01-01'"),
    ("FinancialTransaction: last moment of the year", "TransactionDateTime like '%-12-31 23:59:59.997000'"),
    ("FinancialTransaction: first moment of the year", "TransactionDateTime like '%-01-01 00:00:00.000000'"),
    ("FinancialTransaction: in the spring gap", "TransactionDateTime like '2024-03-10 02:30%'"),
    (
        "FinancialTransaction: refund without original",
        "Id in (select Id from FinancialTransactionRefund where OriginalTransactionId is null)",
    ),
    ("FinancialTransaction: no batch", "BatchId is null"),
    ("FinancialTransaction: foreign currency", "ForeignCurrencyCodeValueId is not null"),
    ("FinancialTransaction: stocks", "NonCashAssetTypeValueId is not null"),
    ("FinancialTransaction: shown as anonymous", "ShowAsAnonymous = 1"),
    ("Attendance: nobody", "PersonAliasId is null"),
    ("Attendance: scheduled only", "DidAttend is null"),
    ("Attendance: cancelled, yet there", "OccurrenceId in (select Id from AttendanceOccurrence where DidNotOccur = 1)"),
    ("PrayerRequest: flags never set", "IsPublic is null and IsApproved is null and IsActive is null"),
    ("PrayerRequest: of nobody", "RequestedByPersonAliasId is null"),
]


@pytest.mark.parametrize(("kind", "symptom"), SYMPTOMS, ids=[kind for kind, _ in SYMPTOMS])
def test_the_row_has_what_it_is_called_for(sample: tuple[Path, Truth], ask: Ask, kind: str, symptom: str) -> None:
    ids = sample[1].planted[kind]
    listed = ", ".join(str(row_id) for row_id in ids)
    table = kind.split(":")[0]
    assert ask(f'select count(*) from "{table}" t where Id in ({listed}) and ({symptom})') == [(len(ids),)]


def test_a_gift_is_refunded_across_years_and_in_parts(sample: tuple[Path, Truth], ask: Ask) -> None:
    (original,) = sample[1].planted["FinancialTransaction: refunded twice across years"]
    years = ask(f"""select substr(o.TransactionDateTime, 1, 4) < substr(t.TransactionDateTime, 1, 4)
        from FinancialTransactionRefund r join FinancialTransaction t on t.Id = r.Id
        join FinancialTransaction o on o.Id = r.OriginalTransactionId where o.Id = {original}""")
    assert years == [(1,), (1,), (1,)]


def test_the_confidential_text_is_kept_in_one_place_only(ask: Ask) -> None:
    assert ask(f"select count(*) from PrayerRequest where OriginalRequest = '{SECRET}'") == [(1,)]
    assert ask("select count(*) from PrayerRequest where Text like '%CONFIDENTIAL%'") == [(0,)]


def test_every_rule_that_leaves_something_out_has_its_case(sample: tuple[Path, Truth]) -> None:
    skipped = sample[1].skipped
    assert set(skipped["people"]) == {"nameless", "rest_user", "record_type", "system_person"}
    assert set(skipped["groups"]) == {"group_type", "security_role", "archived", "inactive"}
    assert set(skipped["contributions"]) == {"transaction_type", "queued", "no_date"}
    assert set(skipped["attendance"]) == {"did_not_attend", "no_person", "person_not_migrated", "duplicate"}


def test_a_church_without_dirt_has_nothing_planted(tmp_path: Path) -> None:
    assert make_sample(tmp_path / "rock", 30, dirt=False).planted == {}
