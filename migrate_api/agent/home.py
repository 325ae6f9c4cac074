"""Where an agent keeps its things: config file, state (jobs, Dagster's instance) and logs, by platform.

The Windows rules are tested as rules only; nobody has run them there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

from migrate_transfer.core.errors import StorageError

HOME_VARIABLE = "MIGRATE_AGENT_HOME"


@dataclass(frozen=True, slots=True)
class Places:
    """`config` is a file; `state` and `logs` are folders."""

    config: PurePath
    state: PurePath
    logs: PurePath


def places(platform: str, environment: Mapping[str, str], *, privileged: bool) -> Places:
    """The places on a platform (`sys.platform`). MIGRATE_AGENT_HOME puts all of them under one folder."""
    windows = platform == "win32"
    kind: type[PurePath] = PureWindowsPath if windows else PurePosixPath
    if home := environment.get(HOME_VARIABLE):
        return _under(kind(home))
    if windows:
        return _under(kind(environment.get("PROGRAMDATA", "C:\\ProgramData"), "MigrateAgent"))
    if privileged:
        return Places(
            kind("/etc/migrate-agent/agent.toml"), kind("/var/lib/migrate-agent"), kind("/var/log/migrate-agent")
        )
    user = kind(environment.get("HOME", "/"))
    if platform == "darwin":
        return _under(user / "Library" / "Application Support" / "MigrateAgent")
    config = kind(environment.get("XDG_CONFIG_HOME") or user / ".config")
    state = kind(environment.get("XDG_STATE_HOME") or user / ".local" / "state")
    return Places(config / "migrate-agent" / "agent.toml", state / "migrate-agent", state / "migrate-agent" / "logs")


def _under(folder: PurePath) -> Places:
    return Places(folder / "agent.toml", folder / "state", folder / "logs")


@dataclass(frozen=True, slots=True)
class Home:
    """The places of this machine, as paths that can be opened."""

    config: Path
    state: Path
    logs: Path

    @classmethod
    def here(cls, environment: Mapping[str, str] = os.environ) -> Home:
        privileged = hasattr(os, "geteuid") and os.geteuid() == 0
        found = places(sys.platform, environment, privileged=privileged)
        return cls(Path(found.config), Path(found.state), Path(found.logs))

    @property
    def jobs(self) -> Path:
        return self.state / "jobs"

    @property
    def dagster(self) -> Path:
        """Dagster's instance of this agent: `dagster dev` with DAGSTER_HOME here shows every run."""
        return self.state / "dagster"

    @property
    def log(self) -> Path:
        return self.logs / "agent.log"

    def make(self) -> None:
        """Make the folders, readable by their owner alone. Raises StorageError."""
        try:
            for folder in (self.config.parent, self.state, self.jobs, self.logs):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StorageError(
                f"Cannot make {error.filename}: {error.strerror}.",
                remedy=f"Start the agent as a user who may, or set {HOME_VARIABLE} to a folder of its own.",
            ) from error
