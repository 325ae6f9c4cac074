"""What a frame must look like, and what is said about a row that does not.

A contract is a pandera schema whose checks carry a rule name; the rule's words (title, remedy, owner) stand in RULES.
A failure without a row number is structure: fatal. One with a row number is a finding.
"""
