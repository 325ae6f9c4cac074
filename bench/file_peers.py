"""The commands that are measured: rclone with and without its hashes, AzCopy, ours. Sixteen at a time, all of them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from blob_targets import TOOLS, Target

RUN = Path(sys.executable).parent
AZCOPY = TOOLS / "azcopy/node_modules/@azure-tools/azcopy-linux/dist/bin/azcopy_linux_amd64"
AT_A_TIME = "16"


@dataclass(frozen=True, slots=True)
class Call:
    """A command, and what it finds in its environment."""

    command: Sequence[str]
    environment: Mapping[str, str]


def rclone(source: Path, target: Target, scratch: Path) -> Call:
    """MD5 of every file, compared with what the destination says."""
    place = f":azureblob,account={target.account},endpoint='{target.endpoint}',key='{target.key}':{target.container}/to"
    options = ["--transfers", AT_A_TIME, "--checkers", AT_A_TIME, "--azureblob-no-check-container"]
    return Call([str(RUN / "rclone"), "copy", *options, str(source), place], {"RCLONE_CONFIG": "/dev/null"})


def rclone_without_hashes(source: Path, target: Target, scratch: Path) -> Call:
    plain = rclone(source, target, scratch)
    return Call([*plain.command, "--azureblob-disable-checksum", "--ignore-checksum"], plain.environment)


def azcopy(source: Path, target: Target, scratch: Path) -> Call:
    """Its default: no hash. It takes plain HTTP, and wants to be told what kind of place an address is."""
    AZCOPY.chmod(0o755)  # npm's package brings it without leave to run
    address = f"{target.endpoint}/{target.container}/to?{target.signature}"
    options = ["--recursive", "--from-to=LocalBlob", "--log-level=NONE", "--skip-version-check"]
    environment = {
        "AZCOPY_CONCURRENCY_VALUE": AT_A_TIME,
        "AZCOPY_LOG_LOCATION": str(scratch),
        "AZCOPY_JOB_PLAN_LOCATION": str(scratch),
        "HOME": str(scratch),
    }
    return Call([str(AZCOPY), "copy", str(source), address, *options], environment)


def ours(source: Path, target: Target, scratch: Path) -> Call:
    """SHA-256 of every file, a checksum that the service compares, the ledger, the manifest."""
    place = f"azure_blob://{target.account}/{target.container}/to"
    options = ["--out", str(scratch), "--concurrency", AT_A_TIME, "--json"]
    environment = {"AZURE_STORAGE_CONNECTION_STRING": target.connection_string}
    return Call([str(RUN / "migrate"), "copy", str(source), place, *options], environment)


BASE, OURS = "rclone", "ours, SHA-256 and ledger"
PEERS = {BASE: rclone, "rclone without hashes": rclone_without_hashes, "AzCopy": azcopy, OURS: ours}
