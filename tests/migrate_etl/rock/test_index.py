"""Index: the row of an id, wherever it stands and whatever is asked for."""

from __future__ import annotations

import polars as pl
import pytest

from migrate_etl.rock.index import Index
from migrate_etl.rock.lookups import narrow

KIND = pl.Enum(["person", "business"])
ASKED = pl.DataFrame({"on": [9, None, 2, -1, 10**12, 1, 9]}, schema={"on": pl.Int64})


@pytest.mark.parametrize("far", [9, 900_000_000], ids=["close ids", "sparse ids"])
def test_each_row_gets_its_own_and_others_null(far: int) -> None:
    frame = pl.DataFrame({"id": [9, 1, far + 1], "word": ["nine", "one", "far"]})
    found = Index(frame, "id").beside(ASKED, "on", word="word", found="id")
    assert found["word"].to_list() == ["nine", None, None, None, None, "one", "nine"]
    assert found["found"].to_list() == [9, None, None, None, None, 1, 9]
    assert found["on"].equals(ASKED["on"])


def test_an_empty_lookup_and_an_empty_chunk_keep_the_types() -> None:
    empty = pl.DataFrame(schema={"id": pl.Int64, "kind": KIND})
    assert Index(empty, "id").beside(ASKED, "on", kind="kind")["kind"].null_count() == ASKED.height
    some = pl.DataFrame({"id": [1], "kind": ["person"]}, schema_overrides={"kind": KIND})
    assert Index(some, "id").beside(ASKED.clear(), "on", kind="kind").schema == {"on": pl.Int64, "kind": pl.String}


def test_a_column_may_come_under_two_names() -> None:
    frame = pl.DataFrame({"id": [1, 2], "word": ["one", "two"]})
    found = Index(frame, "id").beside(pl.DataFrame({"on": [2]}), "on", a="word", b="word")
    assert found.row(0) == (2, "two", "two")


@pytest.mark.parametrize("far", [9, 900_000_000], ids=["close ids", "sparse ids"])
def test_a_lookup_kept_narrow_answers_with_ids_as_wide_as_ever(far: int) -> None:
    frame = narrow(pl.DataFrame({"id": [9, far + 1], "campus_id": [2, None]}))
    found = Index(frame, "id").beside(ASKED, "on", campus_id="campus_id")
    assert frame.schema["campus_id"] == pl.Int8
    assert (found.schema["campus_id"], found["campus_id"].to_list()) == (pl.Int64, [2, *[None] * 5, 2])
