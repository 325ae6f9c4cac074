"""What a transfer will take, told before it runs: files, bytes, hours, dollars, each likely and between two bounds.

The speeds are those that earlier transfers from this machine came to; without any, those of an ordinary line.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, NamedTuple

from migrate_transfer.core.bandwidth import Bucket

USD_PER_GB = Decimal("0.40")
"""Of 10**9 bytes that end done."""
GB = 10**9
KEPT = 20
"""So many earlier transfers count."""
WORTH_KEEPING = 5.0
"""Seconds; a shorter transfer says little of the line."""
SLOTS = 7 * 24 * 4
"""Quarters of an hour in the week over which a schedule is averaged."""


class Speed(NamedTuple):
    """What a line and a service do at the most: bytes a second and files a second."""

    bytes: float
    files: float


ORDINARY = (Speed(1.25e6, 5.0), Speed(12.5e6, 50.0), Speed(125e6, 1_000.0))
"""10, 100 and 1,000 Mbps; slow, likely, fast."""


@dataclass(frozen=True, slots=True)
class Span:
    """A likely value between two bounds."""

    low: float
    likely: float
    high: float

    def as_dict(self, digits: int) -> dict[str, float]:
        return {"low": round(self.low, digits), "likely": round(self.likely, digits), "high": round(self.high, digits)}


@dataclass(frozen=True, slots=True)
class Forecast:
    """`files` and `bytes` that will move: the lower bounds leave out what seems to be there already."""

    files: Span
    bytes: Span
    hours: Span
    measured: bool
    """Whether earlier transfers were leant on."""

    def as_dict(self) -> dict[str, Any]:
        """As JSON; dollars as text with cents."""
        sums = {name: dollars(getattr(self.bytes, name)) for name in ("low", "likely", "high")}
        return {
            "files": self.files.as_dict(0),
            "bytes": self.bytes.as_dict(0),
            "hours": self.hours.as_dict(3),
            "usd": sums,
            "measured": self.measured,
        }


def forecast(files: tuple[int, int], size: tuple[int, int], speeds: Sequence[Speed], line: Bucket) -> Forecast:
    """`files` and `size`: what will move at least, and at the most; `speeds`: of earlier transfers."""
    slow, likely, fast = _three(speeds)
    return Forecast(
        Span(files[0], files[0], files[1]),
        Span(size[0], size[0], size[1]),
        Span(
            _hours(files[0], size[0], fast, line),
            _hours(files[0], size[0], likely, line),
            _hours(files[1], size[1], slow, line),
        ),
        bool(speeds),
    )


def dollars(count: float) -> str:
    return str((Decimal(round(count)) * USD_PER_GB / GB).quantize(Decimal("0.01"), ROUND_HALF_UP))


def _three(speeds: Sequence[Speed]) -> tuple[Speed, Speed, Speed]:
    """Slow, likely and fast. One measurement is no range: it may be half or twice as fast the next time."""
    if not speeds:
        return ORDINARY
    size, files = sorted(one.bytes for one in speeds), sorted(one.files for one in speeds)
    middle = len(speeds) // 2
    likely = Speed(size[middle], files[middle])
    return Speed(min(size[0], likely.bytes / 2), min(files[0], likely.files / 2)), likely, _fast(size, files, likely)


def _fast(size: list[float], files: list[float], likely: Speed) -> Speed:
    return Speed(max(size[-1], likely.bytes * 2), max(files[-1], likely.files * 2))


def _hours(files: float, size: float, speed: Speed, line: Bucket) -> float:
    """By its bytes or by its files, whichever is slower."""
    return max(size / _through(speed.bytes, line), files / speed.files) / 3_600


def _through(speed: float, line: Bucket) -> float:
    """Bytes a second on the average of a week, where a limit or a schedule holds."""
    begin = datetime.now(UTC)
    rates = [line.rate_at(begin + timedelta(minutes=15 * slot)) for slot in range(SLOTS)]
    return sum(speed if rate is None else min(speed, rate) for rate in rates) / len(rates)


def remember(path: Path, files: int, size: int, seconds: float) -> None:
    """Keep what a transfer came to, for the next forecast. One that cannot be kept is forgotten."""
    if seconds < WORTH_KEEPING or not files:
        return
    speeds = [*recall(path), Speed(size / seconds, files / seconds)][-KEPT:]
    aside = path.with_name(path.name + ".part")
    aside.write_text(json.dumps(speeds))
    aside.replace(path)


def recall(path: Path) -> list[Speed]:
    """The speeds that are kept; none where they cannot be read."""
    try:
        found = [Speed(float(size), float(files)) for size, files in json.loads(path.read_bytes())]
    except (OSError, ValueError, TypeError):
        return []
    return [one for one in found if one.bytes > 0 and one.files > 0]
