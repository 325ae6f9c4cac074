"""Every statement the product can send to SQL Server is T-SQL: compiled for it and read by a T-SQL parser.

A new kind of statement gets a line in `statements()`; an entity's selects come in by its registration.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
import sqlglot
from sqlglot import exp

from migrate_etl import extract, plan
from migrate_etl.entities import ENTITIES
from migrate_etl.entity import UNDATED
from migrate_etl.rock import catalog
from migrate_etl.rock.dialects import compile_text
from migrate_etl.rock.tables import ROCK_COLUMNS, RockTables
from migrate_etl.verify import rock_totals

OLD = RockTables(
    {t: [c.name for c in cs if c.since is None or t == "Attendance"] for t, cs in ROCK_COLUMNS.items()}, schema="dbo"
)
TABLES = {"current": RockTables(schema="dbo"), "v8": OLD}


def statements() -> Iterator[tuple[str, str]]:
    """(name, text) of each."""
    for number, text in enumerate(
        (*catalog.GENTLE["mssql"], *catalog.BEGIN_SNAPSHOT["mssql"], *catalog.END_SNAPSHOT["mssql"])
    ):
        yield f"session {number}", text
    yield "outcome", catalog.OUTCOME
    for wording in (catalog.ALLOWS_SNAPSHOT, catalog.COLLATION, catalog.NEWEST_MIGRATION):
        yield "catalogue", wording["mssql"]
    yield "columns", catalog.columns_statement("mssql")
    yield "offsets", catalog.columns_statement("mssql", catalog.WITH_OFFSET)
    yield from (
        (f"probe {table}", catalog.probe(table, [c.name for c in cs], "mssql")) for table, cs in ROCK_COLUMNS.items()
    )
    yield from ((f"everything of {table}", catalog.everything(table, "mssql")) for table in ROCK_COLUMNS)
    for release, tables in TABLES.items():
        for name, statement in selects(tables):
            yield f"{release} {name}", compile_text(statement, "mssql")


def selects(tables: RockTables) -> Iterator[tuple[str, sa.Select[Any]]]:
    """The entities' pages and children, and one of each table whole."""
    for table in ROCK_COLUMNS:
        yield table, sa.select(tables[table])
    moment = tables["FinancialTransaction"].c.TransactionDateTime
    yield (
        "years",
        sa.select(sa.extract("year", moment).label("year"), sa.func.count().label("rows"))
        .where(moment >= datetime(2024, 3, 4, 1, 2, 3, 450000))
        .group_by(sa.extract("year", moment)),
    )
    for later in (True, False):
        yield f"totals {later}", rock_totals.totals_statement(tables, 9, later=later)
    yield "records", rock_totals.records_statement(tables, tables["FinancialTransactionDetail"].c.Id.in_([1, 2]))
    for entity in ENTITIES.values():
        yield f"count {entity.name}", rock_totals.count_statement(tables, entity.name, 9)
        yield f"plan {entity.name}", plan.count_statement(entity, tables, 9)
        years = ["2024", UNDATED] if entity.partitioned else [None]
        yield f"years of {entity.name}", extract.extract_statement(entity, tables, years, every=False)
        key = entity.key(tables)
        yield entity.name, entity.select(tables).where(key > 7, key <= 99).order_by(key).limit(50_000)
        for child in entity.children:
            yield f"{entity.name}.{child.name}", child.select(tables).where(child.parent_key(tables).between(1, 9))


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in statements()])
def test_it_is_tsql(text: str) -> None:
    # The parser knows the standard's isolation levels, and not SQL Server's own.
    (tree,) = sqlglot.parse(text.replace("LEVEL SNAPSHOT", "LEVEL SERIALIZABLE"), read="tsql")
    assert tree is not None
    assert " LIMIT " not in text.upper()
    assert "NOLOCK" not in text.upper()
    assert tree.find(exp.Placeholder) is None


@pytest.mark.parametrize("release", TABLES)
def test_only_selects_of_dbo_tables_in_two_part_names(release: str) -> None:
    for _, statement in selects(TABLES[release]):
        tree = sqlglot.parse_one(compile_text(statement, "mssql"), read="tsql")
        assert isinstance(tree, exp.Select)
        assert {table.db for table in tree.find_all(exp.Table)} == {"dbo"}
        assert not any(column.db for column in tree.find_all(exp.Column))


