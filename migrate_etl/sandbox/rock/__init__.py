"""A sample Rock database: faithful tables, believable people, and every kind of dirt a real one has."""

from migrate_etl.sandbox.rock.build import Rock, empty_rock
from migrate_etl.sandbox.rock.counting import truth_of
from migrate_etl.sandbox.rock.sample import make_sample
from migrate_etl.sandbox.rock.truth import Truth

__all__ = ["Rock", "Truth", "empty_rock", "make_sample", "truth_of"]
