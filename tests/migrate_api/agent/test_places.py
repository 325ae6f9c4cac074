"""Where an agent keeps its things, what it is started with, and how it is installed."""

from __future__ import annotations

import json
import os
import shlex
import stat
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from migrate_api.agent import service
from migrate_api.agent.diagnosis import Check, bundle
from migrate_api.agent.home import Home, places
from migrate_api.agent.redaction import redacted
from migrate_api.agent.settings import AgentSettings, overlaid, read_config, write_config
from migrate_transfer.core.errors import InvalidRequest


def test_places_of_linux() -> None:
    root = places("linux", {}, privileged=True)
    assert (root.config, root.state) == (
        PurePosixPath("/etc/migrate-agent/agent.toml"),
        PurePosixPath("/var/lib/migrate-agent"),
    )
    assert root.logs == PurePosixPath("/var/log/migrate-agent")
    user = places("linux", {"HOME": "/home/ada"}, privileged=False)
    assert user.config == PurePosixPath("/home/ada/.config/migrate-agent/agent.toml")


def test_places_of_windows_and_of_one_folder() -> None:
    windows = places("win32", {"PROGRAMDATA": "D:\\Data"}, privileged=True)
    assert windows.config == PureWindowsPath("D:\\Data\\MigrateAgent\\agent.toml")
    assert windows.logs == PureWindowsPath("D:\\Data\\MigrateAgent\\logs")
    assert places("win32", {"MIGRATE_AGENT_HOME": "E:\\a"}, privileged=True).state == PureWindowsPath("E:\\a\\state")


@pytest.mark.parametrize(
    "text",
    [
        '[api]\nurl = "https://x"\nkey = "mak_1"\n',
        "[api]\nurl = https://x\nkey = mak_1\n",
        "; note\n[api]\nkey=mak_1\n",
    ],
)
def test_the_config_file_may_have_bare_values(tmp_path: Path, text: str) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(text)
    assert AgentSettings.gather(file, {}).key.get_secret_value() == "mak_1"


def test_the_environment_comes_first(tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    write_config(file, "https://file", "mak_file")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    found = AgentSettings.gather(file, {"MIGRATE_AGENT_KEY": "mak_env"})
    assert (found.url, found.key.get_secret_value()) == ("https://file", "mak_env")


def test_without_a_key_the_remedy_is_told_and_a_bad_line_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest) as caught:
        AgentSettings.gather(tmp_path / "none", {})
    assert "--register" in caught.value.remedy
    file = tmp_path / "agent.toml"
    file.write_text("[api]\nhush-password\n")
    with pytest.raises(InvalidRequest) as caught:
        read_config(file)
    assert "hush" not in str(caught.value)


def said(unit: str, name: str) -> list[str]:
    """The words of a unit's settings of a name, as systemd reads them: quotes, then per cent signs."""
    lines = [line.partition("=")[2] for line in unit.splitlines() if line.startswith(f"{name}=")]
    words = [word for line in lines for word in shlex.split(line)]
    assert all(word.count("%") % 2 == 0 for word in words)
    return [word.replace("%%", "%") for word in words]


@pytest.mark.parametrize("name", ["plain", "two words", "100%h", 'a "quoted" one', "back\\slash", "$HOME"])
def test_the_service_knows_the_folder_it_was_installed_with(name: str) -> None:
    home = f"/srv/{name}"
    unit = service.unit(
        [f"{home}/bin/python", "-m", "agent"], {"MIGRATE_AGENT_HOME": home, "MIGRATE_AGENT_KEY": "mak_1"}
    )
    assert said(unit, "Environment") == [f"MIGRATE_AGENT_HOME={home}"]
    assert said(unit, "ReadWritePaths") == [f"-{home}"]
    assert said(unit, "ExecStart") == [f"{home}/bin/python", "-m", "agent", "start"]
    assert "mak_1" not in unit


def test_a_line_break_does_not_get_into_the_unit() -> None:
    with pytest.raises(InvalidRequest):
        service.unit(["agent"], {"MIGRATE_AGENT_HOME": "/srv/x\nUser=root"})


def test_a_flag_comes_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text('[api]\nurl = "https://file"\nkey = "mak_1"\n[agent]\njobs = 5\n')
    environment = {"MIGRATE_API_URL": "https://environment", "MIGRATE_AGENT_JOBS": "4"}
    flags = overlaid(environment, home=None, url="https://flag", jobs=3)
    found = [AgentSettings.gather(file, given) for given in ({}, environment, flags)]
    assert [one.url for one in found] == ["https://file", "https://environment", "https://flag"]
    assert [one.jobs for one in found] == [5, 4, 3]


def test_the_flag_of_the_folder_makes_it_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = overlaid({"MIGRATE_AGENT_HOME": "/elsewhere"}, home=Path("here"), url=None, jobs=None)
    assert Home.here(found).state == tmp_path / "here" / "state"


def test_the_unit_is_installed_under_a_root_and_names_this_program(tmp_path: Path) -> None:
    file = service.install_unit(tmp_path, {})
    text = file.read_text()
    assert file == tmp_path / "etc/systemd/system/migrate-agent.service"
    assert said(text, "ExecStart") == [*service.this_program(), "start"]
    assert "Environment=" not in text
    assert "RestartPreventExitStatus=5" in text


def test_the_windows_service_is_quoted() -> None:
    commands = service.windows_commands(PureWindowsPath("C:\\Program Files\\Migrate\\migrate-agent.exe"))
    assert [command[1] for command in commands] == ["create", "failure", "description", "start"]
    assert commands[0][4] == '"C:\\Program Files\\Migrate\\migrate-agent.exe" start'


@pytest.mark.parametrize(
    "text",
    [
        "key mak_AAAAAAAAAAAAAAAAAAAA",
        "Server=s;Database=d;User Id=u;Password=AAAAAAA;Encrypt=true",
        '{"api_key": "AAAAAAAAA"}',
        "Authorization: Bearer AAAAAAAAA",
        "pwd=AAAA",
        "Password=two AAAA here;Encrypt=true",
        "PWD={a;AAAA c}",
        "Pwd='x;AAAA'",
        'Password="x;AAAA"',
        "mssql://sa:AAAA@host/Rock",
    ],
)
def test_what_looks_like_a_secret_is_blacked_out(text: str) -> None:
    assert "AAAA" not in redacted(text)


def test_a_bundle_has_checks_and_logs_without_secrets(tmp_path: Path) -> None:
    home = Home(tmp_path / "agent.toml", tmp_path / "state", tmp_path / "logs")
    home.make()
    home.log.write_text("started with Password=hush;\n")
    bundle(tmp_path / "b.zip", home, [Check("disk", True, "fine")])
    with zipfile.ZipFile(tmp_path / "b.zip") as found:
        assert "hush" not in found.read("agent.log").decode()
        assert json.loads(found.read("facts.json"))["checks"][0]["name"] == "disk"


def test_a_service_whose_key_only_this_shell_knows_is_not_installed(tmp_path: Path) -> None:
    environment = {**os.environ, "MIGRATE_AGENT_HOME": str(tmp_path), "MIGRATE_AGENT_KEY": "mak_hush"}
    command = [sys.executable, "-m", "migrate_api.agent.cli", "start", "--service", "--root", str(tmp_path / "root")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (done.returncode, "AGENT_NOT_REGISTERED" in done.stderr) == (2, True)
    assert not (tmp_path / "root").exists()
    assert "hush" not in done.stdout + done.stderr
