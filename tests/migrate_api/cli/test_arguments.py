"""No secret on the command line."""

from __future__ import annotations

import pytest

from migrate_api.cli.arguments import screened
from migrate_transfer.core.errors import InvalidRequest
from tests.migrate_api.cli.conftest import Migrate

SECRETS = [
    ["test-connection", "Server=sql,1433;Database=RockRMS;User Id=sa;Password=hunter2"],
    ["import", "--rock-connection", "hunter2"],
    ["import", "--rock_connection=hunter2"],
    ["import", "--connection-string=hunter2"],
    ["import", "--mission-key", "hunter2"],
    ["import", "--key=hunter2"],
    ["import", "--password", "hunter2"],
    ["import", "--secrets=hunter2"],
    ["import", "--secrets", "hunter2"],
    ["test-connection", "mssql+pyodbc://sa:hunter2@sql/RockRMS"],
    ["test-connection", "odbc:Driver={FreeTDS};Server=sql;PWD = hunter2"],
]


@pytest.mark.parametrize("arguments", SECRETS, ids=lambda arguments: arguments[-1])
def test_a_secret_is_refused_and_not_repeated(arguments: list[str]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        screened(arguments)
    assert refused.value.error_code == "SECRET_ON_COMMAND_LINE"
    assert "hunter2" not in f"{refused.value}{refused.value.remedy}"


@pytest.mark.parametrize(
    "argument",
    ["https://mission.example/api", "amount=12.50", "external_person_id=null", "out/keys/server=1", "America/Chicago"],
)
def test_what_is_no_secret_passes(argument: str) -> None:
    assert screened(["import", argument]) == ["import", argument]


def test_a_lone_dash_stands_for_standard_input() -> None:
    assert screened(["import", "-"]) == screened(["import", "--secrets", "-"]) == ["import", "--secrets", "-"]


def test_debug_may_stand_anywhere() -> None:
    assert screened(["import", "--debug", "--json"]) == ["--debug", "import", "--json"]


def test_the_process_says_so_and_does_not_repeat_it(migrate: Migrate) -> None:
    ended = migrate("test-connection", "Server=sql;Database=Rock;User Id=sa;Password=hunter2", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (2, "SECRET_ON_COMMAND_LINE")
    assert "hunter2" not in ended.out + ended.err


def test_an_argument_in_the_wrong_place_is_not_repeated(migrate: Migrate) -> None:
    ended = migrate("import", "hunter2")
    assert ended.code == 2
    assert "hunter2" not in ended.out + ended.err
