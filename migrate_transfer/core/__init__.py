"""The language of the house: errors, control, retry. Pure: no network, no files, no database."""
