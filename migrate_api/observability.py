"""What the service tells of itself: logs, metrics, traces. Never bodies, query strings, people or secrets."""

from __future__ import annotations

from fastapi import FastAPI

from migrate_api.doors import Services


def observe(app: FastAPI, services: Services) -> None:
    pass
