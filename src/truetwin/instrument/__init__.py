"""Find out what an instrument implies: which items form a battery, which answers look like undeclared codes."""
