"""How a page is made, and what it may load: nothing. Asks no database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from migrate_api.dispatch import now
from migrate_api.errors import Refusal
from migrate_api.principals import Person, Role

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none';"
    " form-action 'self'"
)
"""`leads_to` goes behind its end. The only picture is the page's icon, an empty one: browsers ask for another else."""


def _size(count: int | None) -> str:
    """Bytes as people read them, in powers of ten as they are billed."""
    if count is None:
        return "?"
    size, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 1_000:
            break
        size, unit = size / 1_000, larger
    return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"


def _span(seconds: float) -> str:
    """As people say how long something takes."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parents[1] / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters.update(size=_size, span=_span)


def _may(caller: Person, role: str) -> bool:
    """Whether buttons that need the role are shown."""
    return caller.role >= Role.named(role)


_templates.globals.update(may=_may)


def page(name: str, status: int = 200, *, leads_to: str = "", **values: Any) -> HTMLResponse:
    """A page of `templates/`; it may load nothing and be framed by nobody. `leads_to`: another site that its buttons
    lead to."""
    html = _templates.get_template(name).render(**values, now=now())
    policy = f"{_POLICY} {leads_to}".rstrip()
    return HTMLResponse(html, status, headers={"Content-Security-Policy": policy, "Cache-Control": "no-store"})


def refused(refusal: Refusal, hub: str) -> HTMLResponse:
    """A refusal for somebody who looks at a page; whoever is not signed in is shown the way to Hub."""
    answer = page("refused.html", refusal.status, caller=None, refusal=refusal, hub=hub)
    answer.headers.update(refusal.headers)
    return answer


def confirmation(
    caller: Person, question: str, consequence: str, *, button: str, back: str, why: bool = False
) -> HTMLResponse:
    """Asks once more before something that cannot be taken back, and with `why` for the reason. Its button posts to the
    address it was shown at."""
    return page(
        "confirm.html", caller=caller, question=question, consequence=consequence, button=button, back=back, why=why
    )
