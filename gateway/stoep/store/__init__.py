"""What must survive: one SQLite file, and the small state that is rebuilt from it."""
