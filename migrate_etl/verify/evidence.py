"""Evidence: a folder whose manifest has the SHA-256 of every file, and a check, offline, that names what was touched.

A seal without a key proves this much: that the files are those the manifest names. Somebody who changes a file and
writes a new manifest is found out only by a digest kept elsewhere. There are two: the manifest's own, which `seal`
returns, over everything; and the `contents_digest`, over everything but the page, which the page prints: a page cannot
hold its own digest, but every printed or mailed copy of it holds that of the figures behind it.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from migrate_transfer.core.errors import StorageError

MANIFEST = "manifest.json"
SEAL = "seal.txt"
PAGE = "report.html"
FORMAT = "migrate-evidence/1"
MAX_MANIFEST = 64 * 2**20
MAX_FILES = 1_000_000

What = Literal["changed", "missing", "added", "not a plain file", "unreadable"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One file that is not as it was sealed; `detail` is a sentence."""

    file: str
    what: What
    detail: str


def seal(folder: Path, facts: Mapping[str, Any]) -> str:
    """Write `manifest.json` over every file in the folder, and `seal.txt` with its digest, which is returned.

    `facts` (JSON values: scope, versions, figures) are kept in the manifest. Raises StorageError.
    """
    try:
        files = [_entry(folder, path) for path in sorted(_walk(folder)) if path not in (MANIFEST, SEAL)]
        manifest = {"format": FORMAT, "facts": facts, "files": files}
        body = json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False).encode()
        _write(folder / MANIFEST, body)
        digest = hashlib.sha256(body).hexdigest()
        _write(folder / SEAL, f"sha256 of {MANIFEST}\n{digest}\n".encode())
    except OSError as error:
        raise StorageError(f"Cannot seal the evidence in {folder}: {error.strerror or error}") from error
    return digest


def contents_digest(folder: Path) -> str:
    """Of every file in the folder but the page: SHA-256 of the lines that `sha256sum` prints for them, sorted by path.

    Raises StorageError.
    """
    try:
        files = [_entry(folder, path) for path in sorted(_walk(folder))]
    except OSError as error:
        raise StorageError(f"Cannot read the evidence in {folder}: {error.strerror or error}") from error
    return _contents({entry["path"]: entry for entry in files})


def _contents(named: Mapping[str, Mapping[str, Any]]) -> str:
    lines = [f"{named[path].get('sha256')}  {path}\n" for path in sorted(named.keys() - {PAGE, MANIFEST, SEAL})]
    return hashlib.sha256("".join(lines).encode(errors="replace")).hexdigest()


def check(folder: Path, digest: str | None = None) -> list[Problem]:
    """Compare the folder with its manifest; nothing found means nothing was touched.

    With `digest`, the manifest's or the one that the page prints, kept from the time of sealing, a rewritten manifest
    is found too (with the page's: unless only the page was changed). Follows no link, leaves the
    folder for nothing that a manifest may say, reads no manifest beyond 64 MiB, needs no network.
    """
    body = _manifest_bytes(folder)
    if isinstance(body, Problem):
        return [body]
    named = _named_files(body)
    contents = "" if isinstance(named, Problem) else _contents(named)
    problems = list(_seal_problems(folder, body, contents, digest))
    if isinstance(named, Problem):
        return [*problems, named]
    found: set[str] = set()
    for path in _walk(folder):
        found.add(path)
        if len(found) > MAX_FILES:
            return [*problems, Problem(path, "added", f"The folder has more than {MAX_FILES:,} files.")]
    for path, entry in named.items():
        problems += _file_problems(folder, path, entry) if path in found else [_missing(path)]
    strangers = sorted(found - set(named) - {MANIFEST, SEAL})
    return problems + [Problem(path, "added", "The manifest does not name it.") for path in strangers]


def _walk(folder: Path) -> Iterator[str]:
    """Relative paths, with forward slashes, of everything that is not a directory; links are not followed."""
    for root, folders, names in os.walk(folder, followlinks=False):
        linked = [name for name in folders if (Path(root) / name).is_symlink()]
        folders[:] = sorted(set(folders) - set(linked))
        yield from ((Path(root) / name).relative_to(folder).as_posix() for name in sorted([*names, *linked]))


