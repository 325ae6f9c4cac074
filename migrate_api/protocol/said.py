"""How agents and server write to each other: what the messages are made from."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator

_NOT_KEPT = re.compile("[\0\ud800-\udfff]")


class Said(BaseModel):
    """What an agent sends: strict. What no database keeps in a text is shown as U+FFFD: refused, the agent would have
    no way to end its job."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @field_validator("*")
    @classmethod
    def _that_can_be_kept(cls, value: Any) -> Any:
        return _kept(value)


class Answer(BaseModel):
    """What a server answers: fields of a newer server are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


def _kept(value: Any) -> Any:
    """With all that is in it; words of ours, which are more than texts, as they are."""
    if type(value) is str:
        return _NOT_KEPT.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_kept(name): _kept(one) for name, one in value.items()}
    return [_kept(one) for one in value] if isinstance(value, list) else value
