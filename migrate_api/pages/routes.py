"""All pages, in the order in which their addresses are looked at."""

from __future__ import annotations

from migrate_api.pages import again, agents, azure, clients, job, jobs, new_job, projects, reports, settings, testing

PAGES = (
    jobs.routes,
    again.routes,
    job.routes,  # after the one before: it takes any order
    azure.routes,
    new_job.routes,
    projects.routes,
    clients.routes,
    agents.routes,
    reports.routes,
    settings.routes,
    testing.routes,
)
