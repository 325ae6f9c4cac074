"""The entities of an import, one line each, in the fixed order."""

from __future__ import annotations

from migrate_etl.entities import attendance, contributions, families, groups, people, prayer_requests
from migrate_etl.entity import Entity
from migrate_etl.spec import EntityName

ENTITIES: dict[EntityName, Entity] = {
    "people": people.ENTITY,
    "families": families.ENTITY,
    "groups": groups.ENTITY,
    "contributions": contributions.ENTITY,
    "attendance": attendance.ENTITY,
    "prayer_requests": prayer_requests.ENTITY,
}
