"""Sentences with numbers in them."""

import pytest

from checks.words import counted


@pytest.mark.parametrize(("number", "said"), [(0, "0 records"), (1, "1 record"), (2, "2 records")])
def test_one_is_no_plural(number: int, said: str) -> None:
    assert counted(number, "record", "records") == said