RESERVED = frozenset(
    re.findall(
        r"\w+",
        """
    ADD ALL ALTER AND ANY AS ASC AUTHORIZATION BACKUP BEGIN BETWEEN BREAK BROWSE BULK BY CASCADE CASE CHECK
    CHECKPOINT CLOSE CLUSTERED COALESCE COLLATE COLUMN COMMIT COMPUTE CONSTRAINT CONTAINS CONTAINSTABLE CONTINUE
    CONVERT CREATE CROSS CURRENT CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER CURSOR DATABASE DBCC
    DEALLOCATE DECLARE DEFAULT DELETE DENY DESC DISK DISTINCT DISTRIBUTED DOUBLE DROP DUMP ELSE END ERRLVL ESCAPE
    EXCEPT EXEC EXECUTE EXISTS EXIT EXTERNAL FETCH FILE FILLFACTOR FOR FOREIGN FREETEXT FREETEXTTABLE FROM FULL
    FUNCTION GOTO GRANT GROUP HAVING HOLDLOCK IDENTITY IDENTITY_INSERT IDENTITYCOL IF IN INDEX INNER INSERT
    INTERSECT INTO IS JOIN KEY KILL LEFT LIKE LINENO LOAD MERGE NATIONAL NOCHECK NONCLUSTERED NOT NULL NULLIF OF OFF
    OFFSETS ON OPEN OPENDATASOURCE OPENQUERY OPENROWSET OPENXML OPTION OR ORDER OUTER OVER PERCENT PIVOT PLAN
    PRECISION PRIMARY PRINT PROC PROCEDURE PUBLIC RAISERROR READ READTEXT RECONFIGURE REFERENCES REPLICATION RESTORE
    RESTRICT RETURN REVERT REVOKE RIGHT ROLLBACK ROWCOUNT ROWGUIDCOL RULE SAVE SCHEMA SECURITYAUDIT SELECT
    SEMANTICKEYPHRASETABLE SEMANTICSIMILARITYDETAILSTABLE SEMANTICSIMILARITYTABLE SESSION_USER SET SETUSER SHUTDOWN
    SOME STATISTICS SYSTEM_USER TABLE TABLESAMPLE TEXTSIZE THEN TO TOP TRAN TRANSACTION TRIGGER TRUNCATE TRY_CONVERT
    TSEQUAL UNION UNIQUE UNPIVOT UPDATE UPDATETEXT USE USER VALUES VARYING VIEW WAITFOR WHEN WHERE WHILE WITH WITHIN
    WRITETEXT
    """,
    )
)
"""Transact-SQL's reserved words: as a name only in brackets."""


@pytest.mark.parametrize("release", TABLES)
def test_no_reserved_word_stands_for_a_name_and_no_condition_for_a_value(release: str) -> None:
    for _, statement in selects(TABLES[release]):
        tree = sqlglot.parse_one(compile_text(statement, "mssql"), read="tsql")
        bare = {name.name.upper() for name in tree.find_all(exp.Identifier) if not name.quoted}
        assert bare & RESERVED == set()
        values = [value.unalias() for select in tree.find_all(exp.Select) for value in select.expressions]
        assert not any(isinstance(value, exp.Predicate | exp.Connector | exp.Not | exp.Boolean) for value in values)


@pytest.mark.parametrize("release", TABLES)
def test_a_bit_is_never_added_up_or_compared_for_its_size(release: str) -> None:
    bits = {column.name for columns in ROCK_COLUMNS.values() for column in columns if column.type is sa.Boolean}
    for _, statement in selects(TABLES[release]):
        tree = sqlglot.parse_one(compile_text(statement, "mssql"), read="tsql")
        sized = tree.find_all(exp.AggFunc, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between)
        assert not any(column.name in bits for part in sized for column in part.find_all(exp.Column))


def test_pages_are_limited_by_top_and_booleans_are_bits() -> None:
    group = TABLES["current"]["Group"]
    text = compile_text(sa.select(group.c.Id).where(group.c.IsActive == sa.true()).limit(10), "mssql")
    assert "SELECT TOP 10" in text
    assert "[IsActive] = 1" in text
