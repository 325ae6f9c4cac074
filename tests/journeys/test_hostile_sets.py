"""Folders as nobody would make them: `migrate copy`, `migrate verify` and, of names that rclone keeps as they are,
Debian's rclone agree on what arrived. Each tree comes of a number, so what fails once fails again."""

from __future__ import annotations

import json
import os
import socket
from collections import Counter
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest

from migrate_transfer.core.names import path_of
from tests.fakes.azurite import Azurite
from tests.journeys.files import Files

LETTERS = [letter.encode() for letter in "aBz0~$`;=@^{}[],-_ #&+?*:'\"<>|"]
LETTERS += [letter.encode() for letter in ("é", "日本", "\U0001f600", "\u202e", "\u2028", "\U000e0001")]
"""Names of these are kept as they are by us and by rclone."""
ODD = [
    b"\n",
    b"\r",
    b"\t",
    b".",
    b"..",
    b"%",
    b"%41",
    b"%2F",
    b"\\",
    b"\x7f",
    b"\x01",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
]
ODD += [b"\xc2\x80", b"\xef\xbf\xbe", "e\u0301".encode()]
YEARS = (-60, -1, 0, 1, 56, 330)
"""Since 1970."""


def tree(root: bytes, chance: Random, letters: list[bytes], entries: int = 300) -> dict[bytes, bytes]:
    """Make folders and files; the files' contents by their paths."""
    made, folders = dict[bytes, bytes](), [b""]
    for _ in range(entries):
        path = os.path.join(chance.choice(folders), name(chance, letters))
        if os.path.lexists(os.path.join(root, path)) or len(path) > 1_200:
            continue
        if chance.random() < 0.3:
            os.mkdir(os.path.join(root, path))
            folders.append(path)
            continue
        made[path] = chance.randbytes(chance.choice([0, 1, 100, 5_000, 70_000]))
        write(root, path, made[path], chance.choice(YEARS))
    return made


def name(chance: Random, letters: list[bytes]) -> bytes:
    """Of up to 255 bytes; it may end in the middle of a letter where letters are odd."""
    length, found = chance.choice([1, 2, 3, 5, 8, 20, 250]), b""
    while len(found) < length:
        found += chance.choice(letters)
    return found[:255] if found[:255] not in (b".", b"..") else b"..."


def write(root: bytes, path: bytes, data: bytes, year: int = 50) -> None:
    with open(os.path.join(root, path), "wb") as file:
        file.write(data)
    os.utime(os.path.join(root, path), ns=(year * 31_557_600 * 10**9 + 7,) * 2)


def specials(root: Path, deep: int) -> dict[bytes, bytes]:
    """Links that lead in circles, out and nowhere, a pipe, a socket, one file under two names, a path of many parts."""
    for link, target in {"circle": ".", "itself": "itself", "out": str(root.parent), "nowhere": "not there"}.items():
        (root / link).symlink_to(target)
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(root / "socket"))
    write(os.fsencode(root), b"one name", b"linked")
    os.link(root / "one name", root / "another name")
    parts = root.joinpath(*["d"] * deep)
    parts.mkdir(parents=True)
    write(os.fsencode(parts), b"f", b"deep")
    return {b"one name": b"linked", b"another name": b"linked", b"d/" * deep + b"f": b"deep"}


def manifest(report: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
    with (folder / report["job"] / "manifest.jsonl").open() as file:
        return [json.loads(line) for line in file][1:]


@pytest.mark.parametrize("seed", range(3))
def test_every_file_of_a_random_tree_is_there_or_told(files: Files, seed: int) -> None:
    root = files.folder / "files"
    made = {**tree(os.fsencode(root), Random(seed), LETTERS + ODD), **specials(root, 200)}
    report = files.copy()
    assert report["balanced"] is True
    assert report["skipped_by_rule"] == {"link": 4, "special_file": 2}
    lines = manifest(report, files.folder)
    failed = {path_of(line["path"]) for line in lines if line["outcome"] == "failed"}
    assert {line.get("code") for line in lines if line["outcome"] == "failed"} <= {"NAME_TOO_LONG"}
    there = {path_of(key): digest for key, digest in files.stored().items()}
    assert there == {path: sha256(data).hexdigest() for path, data in made.items() if path not in failed}
    assert Counter(files.verified(report)) == Counter({"same": len(there), "failed": len(failed)})
    assert files.copy()["items"]["unchanged"] == len(there)


def test_rclone_finds_no_difference(files: Files, azurite: Azurite) -> None:
    root = files.folder / "files"
    tree(os.fsencode(root), Random(5), LETTERS)
    assert files.copy()["items"]["failed"] == 0
    assert files.differences(azurite.port) == ""
