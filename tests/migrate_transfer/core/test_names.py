"""Names are reversible, and two of them never become one; looked at together they become what each would alone."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from migrate_transfer.core.names import key_of, path_of, plain

AWKWARD = st.sampled_from(
    [b"%", b"4", b"1", b".", b"..", b" ", b"\\", b"\n", b"\r", b"\x00", b"\x7f", b"\xc2\x85", b"\xff"]
)
PARTS = st.lists(
    st.one_of(AWKWARD, st.binary(max_size=3), st.text(max_size=3).map(lambda t: t.encode("utf-8", "ignore")))
).map(b"".join)
PATHS = st.lists(PARTS.map(lambda part: part.replace(b"/", b"")).filter(bool), min_size=1, max_size=4).map(b"/".join)
HELD_BY_NOBODY = re.compile(r"[\x00-\x1f\x7f-\x9f\\\ud800-\udfff\ufffe\uffff]|\.(?=/)|\.\Z")


@given(PATHS)
def test_a_key_leads_back_to_its_path(path: bytes) -> None:
    assert path_of(key_of(path)) == path


@given(PATHS)
def test_a_key_holds_nothing_that_a_destination_cannot(path: bytes) -> None:
    assert not HELD_BY_NOBODY.search(key_of(path))


@given(PATHS, PATHS)
def test_two_names_are_two_keys(one: bytes, other: bytes) -> None:
    assert (key_of(one) == key_of(other)) == (one == other)


@given(PATHS)
def test_a_key_has_as_many_parts_as_its_path_and_none_that_climbs(path: bytes) -> None:
    parts = key_of(path).split("/")
    assert len(parts) == path.count(b"/") + 1
    assert not {".", "..", ""} & set(parts)


@pytest.mark.parametrize(
    ("path", "key"),
    [
        (b"plain (1).txt", "plain (1).txt"),
        (b"...", "..%2E"),
        (b"a..b", "a..b"),
        (b"a./b.", "a%2E/b%2E"),
        (b"100%", "100%"),
        (b"a%41", "a%2541"),
        (b"a\\b", "a%5Cb"),
        (b"line\nbreak", "line%0Abreak"),
        (b"gro\xdf", "gro%DF"),
        ("gr\u00f6\u00df".encode(), "gr\u00f6\u00df"),
    ],
)
def test_what_is_written_otherwise(path: bytes, key: str) -> None:
    assert key_of(path) == key


NAME = st.binary(min_size=1, max_size=12).filter(lambda name: b"/" not in name and b"\0" not in name)
PLAIN = st.text("ab.-% 4f", min_size=1, max_size=8).map(str.encode)


@given(st.lists(NAME | PLAIN, max_size=6), st.lists(NAME | PLAIN, max_size=3))
@example([b"."], [])
@example([b"a.", b"b"], [b"folder."])
@example([b"a", b".b"], [])
@example([b"a%4", b"1"], [b"x"])
def test_what_is_plain_together_is_its_own_key_one_by_one(names: list[bytes], parts: list[bytes]) -> None:
    folder = b"/".join(parts)
    paths = [folder + b"/" + name if folder else name for name in names]
    if plain(b"/".join([folder, *names])):
        assert [key_of(path) for path in paths] == [path.decode("ascii") for path in paths]
    assert [path_of(key_of(path)) for path in paths] == paths
