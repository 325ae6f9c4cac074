"""An empty Rock and the builder that plants single cases in it."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from migrate_etl.sandbox.rock import Rock, empty_rock
from migrate_etl.sandbox.rock.shipped import GROUP_ROLES, GROUP_TYPES, PERSONS, VALUES


def test_what_ships_with_rock_is_there_by_its_guid(rock: Rock) -> None:
    def guids(table: str) -> set[str]:
        return set(rock.execute(sa.select(rock.tables.tables[table].c.Guid)).scalars())

    assert {guid for _, _, guid, _ in VALUES} <= guids("DefinedValue")
    assert {guid for _, guid, _ in GROUP_TYPES} <= guids("GroupType")
    assert {guid for _, guid, _, _ in GROUP_ROLES} <= guids("GroupTypeRole")
    assert {guid for _, _, guid in PERSONS} == guids("Person")


def test_a_person_has_an_alias_of_their_own(rock: Rock) -> None:
    person = rock.person()
    alias = rock.alias_of(person)
    merged = rock.alias(person, 999)
    aliases = rock.tables.tables["PersonAlias"]
    found = rock.execute(sa.select(aliases.c.Id).where(aliases.c.PersonId == person)).scalars().all()
    assert found == [alias, merged]


@pytest.mark.parametrize("kind", ["small group", "serving team", "own type", "worship"])
def test_a_leader_has_the_role_of_the_groups_own_type(rock: Rock, kind: str) -> None:
    group = rock.group("Group", kind)
    rock.member(group, rock.person(), "leader")
    roles, members = rock.tables.tables["GroupTypeRole"], rock.tables.tables["GroupMember"]
    joined = sa.select(roles.c.GroupTypeId, roles.c.IsLeader).join_from(
        members, roles, roles.c.Id == members.c.GroupRoleId
    )
    assert tuple(rock.execute(joined).one()) == (rock.group_types[kind], True)


def test_a_family_lists_adults_and_children(rock: Rock) -> None:
    family = rock.family("Hill Family", [rock.person(), rock.person()], [rock.person()])
    members = rock.tables.tables["GroupMember"]
    roles = rock.execute(sa.select(members.c.GroupRoleId).where(members.c.GroupId == family)).scalars().all()
    assert roles == [rock.roles["adult"], rock.roles["adult"], rock.roles["child"]]


def test_a_gift_may_be_split_and_refunded(rock: Rock) -> None:
    alias = rock.alias_of(rock.person())
    gift = rock.gift([(1, 100), (1, 50)], datetime(2024, 1, 1), alias, tender="currency ach")
    refund = rock.gift(-150, datetime(2025, 1, 1), alias, refund_of=gift)
    refunds, details = (rock.tables.tables[f"FinancialTransaction{name}"] for name in ("Refund", "Detail"))
    assert tuple(rock.execute(sa.select(refunds.c.Id, refunds.c.OriginalTransactionId)).one()) == (refund, gift)
    assert rock.execute(sa.select(sa.func.count()).select_from(details)).scalar_one() == 3


@pytest.mark.parametrize("release", ["v8", "v9", "v10.2", "v12.4", "v14", "v16.4", "current"])
def test_every_kind_of_row_can_be_planted_in_any_release(tmp_path: Path, release: str) -> None:
    with empty_rock(tmp_path / "rock.sqlite", release) as rock:
        person = rock.person()
        rock.phone(person, "5550001")
        rock.address(rock.family("Hill Family", [person]), "1 Oak St")
        rock.attendance(
            rock.occurrence(rock.group("Group"), date(2024, 1, 7)), rock.alias_of(person), datetime(2024, 1, 7)
        )
        rock.gift(100, None, None, tender=None, BatchId=rock.batch("Batch", 1))
        assert rock.prayer("Thanks") == 1
