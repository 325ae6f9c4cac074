"""Flags, standard input, environment, file: who wins, what is refused, what never shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_api.cli.import_settings import ImportSettings
from migrate_api.cli.known_settings import SETTINGS
from migrate_api.cli.settings import secrets_in
from migrate_etl.spec import RockImportSpec
from migrate_transfer.core.errors import InvalidRequest

FILE = """
[rock]
connection = "Server=sql;Database=RockRMS;User Id=reader;Password=hunter2"
[mission]
url = "https://file.example"
organization = "file"
key = "hunter3"
[import]
time_zone = "America/Denver"
campus_ids = [1, 2]
date_range_start = 2020-01-01
[import.value_maps.payment_method]
"928a2e04-c77b-4282-888f-ec549cee026a" = "Card"
"""


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in SETTINGS:
        monkeypatch.delenv(str(setting.variable), raising=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "migrate.toml"
    path.write_text(FILE)
    path.chmod(0o600)
    return path


def refused(text: str, tmp_path: Path) -> InvalidRequest:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(InvalidRequest) as error:
        ImportSettings.gather(path, None, {})
    return error.value


def test_a_file_says_it_all(file: Path) -> None:
    spec = ImportSettings.gather(file, None, {}).spec()
    assert (spec.mission_url, spec.campus_ids, str(spec.date_range_start)) == (
        "https://file.example",
        (1, 2),
        "2020-01-01",
    )
    assert spec.value_maps.payment_method == {"928a2e04-c77b-4282-888f-ec549cee026a": "Card"}


def test_the_environment_wins_over_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIGRATE_ORGANIZATION", "environment")
    monkeypatch.setenv("MIGRATE_CAMPUS_IDS", "3, 4")
    monkeypatch.setenv("MIGRATE_RESEND", "true")
    spec = ImportSettings.gather(file, None, {}).spec()
    assert (spec.organization, spec.campus_ids, spec.resend) == ("environment", (3, 4), True)


def test_flags_win_over_the_environment(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIGRATE_ORGANIZATION", "environment")
    assert ImportSettings.gather(file, None, {("mission", "organization"): "flag"}).spec().organization == "flag"


def test_a_flag_that_is_not_given_says_nothing(file: Path) -> None:
    flags = {("mission", "organization"): None, ("import", "campus_ids"): [], ("import", "resend"): False}
    assert ImportSettings.gather(file, None, flags).spec().campus_ids == (1, 2)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("[import]\ntime_zones = 'UTC'", "time_zone"),
        ("[misson]\nurl = 'https://x'", "mission"),
        ("[rock]\nconection = 'x'", "connection"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(text: str, hint: str, tmp_path: Path) -> None:
    error = refused(text, tmp_path)
    assert (error.error_code, error.remedy) == ("UNKNOWN_SETTING", f"Did you mean {hint}?")


@pytest.mark.parametrize("text", ["[import", "rock = 5", "[rock]\nconnection = \x00"])
def test_a_broken_file_is_refused(text: str, tmp_path: Path) -> None:
    assert refused(text, tmp_path).remedy


@pytest.mark.parametrize("text", ["[rock]\nconnection = 5", "[mission]\nkey = ['a']", "[rock.connection]\na = 1"])
def test_a_secret_is_a_text(text: str, tmp_path: Path) -> None:
    (tmp_path / "church.toml").write_text(text)
    with pytest.raises(InvalidRequest, match="must be a text"):
        ImportSettings.gather(tmp_path / "church.toml", None, {})


def test_an_editor_of_windows_marks_the_beginning(tmp_path: Path) -> None:
    (tmp_path / "church.toml").write_text("[import]\njob_id = 'easter'", "utf-8-sig")
    assert ImportSettings.gather(tmp_path / "church.toml", None, {}).job_name == "easter"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="No such file"):
        ImportSettings.gather(tmp_path / "none.toml", None, {})


def test_others_may_read_the_secrets(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ImportSettings.gather(file, None, {})
    assert "others may read it" not in capsys.readouterr().err
    file.chmod(0o644)
    ImportSettings.gather(file, None, {})
    assert "others may read it" in capsys.readouterr().err


@pytest.mark.parametrize(
    "given",
    [
        '{"rock_connection": "Server=s;Password=p", "mission_key": "k"}',
        "MIGRATE_ROCK_CONNECTION=Server=s;Password=p\nMIGRATE_MISSION_KEY=k\n",
        "rock_connection=Server=s;Password=p\nmission_key=k",
        "Server=s;Password=p\nk\n",
    ],
)
def test_secrets_by_standard_input(given: str) -> None:
    secrets = ImportSettings(secrets_in(given)).secrets()
    assert secrets.rock_connection.get_secret_value() == "Server=s;Password=p"
    assert secrets.mission_key.get_secret_value() == "k"


@pytest.mark.parametrize("given", ["", "{}", '{"key": "hunter2"}', "[1]", "a\nb\nhunter2", '{"mission_key": 5}', "{"])
def test_standard_input_that_is_not_understood(given: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        secrets_in(given)
    assert error.value.error_code == "SECRETS_NOT_UNDERSTOOD"
    assert "hunter2" not in str(error.value)


def test_what_is_missing_is_named_with_its_variable() -> None:
    with pytest.raises(InvalidRequest) as error:
        ImportSettings.gather(None, None, {("mission", "url"): "https://x"}).spec()
    assert "--organization" in error.value.message
    assert "MIGRATE_ORGANIZATION" in error.value.remedy
    with pytest.raises(InvalidRequest, match="connection string"):
        ImportSettings.gather(None, None, {}).secrets()


def test_a_dry_run_needs_no_key(file: Path) -> None:
    settings = ImportSettings.gather(file, None, {("mission", "key"): ""})
    assert settings.secrets(mission=False).mission_key.get_secret_value() == ""


@pytest.mark.parametrize(
    ("place", "value", "named"),
    [
        (("import", "time_zone"), "America/Chigaco", "--time-zone: not an IANA time zone"),
        (("import", "entities"), ["peoples"], "--entity"),
        (("import", "date_range_start"), "yesterday", "--since"),
        (("import", "concurrency"), "99", "--concurrency"),
        (("mission", "organization"), "Grace Church", "--organization"),
        (("mission", "url"), "mission.example", "--mission-url: give an address"),
        (("mission", "url"), "https://", "--mission-url"),
        (("mission", "url"), "http://[::1", "--mission-url"),
        (("mission", "url"), "http://host:99999", "--mission-url"),
        (("mission", "url"), "http://ho st", "--mission-url"),
        (("mission", "url"), "https://host?key=1", "--mission-url"),
        (("mission", "url"), 5, "--mission-url"),
        (("mission", "organization"), "Grace Church", "lower-case letters"),
        (("import", "entities"), "people", "--entity: give a list"),
        (("import", "campus_ids"), ["North"], "--campus 1 --campus 2"),
        (("import", "date_range_start"), "01/02/2020", "--since: give a day such as 2020-01-31"),
        (("import", "date_range_start"), "2999-01-01", "--since: the day lies in the future"),
        (("import", "batch_size"), "1e3", "--batch-size: give a whole number from 1 to 500"),
        (("import", "resend"), "maybe", "--resend: give true or false"),
        (("import", "job_id"), "..", "--job"),
        (("import", "job_id"), "Books", "--job: `books` is the folder"),
        (("import", "include_group_types"), ["Small Group"], "--group-type: give Rock's GUID"),
        (
            ("import", "value_maps"),
            {"payment_method": {"Venmo": "Card"}},
            "payment_method.Venmo: give Rock's GUID",
        ),
    ],
)
def test_a_value_that_makes_no_sense_is_named_by_its_flag(
    file: Path, place: tuple[str, str], value: object, named: str
) -> None:
    with pytest.raises(InvalidRequest) as error:
        ImportSettings.gather(file, None, {place: value}).spec()
    assert named in error.value.message


def test_an_unknown_variable_is_warned_of(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("MIGRATE_TIMEZONE", "UTC")
    ImportSettings.gather(None, None, {})
    assert "Did you mean MIGRATE_TIME_ZONE?" in capsys.readouterr().err


def test_settings_never_show_what_they_hold(file: Path) -> None:
    assert "hunter" not in repr(ImportSettings.gather(file, None, {}))


def test_every_option_of_the_specification_can_be_set() -> None:
    known = {setting.key for setting in SETTINGS if setting.section == "import"} | {"mission_url", "organization"}
    assert known == set(RockImportSpec.model_fields) - {"started_on"}
