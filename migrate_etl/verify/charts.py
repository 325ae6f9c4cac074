"""Pictures of the report as inline SVG: drawn here, in whole pixels, so that they need no script and print sharp.

Money is scaled as whole cents; no chart changes a figure, and each has its figures as text beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from markupsafe import Markup, escape

from migrate_etl.verify.money import text, whole

OUTCOME_COLOURS = {
    "done": "#2c6e55",
    "unchanged": "#86b9a2",
    "skipped": "#c3c8d2",
    "failed": "#b3392b",
    "pending": "#d6a03c",
}
ROCK, MISSION, LESS, MORE, WRONG, INK, QUIET = (
    "#44546f",
    "#2c6e55",
    "#c98a2b",
    "#5b7fb5",
    "#b3392b",
    "#1d2433",
    "#667085",
)


@dataclass(frozen=True, slots=True)
class Step:
    """One row of a waterfall: a total, or a change (`effect`) towards the next total."""

    label: str
    amount: Decimal
    total: bool = False
    wrong: bool = False


def stacked_bar(parts: Sequence[tuple[str, int]], width: int = 520, height: int = 18) -> Markup:
    """Shares of a whole: (outcome, rows). A part that is not nothing is at least two pixels wide."""
    whole_count = sum(count for _, count in parts)
    title = ", ".join(f"{name} {count:,}" for name, count in parts if count)
    bars, x = [], 0
    shown = [(name, count) for name, count in parts if count]
    for number, (name, count) in enumerate(shown):
        last = number == len(shown) - 1
        wide = width - x if last else max(2, width * count // whole_count)
        wide = min(wide, width - x - 2 * (len(shown) - number - 1))
        bars.append(_rect(x, 0, wide, height, OUTCOME_COLOURS[name]))
        x += wide
    body = Markup("").join(bars) if bars else _rect(0, 0, width, height, "#eef0f4")
    return _svg(width, height, body, title or "no rows")


def share_bar(hundredths: int, width: int = 84, height: int = 8) -> Markup:
    """A percentage (in hundredths of a percent) as a thin bar."""
    colour = MISSION if hundredths >= 9_900 else (LESS if hundredths >= 9_000 else WRONG)
    bar = _rect(0, 0, max(1, width * hundredths // 10_000), height, colour)
    return _svg(width, height, _rect(0, 0, width, height, "#e6e9ef") + bar, "", hidden=True)


def dial(hundredths: int, caption: str) -> Markup:
    """The overall score as a ring."""
    around = 402  # of a circle with radius 64
    ring = Markup(
        '<circle cx="80" cy="80" r="64" fill="none" stroke="#e6e9ef" stroke-width="13"/>'
        '<circle cx="80" cy="80" r="64" fill="none" stroke="{}" stroke-width="13" stroke-linecap="round"'
        ' stroke-dasharray="{} {}" transform="rotate(-90 80 80)"/>'
        '<text x="80" y="88" text-anchor="middle" font-size="30" font-weight="650" fill="{}">{}</text>'
        '<text x="80" y="109" text-anchor="middle" font-size="12" fill="{}">of 100</text>'
    ).format(MISSION if hundredths >= 9_500 else LESS, around * hundredths // 10_000, around, INK, caption, QUIET)
    return _svg(160, 160, ring, f"quality score {caption} of 100")


def waterfall(steps: Sequence[Step], width: int = 860) -> Markup:
    """From one total to the other, a row per step. The axis may start above zero; the figures stand beside the bars."""
    left, right, row = 220, 150, 30
    plot = width - left - right
    levels = _levels(steps)
    low, high = min(min(pair) for pair in levels), max(max(pair) for pair in levels)
    changes = [pair for pair, step in zip(levels, steps, strict=True) if not step.total]
    if changes:
        low = max(0, min(min(pair) for pair in changes) - (high - min(min(p) for p in changes)) // 2)
    span = max(1, high - low)

    def at(cents: int) -> int:
        return left + plot * max(0, cents - low) // span

    rows = [Markup("")]
    for number, (step, (start, end)) in enumerate(zip(steps, levels, strict=True)):
        y = number * row + 6
        x, wide = min(at(start), at(end)), max(2, abs(at(end) - at(start)))
        colour = _step_colour(step, number)
        rows.append(_text(left - 12, y + 13, step.label, "end", 600 if step.total else 400))
        rows.append(_rect(x, y, wide, 18, colour))
        if low and step.total:
            rows.append(
                Markup(
                    '<path d="M{} {} l5 -5 l-5 -5 l5 -5 l-5 -5" stroke="#fff" fill="none" stroke-width="3"/>'
                ).format(left + 12, y + 19)
            )
        sign = "" if step.total or step.amount < 0 else "+"
        rows.append(_text(width - 4, y + 13, f"{sign}{text(step.amount)}", "end", 600 if step.total else 400))
        if number + 1 < len(steps):
            rows.append(_line(at(end), y + 18, at(end), y + row))
    return _svg(
        width, len(steps) * row + 4, Markup("").join(rows), "; ".join(f"{s.label} {text(s.amount)}" for s in steps)
    )


def _levels(steps: Sequence[Step]) -> list[tuple[int, int]]:
    levels, level = [], 0
    for step in steps:
        cents = whole(step.amount)
        start, level = (0, cents) if step.total else (level, level + cents)
        levels.append((start, level))
    return levels


def _step_colour(step: Step, number: int) -> str:
    if step.total:
        return MISSION if number else ROCK
    return WRONG if step.wrong else (LESS if step.amount < 0 else MORE)


def columns(years: Sequence[tuple[str, Decimal, Decimal]], width: int = 860, height: int = 210) -> Markup:
    """Giving by year: Rock's and Mission's column side by side."""
    if not years:
        return Markup("")
    base, top = height - 26, 16
    most = max(1, *(max(whole(rock), whole(mission)) for _, rock, mission in years))
    slot = min(110, (width - 10) // len(years))
    wide = max(3, (slot - 12) // 2)
    parts = [_line(0, base, width, base)]
    for number, (year, rock, mission) in enumerate(years):
        x = 6 + number * slot
        for offset, value, colour in ((0, rock, ROCK), (wide + 2, mission, MISSION)):
            tall = (base - top) * max(0, whole(value)) // most
            parts.append(_rect(x + offset, base - tall, wide, max(1, tall), colour))
        parts.append(_text(x + wide, height - 8, year, "middle"))
        if slot >= 70:
            tall = (base - top) * max(0, max(whole(rock), whole(mission))) // most
            parts.append(_text(x + wide, base - tall - 5, short(rock), "middle", size=11))
    return _svg(
        width, height, Markup("").join(parts), "; ".join(f"{y}: Rock {text(r)}, Mission {text(m)}" for y, r, m in years)
    )


def short(value: Decimal) -> str:
    """An amount for a tight place: 1,234,567.89 -> 1.2M."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if abs(value) >= size:
            return f"{value / size:.1f}{letter}".replace("-", "\u2212")
    return f"{value:.0f}".replace("-", "\u2212")


def _svg(width: int, height: int, body: Markup, title: str, *, hidden: bool = False) -> Markup:
    role = Markup('aria-hidden="true"') if hidden else Markup('role="img" aria-label="{}"').format(title)
    return Markup('<svg viewBox="0 0 {} {}" width="{}" height="{}" {}>{}</svg>').format(
        width, height, width, height, role, body
    )


def _rect(x: int, y: int, width: int, height: int, colour: str) -> Markup:
    return Markup('<rect x="{}" y="{}" width="{}" height="{}" fill="{}"/>').format(x, y, max(0, width), height, colour)


def _line(x1: int, y1: int, x2: int, y2: int) -> Markup:
    return Markup('<line x1="{}" y1="{}" x2="{}" y2="{}" stroke="#aab2c0"/>').format(x1, y1, x2, y2)


def _text(x: int, y: int, words: str, anchor: str = "start", weight: int = 400, size: int = 13) -> Markup:
    return Markup('<text x="{}" y="{}" text-anchor="{}" font-weight="{}" font-size="{}" fill="{}">{}</text>').format(
        x, y, anchor, weight, size, INK, escape(words)
    )
