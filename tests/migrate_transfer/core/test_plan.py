"""Which items are meant, and which the destination cannot hold."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from migrate_transfer.core.backend import Features, Item, Oddity
from migrate_transfer.core.errors import InvalidRequest
from migrate_transfer.core.names import key_of
from migrate_transfer.core.plan import Filters, folded, misfit


def item(key: str = "a.txt", size: int = 1, modified: str = "2026-01-01T00:00", created: str = "") -> Item:
    times = [
        int(datetime.fromisoformat(one).replace(tzinfo=UTC).timestamp()) * 10**9 if one else 0
        for one in (modified, created)
    ]
    return Item(key, size, times[0], "v", times[1])


@pytest.mark.parametrize(
    ("key", "include", "exclude", "rule"),
    [
        ("docs/a.pdf", ("*.pdf",), (), None),
        ("docs/a.txt", ("*.pdf",), (), "not_included"),
        ("docs/a.PDF", ("*.pdf",), (), "not_included"),
        ("docs/a.pdf", ("*.pdf",), ("a*",), "excluded"),
        ("~lock", (), ("~*",), "excluded"),
        ("docs/sub/a.pdf", ("docs/*.pdf",), (), "not_included"),
        ("docs/sub/a.pdf", ("docs/**",), (), None),
        ("docs/sub/a.pdf", ("**/*.pdf",), (), None),
        ("a.pdf", ("**/*.pdf",), (), None),
        ("docs/a.pdf", ("/docs/a.pdf",), (), None),
        ("docs/a.doc", ("*.{pdf,doc}",), (), None),
        ("docs/[a].doc", ("[[]a].doc",), (), None),
        (".git/config", (), (".git/**",), "excluded"),
        ("with\nnewline.pdf", ("*.pdf",), (), None),
        ("newline.tmp\n", (), ("*.tmp",), None),
        ("docs/newline.tmp\n", (), ("docs/*.tmp",), None),
    ],
)
def test_patterns(key: str, include: tuple[str, ...], exclude: tuple[str, ...], rule: str | None) -> None:
    assert Filters(include=include, exclude=exclude).rule(item(key)) == rule


@pytest.mark.parametrize("pattern", ["{1..1000000}", "a/{1..1000000}/b"])
def test_a_pattern_that_stands_for_too_many_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidRequest) as told:
        Filters(include=(pattern,)).rule(item())
    assert told.value.error_code == "BAD_PATTERN"


@pytest.mark.parametrize("pattern", ["", "/", "private/", "./docs/**", "../docs/*", ".."])
def test_a_pattern_that_nothing_can_match_is_refused(pattern: str) -> None:
    """An empty one is that of a variable that is not set. Nothing would be moved; or all that was to be spared."""
    with pytest.raises(InvalidRequest) as told:
        Filters(include=("*.pdf", pattern)).rule(Item("a.pdf", 1, 1, ""))
    assert told.value.error_code == "BAD_PATTERN"


@pytest.mark.parametrize(
    ("path", "exclude"),
    [
        (b"new\nline.tmp", "new?line.tmp"),
        (b"new\nline.tmp", "new\nline.tmp"),
        (b"back\\slash", r"back\\slash"),
        (b"caf\xe9", "caf?"),
        (b"caf\xe9", "caf\udce9"),
        (b"100%25.txt", "100%25.txt"),
        (b"100%.txt", "100%.txt"),
        (b"dot.", "*."),
        (b"folder./a", "folder./**"),
        (b"folder/.\n", "folder/**"),
        (b"..\n", "**/*"),
    ],
)
def test_patterns_are_matched_against_the_name_that_the_user_sees(path: bytes, exclude: str) -> None:
    assert Filters(exclude=(exclude,)).rule(item(key_of(path))) == "excluded"


@pytest.mark.parametrize(("path", "include"), [(b"new\nline", "*%0A*"), (b"caf\xe9", "*%E9"), (b"a%41", "aA")])
def test_what_a_name_is_escaped_to_is_no_name(path: bytes, include: str) -> None:
    assert Filters(include=(include,)).rule(item(key_of(path))) == "not_included"


@pytest.mark.parametrize(
    ("key", "folder", "exclude", "excluded"),
    [
        ("lost+found", True, "lost+found/**", True),
        ("a/lost+found", True, "**/lost+found/**", True),
        ("lost+found", True, "lost+found/*", False),
        ("old.tmp", True, "*.tmp", False),
        ("old.tmp", False, "*.tmp", True),
        ("new%0Aline", False, "new?line", True),
        ("lost+found", True, "other/**", False),
        ("lost+found", True, "*", True),
        ("lost+found", True, "?", False),
        ("lost+found", True, "[!~]*", False),
        ("lost+found", True, "[!.]*", False),
        ("lost+found", True, "*[![:digit:]]", False),
        ("lost+found", True, "{lost+found,x}/{*,*/**}", True),
        ("lost+found", True, "lost+found/*/*", False),
        ("lost+found", True, "**/?/**", False),
    ],
)
def test_what_cannot_be_read_is_excluded_where_all_of_it_would_be(
    key: str, folder: bool, exclude: str, excluded: bool
) -> None:
    found = Oddity(key, "failed", "SOURCE_DENIED", "", folder=folder)
    assert Filters(exclude=(exclude,)).excuse(found) == ("excluded" if excluded else None)
    assert Filters().excuse(found) is None


@pytest.mark.parametrize(
    ("key", "folder", "include", "rule"),
    [
        ("lost+found", True, "docs/**", "not_included"),
        ("lost+found", True, "*.pdf", None),
        ("docs", True, "docs/**", None),
        ("a.tmp", False, "*.pdf", "not_included"),
        ("a.pdf", False, "*.pdf", None),
    ],
)
def test_what_cannot_be_read_is_not_missed_where_it_is_not_included(
    key: str, folder: bool, include: str, rule: str | None
) -> None:
    found = Oddity(key, "failed", "SOURCE_DENIED", "", folder=folder)
    assert Filters(include=(include,)).excuse(found) == rule


@pytest.mark.parametrize(
    ("folder", "include", "reached"),
    [
        ("docs", ("docs/*.pdf",), True),
        ("docs/sub", ("docs/*.pdf",), False),
        ("other", ("docs/*.pdf",), False),
        ("other", ("docs/*.pdf", "*.txt"), True),
        ("other", ("/docs/**", "other/a"), True),
        ("docs/a/b/c", ("docs/**",), True),
        ("a/b", ("**/*.pdf",), True),
        ("a/b", ("*/*/c.pdf",), True),
        ("a/b/c", ("*/*/c.pdf",), False),
        ("docs", ("{docs,mail}/*.pdf",), True),
        ("mail", ("{docs/a,mail/b}/*.pdf",), True),
        ("a}y", ("a}{y,w/z}",), True),
        ("photos.2024", ("photos.20*/**",), True),
        ("photos.1999", ("photos.20*/**",), False),
        (r"new%0Aline", ("new?line/*",), True),
    ],
)
def test_folders_in_which_something_may_be_included(folder: str, include: tuple[str, ...], reached: bool) -> None:
    assert Filters(include=include).reaches(folder) is reached


@pytest.mark.parametrize(
    ("include", "spared"),
    [
        ((), False),
        (("*.docx",), True),
        (("*.DOCX", "**/*.{pdf,txt}"), True),
        (("*.CSV",), False),
        (("*.{docx,csv}",), False),
        (("*.docx", "*"), False),
        (("*.docx", "jobs/*"), False),
        (("*.docx", "docs/*"), True),
        (("*.doc*",), False),
        (("*.[cd]sv",), False),
        (("{a,*.csv,b}.docx",), False),
        ((r"*.\csv",), False),
        (("docx",), False),
    ],
)
def test_what_is_certainly_not_included_of_some_endings(include: tuple[str, ...], spared: bool) -> None:
    assert Filters(include=include).spares("jobs", frozenset({"csv"})) is spared


def test_case_does_not_count_in_folders_either_where_the_source_does_not_know_it() -> None:
    assert Filters(include=("Docs/*.pdf",), ignore_case=True).reaches("docS")


def test_case_does_not_count_where_the_source_does_not_know_it() -> None:
    assert Filters(include=("*.pdf",), ignore_case=True).rule(item("A.PDF")) is None


@pytest.mark.parametrize(
    ("modified", "created", "zone", "rule"),
    [
        ("2025-12-31T23:59", "", "UTC", None),
        ("2026-01-01T00:00", "", "UTC", "not_older"),
        ("2026-01-01T05:59", "", "America/Chicago", None),
        ("2026-01-01T06:00", "", "America/Chicago", "not_older"),
        ("2020-01-01T00:00", "2026-01-02T00:00", "UTC", "not_older"),
        ("2026-06-01T00:00", "2025-01-02T00:00", "UTC", None),
    ],
)
def test_older_than_looks_at_the_creation_where_it_is_known(
    modified: str, created: str, zone: str, rule: str | None
) -> None:
    filters = Filters(older_than=date(2026, 1, 1), zone=zone)
    assert filters.rule(item(modified=modified, created=created)) == rule


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Chicago"])
def test_older_than_takes_the_first_and_the_last_day_there_are(zone: str) -> None:
    """In Tokyo the first day begins where Greenwich has no date any more."""
    assert Filters(older_than=date.min, zone=zone).rule(item()) == "not_older"
    assert Filters(older_than=date.max, zone=zone).rule(item()) is None


@pytest.mark.parametrize(
    ("key", "size", "code"),
    [
        ("a" * 1_024, 1, None),
        ("a" * 1_025, 1, "NAME_TOO_LONG"),
        ("\u00e9" * 1_024, 1, None),
        ("\u963f" * 1_025, 1, "NAME_TOO_LONG"),
        ("a" + "\U0001f600" * 511, 1, None),
        ("\U0001f600" * 512, 1, None),
        ("a" + "\U0001f600" * 512, 1, "NAME_TOO_LONG"),
        ("\U0001f600" * 1_023, 1, "NAME_TOO_LONG"),
        ("/".join("a" * 254), 1, None),
        ("/".join("a" * 255), 1, "NAME_TOO_DEEP"),
        ("a", 10, None),
        ("a", 11, "FILE_TOO_LARGE"),
    ],
)
def test_what_the_destination_cannot_hold(key: str, size: int, code: str | None) -> None:
    found = misfit(item(key, size), "", Features(longest_key=1_024, most_parts=254, largest=10))
    assert (found.code if found else None) == code


@pytest.mark.parametrize(("prefix", "code"), [("prefix/", None), ("prefix2/", "NAME_TOO_LONG"), ("\U0001f600/", None)])
def test_a_prefix_counts(prefix: str, code: str | None) -> None:
    found = misfit(item("a" * 10), prefix, Features(longest_key=17))
    assert (found.code if found else None) == code


def test_names_that_are_one_name() -> None:
    both = Features(folds_case=True, folds_unicode=True)
    assert folded("Cafe\u0301", both) == folded("CAFÉ", both)
    assert folded("Cafe\u0301", Features()) != folded("Café", Features())
