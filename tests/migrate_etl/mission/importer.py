"""Somebody who loads records into a Mission: no Rock, no mapping."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from migrate_etl.dataset import Dataset, DatasetWriter
from migrate_etl.entities import ENTITIES
from migrate_etl.mission.api import MissionApi
from migrate_etl.mission.loader import Loader
from migrate_etl.mission.receipts import ReceiptsBook
from migrate_etl.sandbox.mission.process import MissionSandbox
from migrate_etl.spec import EntityName
from migrate_transfer.core.control import Control
from migrate_transfer.core.retry import RetryPolicy
from migrate_transfer.ledger import FailedItem, Ledger, Totals
from migrate_transfer.net.http import HttpClient

KEY = "key-of-grace"
MEMBERS = pl.List(pl.Struct({"external_person_id": pl.String, "role": pl.String}))
QUICK = RetryPolicy(first=0.01, longest=0.05)

Record = Mapping[str, Any]


def person(n: int, **fields: Any) -> Record:
    names = {"first_name": f"Ann {n}", "last_name": "Hill", "record_type": "person", "status": "Active"}
    return {"id": n, "external_id": f"rock:person:{n}", **names, **fields}


def people(count: int) -> list[Record]:
    return [person(n) for n in range(1, count + 1)]


def group(n: int, parent: int | None = None, **fields: Any) -> Record:
    above = None if parent is None else f"rock:group:{parent}"
    given = {"name": f"Group {n}", "group_type": "Small Group", "external_parent_id": above, "members": []}
    return {"id": n, "external_id": f"rock:group:{n}", **given, **fields}


@dataclass
class Importer:
    """Loads records as a job would; jobs of one importer share the target's receipts book."""

    folder: Path
    mission: MissionSandbox
    organization: str = "grace"
    batch_size: int = 500
    concurrency: int = 4
    resend: bool = False
    retry: RetryPolicy = QUICK
    control: Control = field(default_factory=Control)

    def dataset(self, job: str, entity: EntityName, records: Sequence[Record]) -> Dataset:
        """The job's mapped records, kept if it has them."""
        folder = self.folder / job / "mapped"
        if Dataset.exists(folder):
            return Dataset(folder)
        columns = dict.fromkeys(("skip", "reject", *ENTITIES[entity].wire), pl.String)
        schema = {"id": pl.Int64, **columns, **({"members": MEMBERS} if "members" in columns else {})}
        with DatasetWriter(folder) as writer:
            writer.write(pl.DataFrame([{**dict.fromkeys(schema), **record} for record in records], schema=schema))
            return writer.commit()

    def ledger(self, job: str = "first") -> Ledger:
        return Ledger.open(self.folder / job / "ledger.sqlite")

    def receipts(self) -> ReceiptsBook:
        return ReceiptsBook.open(self.folder / "books" / f"receipts-{self.organization}.sqlite")

    def load(
        self,
        records: Sequence[Record],
        job: str = "first",
        entity: EntityName = "people",
        progress: Callable[[int], None] = lambda rows: None,
    ) -> Totals:
        dataset = self.dataset(job, entity, records)
        with self.loader(job) as loader:
            loader.ledger.discovered(entity, dataset.rows)
            with loader.ledger.lease(entity):
                loader.load(entity, ENTITIES[entity], dataset, progress)
            return loader.ledger.totals(entity)

    @contextmanager
    def loader(self, job: str = "first") -> Iterator[Loader]:
        with ExitStack() as stack:
            secret = {"X-Integration-Key": self.mission.key}
            http = HttpClient(self.mission.url, secret_headers=secret, connections=8, control=self.control)
            api = MissionApi(stack.enter_context(http), self.organization, self.control, self.retry)
            ledger, receipts = stack.enter_context(self.ledger(job)), stack.enter_context(self.receipts())
            sizes = (self.batch_size, self.concurrency, self.resend)
            planner = stack.enter_context(ThreadPoolExecutor(2))
            yield Loader(job, api, ledger, receipts, self.control, *sizes, planner)

    def totals(self, job: str = "first") -> Totals:
        with self.ledger(job) as ledger:
            return ledger.totals("people")

    def failed(self, job: str = "first") -> dict[str, FailedItem]:
        with self.ledger(job) as ledger:
            return {item.external_id: item for _, item in ledger.failed()}

    def held(self, entity: str = "people") -> list[str]:
        """External ids that Mission holds, as often as it holds them."""
        return [name for (name,) in self.mission.sql(f"SELECT external_id FROM {entity} ORDER BY external_id")]

    def sent(self) -> list[int]:
        """Records of each import request since the log was last cleared."""
        return [one["records"] for one in self.mission.requests()["requests"] if one["method"] == "POST"]
