"""A sandbox as a child process, for the demo and the tests: start, script, look into its books, stop or kill."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.request import Request, urlopen

from migrate_etl.sandbox.mission.reading import books_digest

SECONDS = 30


@dataclass
class MissionSandbox:
    """A running sandbox. It stops when its `with` block ends, or when the process that started it is gone."""

    url: str
    organization: str
    key: str = field(repr=False)
    database: Path
    process: subprocess.Popen[bytes] = field(repr=False)

    @classmethod
    def start(
        cls,
        folder: Path,
        organization: str,
        key: str,
        *,
        port: int = 0,
        rate_limit: int | None = None,
        rate_window: int = 60,
        latency_ms: int = 0,
        read_back: bool = True,
    ) -> Self:
        """Start one over `folder/mission.sqlite`, which may hold books already; returns when it can be used.

        What it has to complain about is in `folder/mission.log`. Raises RuntimeError where it does not come up.
        """
        folder.mkdir(parents=True, exist_ok=True)
        database = folder / "mission.sqlite"
        options: Mapping[str, object] = {
            "--database": database,
            "--organization": organization,
            "--port": port,
            "--rate-limit": rate_limit,
            "--rate-window": rate_window,
            "--latency-ms": latency_ms,
        }
        given = [f"{name}={value}" for name, value in options.items() if value is not None]
        process = _spawn([*given, *([] if read_back else ["--no-read-back"])], key, folder / "mission.log")
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            _end(process)
            raise RuntimeError(f"The Mission sandbox did not start; see {folder / 'mission.log'}.")
        return cls(json.loads(line)["url"], organization, key, database, process)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Let it finish what it is doing and close its books."""
        _end(self.process)

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        self.process.kill()
        _end(self.process)

    def fault(self, action: str, **fields: Any) -> None:
        """Script a fault; `fields` are those of `faults.Fault`, with `match` as a mapping."""
        self._call("POST", "/sandbox/faults", {"action": action, **fields})

    def clear_faults(self) -> None:
        self._call("DELETE", "/sandbox/faults", None)

    def requests(self) -> dict[str, Any]:
        """What came in since the last reset: count, by_path, by_status, requests."""
        return self._call("GET", "/sandbox/requests", None)

    def admit(self, organization: str, key: str) -> None:
        self._call("POST", "/sandbox/keys", {"organization": organization, "key": key})

    def revoke(self) -> None:
        """Revoke every key."""
        self._call("POST", "/sandbox/revoke", None)

    def reset(self, *, books: bool = False) -> None:
        self._call("POST", "/sandbox/reset", {"books": books})

    def sql(self, statement: str, parameters: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """Run a statement on the books behind the server's back, and commit: for planting faults and for looking."""
        with closing(sqlite3.connect(self.database, timeout=SECONDS)) as connection, connection:
            return connection.execute(statement, parameters).fetchall()

    def digest(self) -> str:
        return books_digest(self.database)

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        with urlopen(request, timeout=SECONDS) as answer:
            found: dict[str, Any] = json.loads(answer.read())
        return found


def _spawn(options: list[str], key: str, log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "migrate_etl.sandbox.mission", "--until-stdin-closes", *options]
    environment = {**os.environ, "MIGRATE_MISSION_KEY": key}
    with log.open("ab") as complaints:
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints, env=environment
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    """Close the pipes, which tells a live one to stop, and wait for its end."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    process.wait(SECONDS)
