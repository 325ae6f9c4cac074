"""What a log says of an exception that nobody foresaw: where, and of what kind; not in whose words."""

from __future__ import annotations

import io
import json
import logging

import pytest

from migrate_api.observability import JsonLines
from migrate_api.tracebacks import PlacesOnly

SECRET = "Password=Pa55w0rd!"


@pytest.mark.parametrize("form", [PlacesOnly(), JsonLines()])
@pytest.mark.parametrize("cut", [True, False])
def test_an_exception_is_logged_without_its_words(form: logging.Formatter, cut: bool) -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(form)
    log = logging.Logger("unforeseen")
    log.addHandler(handler)
    try:
        try:
            raise ConnectionError(f"cannot open {SECRET}")
        except ConnectionError as error:
            raise ValueError(f"no such thing: {SECRET}") from (None if cut else error)
    except ValueError:
        log.exception("Something that nobody foresaw.")
    said = written.getvalue()
    said = json.loads(said)["exception"] if isinstance(form, JsonLines) else said
    assert "ValueError" in said
    assert __file__ in said
    assert ("ConnectionError" in said) is not cut
    assert SECRET not in written.getvalue()
