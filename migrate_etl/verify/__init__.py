"""The proof: cube, statements, score, report, evidence."""
