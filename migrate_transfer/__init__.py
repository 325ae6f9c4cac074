"""Move things from a source to a destination: the ground floor, which imports nothing of ours."""
