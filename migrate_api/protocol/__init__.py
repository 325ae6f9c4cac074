"""The words between operators, server and agent: what a job says, the states it goes through, the messages about it."""
