"""The command line before it is parsed: no secret may stand in it, for every user of the machine can read it there."""

from __future__ import annotations

import re
from collections.abc import Sequence

from migrate_transfer.core.errors import InvalidRequest

_FLAG = re.compile(
    r"--?(?:rock[-_]?)?(?:connection(?:[-_]?string)?|(?:mission[-_]?)?key|password|pwd|integration[-_]?key)"
)
_VALUE = re.compile(r"\b(?:password|pwd)\s*=|\bserver\s*=.*;|://[^/\s]*:[^/\s]*@|\bdriver\s*=", re.IGNORECASE)

REMEDY = (
    "Set MIGRATE_ROCK_CONNECTION and MIGRATE_MISSION_KEY, put them into the config file, or pipe them in:"
    " --secrets -. If the command line held a real password, change it: it is in the shell's history."
)


def screened(arguments: Sequence[str]) -> list[str]:
    """The arguments, with a lone `-` as `--secrets -`, and `--debug`, wherever it stands, in front.

    Raises InvalidRequest, which does not repeat it, when a secret stands among them.
    """
    for argument in arguments:
        name, _, value = argument.partition("=")
        if _FLAG.fullmatch(name.lower()) or _VALUE.search(argument) or (name == "--secrets" and value not in ("", "-")):
            raise InvalidRequest(
                "A secret must not stand on the command line: every user of this machine could read it there.",
                code="SECRET_ON_COMMAND_LINE",
                remedy=REMEDY,
            )
    before = ["", *arguments]
    found = [given for n, one in enumerate(arguments) for given in _dash(one, before[n])]
    return ["--debug"] * ("--debug" in found) + [one for one in found if one != "--debug"]


def _dash(argument: str, before: str) -> list[str]:
    return ["--secrets", "-"] if argument == "-" and before != "--secrets" else [argument]
