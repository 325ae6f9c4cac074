"""Reading a RockRMS database."""
