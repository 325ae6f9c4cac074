"""A disk or a mounted share: `source` is a folder on it, `listing` how its folders are listed, `files` one file."""
