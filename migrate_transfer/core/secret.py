"""What is not to be seen in a log or a traceback."""

from __future__ import annotations

from typing import Protocol


class Secret(Protocol):
    """A text that shows itself only to who asks for it; pydantic's SecretStr is one."""

    def get_secret_value(self) -> str:
        """The text."""


class Hidden:
    """A secret without pydantic, which would be a quarter of the time that a copy takes to start."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def get_secret_value(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Hidden('**********')"
