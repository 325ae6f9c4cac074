"""What people type into a page's form, read as the same models that the routes take; and the form shown again, as it
was typed, beside what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from pydantic import ValidationError
from sqlalchemy.orm import Session

from migrate_api.doors import services_of
from migrate_api.errors import Refusal, complaints, invalid

LONGEST = 65_536
CORRECTED_HERE = (400, 403, 409)
"""Refusals that are shown beside the form. What does not exist has no form."""


async def _typed(request: Request) -> dict[str, str]:
    """All fields; what was left empty is an empty text. Raises Refusal 413."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LONGEST:
            raise Refusal(413, "TOO_LARGE", "The form is too large.")
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


Typed = Annotated[dict[str, str], Depends(_typed)]


def filled(typed: Mapping[str, str]) -> dict[str, str]:
    """Without what was left empty."""
    return {name: text for name, text in typed.items() if text}


@dataclass(frozen=True, slots=True)
class Form:
    """A form as it is shown: untouched, or with what was typed and why it was refused. `name`: which one, on a page
    with several."""

    typed: Mapping[str, str] = field(default_factory=dict)
    refusal: Refusal | None = None
    name: str = ""

    @property
    def status(self) -> int:
        return self.refusal.status if self.refusal else 200

    def value(self, name: str, was: object = None) -> str:
        """What stands in a field: what was typed, else what was there before."""
        return self.typed.get(name, "" if was is None else str(was))

    def ticked(self, name: str, was: bool) -> bool:
        return name in self.typed if self.refusal else was

    def wrong(self, *names: str) -> str:
        """What is wrong with a field, under the names that the API has for it."""
        if self.refusal is None:
            return ""
        fields = self.refusal.details.get("fields", {})
        said = [why for name, why in fields.items() if name in names]
        if self.refusal.details.get("field") in names:
            said.append(f"{self.refusal.message} {self.refusal.details.get('remedy', '')}".strip())
        return "; ".join(said)

    def of(self, name: str) -> Form:
        """This form if it has that name, else an untouched one."""
        return self if self.name == name else Form()


class Unsaved(Exception):
    """A form that was refused: all is undone, and then the page is made anew with `again`, in a transaction of its
    own."""

    def __init__(self, again: Callable[[Session], HTMLResponse]) -> None:
        super().__init__("a form was refused")
        self.again = again


@contextmanager
def shown_again(
    typed: Mapping[str, str], again: Callable[[Session, Form], HTMLResponse], name: str = ""
) -> Iterator[None]:
    """Around the work that a form asks for. Raises Unsaved where it is refused."""
    try:
        with understood():
            yield
    except Refusal as refusal:
        if refusal.status not in CORRECTED_HERE:
            raise
        form = Form(typed, refusal, name)
        raise Unsaved(lambda session: again(session, form)) from None


def unsaved(request: Request, error: Unsaved) -> HTMLResponse:
    """The answer to a form that was refused. Not async: it asks the database."""
    with services_of(request).database.transaction() as session:
        return error.again(session)


@contextmanager
def understood() -> Iterator[None]:
    """What a model does not take as a refusal with the fields."""
    try:
        yield
    except ValidationError as error:
        raise invalid(complaints(error.errors())) from None
