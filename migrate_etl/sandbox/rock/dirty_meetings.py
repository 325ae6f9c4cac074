"""Awkward attendance and prayer requests."""

from __future__ import annotations

from datetime import date, datetime

from migrate_etl.sandbox.rock.dirt import GAP, NOWHERE, OVERLAP, Plants

SECRET = "CONFIDENTIAL: for Jane Roe, who asked that nobody learns of it"
"""Rock keeps what was typed before names were taken out; this must appear nowhere else."""


def plant(plants: Plants) -> None:
    _who_came(plants)
    _where(plants)
    _prayers(plants)


def _who_came(plants: Plants) -> None:
    rock, year = plants.rock, plants.year
    merged, emoji = plants.alias("merged"), plants.alias("emoji")
    start = datetime(year - 1, 9, 14, 9)
    held = rock.occurrence(plants.groups["team with odd members"], start.date())
    plants.attendance("came", held, merged, start)
    plants.attendance("same person again", held, merged, start)
    plants.attendance(
        "same person under a merged record", held, plants.planted["PersonAlias: of a merged record"][0], start
    )
    plants.attendance("nobody", held, None, start)
    plants.attendance("not migrated", held, plants.alias("nameless"), start)
    plants.attendance("not migrated", held, 1, start)
    plants.attendance("alias deleted", held, NOWHERE, start)
    plants.attendance("scheduled only", held, emoji, start, DidAttend=None, ScheduledToAttend=True, RSVP=1)
    plants.attendance("absent", held, emoji, start, DidAttend=False, RSVP=0)
    plants.attendance("came after being scheduled", held, emoji, start)
    plants.attendance("nobody, and did not come", held, None, start, DidAttend=False)
    plants.attendance("business", held, plants.alias("business"), start)
    plants.attendance("deceased", held, plants.alias("deceased"), start)
    # A row of a merged record with the lowest id: it stays, today's alias is the duplicate.
    other = rock.occurrence(plants.groups["of the church's own type"], start.date())
    plants.attendance("merged record first", other, plants.planted["PersonAlias: of a merged record"][3], start)
    plants.attendance("same person again", other, plants.alias("merged once"), start)


def _where(plants: Plants) -> None:
    rock, year, groups = plants.rock, plants.year, plants.groups
    merged, day = plants.alias("merged"), date(plants.year - 1, 9, 14)
    start = datetime(year - 1, 9, 14, 9)
    plants.attendance("group not loaded", rock.occurrence(groups["closed"], day), merged, start)
    plants.attendance("group of a left-out type", rock.occurrence(groups["security role"], day), merged, start)
    plants.attendance("no group, no campus", rock.occurrence(None, day), merged, start)
    somewhere = rock.occurrence(None, day, LocationId=1)
    plants.attendance("no group, a campus", somewhere, merged, start, CampusId=plants.campuses[1])
    plants.attendance("group deleted", rock.occurrence(NOWHERE, day), merged, start)
    plants.attendance("no campus anywhere", rock.occurrence(groups["of no campus"], day), merged, start)
    cancelled = rock.occurrence(groups["of no campus"], date(year, 1, 1), DidNotOccur=True)
    plants.attendance("cancelled, yet there", cancelled, merged, datetime(year - 1, 12, 31, 23, 59))
    team = groups["team with odd members"]
    for kind, moment in (("in the spring gap", GAP), ("in the autumn overlap", OVERLAP)):
        plants.attendance(kind, rock.occurrence(team, moment.date()), merged, moment)
    eve = date(year - 1, 12, 31)
    plants.attendance("New Year's Eve", rock.occurrence(team, eve), merged, datetime(year, 1, 1, 0, 0))
    plants.attendance("outside every campus's hours", rock.occurrence(team, date(1999, 1, 3)), merged, start)
    rock.occurrence(team, date(year, 3, 1), AnonymousAttendanceCount=40)


def _prayers(plants: Plants) -> None:
    merged, year = plants.alias("merged"), plants.year
    plants.prayer("flags never set", "Flags never set", merged, IsPublic=None, IsApproved=None, IsActive=None)
    plants.prayer("expired", "Expired long ago", merged, ExpirationDate=date(2020, 1, 1))
    plants.prayer("not approved", "Not approved", merged, IsApproved=False)
    plants.prayer("not active", "Closed", merged, IsActive=False)
    plants.prayer("private", "Only for the team", merged, IsPublic=False)
    plants.prayer(
        "still open", "Still open, line\nbreak, 'quotes' \"and\" 🙏", merged, ExpirationDate=date(year + 20, 1, 1)
    )
    plants.prayer("of nobody", "Of an unknown person", None, FirstName="Anonymous")
    plants.prayer("in somebody else's name", "For my neighbour", merged, FirstName="Jane", LastName="Roe")
    plants.prayer("rewritten", "For a friend (name removed)", merged, OriginalRequest=SECRET, PrayerCount=None)
    plants.prayer("of a nameless sender", "Pray", plants.alias("nameless"), PrayerCount=3, CampusId=plants.campuses[0])
    plants.prayer("alias deleted", "Of somebody deleted", NOWHERE)
    plants.prayer("campus by the person", "Where I live", merged, CampusId=None)
    plants.prayer("no campus", "Anywhere", plants.alias("no campus"), CampusId=None)
    plants.prayer("blank text", "   ", merged)
    plants.prayer("very long", "Dear all, " + "please pray. " * 2_000, merged)
    plants.prayer("prayed for less than never", "A count gone wrong", merged, PrayerCount=-1)
