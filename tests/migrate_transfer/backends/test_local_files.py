"""What is known of a file of a disk, also on systems that these tests do not run on."""

from __future__ import annotations

import ntpath

from migrate_transfer.backends.local_files import listed_at


def test_a_file_in_a_folder_lies_where_windows_says_that_it_does() -> None:
    """Each was said to have been moved, but for those in the root."""
    assert listed_at(rb"C:\data", b"a/b c/d", ntpath) == rb"C:\data\a\b c\d"
