"""One pandera module an entity."""
