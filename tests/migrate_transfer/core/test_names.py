"""Names of a folder looked at together become the keys that each would become alone."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from migrate_transfer.core.names import key_of, keys_of, path_of

NAME = st.binary(min_size=1, max_size=12).filter(lambda name: b"/" not in name and b"\0" not in name)
PLAIN = st.text("ab.-% 4f", min_size=1, max_size=8).map(str.encode)


@given(st.lists(NAME | PLAIN, max_size=6), st.lists(NAME | PLAIN, max_size=3))
@example([b"."], [])
@example([b"a.", b"b"], [b"folder."])
@example([b"a", b".b"], [])
@example([b"a%4", b"1"], [b"x"])
def test_together_is_the_same_as_one_by_one(names: list[bytes], parts: list[bytes]) -> None:
    folder = b"/".join(parts)
    paths = [folder + b"/" + name if folder else name for name in names]
    keys = keys_of(folder, names)
    assert keys == [key_of(path) for path in paths]
    assert [path_of(key) for key in keys] == paths
