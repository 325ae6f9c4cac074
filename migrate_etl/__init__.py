"""Turn RockRMS records into Mission records, and prove that nothing was lost."""
