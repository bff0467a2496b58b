"""A board on the bench: its port, its ROM loader, its console."""
