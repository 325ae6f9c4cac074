"""Moves files: scan, copy, prove, sync. Knows backends only by their interface, and books only by the ledger."""
