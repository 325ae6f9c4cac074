"""Azure Blob Storage: `destination` is a container, `upload` and `sender` move bytes, `answers` reads replies."""
