"""Installing the agent as a service: a systemd unit on Linux, commands for Windows' service manager.

The Windows commands are tested as text only; nobody has run them there.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path, PureWindowsPath

from migrate_api.agent.home import HOME_VARIABLE
from migrate_api.agent.settings import JOBS_VARIABLE, URL_VARIABLE
from migrate_transfer.core.errors import InvalidRequest, StorageError

NAME = "migrate-agent"
UNIT = Path("etc/systemd/system/migrate-agent.service")
KEPT = (HOME_VARIABLE, URL_VARIABLE, JOBS_VARIABLE)
"""What the one who installs the service may have said by variable or flag: the service is to hear it too. Never the
key: a unit is read by every user of the machine."""


def unit(program: list[str], environment: Mapping[str, str]) -> str:
    """The unit: restarted after a crash but not after a revoked key (exit code 5), with no rights it does not need.
    Raises InvalidRequest for a word that no unit can hold."""
    command = " ".join([_quoted(program[0]), *(_quoted(word).replace("$", "$$") for word in program[1:])])
    said = [f"Environment={_quoted(f'{name}={environment[name]}')}\n" for name in KEPT if environment.get(name)]
    if home := environment.get(HOME_VARIABLE):
        said.append(f"ReadWritePaths={_quoted(f'-{home}')}\n")
    return f"""[Unit]
Description=The One Migrate agent
Documentation=https://app.theonemigrate.app
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
ExecStart={command} start
{"".join(said)}Restart=always
RestartSec=10
RestartPreventExitStatus=5
KillSignal=SIGTERM
KillMode=mixed
TimeoutStopSec=120
StateDirectory=migrate-agent
LogsDirectory=migrate-agent
ConfigurationDirectory=migrate-agent
UMask=0077
NoNewPrivileges=true
PrivateTmp=true
ProtectSystem=full
ProtectKernelTunables=true
ProtectControlGroups=true
RestrictSUIDSGID=true

[Install]
WantedBy=multi-user.target
"""


def this_program() -> list[str]:
    """How this agent is started."""
    script = Path(sys.executable).with_name(NAME)
    return [str(script)] if script.exists() else [sys.executable, "-P", "-m", "migrate_api.agent.cli"]


def _quoted(word: str) -> str:
    """One word of a unit, whatever blanks, quotes and per cent signs (systemd's specifiers) are in it."""
    if not word.isprintable():
        raise InvalidRequest("A path or setting of the service holds a line break or a control character.")
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def install_unit(root: Path, environment: Mapping[str, str]) -> Path:
    """Write the unit below a root; returns its file. Raises StorageError, InvalidRequest."""
    file = root / UNIT
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(unit(this_program(), environment))
    except OSError as error:
        raise StorageError(f"Cannot write {file}: {error.strerror}.", remedy="Run it as root.") from error
    return file


def start_unit() -> None:
    """Have systemd start it, now and at every boot. Raises StorageError where systemd does not."""
    for command in (["systemctl", "daemon-reload"], ["systemctl", "enable", "--now", NAME]):
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise StorageError(
                "systemd did not start the agent.",
                code="SERVICE_NOT_STARTED",
                remedy=f"See `systemctl status {NAME}`, or run `{NAME} start` yourself.",
            ) from error


def windows_commands(program: PureWindowsPath) -> list[list[str]]:
    """What makes and starts the Windows service: automatic, restarted after a failure."""
    return [
        [
            "sc.exe",
            "create",
            "MigrateAgent",
            "binPath=",
            f'"{program}" start',
            "start=",
            "auto",
            "DisplayName=",
            "The One Migrate agent",
        ],
        [
            "sc.exe",
            "failure",
            "MigrateAgent",
            "reset=",
            "86400",
            "actions=",
            "restart/10000/restart/10000/restart/60000",
        ],
        ["sc.exe", "description", "MigrateAgent", "The One Migrate agent"],
        ["sc.exe", "start", "MigrateAgent"],
    ]
