"""Whatever is done to a sealed folder is named."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from migrate_etl.verify.evidence import MANIFEST, MAX_MANIFEST, PAGE, SEAL, check, contents_digest, seal

GUIDE = Path(__file__).parents[3] / "docs" / "operator-guide.md"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "evidence"
    (found / "tables").mkdir(parents=True)
    (found / "report.json").write_text("{}")
    (found / "tables" / "cube.csv").write_text("fund,amount\n1,2.00\n")
    (found / PAGE).write_text(contents_digest(found))
    seal(found, {"organization": "grace"})
    return found


def named(folder: Path, digest: str | None = None) -> list[tuple[str, str]]:
    return [(problem.file, problem.what) for problem in check(folder, digest)]


def test_an_untouched_folder_has_no_problems(folder: Path) -> None:
    assert named(folder) == []


def test_sealing_names_every_file_with_size_and_digest(folder: Path) -> None:
    files = json.loads((folder / MANIFEST).read_text())["files"]
    assert [(file["path"], file["size"]) for file in files[1:]] == [("report.json", 2), ("tables/cube.csv", 19)]


def _grow(folder: Path) -> None:
    (folder / "report.json").write_text("{} ")


def _swap_a_letter(folder: Path) -> None:
    (folder / "report.json").write_text("[]")


def _remove(folder: Path) -> None:
    (folder / "report.json").unlink()


def _link(folder: Path) -> None:
    (folder / "report.json").rename(folder.parent / "elsewhere")
    (folder / "report.json").symlink_to(folder.parent / "elsewhere")


def _pipe(folder: Path) -> None:
    (folder / "report.json").unlink()
    os.mkfifo(folder / "report.json")


@pytest.mark.parametrize(
    ("tamper", "what"),
    [
        (_grow, "changed"),
        (_swap_a_letter, "changed"),
        (_remove, "missing"),
        (_link, "not a plain file"),
        (_pipe, "not a plain file"),
    ],
)
def test_a_touched_file_is_named(folder: Path, tamper: Callable[[Path], None], what: str) -> None:
    tamper(folder)
    assert named(folder) == [("report.json", what)]


def test_an_added_file_is_named(folder: Path) -> None:
    (folder / "tables" / "more.csv").write_text("x")
    assert named(folder) == [("tables/more.csv", "added")]


def test_a_linked_folder_is_not_followed(folder: Path) -> None:
    (folder / "more").symlink_to(folder.parent)
    assert named(folder) == [("more", "added")]


def test_a_touched_manifest_is_named(folder: Path) -> None:
    manifest = folder / MANIFEST
    manifest.write_text(manifest.read_text().replace("grace", "other"))
    assert named(folder) == [(MANIFEST, "changed")]


def test_a_folder_sealed_anew_is_known_by_the_digest_kept_elsewhere(folder: Path) -> None:
    kept = (folder / SEAL).read_text().split()[-1]
    _swap_a_letter(folder)
    seal(folder, {"organization": "grace"})
    assert (named(folder), named(folder, kept)) == ([], [(MANIFEST, "changed")])


def test_the_digest_on_the_page_is_what_the_command_in_the_guide_says(folder: Path) -> None:
    (command,) = [line for line in GUIDE.read_text("utf-8").splitlines() if line.startswith("find . ")]
    said = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, check=True).stdout
    assert (named(folder, said.split()[0]), said.split()[0]) == ([], (folder / PAGE).read_text())


def test_a_folder_sealed_anew_is_known_by_a_copy_of_its_page(folder: Path) -> None:
    printed = (folder / PAGE).read_text()
    _swap_a_letter(folder)
    (folder / PAGE).write_text(contents_digest(folder))
    seal(folder, {"organization": "grace"})
    assert (named(folder), named(folder, printed)) == ([], [(MANIFEST, "changed")])


def test_a_removed_seal_is_named(folder: Path) -> None:
    (folder / SEAL).unlink()
    assert named(folder) == [(SEAL, "missing")]


def test_a_folder_without_manifest_is_no_evidence(tmp_path: Path) -> None:
    assert named(tmp_path) == [(MANIFEST, "missing")]


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "a/../../b", "", 7, "report.json"])
def test_a_manifest_that_leaves_the_folder_is_refused(folder: Path, path: object) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"].append({"path": path, "sha256": "0", "size": 1})
    (folder / MANIFEST).write_text(json.dumps(manifest))
    assert (MANIFEST, "changed") in named(folder)
    assert {file for file, _ in named(folder)} == {MANIFEST}


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"format": 1}', "\0\1", "[" * 100_000])
def test_a_manifest_that_is_none_is_named(folder: Path, body: str) -> None:
    (folder / MANIFEST).write_text(body)
    assert (MANIFEST, "unreadable") in named(folder)


def test_a_huge_manifest_is_not_read(folder: Path) -> None:
    with (folder / MANIFEST).open("wb") as file:
        file.truncate(MAX_MANIFEST + 1)
    assert named(folder) == [(MANIFEST, "unreadable")]
