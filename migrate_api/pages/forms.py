"""What people type into a page's form, read as the same models that the routes take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from pydantic import ValidationError

from migrate_api.errors import Refusal, complaints, invalid

LONGEST = 65_536


async def _fields(request: Request) -> dict[str, str]:
    """What was left empty is not among them. Raises Refusal 413."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LONGEST:
            raise Refusal(413, "TOO_LARGE", "The form is too large.")
    return dict(parse_qsl(body.decode("utf-8", "replace")))


Fields = Annotated[dict[str, str], Depends(_fields)]


@contextmanager
def understood() -> Iterator[None]:
    """What a model does not take as a refusal with the fields."""
    try:
        yield
    except ValidationError as error:
        raise invalid(complaints(error.errors())) from None
