"""test-connection: what is wrong with a Rock connection, or what the database holds."""

from __future__ import annotations

import sys

from migrate_api.cli.errors import SOURCE, say
from migrate_api.cli.import_settings import ImportSettings
from migrate_api.cli.options import Config, Secrets
from migrate_api.cli.output import Json, page, table, write_json
from migrate_etl.rock.diagnose import Contents, test_connection


def test(config: Config = None, secrets: Secrets = None, as_json: Json = False) -> None:
    """Try the Rock connection: say what is wrong with it and how to mend that, or list campuses, release and dates."""
    found = test_connection(ImportSettings.gather(config, secrets, {}).rock_connection())
    if as_json:
        write_json(found.as_dict())
    elif found.contents is None:
        say(found.code, found.message, found.remedy)
    else:
        _contents(found.contents)
    sys.exit(0 if found.contents else SOURCE)


def _contents(contents: Contents) -> None:
    page().print(f"Rock            {contents.release}")
    page().print(f"gifts           {contents.gifts.first} to {contents.gifts.last}")
    page().print(f"attendance      {contents.attendance.first} to {contents.attendance.last}")
    page().print(f"reading         {contents.driver}, {contents.consistency}, {'Arrow' if contents.arrow else 'rows'}")
    rows = [[c.id, c.name, "" if c.is_active is None or c.is_active else "inactive"] for c in contents.campuses]
    table("Campuses", ["id", "name", ""], rows, numbers_from=9)
    table("Rows", ["table", "rows"], [[name, f"{count:,}"] for name, count in contents.rows.items()])
    for note in contents.notes:
        page().print(note)
