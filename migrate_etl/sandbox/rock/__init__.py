"""A sample Rock database: faithful tables, believable people, and every kind of dirt a real one has."""

from migrate_etl.sandbox.rock.build import Rock, empty_rock
from migrate_etl.sandbox.rock.church import make_sample
from migrate_etl.sandbox.rock.truth import truth_of

__all__ = ["Rock", "empty_rock", "make_sample", "truth_of"]
