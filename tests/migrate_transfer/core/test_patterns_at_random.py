"""Patterns made of pieces at random: no folder is passed over in which something may be meant."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from migrate_transfer.core.names import key_of
from migrate_transfer.core.plan import Filters
from tests.migrate_transfer.core.test_plan import item

PIECES = {
    "/": "/",
    "a": "a",
    "b": "b",
    "*": "ab",
    "?": "b",
    "[ab]": "a",
    "[!a]": "b",
    "**": "a",
    "/**/": "/a/b/",
    "//": "/",
    "{a,b}": "b",
    "{a/b,c}": "a/b",
    "{a,b/*}": "b/a",
    "{a": "{a",
    "[a": "[a",
    "[a/": "[a/",
    "\\a": "a",
    "\\/": "/",
    "{": "{",
    "}": "}",
    ",": ",",
    "]": "]",
    "!": "!",
    ".": ".",
    "\\{": "{",
    "\\": "\\",
}
"""Pieces of patterns, and what each of them may stand for."""
REFUSED = re.compile(r".*/|(.*/)?\.\.?(/.*)?")
FITTING = (
    st.lists(st.sampled_from(sorted(PIECES)), min_size=2, max_size=8)
    .map(lambda some: ("".join(some), "".join(PIECES[piece] for piece in some)))
    .filter(lambda fitting: not REFUSED.fullmatch(fitting[0]))
)


@settings(max_examples=1_000)
@given(FITTING)
def test_no_folder_above_what_is_included_is_out_of_reach(fitting: tuple[str, str]) -> None:
    pattern, path = fitting[0], re.sub("/+", "/", fitting[1]).strip("/")
    filters = Filters(include=(pattern,))
    if filters.rule(item(key_of(path.encode()))) is None:
        parts = path.split("/")
        above = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
        assert [folder for folder in above if not filters.reaches(key_of(folder.encode()))] == []


@given(FITTING, st.sampled_from([".csv", ".docx", ".{csv,docx}", ".{a,b}", ""]), st.sampled_from(["", ".csv"]))
def test_what_is_spared_is_not_included(fitting: tuple[str, str], ending: str, name: str) -> None:
    pattern, path = fitting[0] + ending, re.sub("/+", "/", fitting[1]).strip("/") + name
    filters = Filters(include=(pattern,))
    folder = path.rpartition("/")[0]
    if folder and path.endswith(".csv") and filters.rule(item(key_of(path.encode()))) is None:
        assert not filters.spares(key_of(folder.encode()), frozenset({"csv"}))
