"""From samples on disk to windows that are due: when, how good, and added to what."""
