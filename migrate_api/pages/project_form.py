"""A project's particulars between a form's fields and the API's words: the schedule's windows, the destination."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from migrate_api.protocol.spec import DAYS

PLAIN = ("name", "description", "psa_ticket_id", "psa_project_id", "time_zone")
SPARE = 2
"""Empty rows for further windows."""
MOST = 50
PLACES = {
    "": "the project's Azure Storage",
    "azure_blob": "Azure Blob Storage",
    "onedrive": "OneDrive",
    "sharepoint": "SharePoint",
    "mailbox": "Exchange Online",
}
_BLOB = ("account", "container", "prefix", "tier")
_MICROSOFT = ("tenant_id", "user", "site", "library", "path")


def asked(typed: Mapping[str, str]) -> dict[str, Any]:
    """What the form asks for. A part whose fields were not sent is left as it is."""
    given: dict[str, Any] = {name: typed[name] for name in PLAIN if name in typed}
    if given.get("description") == "":
        given["description"] = None
    if "throttled_mbps" in typed:
        given["bandwidth_schedule"] = _schedule(typed)
    if "destination" in typed:
        given["default_destination"] = _destination(typed)
    return given


def in_order(typed: Mapping[str, str]) -> dict[str, str]:
    """The same fields, with the windows moved up over rows left empty: what is refused is named by its place."""
    rest = {name: text for name, text in typed.items() if not name.startswith("window_")}
    for place, number in enumerate(_rows(typed)):
        before = f"window_{number}_"
        row = {name.removeprefix(before): text for name, text in typed.items() if name.startswith(before)}
        rest |= {f"window_{place}_{part}": text for part, text in row.items()}
    return rest


def shown(project: Any) -> dict[str, str]:
    """A project's particulars as the fields hold them."""
    fields = {name: getattr(project, name) or "" for name in PLAIN}
    schedule, destination = project.bandwidth_schedule, project.default_destination or {}
    if schedule:
        fields["throttled_mbps"] = f"{schedule['throttled_mbps']:g}"
    for number, window in enumerate(schedule["windows"] if schedule else ()):
        fields |= {f"window_{number}_start": window["start"][:5], f"window_{number}_end": window["end"][:5]}
        fields |= {f"window_{number}_{day}": "on" for day in window["days"]}
    fields["destination"] = destination.get("type", "")
    return fields | {f"destination_{name}": destination.get(name) or "" for name in (*_BLOB, *_MICROSOFT)}


def rows_shown(fields: Mapping[str, str]) -> range:
    """Numbers of the windows' rows, some empty ones among them."""
    return range(min(len(_rows(fields)) + SPARE, MOST))


def _rows(fields: Mapping[str, str]) -> list[int]:
    filled = (number for number in range(MOST + SPARE) if any(_hours(fields, number)))
    return list(filled)


def _hours(fields: Mapping[str, str], number: int) -> tuple[str, str]:
    return fields.get(f"window_{number}_start", ""), fields.get(f"window_{number}_end", "")


def _schedule(typed: Mapping[str, str]) -> dict[str, Any] | None:
    """None where all was left empty: full speed at all times. A day that no window names counts for none."""
    windows = [_window(typed, number) for number in _rows(typed)]
    if not windows and not typed["throttled_mbps"]:
        return None
    return {"windows": windows, **({"throttled_mbps": typed["throttled_mbps"]} if typed["throttled_mbps"] else {})}


def _window(typed: Mapping[str, str], number: int) -> dict[str, Any]:
    hours = zip(("start", "end"), _hours(typed, number), strict=True)
    days = [day for day in DAYS if f"window_{number}_{day}" in typed]
    return {**{name: text for name, text in hours if text}, "days": days}


def _destination(typed: Mapping[str, str]) -> dict[str, Any] | None:
    """Only the fields of its kind: the others are on the form for the other kinds."""
    kind = typed["destination"]
    if not kind:
        return None
    names = _BLOB if kind == "azure_blob" else _MICROSOFT
    parts = {name: typed.get(f"destination_{name}", "") for name in names}
    return {"type": kind, **{name: text for name, text in parts.items() if text}}
