"""A project's Azure connection: signing in at Microsoft, choosing a container, what an agent is given of it."""
