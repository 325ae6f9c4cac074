"""Alembic's migrations of the control plane's tables, run when the service starts."""
