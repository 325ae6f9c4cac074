"""What a transfer will take, told before it runs: files, bytes, hours, dollars, each likely and between two bounds.

A transfer is taken to need so long for each byte and so long for each file. Of earlier ones from this machine it is
known how many bytes and files they did in a second: their mean is the likely speed, their spread the bounds, between
which nine in ten fall when the next one is like them. What is of another kind (many small files after a few large ones)
may take what the nearest of them would have, were its time all for its bytes or all for its files. Without any the
bounds are those of ordinary lines.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from statistics import fmean, stdev
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


PER_FILE = 250_000
"""A file takes as long as so many bytes: some 20 ms on a line of 100 Mbps."""
ORDINARY = (1.25e6, 12.5e6, 125e6)
"""Bytes a second, slow, likely, fast: 10, 100 and 1,000 Mbps."""
ONCE = 2.0
"""One measurement has no spread: the next transfer may be half or twice as fast."""
LEAST = 1.1
"""Lines differ by a tenth from one day to the next, though two measurements were alike."""
LARGEST_WIDTH = math.log(100)
"""Two that have little to do with each other say nothing of the third; a bound beyond that neither."""
STUDENT = (
    6.31,
    2.92,
    2.35,
    2.13,
    2.02,
    1.94,
    1.89,
    1.86,
    1.83,
    1.81,
    1.80,
    1.78,
    1.77,
    1.76,
    1.75,
    1.75,
    1.74,
    1.73,
    1.73,
)
"""Student's t for nine in ten, by the number of measurements less one."""


class Speed(NamedTuple):
    """What a transfer came to: bytes a second and, in the same seconds, files a second."""

    bytes: float
    files: float

    @property
    def work(self) -> float:
        """Bytes a second, each file counted as PER_FILE of them more."""
        return self.bytes + self.files * PER_FILE


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
    slow, likely, fast = _three([one.work for one in speeds])
    least, most = _unlike(files[0], size[0], speeds)[0], _unlike(files[1], size[1], speeds)[1]
    return Forecast(
        Span(files[0], files[0], files[1]),
        Span(size[0], size[0], size[1]),
        Span(
            _hours(files[0], size[0], fast / least, line),
            _hours(files[0], size[0], likely, line),
            _hours(files[1], size[1], slow / most, line),
        ),
        bool(speeds),
    )


def dollars(count: float) -> str:
    return str((Decimal(round(count)) * USD_PER_GB / GB).quantize(Decimal("0.01"), ROUND_HALF_UP))


def _three(measured: Sequence[float]) -> tuple[float, float, float]:
    """Slow, likely and fast. Speeds differ by factors: it is their logarithms that have a mean and a spread."""
    if not measured:
        return ORDINARY
    logs, factor = [math.log(one) for one in measured], ONCE
    if (count := len(logs)) > 1:
        width = STUDENT[min(count - 1, len(STUDENT)) - 1] * stdev(logs) * math.sqrt(1 + 1 / count)
        factor = max(LEAST, math.exp(min(width, LARGEST_WIDTH)))
    likely = math.exp(fmean(logs))
    return likely / factor, likely, likely * factor


def _unlike(files: int, size: int, speeds: Sequence[Speed]) -> tuple[float, float]:
    """How much shorter and longer it may take for being unlike the transfer whose mean file is nearest to its own:
    between what its bytes alone and what its files alone would have taken there. 1 and 1 for one that is alike."""
    if not speeds or not files or not size:
        return 1.0, 1.0
    nearest = min(speeds, key=lambda one: abs(math.log(one.bytes / one.files / (size / files))))
    by_work = (size + files * PER_FILE) / nearest.work
    by_bytes, by_files = size / nearest.bytes, files / nearest.files
    return min(by_bytes, by_files, by_work) / by_work, max(by_bytes, by_files, by_work) / by_work


def _hours(files: float, size: float, speed: float, line: Bucket) -> float:
    """At this speed, or at what a limit leaves of the bytes a second that it comes to."""
    seconds = (size + files * PER_FILE) / speed
    return (size / _through(size / seconds, line) if size else seconds) / 3_600


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
    with suppress(OSError):
        aside.write_text(json.dumps(speeds))
        aside.replace(path)


def recall(path: Path) -> list[Speed]:
    """The speeds that are kept; none where they cannot be read."""
    try:
        found = [Speed(float(size), float(files)) for size, files in json.loads(path.read_bytes())]
    except (OSError, ValueError, TypeError):
        return []
    return [one for one in found if one.bytes > 0 and one.files > 0]
