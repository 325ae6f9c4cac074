"""The sandbox's own surface under /sandbox, apart from the contract: script faults, see what came in, start afresh."""

from __future__ import annotations

from collections import Counter
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from migrate_etl.sandbox.mission.books import Books
from migrate_etl.sandbox.mission.faults import Fault, FaultScript
from migrate_etl.sandbox.mission.limits import RateLimit
from migrate_etl.sandbox.mission.misbehaviour import RequestLog


class NewKey(BaseModel):
    """A key to let in, for this or another organisation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    organization: str
    key: str


class Reset(BaseModel):
    """Faults, request log and rate windows always go; `books` empties the books too and lets revoked keys in again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    books: bool = False


def admin_routes(books: Books, limits: RateLimit, script: FaultScript, log: RequestLog) -> APIRouter:
    """Routes without a key: the sandbox listens on loopback. All are async, for the books belong to one thread."""
    routes = APIRouter(prefix="/sandbox")

    @routes.post("/faults", status_code=201)
    async def add_fault(fault: Fault) -> dict[str, str]:
        script.add(fault)
        return {"action": fault.action}

    @routes.delete("/faults")
    async def clear_faults() -> dict[str, str]:
        script.clear()
        return {"faults": "none"}

    @routes.get("/requests")
    async def requests() -> dict[str, Any]:
        statuses = Counter("cut" if entry.status is None else str(entry.status) for entry in log.latest)
        return {"count": log.count, "by_path": log.by_path, "by_status": statuses, "requests": list(log.latest)}

    @routes.post("/keys", status_code=201)
    async def admit_key(new: NewKey) -> dict[str, str]:
        books.admit(new.organization, new.key)
        return {"organization": new.organization}

    @routes.post("/revoke")
    async def revoke_all() -> dict[str, str]:
        books.revoke()
        return {"keys": "revoked"}

    @routes.post("/reset")
    async def reset(what: Reset) -> dict[str, bool]:
        script.clear()
        log.clear()
        limits.clear()
        if what.books:
            books.clear()
        return {"books": what.books}

    return routes
