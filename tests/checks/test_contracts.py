"""split(): structure is fatal, a bad row is a finding."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
import pytest

from checks.contracts import FINDING_COLUMNS, Contract, ContractBroken, split, text, word

CONTRACT = Contract(
    "people",
    pa.DataFrameSchema(
        {
            "id": pa.Column(pl.Int64, unique=True),
            "name": text(1, 5),
            "status": word("status_unknown", "Active", "Inactive", nullable=True),
        }
    ),
)
GOOD = {"id": [1, 2], "name": ["Ann", "Bob"], "status": ["Active", None]}


def frame(**columns: list) -> pl.DataFrame:
    return pl.DataFrame({**GOOD, **columns}, schema={"id": pl.Int64, "name": pl.String, "status": pl.String})


def test_a_good_frame_is_accepted_whole() -> None:
    accepted, rejected, findings = split(frame(), CONTRACT)
    assert (accepted.height, rejected.height, findings.height) == (2, 0, 0)
    assert dict(findings.schema) == dict(FINDING_COLUMNS)


def test_an_empty_frame_is_a_good_one() -> None:
    accepted, rejected, findings = split(frame().clear(), CONTRACT)
    assert (accepted.height, rejected.schema, findings.height) == (0, accepted.schema, 0)


@pytest.mark.parametrize(
    ("columns", "rule"),
    [
        ({"name": ["Ann", "Robert"]}, "text_length"),
        ({"name": ["Ann", ""]}, "text_length"),
        ({"name": ["Ann", None]}, "missing_value"),
        ({"status": [None, "Gone"]}, "status_unknown"),
    ],
)
def test_a_bad_row_is_a_finding_under_its_rule(columns: dict, rule: str) -> None:
    accepted, rejected, findings = split(frame(**columns), CONTRACT)
    assert (accepted["id"].to_list(), rejected["id"].to_list()) == ([1], [2])
    assert findings.select("entity", "rule", "id").rows() == [("people", rule, 2)]


def test_a_finding_repeats_no_value() -> None:
    _, _, findings = split(frame(status=["Ann is ill", None]), CONTRACT)
    assert findings["detail"].to_list() == ["status"]
    assert "ill" not in str(findings.rows())


def test_a_row_may_have_several_findings_and_is_rejected_once() -> None:
    _, rejected, findings = split(frame(name=["Ann", ""], status=[None, "Gone"]), CONTRACT)
    assert rejected.height == 1
    assert set(findings["rule"]) == {"text_length", "status_unknown"}


def test_the_same_record_twice_is_a_finding() -> None:
    _, rejected, findings = split(frame(id=[7, 7]), CONTRACT)
    assert set(findings["rule"]) == {"duplicate_id"}
    assert rejected.height == 2


@pytest.mark.parametrize("broken", [frame().drop("name"), frame().with_columns(name=pl.lit(1))])
def test_a_frame_of_another_shape_is_no_finding(broken: pl.DataFrame) -> None:
    with pytest.raises(ContractBroken, match="name") as caught:
        split(broken, CONTRACT)
    assert caught.value.problems