def _entry(folder: Path, path: str) -> dict[str, Any]:
    digest, size = _digest(folder / path)
    return {"path": path, "sha256": digest, "size": size}


def _digest(file: Path) -> tuple[str, int]:
    """SHA-256 and size of a plain file. Raises OSError for anything else, links included."""
    handle = os.open(file, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(handle, "rb") as content:
        if not stat.S_ISREG(os.fstat(content.fileno()).st_mode):
            raise OSError("not a plain file")
        return hashlib.file_digest(content, "sha256").hexdigest(), os.fstat(content.fileno()).st_size


def _write(file: Path, body: bytes) -> None:
    aside = file.with_name(f".{file.name}.{os.getpid()}")
    aside.write_bytes(body)
    os.replace(aside, file)


def _manifest_bytes(folder: Path) -> bytes | Problem:
    file = folder / MANIFEST
    if file.is_symlink() or not file.is_file():
        return Problem(
            MANIFEST, "missing", "The folder has no manifest: it is no evidence, or its manifest was removed."
        )
    try:
        if file.stat().st_size > MAX_MANIFEST:
            return Problem(MANIFEST, "unreadable", "The manifest is larger than any that Migrate writes.")
        return file.read_bytes()
    except OSError as error:
        return Problem(MANIFEST, "unreadable", f"It cannot be read: {error.strerror or error}.")


def _seal_problems(folder: Path, body: bytes, contents: str, digest: str | None) -> list[Problem]:
    actual = hashlib.sha256(body).hexdigest()
    if digest is not None and digest.strip().lower() not in (actual, contents):
        return [Problem(MANIFEST, "changed", "Neither its digest nor that of the files it names is the one given.")]
    file = folder / SEAL
    try:
        told = "" if file.is_symlink() or file.stat().st_size > 4096 else file.read_text("utf-8", "replace")
    except OSError:
        return [Problem(SEAL, "missing", "The digest of the manifest was removed.")]
    return [] if actual in told.split() else [Problem(MANIFEST, "changed", f"Its digest is not the one in {SEAL}.")]


def _named_files(body: bytes) -> dict[str, Mapping[str, Any]] | Problem:
    """Path -> entry of the manifest. A manifest that is none, or names a path outside the folder, is a problem."""
    broken = Problem(MANIFEST, "unreadable", "It is not a manifest that Migrate writes.")
    try:
        manifest = json.loads(body)
    except (ValueError, RecursionError):
        return broken
    entries = manifest.get("files") if isinstance(manifest, dict) and manifest.get("format") == FORMAT else None
    if not isinstance(entries, list):
        return broken
    named: dict[str, Mapping[str, Any]] = {}
    for entry in entries:
        path = entry.get("path") if isinstance(entry, dict) else None
        if not isinstance(path, str) or not _inside(path) or path in named:
            return Problem(MANIFEST, "changed", "It names a file outside the folder, or one twice.")
        named[path] = entry
    return named


def _inside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return (
        bool(parts)
        and not PurePosixPath(path).is_absolute()
        and ".." not in parts
        and "\\" not in path
        and "\0" not in path
    )


def _missing(path: str) -> Problem:
    return Problem(path, "missing", "The manifest names it and it is not there.")


def _file_problems(folder: Path, path: str, entry: Mapping[str, Any]) -> list[Problem]:
    file = folder / path
    try:
        if file.is_symlink() or not file.is_file():
            return [Problem(path, "not a plain file", "A link or device stands in its place.")]
        if file.stat().st_size != entry.get("size"):
            return [Problem(path, "changed", "Its size is not what it was.")]
        digest, _ = _digest(file)
    except OSError as error:
        return [Problem(path, "unreadable", f"It cannot be read: {error.strerror or error}.")]
    same = digest == entry.get("sha256")
    return [] if same else [Problem(path, "changed", "Its content is not what it was.")]
