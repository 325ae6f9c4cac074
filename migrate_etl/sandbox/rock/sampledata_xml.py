"""Reads Rock's sample data XML: elements that know their line, and values or a clear refusal.

Document types are refused: the file needs none, and their entities can swell without end or reach for other files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID
from xml.parsers import expat

from migrate_transfer.core.errors import InvalidRequest

REMEDY = "Fetch Rock's sample data XML again, or correct that line."


@dataclass(slots=True)
class Element:
    """One element; its text is of no interest."""

    tag: str
    attributes: dict[str, str]
    line: int
    children: list[Element] = field(default_factory=list)

    def under(self, path: str) -> Iterator[Element]:
        """The elements at `a/b`, in order."""
        first, _, rest = path.partition("/")
        for child in self.children:
            if child.tag == first:
                yield from child.under(rest) if rest else (child,)

    def text(self, name: str) -> str | None:
        """An attribute without blanks around it; None where it is missing or blank."""
        return self.attributes.get(name, "").strip() or None

    def word(self, name: str) -> str:
        """An attribute in lower case; empty where it is missing."""
        return (self.text(name) or "").lower()

    def guid(self, name: str = "guid") -> str | None:
        """A GUID in lower case. Raises InvalidRequest where the attribute is something else."""
        text = self.text(name)
        try:
            return None if text is None else str(UUID(text))
        except ValueError:
            raise self.refusal(name) from None

    def number(self, name: str, default: int, most: int = 100) -> int:
        """A whole number from zero to `most`; most of them are percentages."""
        text = self.text(name)
        if text is None:
            return default
        if not re.fullmatch(r"[0-9]{1,6}", text) or int(text) > most:
            raise self.refusal(name)
        return int(text)

    def one_of(self, name: str, known: Mapping[str, int], prefix: str, default: str) -> int:
        """The id of a word that has to be known."""
        found = known.get(f"{prefix} {self.word(name) or default}")
        if found is None:
            raise self.refusal(name)
        return found

    def day(self, name: str) -> date | None:
        """An American date such as 2/10/1985."""
        text = self.text(name)
        try:
            return None if text is None else datetime.strptime(text, "%m/%d/%Y").date()
        except ValueError:
            raise self.refusal(name) from None

    def amounts(self, name: str) -> list[tuple[str, int]]:
        """`General Fund:175,Building Fund:12.50` as (fund, cents)."""
        found = []
        for part in (self.text(name) or "").split(","):
            fund, _, amount = part.strip().rpartition(":")
            if not fund or not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,2})?", amount):
                raise self.refusal(name)
            found.append((fund, int(Decimal(amount) * 100)))
        return found

    def refusal(self, name: str) -> InvalidRequest:
        return InvalidRequest(
            f"Line {self.line}: {name} of <{self.tag}> is not understood.",
            remedy=REMEDY,
            details={"line": self.line, "element": self.tag, "attribute": name},
        )


def read_sampledata(path: Path) -> Element:
    """The root of the file. Raises InvalidRequest for what is no sample data, with the line where there is one."""
    reader = _Reader(path.name)
    try:
        with path.open("rb") as file:
            reader.parser.ParseFile(file)
    except OSError as error:
        raise InvalidRequest(f"Cannot read {path}: {error.strerror}.", remedy="Give an existing file.") from error
    except expat.ExpatError as error:
        raise InvalidRequest(
            f"{path.name} is no well-formed XML (line {error.lineno}).", remedy=REMEDY, details={"line": error.lineno}
        ) from None
    root = reader.root
    if root is None or root.tag != "data" or next(root.under("families"), None) is None:
        raise InvalidRequest(
            f"{path.name} is not Rock's sample data.", remedy="Give a file whose root is <data> with <families> in it."
        )
    return root


class _Reader:
    """Builds the elements while expat reads."""

    def __init__(self, name: str) -> None:
        self.root: Element | None = None
        self._name, self._open = name, list[Element]()
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._doctype

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        element = Element(tag, attributes, self.parser.CurrentLineNumber)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def _end(self, _: str) -> None:
        self._open.pop()

    def _doctype(self, *_: object) -> None:
        line = self.parser.CurrentLineNumber
        raise InvalidRequest(
            f"{self._name} declares a document type (line {line}); sample data has none.",
            remedy="Take the file from Rock's own repository.",
            details={"line": line},
        )
