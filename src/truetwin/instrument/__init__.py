"""Find out what a questionnaire implies: which items form a battery, which answers look like undeclared codes."""
