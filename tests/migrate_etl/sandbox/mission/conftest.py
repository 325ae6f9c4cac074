"""A caller who talks to a real sandbox over HTTP and holds every answer against docs/mission-import.openapi.yaml."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker, ValidationError, validators

from migrate_etl.sandbox.mission.process import MissionSandbox

CONTRACT_FILE = Path(__file__).parents[4] / "docs" / "mission-import.openapi.yaml"
ORGANIZATION, KEY = "grace-church", "key-of-grace"
SCHEMAS = {
    "funds": "Fund",
    "people": "Person",
    "families": "Family",
    "groups": "Group",
    "contributions": "Contribution",
    "attendance": "Attendance",
    "prayer_requests": "PrayerRequest",
}


def _pattern(validator: Any, pattern: str, value: object, schema: object) -> Iterator[ValidationError]:
    """JSON Schema's `$` is the very end; Python's own also matches before a last newline."""
    if isinstance(value, str) and not re.search(pattern.replace("$", r"\Z"), value):
        yield ValidationError(f"does not match {pattern}")


Validator = validators.extend(Draft202012Validator, {"pattern": _pattern})


class Contract:
    """The contract file, asked whether a record or an answer keeps to it."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.schemas = document["components"]["schemas"]

    def validator(self, schema: Mapping[str, Any]) -> Any:
        whole = {**schema, "components": self.document["components"]}
        return Validator(whole, format_checker=FormatChecker(["date", "date-time"]))

    def record(self, entity: str) -> Any:
        return self.validator({"$ref": f"#/components/schemas/{SCHEMAS[entity]}"})

    def example(self, entity: str) -> dict[str, Any]:
        return deepcopy(self.schemas[SCHEMAS[entity]]["examples"][0])

    def operation(self, method: str, path: str) -> Mapping[str, Any]:
        return self.document["paths"][path][method.lower()]

    def check(self, answer: httpx.Response) -> None:
        """The answer's status is documented for its path, its headers and body are as documented there."""
        operation = self.operation(answer.request.method, answer.request.url.path)
        response = self._resolved(operation["responses"][str(answer.status_code)])
        assert answer.headers["content-type"] == "application/json"
        self.validator(response["content"]["application/json"]["schema"]).validate(answer.json())
        for name, header in response.get("headers", {}).items():
            if name in answer.headers:
                schema = self._resolved(header)["schema"]
                value = answer.headers[name]
                self.validator(schema).validate(int(value) if schema["type"] == "integer" else value)

    def _resolved(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        for step in node.get("$ref", "").split("/")[1:]:
            node = self.document if step == "components" else node
            node = node[step]
        return node


class Mission:
    """One sandbox and somebody who calls it. `post` and `get` hold the answer against the contract."""

    def __init__(self, sandbox: MissionSandbox, contract: Contract) -> None:
        self.sandbox, self.contract = sandbox, contract
        self.http = httpx.Client(base_url=sandbox.url, headers={"X-Integration-Key": sandbox.key}, timeout=30)

    def batch(
        self, entity: str, records: list[Any], salt: str = "", organization: str = ORGANIZATION
    ) -> tuple[str, bytes]:
        """Idempotency key and body of a batch; another salt makes another batch of the same records."""
        key = hashlib.sha256(json.dumps([entity, records, salt]).encode()).hexdigest()
        return key, json.dumps({"organization": organization, "batch_id": key, "records": records}).encode()

    def send(self, entity: str, key: str, body: bytes, **headers: str) -> httpx.Response:
        path = f"/api/import/{entity.replace('_', '-')}"
        usual = {"Idempotency-Key": key, "Content-Type": "application/json"}
        return self.http.post(path, content=body, headers={**usual, **headers})

    def post(self, entity: str, records: list[Any], salt: str = "", **headers: str) -> httpx.Response:
        answer = self.send(entity, *self.batch(entity, records, salt), **headers)
        self.contract.check(answer)
        return answer

    def get(self, what: str, **parameters: Any) -> httpx.Response:
        answer = self.http.get(f"/api/import/{what}", params={"organization": ORGANIZATION, **parameters})
        self.contract.check(answer)
        return answer

    def record(self, entity: str, n: int, **fields: Any) -> dict[str, Any]:
        """The contract's example under number n; `contributions` without a person unless one is given."""
        example = self.contract.example(entity)
        if entity == "contributions":
            example["external_person_id"] = None
        return {**example, "external_id": f"rock:{entity}:{n}", **fields}

    def prelude(self) -> None:
        """What the examples refer to: fund 1, persons 4 and 5, group 72."""
        example = self.contract.example
        people = [example("people"), {**example("people"), "external_id": "rock:person:5"}]
        for entity, records in (("funds", [example("funds")]), ("people", people), ("groups", [example("groups")])):
            assert self.post(entity, records).json()["errored"] == 0

    def counts(self, answer: httpx.Response) -> tuple[int, int, int, int]:
        body = answer.json()
        return body["imported"], body["updated"], body["skipped"], body["errored"]

    def codes(self, answer: httpx.Response) -> dict[str, str]:
        return {error["external_id"]: error["code"] for error in answer.json()["errors"]}


@pytest.fixture(scope="session")
def contract() -> Contract:
    return Contract(yaml.safe_load(CONTRACT_FILE.read_text("utf-8")))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, contract: Contract) -> Iterator[Mission]:
    """One sandbox for a file of tests."""
    with MissionSandbox.start(tmp_path_factory.mktemp("mission"), ORGANIZATION, KEY) as sandbox:
        mission = Mission(sandbox, contract)
        with mission.http:
            yield mission


@pytest.fixture
def mission(running: Mission) -> Mission:
    """The file's sandbox with empty books."""
    running.sandbox.reset(books=True)
    return running


@pytest.fixture
def start(tmp_path: Path, contract: Contract) -> Iterator[Any]:
    """Start a sandbox of one's own, over the same books each time."""
    started: list[Mission] = []

    def begin(**options: Any) -> Mission:
        started.append(Mission(MissionSandbox.start(tmp_path, ORGANIZATION, KEY, **options), contract))
        return started[-1]

    yield begin
    for mission in started:
        mission.http.close()
        mission.sandbox.stop()
