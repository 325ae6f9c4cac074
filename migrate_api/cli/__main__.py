"""`python -m migrate_api.cli`: the `migrate` command."""

from migrate_api.cli import main

main()
