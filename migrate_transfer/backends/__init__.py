"""Where things are and where they go: a small file for each service; the engine sees only `core.backend`."""
