"""The command line before it is parsed: no secret may stand in it, for every user of the machine can read it there."""

from __future__ import annotations

import re
from collections.abc import Sequence

from migrate_transfer.core.errors import InvalidRequest

_FLAG = re.compile(
    r"--?(?:rock[-_]?)?(?:connection(?:[-_]?string)?|(?:mission[-_]?)?key|password|pwd|integration[-_]?key)"
)
_VALUE = re.compile(
    r"\b(?:password|pwd)\s*=|\bserver\s*=.*;|://[^/\s]*:[^/\s]*@|\bdriver\s*=|\baccountkey\s*=|\bsig=", re.IGNORECASE
)

REMEDY = (
    "Set MIGRATE_ROCK_CONNECTION and MIGRATE_MISSION_KEY, put them into the config file, or pipe them in:"
    " --secrets -. If the command line held a real password, change it: it is in the shell's history."
)


def screened(arguments: Sequence[str]) -> list[str]:
    """The arguments, with a lone `-` as `--secrets -`, and `--debug`, wherever it stands, in front.

    Raises InvalidRequest, which does not repeat it, when a secret stands among them.
    """
    before = ["", *arguments]
    if any(_is_secret(one, before[n]) for n, one in enumerate(arguments)):
        raise InvalidRequest(
            "A secret must not stand on the command line: every user of this machine could read it there.",
            code="SECRET_ON_COMMAND_LINE",
            remedy=REMEDY,
        )
    found = [given for n, one in enumerate(arguments) for given in _dash(one, before[n])]
    return ["--debug"] * ("--debug" in found) + [one for one in found if one != "--debug"]


def _is_secret(argument: str, before: str) -> bool:
    name, _, value = argument.partition("=")
    given_as_one = (before == "--secrets" and argument != "-") or (name == "--secrets" and value not in ("", "-"))
    return given_as_one or bool(_FLAG.fullmatch(name.lower()) or _VALUE.search(argument))


def _dash(argument: str, before: str) -> list[str]:
    return ["--secrets", "-"] if argument == "-" and before != "--secrets" else [argument]
