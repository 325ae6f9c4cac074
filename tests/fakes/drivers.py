"""The ODBC drivers of the tests: those of the system, and Microsoft's, which comes as a wheel."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import mssql_python_odbc

FREETDS = "FreeTDS"
MICROSOFT = "ODBC Driver 18 for SQL Server"


def register() -> None:
    """For this process and its children; unixODBC looks once, so before its first use.

    Microsoft's needs libkrb5 and libltdl beside it, which Debian's `tdsodbc` and `unixodbc` bring along.
    """
    libraries = Path(mssql_python_odbc.get_libs_dir(), "linux", "debian_ubuntu")
    found = list(libraries.glob(f"{os.uname().machine}/lib/libmsodbcsql-*".replace("aarch64", "arm64")))
    system = Path(os.environ.get("ODBCSYSINI", "/etc"), "odbcinst.ini")
    known = system.read_text() if system.exists() else ""
    if MICROSOFT in known or not found:
        return
    folder = Path(tempfile.mkdtemp(prefix="odbc-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "odbcinst.ini").write_text(f"{known}\n[{MICROSOFT}]\nDriver={found[0]}\n")
    os.environ["ODBCSYSINI"] = str(folder)
