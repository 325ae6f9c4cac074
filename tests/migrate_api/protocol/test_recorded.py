"""An agent of an older release still gets on with this service: recorded conversations, replayed.

`recorded_v1.json` is what an agent of protocol 1 said and was answered. It is never changed; a new version of the
protocol adds a file. Names in braces stand for what the service gives out.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.migrate_api.site import Site

RECORDED = sorted(Path(__file__).parent.glob("recorded_v*.json"))


def filled(text: str, known: dict[str, str]) -> str:
    for name, value in known.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def kinds(value: Any) -> Any:
    """The shape of an answer: names and kinds, not values."""
    if isinstance(value, dict):
        return {name: kinds(inner) for name, inner in value.items()}
    return type(value).__name__


def holds(shape: Any, found: Any) -> bool:
    """Whether everything the older agent knows of is still there, of the same kind; there may be more."""
    if isinstance(shape, dict):
        return isinstance(found, dict) and all(name in found and holds(shape[name], found[name]) for name in shape)
    return bool(shape == found or "NoneType" in (shape, found))


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.stem)
def test_a_recorded_conversation_goes_as_it_went(site: Site, file: Path) -> None:
    agent = site.agent(hello=False)
    known = {"key": agent["key"]}
    for step in json.loads(file.read_bytes()):
        if step.get("operator"):
            known["job"] = site.job(agent, allow_offline=True)["id"]
            continue
        body = json.loads(filled(json.dumps(step["body"]), known)) if step["body"] is not None else None
        headers = {"X-Migrate-Protocol": "1", "X-Agent-Instance": "recorded"}
        status, said = site.call(step["method"], filled(step["path"], known), body, key=agent["key"], **headers)
        assert status == step["status"], (step, said)
        assert holds(step["answer"], kinds(said)), (step, said)
        for command in (said or {}).get("commands", []):
            known["command"] = command["id"]
