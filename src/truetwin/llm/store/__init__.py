"""Keep a run in one SQLite file that several processes may share."""
