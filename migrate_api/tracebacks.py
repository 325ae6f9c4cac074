"""Where an exception happened, for logs: files, lines and kinds. Never its words: a driver's may quote a connection
string, a validator's a person."""

from __future__ import annotations

import logging
import traceback


class PlacesOnly(logging.Formatter):
    """Formats exceptions without their messages, those of their causes included."""

    def formatException(self, ei: object) -> str:
        error = ei[1] if isinstance(ei, tuple) else None
        chain: list[BaseException] = []
        while isinstance(error, BaseException) and error not in chain:
            chain.append(error)
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return "\n".join(line for one in reversed(chain) for line in _places(one))


def _places(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)
    return [*(f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames), type(error).__name__]
