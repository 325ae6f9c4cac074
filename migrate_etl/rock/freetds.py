"""FreeTDS checks a certificate only for a server that stands in its file `freetds.conf`: ours, one for the process.

It holds addresses, never a login.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path
from threading import Lock

from migrate_etl.rock.server import DEFAULT_PORT, ServerAddress

_LOCK = Lock()


def checked_server(address: ServerAddress) -> str:
    """The name under which FreeTDS finds the server, encrypts everything and checks the certificate.

    Trusted are the machine's authorities, or those in SSL_CERT_FILE, as with any program that uses OpenSSL.
    """
    authorities = os.environ.get("SSL_CERT_FILE") or "system"
    end = f"instance = {address.instance}" if address.instance else f"port = {address.port or DEFAULT_PORT}"
    lines = [f"host = {address.host}", end, "tds version = 7.4", "encryption = require", f"ca file = {authorities}"]
    lines.append("check certificate hostname = yes")
    with _LOCK:
        sections = _sections()
        section = tuple(lines)
        if section not in sections:
            # Azure SQL goes by the name that the login carries, and that is the section's.
            others = sum(name.partition("+")[0] == address.host for name in sections.values())
            sections[section] = f"{address.host}+{others}" if others else address.host
        _write(sections)
        return sections[section]


@cache
def _sections() -> dict[tuple[str, ...], str]:
    return {}


@cache
def _file() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="freetds-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder / "freetds.conf"


@cache
def _of_the_machine() -> str:
    """What the machine's own file says, of every server among others; read once, before ours takes its place."""
    given = Path(os.environ.get("FREETDSCONF", "/etc/freetds/freetds.conf"))
    return given.read_text("utf-8", "replace") if given.is_file() else ""


def _write(sections: dict[tuple[str, ...], str]) -> None:
    own = _file()
    ours = "".join(f"\n[{name}]\n" + "".join(f"\t{line}\n" for line in lines) for lines, name in sections.items())
    partial = own.with_suffix(".partial")
    partial.write_text(_of_the_machine() + ours, "utf-8")
    partial.replace(own)
    os.environ["FREETDSCONF"] = str(own)
