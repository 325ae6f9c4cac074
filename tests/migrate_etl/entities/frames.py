"""Frames as extraction makes them, of any content their contract allows, and lookups that know some of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import polars as pl
from hypothesis import strategies as st

from checks.contracts import Contract
from migrate_etl.rock import groups, persons
from migrate_etl.rock import well_known as known
from migrate_etl.rock.lookups import Lookups

NUMBERS = st.sampled_from([*range(7), *range(1, 7), -1, 12, 31, 99, 1980, 2**31 - 1])
"""Ids that lookups know, mostly; years, months and codes too."""
AWKWARD_MOMENTS = [datetime(2024, 3, 10, 2, 30), datetime(2024, 11, 3, 1, 30), datetime(2011, 12, 30, 12)]
TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", "  ", "\u00a0x\t", "a@b.org", " A@B.org\n", "(555) 123-4567", "1", "\u200f\u0645", "\U0001f389"]
    ),
)
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    pl.Int64: NUMBERS,
    pl.Boolean: st.booleans(),
    pl.String: TEXTS,
    pl.Date: st.dates(date(1, 1, 1), date(9999, 12, 31)),
    pl.Datetime("us"): st.one_of(
        st.sampled_from(AWKWARD_MOMENTS), st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))
    ),
    pl.Decimal(18, 2): st.decimals(-(10**15), 10**15, places=2),
}


def value(dtype: Any, *, nullable: bool) -> st.SearchStrategy[Any]:
    if isinstance(dtype, pl.List):
        inner = dtype.inner
        assert isinstance(inner, pl.Struct)
        row = st.fixed_dictionaries({field.name: value(field.dtype, nullable=True) for field in inner.fields})
        return st.one_of(st.lists(row, max_size=4), st.none())
    known_values = next(strategy for kind, strategy in VALUES.items() if kind == dtype)
    return st.one_of(known_values, known_values, st.none()) if nullable else known_values


@st.composite
def frames(draw: st.DrawFn, contract: Contract) -> pl.DataFrame:
    """One to twelve rows with ids 1, 2, 3 ...; every nullable column may be null."""
    columns = {name: column for name, column in contract.schema.columns.items() if name != "id"}
    row = st.fixed_dictionaries({n: value(c.dtype.type, nullable=c.nullable) for n, c in columns.items()})
    rows = draw(st.lists(row, min_size=1, max_size=12))
    schema = {"id": pl.Int64, **{name: column.dtype.type for name, column in columns.items()}}
    return pl.DataFrame([{"id": n, **cells} for n, cells in enumerate(rows, 1)], schema=schema, orient="row")


GUIDS = [
    known.CONTRIBUTION_TYPE,
    known.HOME_LOCATION,
    known.STATUS_INACTIVE,
    known.CONNECTION_VISITOR,
    known.MARRIED,
    "0a000000-0000-4000-8000-000000000001",
]


SIX = list(range(1, 7))


def lookups() -> Lookups:
    """Six of each: persons are moved (1), a business (2), nameless (3), shipped (4), elsewhere (5 and 6)."""
    refund_of = {"original_id": [1, None], "original_batch_id": [1, None], "found_original_id": [1, None]}
    roles = [known.ADULT_ROLE, known.CHILD_ROLE, "r"]
    kinds = [known.FAMILY_TYPE, "g", "h"]
    return Lookups(
        values=pl.DataFrame({"id": SIX, "guid": GUIDS, "value": ["Contribution", "Home", "", "Visitor", "M", "Own"]}),
        persons=_persons(),
        aliases=pl.DataFrame({"alias_id": SIX, "person_id": SIX}),
        groups=_groups(),
        tree=groups.tree_of(pl.DataFrame({"id": [3, 4], "parent_id": [4, 3]})),
        group_types=pl.DataFrame({"type_id": [1, 2, 3], "type_guid": kinds, "type_name": ["Family", "Team", ""]}),
        roles=pl.DataFrame({"role_id": [1, 2, 3], "role_guid": roles, "is_leader": [False, False, True]}),
        batches=pl.DataFrame({"batch_id": SIX, "batch_name": ["Sunday"] * 6, "batch_campus_id": [1, 2, None, 1, 1, 2]}),
        accounts=pl.DataFrame({"fund_id": SIX, "account_campus_id": [None, None, 1, 2, 1, 1]}),
        refunds=pl.DataFrame({"refund_id": [2, 3], **refund_of}),
        campuses=pl.DataFrame({"id": [1, 2], "name": ["Main", "North"], "is_active": [True, True]}),
        funds=pl.DataFrame({"id": SIX}),
    ).with_duplicates(pl.DataFrame({"occurrence_id": [1], "person_id": [1], "keep_id": [2]}))


def _persons() -> pl.DataFrame:
    columns = {
        "person_id": SIX,
        "kind": ["person", "business", "nameless", "person", "person", "person"],
        "rule": [None, None, "nameless", "system_person", None, None],
        "anonymous": [False, False, False, True, False, False],
        "family_id": [1, 1, None, None, 2, 99],
        "campus_id": [1, 1, None, None, 2, None],
        "giving_id": ["G1", "P2", "P3", "P4", "G2", "P6"],
        "pulled_in": [False] * 6,
        "loaded": [True, True, False, False, True, True],
    }
    return pl.DataFrame(columns, schema_overrides={"kind": persons.KIND, "rule": persons.RULE})


def _groups() -> pl.DataFrame:
    columns = {
        "group_id": SIX,
        "is_family": [True, True, False, False, False, False],
        "type_id": [1, 1, 2, 2, 2, 3],
        "campus_id": [1, 2, 1, None, 2, 1],
        "rule": [None, "archived", None, None, "inactive", "group_type"],
        "loaded": [True, False, True, True, False, False],
    }
    return pl.DataFrame(columns, schema_overrides={"rule": groups.RULE})
