"""Fetch uv into .tools/uv: by pip where this Python can make a virtual environment, else as a wheel from PyPI.

Needs the standard library alone: Debian's bare Python has neither pip nor ensurepip.
"""

import hashlib
import io
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from urllib.parse import urljoin
from urllib.request import urlopen

INDEX = "https://pypi.org/simple/uv/"
HOME = Path(".tools/uv")
LEAST = (3, 11)


def main(version: str) -> None:
    if sys.version_info < LEAST:
        sys.exit("Migrate needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 …")
    shutil.rmtree(HOME, ignore_errors=True)
    if not by_pip(version):
        by_wheel(version)


def by_pip(version: str) -> bool:
    """pip knows this machine's proxies and certificates, so it comes first."""
    commands = (
        [sys.executable, "-m", "venv", str(HOME)],
        [str(HOME / "bin/python"), "-m", "pip", "install", "--quiet", f"uv=={version}"],
    )
    return all(subprocess.run(command, capture_output=True).returncode == 0 for command in commands)


def by_wheel(version: str) -> None:
    with urlopen(INDEX, timeout=60) as answer:
        links = re.findall(r'href="([^"#]+/(uv-[^"#/]+\.whl))#sha256=([0-9a-f]+)"', answer.read().decode())
    found = [(link, digest) for link, name, digest in links if name.startswith(f"uv-{version}-") and fits(name)]
    if not found:
        sys.exit(f"There is no uv {version} for {sysconfig.get_platform()}: install uv yourself as {HOME}/bin/uv.")
    with urlopen(urljoin(INDEX, found[0][0]), timeout=300) as answer:
        body = answer.read()
    if hashlib.sha256(body).hexdigest() != found[0][1]:
        sys.exit("uv did not arrive as it was sent; try again.")
    place = HOME / "bin/uv"
    place.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        place.write_bytes(archive.read(f"uv-{version}.data/scripts/uv"))
    place.chmod(0o755)


def fits(filename: str) -> bool:
    """Whether a wheel's name ends in this machine's platform: `…-manylinux_2_17_x86_64.manylinux2014_x86_64.whl`."""
    machine = {"AMD64": "x86_64"}.get(platform.machine(), platform.machine())
    family = "macosx" if sys.platform == "darwin" else "manylinux" if platform.libc_ver()[0] == "glibc" else "musllinux"
    return filename.endswith(f"{machine}.whl") and family in filename


if __name__ == "__main__":
    main(sys.argv[1])
