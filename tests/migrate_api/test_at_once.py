"""Two people change the same thing at the same moment: neither is told of an error that nobody foresaw."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from migrate_api.tables import Client
from tests.migrate_api.site import Site


def test_who_is_overtaken_by_another_is_asked_to_try_again(site: Site) -> None:
    """The client is there when it is looked up, and gone when its project is to be written."""
    client = site.post("/api/clients", {"name": "Grace Church"})
    body = {"client_id": client["id"], "type": "rockrms_import", "name": "P"}
    answers: list[Any] = []
    coming = threading.Thread(target=lambda: answers.append(site.refused("POST", "/api/projects", body)))
    with site.database.transaction() as session:
        session.delete(session.get_one(Client, client["id"]))
        session.flush()
        coming.start()
        coming.join(0.7)
    coming.join(20)
    # An embedded database lets one in after the other: there it is seen to be gone.
    expected = (503, "SERVICE_UNAVAILABLE") if site.database.postgresql else (400, "VALIDATION_ERROR")
    assert answers == [expected]


def test_who_connects_a_project_waits_for_who_does_the_same(site: Site) -> None:
    project = site.project("full_migration")
    secret = "BlobEndpoint=https://acme1.blob.core.windows.net;SharedAccessSignature=sig"
    body = {"account": "acme1", "container": "files", "secret": secret}
    path = f"/api/projects/{project['id']}/storage"
    with ThreadPoolExecutor(6) as people:
        answers = [people.submit(site.call, "PUT", path, body) for _ in range(12)]
    assert {one.result()[0] for one in answers} == {200}
